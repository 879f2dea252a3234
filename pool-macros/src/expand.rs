//! The code that the derive writes.
//!
//! # Invariants
//!
//! 1. Only absolute paths are written, of `::core` and `::pool_runtime`: no name of the user's module is relied on.
//! 2. Names of ours cannot be seen by an expression of the user's, nor be taken for a constant of the user's. Parameters
//!    and variables have the span of the macro, which hides them; items are not hidden, so the only one is in a body
//!    where no hook stands. All begin with two underscores.
//! 3. Tokens have the span of the word that is at fault if the compiler refuses them.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Expr;
use syn::ext::IdentExt as _;

use crate::ast::{Body, Field, Item};
use crate::attr::{Arg, OnPanic, Rule};

/// Implements `Pooled` for an item that is valid.
pub(crate) fn expand(item: &Item<'_>) -> TokenStream {
    let ident = item.ident;
    // The tokens that are the user's count as a use of what is deprecated, wherever they stand.
    let allow_deprecated = item.deprecated.then(|| quote!(#[allow(deprecated)]));
    let on_panic = on_panic(item);
    let pool = pool(item);
    let create = create_object(item);
    let reset = reset_object(item);
    let retain = retain_object(item);
    quote! {
        #allow_deprecated
        const _: () = {
            #[automatically_derived]
            impl ::pool_runtime::Pooled for #ident {
                #on_panic
                #pool
                #create
                #reset
                #retain
            }
        };
    }
}

fn on_panic(item: &Item<'_>) -> Option<TokenStream> {
    let variant = match item.args.on_panic.as_ref()?.value.as_ref()? {
        OnPanic::Discard => quote!(Discard),
        OnPanic::Reset => quote!(Reset),
    };
    Some(quote! {
        const ON_PANIC: ::pool_runtime::OnPanic = ::pool_runtime::OnPanic::#variant;
    })
}

fn pool(item: &Item<'_>) -> TokenStream {
    let ident = item.ident;
    let name = match &item.args.name {
        Some(name) => constant(name, quote!(&'static ::core::primitive::str), ident),
        None => {
            let ident = ident.unraw().to_string();
            quote!(::core::concat!(::core::module_path!(), "::", #ident))
        }
    };
    let bound = |method: &str, arg: &Option<Arg<Expr>>| {
        let arg = arg.as_ref()?;
        let method = Ident::new(method, Span::mixed_site());
        let value = constant(arg, quote!(::core::primitive::usize), ident);
        Some(quote!(.#method(#value)))
    };
    let max_idle = bound("with_max_idle", &item.args.max_idle);
    let local = bound("with_local", &item.args.local);
    quote! {
        #[inline]
        fn pool() -> &'static ::pool_runtime::Pool<Self> {
            static __POOL: ::pool_runtime::Pool<#ident> = ::pool_runtime::Pool::new(#name) #max_idle #local;
            &__POOL
        }
    }
}

fn create_object(item: &Item<'_>) -> TokenStream {
    let ident = item.ident;
    let body = match &item.args.new {
        Some(Arg { key, value }) => call(key, value, quote!(fn() -> Self), &quote!()),
        None => quote!(<#ident as ::pool_runtime::__derive::Create>::create()),
    };
    quote! {
        #[inline]
        fn create_object() -> Self {
            #body
        }
    }
}

fn reset_object(item: &Item<'_>) -> TokenStream {
    let object = object();
    let statements: Vec<TokenStream> = match (&item.args.reset, &item.body) {
        (Some(Arg { key, value }), _) => vec![call(key, value, quote!(fn(&mut Self)), &quote!(#object))],
        (None, Body::Struct(fields)) => fields.iter().map(reset_field).collect(),
        (None, Body::Enum(_) | Body::Union(_)) => vec![],
    };
    let parameter = if statements.iter().all(TokenStream::is_empty) { quote!(_) } else { quote!(#object) };
    quote! {
        #[inline]
        fn reset_object(#parameter: &mut Self) {
            #(#statements)*
        }
    }
}

/// One statement, or none for a field that is kept.
fn reset_field(Field { member, ty, args }: &Field<'_>) -> TokenStream {
    let object = object();
    let Some(Arg { key, value: Some(rule) }) = args.rules.first() else {
        return quote!(<#ty as ::pool_runtime::Reset>::reset(&mut #object.#member););
    };
    match rule {
        Rule::Clear => quote!(#object.#member.#key();),
        Rule::Default => quote!(#object.#member = <#ty as ::core::default::Default>::default();),
        Rule::Set(value) => {
            let value = typed(value, ty);
            quote!(#object.#member = #value;)
        }
        Rule::With(value) => {
            let call = call(key, value, quote!(fn(&mut #ty)), &quote!(&mut #object.#member));
            quote!({ #call })
        }
        Rule::Keep => quote!(),
    }
}

fn retain_object(item: &Item<'_>) -> Option<TokenStream> {
    let object = object();
    let Arg { key, value } = item.args.retain.as_ref()?;
    let body = call(key, value, quote!(fn(&Self) -> ::core::primitive::bool), &quote!(#object));
    Some(quote! {
        #[inline]
        fn retain_object(#object: &Self) -> ::core::primitive::bool {
            #body
        }
    })
}

/// The parameter of the hooks, which no expression of the user's sees.
fn object() -> Ident {
    Ident::new("__object", Span::mixed_site())
}

/// A call of the user's function, which has to be one of this type.
fn call(key: &Ident, value: &impl ToTokens, ty: TokenStream, argument: &TokenStream) -> TokenStream {
    let hook = Ident::new("__hook", Span::mixed_site());
    let ty = located_at(key, ty);
    quote! {
        let #hook: #ty = #value;
        #hook(#argument)
    }
}

/// A constant of the user's, which has to be of this type.
fn constant(Arg { key, value }: &Arg<Expr>, ty: TokenStream, ident: &Ident) -> TokenStream {
    typed(name_self(value.to_token_stream(), ident), located_at(key, ty))
}

/// A value of the user's, which has to be of this type: the compiler points at both if it is not.
fn typed(value: impl ToTokens, ty: impl ToTokens) -> TokenStream {
    let typed = Ident::new("__value", Span::mixed_site());
    quote!({ let #typed: #ty = #value; #typed })
}

/// Tokens of ours that the compiler is to show at a key of the user's.
fn located_at(key: &Ident, tokens: TokenStream) -> TokenStream {
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
fn name_self(tokens: TokenStream, ident: &Ident) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(word) if word == "Self" => {
                let mut name = ident.clone();
                name.set_span(word.span());
                name.into()
            }
            TokenTree::Group(group) => {
                let mut named = Group::new(group.delimiter(), name_self(group.stream(), ident));
                named.set_span(group.span());
                named.into()
            }
            token => token,
        })
        .collect()
}
