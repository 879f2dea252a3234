//! A new object: the functions that the pool calls if nothing is idle, and the values that a reset assigns. A key `new` or
//! `new_boxed` is called; without one, a struct is made by `Default`, and an enum is its marked variant with fields of
//! their defaults.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;

use super::tokens::{Writing, call, call_if};
use crate::ast::{Body, Item, Variant};
use crate::attr::Arg;
use crate::instance::Instance;

pub(super) fn create_object(item: &Item<'_>, instance: &Instance) -> TokenStream {
    let ty = &instance.ty;
    let writing = Writing { generics: Some(item.generics), associated: &item.associated };
    let body = match (&item.args.new, &item.body) {
        _ if item.args.new_boxed.is_some() => quote!(*<#ty as __pool_runtime::Pooled>::create_boxed()),
        (Some(Arg { key, value }), _) => make(key, value, &quote!(Self), item),
        (None, Body::Enum(variants)) => match variants.first() {
            Some(variant) => variant_value(variant, &writing),
            None => quote!(<#ty as __pool_runtime::DefaultVariant>::default_variant()),
        },
        (None, Body::Struct(_) | Body::Union(_)) => quote!(<#ty as __pool_runtime::Create>::create()),
    };
    // An object that `new` makes is new by definition; `Default` knows nothing of the rules.
    let is_default = item.args.new.is_none() && item.args.new_boxed.is_none();
    let reset_new = (is_default && item.differs_from_default()).then(|| {
        quote!(
            const RESET_NEW: ::core::primitive::bool = true;
        )
    });
    quote! {
        #reset_new
        #[inline]
        fn create_object() -> Self {
            #body
        }
    }
}

pub(super) fn create_boxed(item: &Item<'_>) -> Option<TokenStream> {
    let Arg { key, value } = item.args.new_boxed.as_ref()?;
    let body = make(key, value, &quote!(__pool_runtime::Box<Self>), item);
    Some(quote! {
        #[inline]
        fn create_boxed() -> __pool_runtime::Box<Self> {
            #body
        }
    })
}

/// Calls the user's function, which has to return a `ty`.
fn make(key: &Ident, value: &Option<Expr>, ty: &TokenStream, item: &Item<'_>) -> TokenStream {
    let writing = Writing { generics: Some(item.generics), associated: &item.associated };
    let written = writing.value(value);
    // What a closure of a generic type returns may depend on the type that is expected: `|| Self(Box::new(..))`, for a box of a trait's.
    if !item.generics.params.is_empty() && !matches!(value, Some(Expr::Path(_))) {
        return call(key, &written, quote!(fn() -> #ty), &quote!());
    }
    call_if(key, &written, quote!(fn() -> _), &quote!(Makes<#ty>), &quote!())
}

/// The default variant, with fields of their defaults.
pub(super) fn variant_value(variant: &Variant<'_>, writing: &Writing<'_>) -> TokenStream {
    let ident = variant.ident;
    let fields = variant.fields.iter().map(|field| {
        let (member, ty) = (&field.member, writing.ty(field));
        quote!(#member: <#ty as ::core::default::Default>::default())
    });
    quote!(Self::#ident { #(#fields),* })
}

/// The default of a type, asked for by a key.
pub(super) fn default_of(key: &Ident, ty: &TokenStream) -> TokenStream {
    let span = Span::mixed_site().located_at(key.span());
    quote_spanned!(span=> <#ty as __pool_runtime::HasDefault>::default_value())
}
