//! The rules across arguments, and the kinds of items that a derive accepts.

use quote::ToTokens;
use syn::{Error, GenericParam, Lit, Type};

use crate::ast::{Body, Field, Item};
use crate::attr::{Arg, Rule};
use crate::instance;

/// Reports every rule that the item breaks, whatever is derived.
pub(crate) fn check(item: &Item<'_>, errors: &mut Vec<Error>) {
    for field in item.fields() {
        check_rules(field, errors);
    }
    match &item.body {
        Body::Struct(_) => {}
        Body::Enum(variants) => {
            if let [first, others @ ..] = &variants[..] {
                let message = format!("`{}` is the default variant already: an enum is reset to one", first.ident);
                errors.extend(others.iter().map(|variant| Error::new_spanned(&variant.key, &message)));
            }
        }
        Body::Union(keyword) => errors.push(Error::new_spanned(
            keyword,
            "a union cannot be reset for reuse: wrap it in a struct, and reset it with `#[pooled(with = path)]`",
        )),
    }
    check_whole_reset(item, errors);
    check_packed(item, errors);
    check_weigh(item, errors);
    if let Some(Arg { key, .. }) = &item.args.bound {
        if instance::parameter_names(item.generics).next().is_none() {
            let message = format!("`{}` has no parameters that `bound` could be about: remove it", item.ident);
            errors.push(Error::new_spanned(key, message));
        }
    }
}

/// Reports keys of `Pooled` about instances that are missing or do not fit. `complete`: no key is missing only because it was misspelt,
/// which is reported.
pub(crate) fn check_instances(item: &Item<'_>, complete: bool, errors: &mut Vec<Error>) {
    let params = &item.generics.params;
    let example = instance::example(item.ident, item.generics);
    if let Some(instances) = &item.args.instances {
        let several = instances.value.as_ref().is_some_and(|types| types.len() > 1);
        if let Some(Arg { value: Some(syn::Expr::Lit(name)), .. }) = &item.args.name {
            if several && matches!(name.lit, Lit::Str(_)) {
                errors.push(Error::new_spanned(
                    name,
                    "`name` would name the pools of all instances alike: leave it out, and each is named for its type, or \
                     write a constant such as `Self::NAME`",
                ));
            }
        }
    } else if let (Some(GenericParam::Lifetime(param)), true) = (params.first(), complete) {
        let lifetime = &param.lifetime;
        errors.push(Error::new_spanned(
            lifetime,
            format!(
                "a pool lives for ever, so its objects cannot borrow for `{lifetime}`: own the data, or, if all that is \
                 borrowed is static, write `#[pooled({example})]` above the type",
            ),
        ));
    } else if !params.is_empty() && complete {
        errors.push(Error::new_spanned(
            params,
            format!(
                "a pool is a static, so a generic type has one for each of its instances: name them, as in \
                 `#[pooled({example})]` above the type",
            ),
        ));
    }
}

/// Reports keys of `Pooled` that exclude each other: an object is made in one way.
pub(crate) fn check_new(item: &Item<'_>, errors: &mut Vec<Error>) {
    if let (Some(_), Some(Arg { key, .. })) = (&item.args.new, &item.args.new_boxed) {
        let message = "`new_boxed` conflicts with `new`: an object is made in one way";
        errors.push(Error::new_spanned(key, message));
    }
}

