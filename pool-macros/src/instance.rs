//! The types that an item stands for: itself, or the instances that the key names.
//!
//! Each has a static pool and an impl of its own. In front of the impl the parameters are items, `type T = u8;`, so the
//! types and expressions of the user's that name them need no substitution. Lifetimes do, and all of them are `'static`; and so
//! do the types that belong to a parameter: `C::Window` means nothing where `C` is the name of a type. An alias takes the place of
//! each, and gets its meaning in an impl with the item's own parameters and bounds, where the compiler knows the trait.

use core::mem::replace;

use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{Error, GenericArgument, GenericParam, Generics, PathArguments, Token, Type};

use crate::attr::{Arg, TypeArgs};

/// A type that has a pool.
pub(crate) struct Instance {
    /// The type, written so that it may stand in an expression too: `Buf::<u8>`.
    pub(crate) ty: TokenStream,
    /// Its name in statistics.
    pub(crate) label: String,
    /// The parameters as items.
    pub(crate) parameters: TokenStream,
}

impl Instance {
    /// The only instance of a type without parameters.
    fn only(ident: &Ident) -> Self {
        Self { ty: ident.to_token_stream(), label: compact(ident.to_token_stream()), parameters: quote!() }
    }
}

/// The instances that the key names, or the type itself. None if that is wrong and reported.
pub(crate) fn read(ident: &Ident, generics: &Generics, args: &TypeArgs, errors: &mut Vec<Error>) -> Vec<Instance> {
    let Some(Arg { key, value }) = &args.instances else {
        return if generics.params.is_empty() { vec![Instance::only(ident)] } else { vec![] };
    };
    if generics.params.is_empty() {
        let message = format!("`{ident}` has no parameters, so it has one pool: remove `instances`");
        errors.push(Error::new_spanned(key, message));
        return vec![];
    }
    let mut instances: Vec<Instance> = Vec::new();
    // An error of an instance is reported once.
    let mut refused = false;
    for ty in value.iter().flatten() {
        if !is_of_item(ty, ident) {
            if !replace(&mut refused, true) {
                errors.push(no_instance(ty, ident, generics));
            }
            continue;
        }
        match of_item(ty, ident, generics) {
            Ok(instance) if instances.iter().any(|earlier| earlier.label == instance.label) => {
                errors.push(Error::new_spanned(ty, format!("`{}` is given twice", instance.label)));
            }
            Ok(instance) => instances.push(instance),
            Err(error) => errors.push(error),
        }
    }
    instances
}

/// A type that belongs to a parameter: `C::Window`.
pub(crate) struct Associated {
    parameter: Ident,
    name: Ident,
    /// The name that stands for it in the impl of an instance.
    alias: Ident,
}

/// Those that the item mentions in its fields' types, in the defaults of its parameters and in its keys.
pub(crate) fn associated(generics: &Generics, args: &TypeArgs, fields: &[&syn::Field]) -> Vec<Associated> {
    let mut found = Vec::new();
    if args.instances.is_none() || generics.type_params().next().is_none() {
        return found;
    }
    for field in fields {
        find_associated(field.ty.to_token_stream(), generics, true, &mut found);
        let keys = field.attrs.iter().filter(|attr| attr.path().is_ident("pooled"));
        keys.for_each(|attr| find_associated(attr.to_token_stream(), generics, false, &mut found));
    }
    for default in generics.type_params().filter_map(|param| param.default.as_ref()) {
        find_associated(default.1.to_token_stream(), generics, true, &mut found);
    }
    for value in [&args.new, &args.reset, &args.retain, &args.max_idle, &args.local, &args.name].into_iter().flatten() {
        find_associated(value.value.to_token_stream(), generics, false, &mut found);
    }
    found
}

