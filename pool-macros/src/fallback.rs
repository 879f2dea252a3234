//! An impl for an item that has errors, so that the users of the type do not get errors too.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

/// Implements `Pooled` with bodies that are never run.
pub(crate) fn pooled(input: &DeriveInput, import: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    // Without parameters, a type that is not `Send` has an error of its own, and the clause would be a second one.
    let bounds = (!input.generics.params.is_empty()).then(|| {
        let clauses = where_clause.map(|clause| &clause.predicates).into_iter().flatten();
        quote!(where #(#clauses,)* #ident #ty_generics: ::core::marker::Send + 'static)
    });
    let bounds = bounds.or_else(|| where_clause.map(|clause| quote!(#clause)));
    quote! {
        const _: () = {
            #import
            #[automatically_derived]
            impl #impl_generics __pool_runtime::Pooled for #ident #ty_generics #bounds {
                fn pool() -> &'static __pool_runtime::Pool<Self> {
                    ::core::unreachable!()
                }
                fn create_object() -> Self {
                    ::core::unreachable!()
                }
                fn reset_object(_: &mut Self) {}
            }
        };
    }
}

/// Implements `Reset` for whatever the parameters are.
pub(crate) fn reset(input: &DeriveInput, import: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        const _: () = {
            #import
            #[automatically_derived]
            impl #impl_generics __pool_runtime::Reset for #ident #ty_generics #where_clause {
                fn reset(&mut self) {}
            }
        };
    }
}
