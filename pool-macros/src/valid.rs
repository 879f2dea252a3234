//! The rules across arguments, and what kinds of item there may be.

use quote::ToTokens;
use syn::{Error, GenericParam};

use crate::ast::{Body, Field, Item};
use crate::attr::{Arg, Rule};

/// Reports every rule that the item breaks.
pub(crate) fn check(item: &Item<'_>, errors: &mut Vec<Error>) {
    // A key that is missing may be one that was misspelt, and that is reported.
    let complete = errors.is_empty();
    check_parameters(item, errors);
    match &item.body {
        Body::Struct(fields) => {
            for field in fields {
                check_rules(field, errors);
            }
            check_whole_reset(item, fields, errors);
        }
        Body::Enum(attrs) => {
            for attr in attrs {
                errors.push(Error::new_spanned(
                    &attr.meta,
                    "an enum is reset as a whole: write `#[pooled(reset = path)]` above the enum",
                ));
            }
            if item.args.reset.is_none() && attrs.is_empty() && complete {
                errors.push(Error::new_spanned(
                    item.ident,
                    "an enum has no fields to reset one by one: write `#[pooled(reset = path)]` above it",
                ));
            }
        }
        Body::Union(keyword) => errors.push(Error::new_spanned(
            keyword,
            "a union cannot be pooled: wrap it in a struct, and reset it with `#[pooled(with = path)]`",
        )),
    }
}

/// A static is of one type, and lives for ever.
fn check_parameters(item: &Item<'_>, errors: &mut Vec<Error>) {
    let (lifetimes, types): (Vec<_>, Vec<_>) =
        item.generics.params.iter().partition(|param| matches!(param, GenericParam::Lifetime(_)));
    if let Some(GenericParam::Lifetime(param)) = lifetimes.first() {
        let lifetime = &param.lifetime;
        errors.push(Error::new_spanned(
            lifetime,
            format!("a pooled type outlives every borrow: own the data instead of borrowing it for `{lifetime}`"),
        ));
    }
    if let Some(first) = types.first() {
        let name = item.ident;
        let instance = |param: &GenericParam| if matches!(param, GenericParam::Const(_)) { "4" } else { "u8" };
        let suffix = instance(first).to_uppercase();
        let arguments: Vec<&str> = types.iter().copied().map(instance).collect();
        errors.push(Error::new_spanned(
            Listed(&types),
            format!(
                "a pool is a static, and a static has one type: derive `Pooled` on a newtype per instance, as in \
                 `struct {name}{suffix}({name}<{}>)`",
                arguments.join(", ")
            ),
        ));
    }
}

/// A field is reset in one way.
fn check_rules(field: &Field<'_>, errors: &mut Vec<Error>) {
    let mut rules: Vec<&Arg<Rule>> = field.args.rules.iter().collect();
    if let Some(kept) = rules.iter().position(|rule| rule.key == "keep") {
        let keep = &rules.remove(kept).key;
        if let Some(Arg { key, .. }) = rules.first() {
            errors.push(Error::new_spanned(keep, format!("`keep` conflicts with `{key}`: a kept field is not reset")));
        }
    }
    if let [Arg { key: first, .. }, others @ ..] = &rules[..] {
        for Arg { key, .. } in others {
            errors.push(Error::new_spanned(
                key,
                format!("`{key}` conflicts with `{first}`: a field is reset in one way"),
            ));
        }
    }
}

/// A reset of the whole object leaves nothing for the field keys to do.
fn check_whole_reset(item: &Item<'_>, fields: &[Field<'_>], errors: &mut Vec<Error>) {
    let Some(Arg { key: reset, .. }) = &item.args.reset else { return };
    let with_keys: Vec<String> = fields
        .iter()
        .filter(|field| !field.args.rules.is_empty())
        .map(|field| format!("`{}`", field.member.to_token_stream()))
        .collect();
    if !with_keys.is_empty() {
        errors.push(Error::new_spanned(
            reset,
            format!("`reset` conflicts with the keys on {}: it resets the whole object", with_keys.join(", ")),
        ));
    }
}

/// Several things, for an error that spans them.
struct Listed<'a, T>(&'a [T]);

impl<T: ToTokens> ToTokens for Listed<'_, T> {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        for item in self.0 {
            item.to_tokens(tokens);
        }
    }
}
