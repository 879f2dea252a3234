//! Our view of the item, borrowed from syn's.

use proc_macro2::TokenTree;
use syn::{Attribute, Data, DeriveInput, Error, Generics, Ident, Member, Meta, Token, Type};

use crate::attr::{FieldArgs, TypeArgs};

/// The item that the derive stands on.
pub(crate) struct Item<'a> {
    /// The type's name.
    pub(crate) ident: &'a Ident,
    /// Its parameters, which [`valid`](crate::valid) refuses.
    pub(crate) generics: &'a Generics,
    /// It has something to do with deprecation, its own or that of what it is made of.
    pub(crate) deprecated: bool,
    /// The keys on the type.
    pub(crate) args: TypeArgs,
    /// What it is made of.
    pub(crate) body: Body<'a>,
}

/// What the item is made of.
pub(crate) enum Body<'a> {
    /// Fields in declaration order, of every kind of struct.
    Struct(Vec<Field<'a>>),
    /// An enum, and the attributes named `pooled` that stand inside of it.
    Enum(Vec<&'a Attribute>),
    /// A union.
    Union(Token![union]),
}

/// A field of a struct.
pub(crate) struct Field<'a> {
    /// The name or the index.
    pub(crate) member: Member,
    /// The type.
    pub(crate) ty: &'a Type,
    /// The keys on the field.
    pub(crate) args: FieldArgs,
}

impl<'a> Item<'a> {
    /// Reads the item and its attributes.
    pub(crate) fn read(input: &'a DeriveInput, errors: &mut Vec<Error>) -> Self {
        let args = TypeArgs::read(&input.attrs, errors);
        let body = match &input.data {
            Data::Struct(data) => {
                let fields = data.fields.members().zip(&data.fields);
                Body::Struct(fields.map(|(member, field)| Field::read(member, field, errors)).collect())
            }
            Data::Enum(data) => {
                let variants = data.variants.iter();
                let attrs = variants.flat_map(|v| v.attrs.iter().chain(v.fields.iter().flat_map(|field| &field.attrs)));
                Body::Enum(attrs.filter(|attr| attr.path().is_ident("pooled")).collect())
            }
            Data::Union(data) => Body::Union(data.union_token),
        };
        let deprecated = match &input.data {
            Data::Struct(data) => data.fields.iter().any(|field| mentions_deprecated(&field.attrs)),
            Data::Enum(_) | Data::Union(_) => false,
        };
        let deprecated = deprecated || mentions_deprecated(&input.attrs);
        Self { ident: &input.ident, generics: &input.generics, deprecated, args, body }
    }
}

impl<'a> Field<'a> {
    fn read(member: Member, field: &'a syn::Field, errors: &mut Vec<Error>) -> Self {
        Self { member, ty: &field.ty, args: FieldArgs::read(&field.attrs, errors) }
    }
}

/// `#[deprecated]`, or a lint level of that name.
fn mentions_deprecated(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| match &attr.meta {
        Meta::List(list) if list.path.is_ident("allow") || list.path.is_ident("expect") => {
            list.tokens.clone().into_iter().any(|token| matches!(token, TokenTree::Ident(lint) if lint == "deprecated"))
        }
        meta => meta.path().is_ident("deprecated"),
    })
}
