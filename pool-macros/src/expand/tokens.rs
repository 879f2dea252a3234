//! The tokens that every part of an expansion is made of: the path to the runtime, the parameter of the hooks, and the values and
//! the types that the user wrote, as they stand in an impl. A value stands under a name with a declared type, so that the
//! compiler reports a wrong one at the value and at its key.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Generics};

use crate::ast::{Field, Item};
use crate::attr::Arg;
use crate::escape;
use crate::instance::{self, Associated};

/// Imports the runtime under the name that is used here.
pub(crate) fn import(item: &Item<'_>) -> TokenStream {
    match item.args.runtime.as_ref().and_then(|arg| arg.value.as_ref()) {
        Some(path) => {
            let span = path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span());
            let span = Span::mixed_site().located_at(span);
            quote_spanned!(span=> use #path::__derive as __pool_runtime;)
        }
        None => quote!(
            use ::pool_runtime::__derive as __pool_runtime;
        ),
    }
}

/// A check that the type has the other derive, without which the key is of no use. Only the compiler can see both.
pub(super) fn needs(key: &Ident, derived: &str, ty: &TokenStream) -> TokenStream {
    let span = Span::mixed_site().located_at(key.span());
    let needed = Ident::new(derived, span);
    let ty = located_at(key, ty.clone());
    quote_spanned! {span=>
        const _: fn() = __pool_runtime::#needed::<#ty>;
    }
}

/// The parameter of the hooks, which no expression of the user's sees.
pub(super) fn object() -> Ident {
    Ident::new("__object", Span::mixed_site())
}

/// How the user's types and values are written in an impl.
pub(super) struct Writing<'a> {
    /// The parameters of the item, whose lifetimes are `'static` in an impl for an instance.
    pub(super) generics: Option<&'a Generics>,
    pub(super) associated: &'a [Associated],
}

impl Writing<'_> {
    pub(super) fn ty(&self, field: &Field<'_>) -> TokenStream {
        let ty = instance::name_associated(field.ty.to_token_stream(), self.associated);
        self.generics.map_or_else(|| ty.clone(), |generics| instance::make_static(ty.clone(), generics))
    }

    pub(super) fn value(&self, value: &impl ToTokens) -> TokenStream {
        instance::name_associated(value.to_token_stream(), self.associated)
    }
}

/// A call of the user's function, which has to be one of this type.
pub(super) fn call(key: &Ident, value: &TokenStream, ty: TokenStream, argument: &TokenStream) -> TokenStream {
    let (hook, statement) = hook(key, value, ty);
    quote!(#statement #hook(#argument))
}

/// A call of the user's function, which has to be one of this type, with `_` for what it returns, and to have this trait. The compiler
/// finds what it returns before it looks for the trait: the trait's message is about that type.
pub(super) fn call_if(
    key: &Ident,
    value: &TokenStream,
    ty: TokenStream,
    has: &TokenStream,
    argument: &TokenStream,
) -> TokenStream {
    let (hook, statement) = hook(key, value, ty);
    let span = Span::mixed_site().located_at(key.span());
    let function = quote_spanned!(span=> <_ as __pool_runtime::#has>::function(#hook));
    quote!(#statement #function(#argument))
}

/// A name for the user's function, and the statement that gives it the name.
fn hook(key: &Ident, value: &TokenStream, ty: TokenStream) -> (Ident, TokenStream) {
    let hook = Ident::new("__hook", Span::mixed_site());
    let ty = located_at(key, ty);
    // A path or a closure cannot leave the function that evaluates it; a macro can.
    let is_macro = matches!(syn::parse2(value.clone()), Ok(Expr::Macro(_)));
    let value = if is_macro { stay(value, &ty) } else { value.clone() };
    let statement = quote!(let #hook: #ty = #value;);
    (hook, statement)
}

/// A constant of the user's, which has to be of this type, for the pool of an instance.
pub(super) fn constant(
    Arg { key, value }: &Arg<Expr>,
    ty: TokenStream,
    item: &Item<'_>,
    instance: &TokenStream,
) -> TokenStream {
    let value = instance::name_associated(value.to_token_stream(), &item.associated);
    let (typed, ty) = (Ident::new("__value", Span::mixed_site()), located_at(key, ty));
    let value = name_self(value, instance);
    quote!({ let #typed: #ty = #value; #typed })
}

/// A value of the user's, which has to be of this type: the compiler points at both if it is not.
pub(super) fn typed(value: TokenStream, ty: impl ToTokens) -> TokenStream {
    let typed = Ident::new("__value", Span::mixed_site());
    let value = if escape::may_leave(value.clone()) { stay(&value, &ty) } else { value };
    quote!({ let #typed: #ty = #value; #typed })
}

/// A value in a closure, so that a `return` that a macro writes leaves only the closure.
fn stay(value: &TokenStream, ty: &impl ToTokens) -> TokenStream {
    quote!((|| -> #ty { #value })())
}

/// Tokens of ours that the compiler is to show at a key of the user's.
pub(super) fn located_at(key: &Ident, tokens: TokenStream) -> TokenStream {
    let span = Span::mixed_site().located_at(key.span());
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}

/// Writes the type's name for `Self`, which a static cannot say.
fn name_self(tokens: TokenStream, name: &TokenStream) -> TokenStream {
    let mut named = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Ident(word) if word == "Self" => named.extend(name.clone().into_iter().map(|mut token| {
                token.set_span(word.span());
                token
            })),
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), name_self(group.stream(), name));
                inner.set_span(group.span());
                named.extend([TokenTree::from(inner)]);
            }
            token => named.extend([token]),
        }
    }
    named
}
