//! Our view of the item, borrowed from syn's.

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::{
    Attribute, Data, DataEnum, DeriveInput, Error, Fields, Generics, Ident, LitInt, Member, Meta, Token, Type,
    parenthesized, token,
};

use crate::attr::{Arg, FieldArgs, Rule, TypeArgs, VariantArgs};
use crate::instance::{self, Associated, Instance};

/// The item that the derive stands on.
pub(crate) struct Item<'a> {
    /// The type's name.
    pub(crate) ident: &'a Ident,
    /// Its parameters.
    pub(crate) generics: &'a Generics,
    /// The types that have a pool: the item with its parameters given.
    pub(crate) instances: Vec<Instance>,
    /// `deprecated` stands in an attribute of the item or of a field.
    pub(crate) deprecated: bool,
    /// The most that its fields are aligned to, if it is packed.
    pub(crate) packed: Option<usize>,
    /// The compiler refuses the type of a field, and would refuse it again in an impl.
    pub(crate) refused: bool,
    /// The types that belong to a parameter: `C::Window`.
    pub(crate) associated: Vec<Associated>,
    /// The keys on the type.
    pub(crate) args: TypeArgs,
    /// Its fields or variants.
    pub(crate) body: Body<'a>,
}

/// The fields or variants of an item.
pub(crate) enum Body<'a> {
    /// Fields in declaration order, of every kind of struct.
    Struct(Vec<Field<'a>>),
    /// The variants of an enum that are marked as its default: at most one, unless that is yet to be reported.
    Enum(Vec<Variant<'a>>),
    /// A union.
    Union(Token![union]),
}

/// A variant that is its enum's default.
pub(crate) struct Variant<'a> {
    /// The name.
    pub(crate) ident: &'a Ident,
    /// The key that marks it.
    pub(crate) key: Ident,
    /// The fields in declaration order.
    pub(crate) fields: Vec<Field<'a>>,
}

/// A field of a struct or of a variant.
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
        let DeriveInput { ident, generics, attrs, data, .. } = input;
        let args = TypeArgs::read(attrs, errors);
        let instances = instance::read(ident, generics, &args, errors);
        let (body, fields): (_, Vec<&syn::Field>) = match data {
            Data::Struct(data) => (Body::Struct(read_fields(&data.fields, errors)), data.fields.iter().collect()),
            Data::Enum(data) => {
                let fields = data.variants.iter().flat_map(|variant| &variant.fields);
                (Body::Enum(read_variants(data, errors)), fields.collect())
            }
            Data::Union(data) => (Body::Union(data.union_token), vec![]),
        };
        let associated = instance::associated(generics, &args, &fields);
        let refused = fields
            .iter()
            .any(|field| instance::mentioned(field.ty.to_token_stream(), &|word| word == "impl").is_some());
        let deprecated = mentions_deprecated(attrs) || fields.iter().any(|field| mentions_deprecated(&field.attrs));
        Self { ident, generics, instances, deprecated, packed: packed(attrs), refused, associated, args, body }
    }

    /// Every field that has a reset of its own.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field<'a>> {
        let (fields, variants): (&[Field<'a>], &[Variant<'a>]) = match &self.body {
            Body::Struct(fields) => (fields, &[]),
            Body::Enum(variants) => (&[], variants),
            Body::Union(_) => (&[], &[]),
        };
        fields.iter().chain(variants.iter().flat_map(|variant| &variant.fields))
    }
}

impl Item<'_> {
    /// Whether a reset might make another value than `Default` does.
    pub(crate) fn differs_from_default(&self) -> bool {
        let is_reset =
            |field: &Field<'_>| !matches!(field.args.rules.first(), Some(Arg { value: Some(Rule::Keep), .. }));
        match (&self.args.default, &self.args.reset) {
            (Some(_), _) => false,
            (None, Some(_)) => true,
            (None, None) => self.fields().any(is_reset),
        }
    }
}

fn read_fields<'a>(fields: &'a Fields, errors: &mut Vec<Error>) -> Vec<Field<'a>> {
    let members = fields.members().zip(fields);
    members
        .map(|(member, field)| Field { member, ty: &field.ty, args: FieldArgs::read(&field.attrs, errors) })
        .collect()
}

fn read_variants<'a>(data: &'a DataEnum, errors: &mut Vec<Error>) -> Vec<Variant<'a>> {
    let mut marked = Vec::new();
    for variant in &data.variants {
        let known = errors.len();
        match VariantArgs::read(&variant.attrs, errors).default {
            Some(arg) => {
                let fields = read_fields(&variant.fields, errors);
                marked.push(Variant { ident: &variant.ident, key: arg.key, fields });
            }
            // A variant whose mark is misspelt is not to be reported twice.
            None if errors.len() > known => {}
            None => {
                let attrs = variant.fields.iter().flat_map(|field| &field.attrs);
                errors.extend(attrs.filter(|attr| attr.path().is_ident("pooled")).map(|attr| {
                    Error::new_spanned(
                        &attr.meta,
                        "only the default variant is reset field by field: write `#[pooled(default)]` above this variant, \
                         or remove this",
                    )
                }));
            }
        }
    }
    marked
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

/// `#[repr(packed)]`, `#[repr(C, packed(2))]`.
fn packed(attrs: &[Attribute]) -> Option<usize> {
    let mut packed = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
        // The compiler reports errors in it.
        let _ = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("packed") {
                packed = Some(1);
            }
            if meta.input.peek(token::Paren) {
                let argument;
                parenthesized!(argument in meta.input);
                let bytes: LitInt = argument.parse()?;
                packed = packed.and(bytes.base10_parse().ok());
            }
            Ok(())
        });
    }
    packed
}
