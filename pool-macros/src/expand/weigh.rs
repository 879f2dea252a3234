//! The constant `WEIGH`: the function that says how many bytes an idle object takes up. The key names it, or it adds up the size of
//! the object and the memory that its fields own.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};

use super::tokens::{located_at, object};
use crate::ast::{Body, Field, Item, Variant};
use crate::attr::Arg;

pub(super) fn weigh(item: &Item<'_>) -> Option<TokenStream> {
    let Arg { key, value } = item.args.weigh.as_ref()?;
    let weigh = Ident::new("__weigh", Span::mixed_site());
    let ty = located_at(key, quote!(fn(&Self) -> ::core::primitive::usize));
    let value = match value.as_ref()? {
        Some(value) => value.to_token_stream(),
        None => weigh_fields(item),
    };
    Some(quote! {
        const WEIGH: ::core::option::Option<fn(&Self) -> ::core::primitive::usize> = {
            let #weigh: #ty = #value;
            ::core::option::Option::Some(#weigh)
        };
    })
}

/// A function that adds up the size of the object and the memory that its fields own.
fn weigh_fields(item: &Item<'_>) -> TokenStream {
    let object = object();
    let weight = |field: TokenStream| quote!(+ (&__pool_runtime::Weighed(#field)).__heap_bytes());
    let weights = match &item.body {
        Body::Struct(fields) => {
            Some(fields.iter().map(|Field { member, .. }| weight(quote!(&#object.#member))).collect())
        }
        Body::Enum(variants) => variants.first().map(|Variant { ident, fields, .. }| {
            let bindings: Vec<_> =
                (0..fields.len()).map(|i| format_ident!("__field{i}", span = Span::mixed_site())).collect();
            let members = fields.iter().map(|field| &field.member);
            let weights: TokenStream = bindings.iter().map(|binding| weight(quote!(#binding))).collect();
            quote!(+ if let Self::#ident { #(#members: #bindings),* } = #object { 0 #weights } else { 0 })
        }),
        Body::Union(_) => None,
    }
    .unwrap_or_default();
    quote! {
        |#object: &Self| {
            use __pool_runtime::{WeighsNothing as _, WeighsSomething as _};
            ::core::mem::size_of::<Self>() #weights
        }
    }
}
