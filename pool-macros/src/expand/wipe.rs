//! The hooks that overwrite secrets before the pool drops an object: each field marked `zeroize` is wiped, and each field without
//! a key wipes the parts that its own type has marked. Without the feature `zeroize` nothing is written.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};

use super::tokens::{Writing, object};
use crate::ast::{Body, Field, Item};
use crate::attr::{Arg, Rule};

pub(super) fn wipe_object(item: &Item<'_>) -> Option<TokenStream> {
    let object = object();
    let wipes = wipes(item, &Writing { generics: Some(item.generics), associated: &item.associated })?;
    Some(quote! {
        #[inline]
        fn wipe_object(#object: &mut Self) {
            #wipes
        }
    })
}

pub(super) fn wipe_value(item: &Item<'_>) -> Option<TokenStream> {
    let object = object();
    let wipes = wipes(item, &Writing { generics: None, associated: &[] })?;
    Some(quote! {
        #[inline]
        fn wipe_value(&mut self) {
            let #object = self;
            #wipes
        }
    })
}

/// Statements that wipe the fields marked `zeroize`, and the secrets in fields without a key. `None` if there are no such fields.
fn wipes(item: &Item<'_>, writing: &Writing<'_>) -> Option<TokenStream> {
    // Without the feature nothing is marked, in this type or in those of its fields.
    if !cfg!(feature = "zeroize") || item.args.reset.is_some() || item.args.default.is_some() {
        return None;
    }
    let object = object();
    let wipe = |field: &Field<'_>, exclusive: &TokenStream| {
        let ty = writing.ty(field);
        match field.args.rules.first() {
            Some(Arg { value: Some(Rule::Zeroize), .. }) => {
                Some(quote!(<#ty as __pool_runtime::Zeroize>::zeroize(#exclusive);))
            }
            Some(_) => None,
            None => Some(quote!(<#ty as __pool_runtime::Reset>::wipe_value(#exclusive);)),
        }
    };
    let (fields, variant) = match &item.body {
        Body::Struct(fields) => (fields, None),
        Body::Enum(variants) => variants.first().map(|variant| (&variant.fields, Some(variant.ident)))?,
        Body::Union(_) => return None,
    };
    let mut bindings = TokenStream::new();
    let mut statements = TokenStream::new();
    for (i, field) in fields.iter().enumerate() {
        let member = &field.member;
        let binding = format_ident!("__field{i}", span = Span::mixed_site());
        let exclusive = if variant.is_some() { quote!(#binding) } else { quote!(&mut #object.#member) };
        if let Some(wipe) = wipe(field, &exclusive) {
            bindings.extend(quote!(#member: #binding,));
            statements.extend(wipe);
        }
    }
    match variant {
        _ if statements.is_empty() => None,
        None => Some(statements),
        Some(ident) => Some(quote!(if let Self::#ident { #bindings .. } = #object { #statements })),
    }
}
