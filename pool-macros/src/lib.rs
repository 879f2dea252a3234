//! SKELETON: replaced by the real derive.
use proc_macro::TokenStream;
use quote::quote;

/// Skeleton.
#[proc_macro_derive(Pooled, attributes(pooled))]
pub fn derive_pooled(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    let name = &input.ident;
    quote! {
        const _: () = {
            static POOL: ::pool_runtime::Pool<#name> = ::pool_runtime::Pool::new(::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name)));
            impl ::pool_runtime::Pooled for #name {
                fn pool() -> &'static ::pool_runtime::Pool<Self> { &POOL }
                fn create_object() -> Self { ::core::default::Default::default() }
                fn reset_object(object: &mut Self) { *object = ::core::default::Default::default(); }
            }
        };
    }
    .into()
}
