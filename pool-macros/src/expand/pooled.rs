//! The impl of `Pooled`, once for each instance: the pool's static with its name and its bounds, and the hooks that the pool calls.
//! A hook that the item has no key for is not written, so that the trait's own stands.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Expr;

use super::create::{create_boxed, create_object};
use super::rules::statements;
use super::tokens::{Writing, call, constant, import, needs, object};
use super::weigh::weigh;
use super::wipe::wipe_object;
use crate::ast::Item;
use crate::attr::{Arg, OnPanic};
use crate::instance::{self, Instance};

/// Implements `Pooled` for each instance of an item that is valid.
pub(crate) fn pooled(item: &Item<'_>) -> TokenStream {
    // The user's tokens count as a use of a deprecated item in an impl too.
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