/// In a type every `C::Window` is a type. In an expression it may be a constant or a function, and is a type for certain only in
/// front of another `::`, or between angle brackets.
fn find_associated(tokens: TokenStream, generics: &Generics, is_type: bool, found: &mut Vec<Associated>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (i, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            // Of a function's arguments, and of an array's length, too.
            find_associated(group.stream(), generics, is_type, found);
        }
        let Some((parameter, name)) = two_segments(&tokens, i) else { continue };
        let is_parameter = generics.type_params().any(|param| param.ident == *parameter);
        let behind = |sign: char, at: usize| is_sign(tokens.get(i + 4 + at), sign);
        let is_known =
            |found: &[Associated]| found.iter().any(|known| known.parameter == *parameter && known.name == *name);
        let is_path = behind(':', 0) && behind(':', 1) && !behind('<', 2);
        let is_argument = is_sign(i.checked_sub(1).and_then(|before| tokens.get(before)), '<') && behind('>', 0);
        if is_parameter && (is_type || is_path || is_argument) && !is_known(found) {
            let alias = format_ident!("__{}_{}", parameter.unraw(), name.unraw(), span = Span::mixed_site());
            found.push(Associated { parameter: parameter.clone(), name: name.clone(), alias });
        }
    }
}

/// The first two segments of a path that begins here.
fn two_segments(tokens: &[TokenTree], i: usize) -> Option<(&Ident, &Ident)> {
    let in_path = i > 0
        && (is_sign(tokens.get(i - 1), ':') && i > 1 && is_sign(tokens.get(i - 2), ':')
            || is_sign(tokens.get(i - 1), '.'));
    match tokens.get(i..i + 4)? {
        [TokenTree::Ident(first), TokenTree::Punct(a), TokenTree::Punct(b), TokenTree::Ident(second)]
            if a.as_char() == ':' && a.spacing() == Spacing::Joint && b.as_char() == ':' && !in_path =>
        {
            Some((first, second))
        }
        _ => None,
    }
}

/// Writes the alias for each of these types.
pub(crate) fn name_associated(tokens: TokenStream, associated: &[Associated]) -> TokenStream {
    if associated.is_empty() {
        return tokens;
    }
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut named = TokenStream::new();
    let mut i = 0;
    while i < tokens.len() {
        let known = two_segments(&tokens, i).and_then(|(parameter, name)| {
            associated.iter().find(|known| known.parameter == *parameter && known.name == *name)
        });
        match (&tokens[i], known) {
            (token, Some(known)) => {
                let mut alias = known.alias.clone();
                alias.set_span(Span::mixed_site().located_at(token.span()));
                named.extend([TokenTree::from(alias)]);
                i += 4;
                continue;
            }
            (TokenTree::Group(group), None) => {
                let mut inner = Group::new(group.delimiter(), name_associated(group.stream(), associated));
                inner.set_span(group.span());
                named.extend([TokenTree::from(inner)]);
            }
            (token, None) => named.extend([token.clone()]),
        }
        i += 1;
    }
    named
}

/// The aliases, as items in front of the impl of an instance.
pub(crate) fn associated_items(
    ident: &Ident,
    generics: &Generics,
    ty: &TokenStream,
    associated: &[Associated],
) -> TokenStream {
    if associated.is_empty() {
        return quote!();
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let (parameters, names): (Vec<_>, Vec<_>) = associated.iter().map(|known| (&known.parameter, &known.name)).unzip();
    let aliases: Vec<_> = associated.iter().map(|known| &known.alias).collect();
    quote! {
        trait __Associated {
            #(type #aliases: ?::core::marker::Sized;)*
        }
        #[allow(non_camel_case_types, non_upper_case_globals)]
        impl #impl_generics __Associated for #ident #ty_generics #where_clause {
            #(type #aliases = #parameters::#names;)*
        }
        #(type #aliases = <#ty as __Associated>::#aliases;)*
    }
}

