//! The code that the derives write.
//!
//! # Invariants
//!
//! 1. Only paths of `::core` and of `__pool_runtime` are written: no name of the user's module is relied on. It is
//!    imported once, from where the key `crate` says, so that a wrong path is one error.
//! 2. Names of ours cannot be seen by an expression of the user's, nor be taken for a constant of the user's. Parameters
//!    and variables have the span of the macro, which hides them; items are not hidden. All begin with two underscores.
//! 3. Tokens have the span of the word that is at fault if the compiler refuses them.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, Generics, Type};

use crate::ast::{Body, Field, Item, Variant};
use crate::attr::{Arg, OnPanic, Rule};
use crate::escape;
use crate::instance::{self, Associated, Instance};

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

/// Implements `Pooled` for each instance of an item that is valid.
pub(crate) fn pooled(item: &Item<'_>) -> TokenStream {
    // The tokens that are the user's count as a use of what is deprecated, wherever they stand.
    let allow_deprecated = item.deprecated.then(|| quote!(#[allow(deprecated)]));
    let import = import(item);
    let impls = item.instances.iter().map(|instance| {
        let ty = &instance.ty;
        let parameters = instance::name_associated(instance.parameters.clone(), &item.associated);
        let associated = instance::associated_items(item.ident, item.generics, ty, &item.associated);
        let on_panic = on_panic(item);
        let pool = pool(item, instance);
        let create = create_object(item, instance);
        let create_boxed = create_boxed(item);
        let reset = reset_object(item, instance);
        let retain = retain_object(item);
        let wipe = wipe_object(item);
        let weigh = weigh(item);
        let needs = item.args.bound.as_ref().map(|bound| needs(&bound.key, "needs_reset", ty));
        quote! {
            #allow_deprecated
            const _: () = {
                #import
                #parameters
                #associated
                #[automatically_derived]
                impl __pool_runtime::Pooled for #ty {
                    #on_panic
                    #weigh
                    #pool
                    #create
                    #create_boxed
                    #reset
                    #retain
                    #wipe
                }
                #needs
            };
        }
    });
    impls.collect()
}

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

/// A key of one derive is of no use without it, which the other derive alone can see.
fn needs(key: &Ident, derived: &str, ty: &TokenStream) -> TokenStream {
    let span = Span::mixed_site().located_at(key.span());
    let needed = Ident::new(derived, span);
    let ty = located_at(key, ty.clone());
    quote_spanned! {span=>
        const _: fn() = __pool_runtime::#needed::<#ty>;
    }
}

/// What the fields' rules ask of the types that depend on a parameter.
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

fn on_panic(item: &Item<'_>) -> Option<TokenStream> {
    let variant = match item.args.on_panic.as_ref()?.value.as_ref()? {
        OnPanic::Discard => quote!(Discard),
        OnPanic::Reset => quote!(Reset),
    };
    Some(quote! {
        const ON_PANIC: __pool_runtime::OnPanic = __pool_runtime::OnPanic::#variant;
    })
}

fn pool(item: &Item<'_>, Instance { ty, label, .. }: &Instance) -> TokenStream {
    let name = match &item.args.name {
        Some(name) => constant(name, quote!(&'static ::core::primitive::str), item, ty),
        None => quote!(::core::concat!(::core::module_path!(), "::", #label)),
    };
    let bound = |method: &str, arg: &Option<Arg<Expr>>| {
        let arg = arg.as_ref()?;
        let method = Ident::new(method, Span::mixed_site());
        let value = constant(arg, quote!(::core::primitive::usize), item, ty);
        Some(quote!(.#method(#value)))
    };
    let max_idle = bound("with_max_idle", &item.args.max_idle);
    let local = bound("with_local", &item.args.local);
    quote! {
        #[inline]
        fn pool() -> &'static __pool_runtime::Pool<Self> {
            static __POOL: __pool_runtime::Pool<#ty> = __pool_runtime::Pool::new(#name) #max_idle #local;
            &__POOL
        }
    }
}

/// The default of a type, asked for by a key.
fn default_of(key: &Ident, ty: &TokenStream) -> TokenStream {
    let span = Span::mixed_site().located_at(key.span());
    quote_spanned!(span=> <#ty as __pool_runtime::HasDefault>::default_value())
}

fn create_object(item: &Item<'_>, instance: &Instance) -> TokenStream {
    let ty = &instance.ty;
    let writing = Writing { generics: Some(item.generics), associated: &item.associated };
    let body = match (&item.args.new, &item.body) {
        _ if item.args.new_boxed.is_some() => quote!(*<#ty as __pool_runtime::Pooled>::create_boxed()),
        (Some(Arg { key, value }), _) => call(key, &writing.value(value), quote!(fn() -> Self), &quote!()),
        (None, Body::Enum(variants)) => match variants.first() {
            Some(variant) => variant_value(variant, &writing),
            None => quote!(<#ty as __pool_runtime::DefaultVariant>::default_variant()),
        },
        (None, Body::Struct(_) | Body::Union(_)) => quote!(<#ty as __pool_runtime::Create>::create()),
    };
    // What `new` makes is the user's word for a new one; `Default` knows nothing of the rules.
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

fn create_boxed(item: &Item<'_>) -> Option<TokenStream> {
    let Arg { key, value } = item.args.new_boxed.as_ref()?;
    let writing = Writing { generics: Some(item.generics), associated: &item.associated };
    let body = call(key, &writing.value(value), quote!(fn() -> __pool_runtime::Box<Self>), &quote!());
    Some(quote! {
        #[inline]
        fn create_boxed() -> __pool_runtime::Box<Self> {
            #body
        }
    })
}

fn reset_object(item: &Item<'_>, Instance { ty, .. }: &Instance) -> TokenStream {
    let object = object();
    let new = quote!(<#ty as __pool_runtime::Pooled>::create_object());
    let writing = Writing { generics: Some(item.generics), associated: &item.associated };
    let in_box = item.args.new_boxed.is_some().then(|| quote!(__pool_runtime::renew::<#ty>(#object);));
    let statements = statements(item, &writing, new, in_box.as_ref());
    let parameter = if statements.is_empty() { quote!(_) } else { quote!(#object) };
    quote! {
        #[inline]
        fn reset_object(#parameter: &mut Self) {
            #statements
        }
    }
}

fn retain_object(item: &Item<'_>) -> Option<TokenStream> {
    let object = object();
    let Arg { key, value } = item.args.retain.as_ref()?;
    let value = instance::name_associated(value.to_token_stream(), &item.associated);
    let body = call(key, &value, quote!(fn(&Self) -> ::core::primitive::bool), &quote!(#object));
    Some(quote! {
        #[inline]
        fn retain_object(#object: &Self) -> ::core::primitive::bool {
            #body
        }
    })
}

fn weigh(item: &Item<'_>) -> Option<TokenStream> {
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

/// A function that adds up what the object takes up and what its fields own.
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

fn wipe_object(item: &Item<'_>) -> Option<TokenStream> {
    let object = object();
    let wipes = wipes(item, &Writing { generics: Some(item.generics), associated: &item.associated })?;
    Some(quote! {
        #[inline]
        fn wipe_object(#object: &mut Self) {
            #wipes
        }
    })
}

fn wipe_value(item: &Item<'_>) -> Option<TokenStream> {
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

/// What wipes the fields that are marked for it, and the secrets in those without a key. `None` where there is neither.
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

/// How the tokens of the user's stand in an impl.
struct Writing<'a> {
    /// Those of the item, whose lifetimes are `'static` in an impl for one instance.
    generics: Option<&'a Generics>,
    associated: &'a [Associated],
}

impl Writing<'_> {
    fn ty(&self, field: &Field<'_>) -> TokenStream {
        let ty = instance::name_associated(field.ty.to_token_stream(), self.associated);
        self.generics.map_or_else(|| ty.clone(), |generics| instance::make_static(ty.clone(), generics))
    }

    fn value(&self, value: &impl ToTokens) -> TokenStream {
        instance::name_associated(value.to_token_stream(), self.associated)
    }
}

/// The body of a reset. `new` is what an object is replaced with; `in_box` takes the place of every assignment to the whole
/// object.
fn statements(item: &Item<'_>, writing: &Writing<'_>, new: TokenStream, in_box: Option<&TokenStream>) -> TokenStream {
    let object = object();
    if item.args.default.is_some() {
        return in_box.cloned().unwrap_or_else(|| quote!(*#object = #new;));
    }
    match (&item.args.reset, &item.body) {
        (Some(Arg { key, value }), _) => call(key, &writing.value(value), quote!(fn(&mut Self)), &quote!(#object)),
        (None, Body::Struct(fields)) => {
            let reset = |field: &Field<'_>| {
                let member = &field.member;
                let place = quote!(#object.#member);
                reset_field(field, writing, &place, &quote!(&mut #place))
            };
            fields.iter().map(reset).collect()
        }
        (None, Body::Enum(variants)) => match variants.first() {
            Some(variant) => reset_variant(variant, writing, in_box),
            None => in_box.cloned().unwrap_or_else(|| quote!(*#object = #new;)),
        },
        (None, Body::Union(_)) => quote!(),
    }
}

/// Goes to the default variant, and resets its fields there.
fn reset_variant(variant: &Variant<'_>, writing: &Writing<'_>, in_box: Option<&TokenStream>) -> TokenStream {
    let (object, ident) = (object(), variant.ident);
    let value = variant_value(variant, writing);
    let replace = in_box.cloned().unwrap_or_else(|| quote!(*#object = #value;));
    let mut bindings = TokenStream::new();
    let mut statements = TokenStream::new();
    for (i, field) in variant.fields.iter().enumerate() {
        let (member, binding) = (&field.member, format_ident!("__field{i}", span = Span::mixed_site()));
        let reset = reset_field(field, writing, &quote!(*#binding), &quote!(#binding));
        if !reset.is_empty() {
            bindings.extend(quote!(#member: #binding,));
            statements.extend(reset);
        }
    }
    let enter = quote!(if !::core::matches!(#object, Self::#ident { .. }) { #replace });
    if variant.fields.is_empty() {
        return if in_box.is_some() { enter } else { replace };
    }
    quote! {
        #enter
        if let Self::#ident { #bindings .. } = #object {
            #statements
        }
    }
}

/// The default variant, with fields of their defaults.
fn variant_value(variant: &Variant<'_>, writing: &Writing<'_>) -> TokenStream {
    let ident = variant.ident;
    let fields = variant.fields.iter().map(|field| {
        let (member, ty) = (&field.member, writing.ty(field));
        quote!(#member: <#ty as ::core::default::Default>::default())
    });
    quote!(Self::#ident { #(#fields),* })
}

/// What resets a field, which is reached as a place, and as an exclusive reference. Nothing for a field that is kept.
fn reset_field(field: &Field<'_>, writing: &Writing<'_>, place: &TokenStream, exclusive: &TokenStream) -> TokenStream {
    let ty = writing.ty(field);
    let reset = match field.args.rules.first() {
        None => quote!(<#ty as __pool_runtime::Reset>::reset(#exclusive);),
        Some(Arg { key, value: Some(rule) }) => match rule {
            Rule::Clear => clear(key, exclusive),
            Rule::Default => quote!(#place = <#ty as __pool_runtime::HasDefault>::default_value();),
            Rule::Set(value) => {
                let value = typed(writing.value(value), &ty);
                quote!(#place = #value;)
            }
            Rule::With(value) => {
                // Parentheses as in `&mut (dyn A + B)`.
                let ty = if matches!(field.ty, Type::TraitObject(_)) { quote!((#ty)) } else { ty.clone() };
                let call = call(key, &writing.value(value), quote!(fn(&mut #ty)), exclusive);
                quote!({ #call })
            }
            Rule::Keep => quote!(),
            Rule::Zeroize => zeroize(&ty, exclusive),
        },
        Some(Arg { value: None, .. }) => quote!(),
    };
    let limit = field.args.max_capacity.as_ref().map(|Arg { key, value }| {
        let max = typed(writing.value(value), located_at(key, quote!(::core::primitive::usize)));
        quote!(<#ty as __pool_runtime::LimitCapacity>::limit_capacity(#exclusive, #max);)
    });
    quote!(#reset #limit)
}

/// Calls the field's own `clear`. A method of an exclusive reference is looked for first among those that take just that, then among
/// those of references to it, where `NoClear` waits, and last where a `clear` by value, by shared reference or of what the field
/// dereferences to would be found.
fn clear(key: &Ident, exclusive: &TokenStream) -> TokenStream {
    let span = Span::mixed_site().located_at(key.span());
    quote_spanned! {span=>
        {
            use __pool_runtime::NoClear as _;
            __pool_runtime::cleared((#exclusive).#key());
        }
    }
}

/// Wipes a field, and then resets what `Zeroize` leaves of it: the length of a boxed slice or string.
fn zeroize(ty: &TokenStream, exclusive: &TokenStream) -> TokenStream {
    quote! {
        <#ty as __pool_runtime::Zeroize>::zeroize(#exclusive);
        {
            use __pool_runtime::LeaveWiped as _;
            __pool_runtime::Wiped(#exclusive).renew();
        }
    }
}

/// The parameter of the hooks, which no expression of the user's sees.
fn object() -> Ident {
    Ident::new("__object", Span::mixed_site())
}

/// A call of the user's function, which has to be one of this type.
fn call(key: &Ident, value: &TokenStream, ty: TokenStream, argument: &TokenStream) -> TokenStream {
    let hook = Ident::new("__hook", Span::mixed_site());
    let ty = located_at(key, ty);
    // A path or a closure cannot leave what it stands in; a macro can.
    let is_macro = matches!(syn::parse2(value.clone()), Ok(Expr::Macro(_)));
    let value = if is_macro { stay(value, &ty) } else { value.clone() };
    quote! {
        let #hook: #ty = #value;
        #hook(#argument)
    }
}

/// A constant of the user's, which has to be of this type, for the pool of an instance.
fn constant(Arg { key, value }: &Arg<Expr>, ty: TokenStream, item: &Item<'_>, instance: &TokenStream) -> TokenStream {
    let value = instance::name_associated(value.to_token_stream(), &item.associated);
    let (typed, ty) = (Ident::new("__value", Span::mixed_site()), located_at(key, ty));
    let value = name_self(value, instance);
    quote!({ let #typed: #ty = #value; #typed })
}

/// A value of the user's, which has to be of this type: the compiler points at both if it is not.
fn typed(value: TokenStream, ty: impl ToTokens) -> TokenStream {
    let typed = Ident::new("__value", Span::mixed_site());
    let value = if escape::may_leave(value.clone()) { stay(&value, &ty) } else { value };
    quote!({ let #typed: #ty = #value; #typed })
}

/// A value that cannot leave what it stands in: a `return` of a macro's is the closure's.
fn stay(value: &TokenStream, ty: &impl ToTokens) -> TokenStream {
    quote!((|| -> #ty { #value })())
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