/// A field is reset in one way.
fn check_rules(field: &Field<'_>, errors: &mut Vec<Error>) {
    let mut rules: Vec<&Arg<Rule>> = field.args.rules.iter().collect();
    if let Some(kept) = rules.iter().position(|rule| rule.key == "keep") {
        let keep = &rules.remove(kept).key;
        if let Some(Arg { key, .. }) = rules.first() {
            errors.push(Error::new_spanned(keep, format!("`keep` conflicts with `{key}`: a kept field is not reset")));
        } else if let Some(Arg { key, .. }) = &field.args.max_capacity {
            let message = "`max_capacity` conflicts with `keep`: a kept field is left as it is";
            errors.push(Error::new_spanned(key, message));
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
    for Arg { key, value } in &field.args.rules {
        if matches!(value, Some(Rule::Zeroize)) && !cfg!(feature = "zeroize") {
            errors.push(Error::new_spanned(
                key,
                "`zeroize` needs a feature of `pool-runtime` of the same name: write `features = [\"zeroize\"]` beside its \
                 version in Cargo.toml",
            ));
        }
    }
}

/// A field that may not be aligned cannot be borrowed, and most rules borrow it.
fn check_packed(item: &Item<'_>, errors: &mut Vec<Error>) {
    let Some(packed) = item.packed else { return };
    let is_whole = item.args.reset.is_some() || item.args.default.is_some();
    let mut fields = item.fields().filter(|Field { ty, args, .. }| {
        let rule = args.rules.first().map(|rule| &rule.value);
        let assigned = matches!(rule, Some(Some(Rule::Set(_) | Rule::Default | Rule::Keep)));
        (!assigned || args.max_capacity.is_some()) && alignment(ty).is_none_or(|bytes| bytes > packed)
    });
    if is_whole {
        return;
    }
    if let Some(first) = fields.next() {
        let name = |field: &Field<'_>| format!("`{}`", field.member.to_token_stream());
        let names: Vec<String> = [name(first)].into_iter().chain(fields.map(name)).collect();
        let (each, verb) = if names.len() == 1 { ("it", "is") } else { ("each", "are") };
        let names = names.join(" and ");
        errors.push(Error::new_spanned(
            first.ty,
            format!(
                "`{}` is packed, so {names} {verb} not aligned and cannot be borrowed to be reset: mark {each} \
                 `#[pooled(set = value)]` or `#[pooled(default)]`",
                item.ident,
            ),
        ));
    }
}

/// The alignment of a type, in bytes, if its name tells it on every target.
fn alignment(ty: &Type) -> Option<usize> {
    match ty {
        Type::Array(array) => alignment(&array.elem),
        Type::Tuple(tuple) if tuple.elems.is_empty() => Some(1),
        Type::Path(path) => match path.path.get_ident()?.to_string().as_str() {
            "u8" | "i8" | "bool" => Some(1),
            "u16" | "i16" => Some(2),
            "u32" | "i32" | "f32" | "char" => Some(4),
            // Less on some targets.
            "u64" | "i64" | "f64" | "usize" | "isize" => Some(8),
            _ => None,
        },
        _ => None,
    }
}

/// A reset of the whole object leaves nothing for the field keys to do.
fn check_whole_reset(item: &Item<'_>, errors: &mut Vec<Error>) {
    let (reset, does) = match (&item.args.reset, &item.args.default) {
        (Some(_), Some(default)) => {
            let message = "`default` conflicts with `reset`: an object is reset in one way";
            return errors.push(Error::new_spanned(&default.key, message));
        }
        (Some(Arg { key, .. }), None) => (key, "resets the whole object"),
        (None, Some(Arg { key, .. })) => (key, "replaces the whole object"),
        (None, None) => return,
    };
    let variants = match &item.body {
        Body::Enum(variants) => &variants[..],
        Body::Struct(_) | Body::Union(_) => &[],
    };
    let variants = variants.iter().map(|variant| variant.ident.to_string());
    let fields = item.fields().filter(|field| !field.args.rules.is_empty() || field.args.max_capacity.is_some());
    let fields = fields.map(|field| field.member.to_token_stream().to_string());
    let with_keys: Vec<String> = variants.chain(fields).map(|name| format!("`{name}`")).collect();
    if !with_keys.is_empty() {
        errors.push(Error::new_spanned(
            reset,
            format!("`{reset}` conflicts with the keys on {}: it {does}", with_keys.join(", ")),
        ));
    }
}

/// `weigh` alone borrows the fields that an idle object has.
fn check_weigh(item: &Item<'_>, errors: &mut Vec<Error>) {
    let Some(Arg { key, value: Some(None) }) = &item.args.weigh else { return };
    if item.packed.is_some() {
        let message = format!(
            "`{}` is packed, so its fields cannot be borrowed to be weighed: name a function, `weigh = path`",
            item.ident
        );
        errors.push(Error::new_spanned(key, message));
    }
    if matches!(&item.body, Body::Enum(variants) if variants.is_empty()) {
        errors.push(Error::new_spanned(
            key,
            "`weigh` alone adds up the fields of the default variant, and none is marked: write `#[pooled(default)]` above it, or \
             name a function, `weigh = path`",
        ));
    }
}