/// How the key may be written for this item.
pub(crate) fn example(ident: &Ident, generics: &Generics) -> String {
    let arguments: Vec<&str> = generics
        .params
        .iter()
        .map(|param| match param {
            GenericParam::Lifetime(_) => "'static",
            GenericParam::Type(_) => "u8",
            GenericParam::Const(_) => "4",
        })
        .collect();
    format!("instances({ident}<{}>)", arguments.join(", "))
}

fn is_of_item(ty: &Type, ident: &Ident) -> bool {
    matches!(bare(ty), Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == *ident))
}

fn no_instance(ty: &Type, ident: &Ident, generics: &Generics) -> Error {
    let message = format!("an instance is `{ident}` with its parameters given: write `{}`", example(ident, generics));
    Error::new_spanned(ty, message)
}

fn of_item(ty: &Type, ident: &Ident, generics: &Generics) -> syn::Result<Instance> {
    let refused = || no_instance(ty, ident, generics);
    let Type::Path(path) = bare(ty) else { return Err(refused()) };
    let mut path = path.clone();
    let Some(segment) = path.path.segments.last_mut().filter(|segment| segment.ident == *ident) else {
        return Err(refused());
    };
    let arguments: Vec<GenericArgument> = match &mut segment.arguments {
        PathArguments::None => vec![],
        PathArguments::AngleBracketed(list) => {
            list.colon2_token.get_or_insert_with(<Token![::]>::default);
            list.args.iter().cloned().collect()
        }
        PathArguments::Parenthesized(_) => return Err(refused()),
    };
    let (lifetimes, arguments): (Vec<_>, Vec<_>) =
        arguments.into_iter().partition(|argument| matches!(argument, GenericArgument::Lifetime(_)));
    if lifetimes.len() != generics.lifetimes().count() {
        return Err(refused());
    }
    check_borrows(lifetimes.into_iter().map(ToTokens::into_token_stream).collect())?;
    let mut arguments = arguments.into_iter();
    let mut next = |default: Option<TokenStream>| match arguments.next() {
        Some(argument @ (GenericArgument::Type(_) | GenericArgument::Const(_))) => {
            let argument = argument.into_token_stream();
            check_borrows(argument.clone())?;
            check_mentions(argument.clone(), ident, generics)?;
            Ok(argument)
        }
        Some(_) => Err(refused()),
        None => default.ok_or_else(refused),
    };
    let mut parameters = TokenStream::new();
    for param in &generics.params {
        parameters.extend(match param {
            GenericParam::Lifetime(_) => continue,
            GenericParam::Type(param) => {
                let name = &param.ident;
                let value = next(param.default.as_ref().map(|(_, default)| default.to_token_stream()))?;
                quote!(#[allow(dead_code, non_camel_case_types)] type #name = #value;)
            }
            GenericParam::Const(param) => {
                let (name, ty) = (&param.ident, &param.ty);
                let value = next(param.default.as_ref().map(|(_, default)| default.to_token_stream()))?;
                quote!(#[allow(dead_code, non_upper_case_globals, unused_braces)] const #name: #ty = #value;)
            }
        });
    }
    if arguments.next().is_some() {
        return Err(refused());
    }
    Ok(Instance { ty: path.to_token_stream(), label: compact(ty.to_token_stream()), parameters })
}

/// A pool lives for ever, and so do the references in its objects.
fn check_borrows(argument: TokenStream) -> syn::Result<()> {
    let mut tokens = argument.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            // A function's own lifetimes.
            TokenTree::Ident(word) if word == "for" => return Ok(()),
            TokenTree::Punct(sign) if sign.as_char() == '&' && !tokens.peek().is_some_and(is_tick) => {
                return Err(Error::new_spanned(token, "a pool outlives every borrow but `'static`: write `&'static`"));
            }
            TokenTree::Punct(sign) if sign.as_char() == '\'' => match tokens.next() {
                Some(TokenTree::Ident(name)) if name != "static" => {
                    let lifetime = TokenStream::from_iter([token, name.clone().into()]);
                    let message = format!("a pool outlives every borrow but `'static`: write `'static` for `'{name}`");
                    return Err(Error::new_spanned(lifetime, message));
                }
                _ => {}
            },
            // Not those in parentheses: a function's arguments may be borrowed.
            TokenTree::Group(group) if group.delimiter() != Delimiter::Parenthesis => check_borrows(group.stream())?,
            _ => {}
        }
    }
    Ok(())
}

