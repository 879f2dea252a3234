//! The body of a reset, the same for both derives: the function that the key `reset` names, an assignment of a new object, or one
//! statement for each field by its rule, in the order of declaration. An enum goes to its marked variant first.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;

use super::create::variant_value;
use super::tokens::{Writing, call_if, located_at, object, typed};
use crate::ast::{Body, Field, Item, Variant};
use crate::attr::{Arg, Rule};

/// The body of a reset. `new` replaces the whole object. If `in_box` is given, it stands in place of each such assignment.
pub(super) fn statements(
    item: &Item<'_>,
    writing: &Writing<'_>,
    new: TokenStream,
    in_box: Option<&TokenStream>,
) -> TokenStream {
    let object = object();
    if item.args.default.is_some() {
        return in_box.cloned().unwrap_or_else(|| quote!(*#object = #new;));
    }
    match (&item.args.reset, &item.body) {
        (Some(Arg { key, value }), _) => {
            call_if(key, &writing.value(value), quote!(fn(&mut Self) -> _), &quote!(Resets<Self>), &quote!(#object))
        }
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

/// Statements that reset a field, which is given as a place and as an exclusive reference. Empty for a field that is kept.
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
                let call =
                    call_if(key, &writing.value(value), quote!(fn(&mut #ty) -> _), &quote!(Resets<#ty>), exclusive);
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

/// Calls the field's own `clear`. The compiler looks for a method of an exclusive reference in this order: methods that take the
/// reference itself; methods that take a reference to it, of which `NoClear` is one; and then a `clear` by value, by shared
/// reference, or of the type behind a dereference. So `NoClear` is found before any of the last, and is an error.
fn clear(key: &Ident, exclusive: &TokenStream) -> TokenStream {
    let span = Span::mixed_site().located_at(key.span());
    quote_spanned! {span=>
        {
            use __pool_runtime::NoClear as _;
            __pool_runtime::cleared((#exclusive).#key());
        }
    }
}

/// Wipes a field, and then resets the rest that `Zeroize` leaves: the length of a boxed slice or string.
fn zeroize(ty: &TokenStream, exclusive: &TokenStream) -> TokenStream {
    quote! {
        <#ty as __pool_runtime::Zeroize>::zeroize(#exclusive);
        {
            use __pool_runtime::LeaveWiped as _;
            __pool_runtime::Wiped(#exclusive).renew();
        }
    }
}
