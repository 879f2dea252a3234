//! The impl of `Reset`, one for all values of the item's parameters, with the bounds that the rules of its fields need or that the
//! key `bound` names.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

use super::create::default_of;
use super::rules::statements;
use super::tokens::{Writing, call, import, needs, object};
use super::wipe::wipe_value;
use crate::ast::{Body, Item};
use crate::attr::{Arg, Rule};
use crate::instance;

/// Implements `Reset` for an item that is valid, whatever its parameters are.
pub(crate) fn reset(item: &Item<'_>) -> TokenStream {
    let ident = item.ident;
    let allow_deprecated = item.deprecated.then(|| quote!(#[allow(deprecated)]));
    let (impl_generics, ty_generics, where_clause) = item.generics.split_for_impl();
    let clauses = where_clause.map(|clause| &clause.predicates).into_iter().flatten();
    let bounds = match &item.args.bound {
        Some(bound) => bound.value.iter().flatten().map(ToTokens::to_token_stream).collect(),
        None => inferred_bounds(item),
    };
    // The user's level for the names of the parameters does not reach them here.
    let allow_names =
        (!item.generics.params.is_empty()).then(|| quote!(#[allow(non_camel_case_types, non_upper_case_globals)]));
    let import = import(item);
    let object = object();
    let ty = quote!(#ident #ty_generics);
    let new = match (&item.args.new, &item.args.default) {
        (Some(Arg { key, value }), _) => {
            let call = call(key, &value.to_token_stream(), quote!(fn() -> Self), &quote!());
            quote!({ #call })
        }
        (None, Some(Arg { key, .. })) => default_of(key, &ty),
        (None, None) => quote!(<#ty as __pool_runtime::DefaultVariant>::default_variant()),
    };
    let statements = statements(item, &Writing { generics: None, associated: &[] }, new, None);
    let needs = item.args.of_pooled().filter(|_| item.generics.params.is_empty());
    let needs = needs.map(|key| self::needs(key, "needs_pool", &ty));
    let bind = (!statements.is_empty()).then(|| quote!(let #object = self;));
    let wipe = wipe_value(item);
    quote! {
        #allow_deprecated
        const _: () = {
            #import
            #allow_names
            #[automatically_derived]
            impl #impl_generics __pool_runtime::Reset for #ty
            where
                #(#clauses,)*
                #(#bounds,)*
            {
                #[inline]
                fn reset(&mut self) {
                    #bind
                    #statements
                }
                #wipe
            }
            #needs
        };
    }
}

/// The bounds that the fields' rules need on the types that depend on a parameter.
fn inferred_bounds(item: &Item<'_>) -> Vec<TokenStream> {
    let is_generic = |name: &Ident| instance::parameter_names(item.generics).any(|parameter| parameter == name);
    let is_own = |name: &Ident| name == item.ident || name == "Self";
    if item.args.reset.is_some() || instance::parameter_names(item.generics).next().is_none() {
        return vec![];
    }
    let by_default = item.args.new.is_none().then(|| quote!(Self: ::core::default::Default));
    if item.args.default.is_some() {
        return by_default.into_iter().collect();
    }
    let mut bounds = Vec::new();
    for field in item.fields() {
        let ty = field.ty.to_token_stream();
        // A type that contains itself would have to be `Reset` in order to be `Reset`.
        if instance::mentioned(ty.clone(), &is_generic).is_none() || instance::mentioned(ty.clone(), &is_own).is_some()
        {
            continue;
        }
        let by_rule = match field.args.rules.first() {
            None => Some(quote!(__pool_runtime::Reset)),
            Some(Arg { value: Some(Rule::Default), .. }) => Some(quote!(::core::default::Default)),
            Some(Arg { value: Some(Rule::Zeroize), .. }) => Some(quote!(__pool_runtime::Zeroize)),
            Some(_) => None,
        };
        let by_limit = field.args.max_capacity.is_some().then(|| quote!(__pool_runtime::LimitCapacity));
        let by_variant = matches!(item.body, Body::Enum(_)).then(|| quote!(::core::default::Default));
        bounds.extend([by_rule, by_limit, by_variant].into_iter().flatten().map(|bound| quote!(#ty: #bound)));
    }
    if matches!(&item.body, Body::Enum(variants) if variants.is_empty()) {
        bounds.extend(by_default);
    }
    bounds
}