/// An argument is no parameter of the type itself.
fn check_mentions(argument: TokenStream, ident: &Ident, generics: &Generics) -> syn::Result<()> {
    match mentioned(argument, &|name| parameter_names(generics).any(|parameter| parameter == name)) {
        Some(name) => {
            let message = format!(
                "`{name}` is a parameter of `{ident}`, not a type: write a type in its place, as in `{}`",
                example(ident, generics)
            );
            Err(Error::new_spanned(name, message))
        }
        None => Ok(()),
    }
}

/// The names of the types and the constants.
pub(crate) fn parameter_names(generics: &Generics) -> impl Iterator<Item = &Ident> {
    generics.params.iter().filter_map(|param| match param {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
    })
}

/// The first of these names that begins a path in the tokens.
pub(crate) fn mentioned(tokens: TokenStream, is_wanted: &dyn Fn(&Ident) -> bool) -> Option<Ident> {
    let mut colons = 0;
    for token in tokens {
        match &token {
            TokenTree::Ident(name) if colons < 2 && is_wanted(name) => return Some(name.clone()),
            TokenTree::Group(group) => {
                if let Some(name) = mentioned(group.stream(), is_wanted) {
                    return Some(name);
                }
            }
            _ => {}
        }
        colons = if matches!(&token, TokenTree::Punct(sign) if sign.as_char() == ':') { colons + 1 } else { 0 };
    }
    None
}

/// Writes `'static` for the item's lifetimes.
pub(crate) fn make_static(tokens: TokenStream, generics: &Generics) -> TokenStream {
    if generics.lifetimes().next().is_none() {
        return tokens;
    }
    let mut after_tick = false;
    tokens
        .into_iter()
        .map(|token| {
            let is_name = replace(&mut after_tick, is_tick(&token));
            match token {
                TokenTree::Ident(name) if is_name && generics.lifetimes().any(|l| l.lifetime.ident == name) => {
                    Ident::new("static", name.span()).into()
                }
                TokenTree::Group(group) => {
                    let mut inner = Group::new(group.delimiter(), make_static(group.stream(), generics));
                    inner.set_span(group.span());
                    inner.into()
                }
                token => token,
            }
        })
        .collect()
}

fn is_tick(token: &TokenTree) -> bool {
    is_sign(Some(token), '\'')
}

fn is_sign(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// The type without parentheses, and without the invisible groups of a `macro_rules!` fragment.
fn bare(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        };
    }
}

/// The tokens as people write them: `Buf<[u8; 4], &'static str>`.
fn compact(tokens: TokenStream) -> String {
    let mut text = String::new();
    for token in tokens {
        let next = match &token {
            TokenTree::Group(group) => {
                let inner = compact(group.stream());
                match group.delimiter() {
                    Delimiter::Parenthesis => format!("({inner})"),
                    Delimiter::Bracket => format!("[{inner}]"),
                    Delimiter::Brace => format!("{{ {inner} }}"),
                    Delimiter::None => inner,
                }
            }
            TokenTree::Ident(word) => word.unraw().to_string(),
            token => token.to_string(),
        };
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let words = text.ends_with(is_word) && next.starts_with(is_word);
        if words || text.ends_with([',', ';']) {
            text.push(' ');
        }
        text.push_str(&next);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_like_types() {
        for label in ["Buf<u8>", "m::Buf<[u8; 4], &'static str>", "Buf<Box<dyn Tree>, { A }>", "Buf<(u8, Vec<u16>), 4>"]
        {
            assert_eq!(compact(label.parse().expect("is made of tokens")), label);
        }
    }
}
