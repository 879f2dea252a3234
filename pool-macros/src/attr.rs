//! The syntax of `#[pooled(..)]`: keys and values, unknown words, duplicates.
//!
//! What is wrong is reported and passed over. An argument with a wrong value stays, so that later checks know its key
//! was there.

use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Expr, ExprUnary, Ident, Lit, Meta, Token, UnOp, token};

/// A key, and what it was given.
pub(crate) struct Arg<V> {
    /// The key as written, for errors.
    pub(crate) key: Ident,
    /// `None` where the value is wrong, and reported.
    pub(crate) value: Option<V>,
}

/// The keys on a type.
#[derive(Default)]
pub(crate) struct TypeArgs {
    /// `fn() -> Self`.
    pub(crate) new: Option<Arg<Expr>>,
    /// `fn(&mut Self)`.
    pub(crate) reset: Option<Arg<Expr>>,
    /// `fn(&Self) -> bool`.
    pub(crate) retain: Option<Arg<Expr>>,
    /// A constant `usize`.
    pub(crate) max_idle: Option<Arg<Expr>>,
    /// A constant `usize`.
    pub(crate) local: Option<Arg<Expr>>,
    /// A constant `&'static str`.
    pub(crate) name: Option<Arg<Expr>>,
    /// One of two words.
    pub(crate) on_panic: Option<Arg<OnPanic>>,
}

/// The value of `on_panic`.
pub(crate) enum OnPanic {
    /// The object is dropped.
    Discard,
    /// It is reset and kept.
    Reset,
}

/// The keys on a field.
#[derive(Default)]
pub(crate) struct FieldArgs {
    /// How the field is reset: no key twice, and more than one only where that is yet to be reported.
    pub(crate) rules: Vec<Arg<Rule>>,
}

/// How a field is reset.
pub(crate) enum Rule {
    /// By its method `clear`.
    Clear,
    /// To its default.
    Default,
    /// To this value.
    Set(Expr),
    /// By this `fn(&mut Field)`.
    With(Expr),
    /// Not at all.
    Keep,
}

/// Where an attribute stands.
#[derive(Clone, Copy)]
enum Place {
    Type,
    Field,
}

/// Each key, and how it is written.
type Keys = &'static [(&'static str, &'static str)];

const TYPE_KEYS: Keys = &[
    ("new", "new = path"),
    ("reset", "reset = path"),
    ("retain", "retain = path"),
    ("max_idle", "max_idle = 64"),
    ("local", "local = 32"),
    ("name", "name = \"..\""),
    ("on_panic", "on_panic = discard"),
];

const FIELD_KEYS: Keys =
    &[("clear", "clear"), ("default", "default"), ("set", "set = expr"), ("with", "with = path"), ("keep", "keep")];

impl TypeArgs {
    /// Reads the attributes of a type.
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Vec<Error>) -> Self {
        let mut args = Self::default();
        for word in words(attrs, Place::Type, errors) {
            match word.key.to_string().as_str() {
                "new" => args.new = Some(word.read(hook, errors)),
                "reset" => args.reset = Some(word.read(hook, errors)),
                "retain" => args.retain = Some(word.read(hook, errors)),
                "max_idle" => args.max_idle = Some(word.read(number, errors)),
                "local" => args.local = Some(word.read(number, errors)),
                "name" => args.name = Some(word.read(|_, value| Ok(value), errors)),
                "on_panic" => args.on_panic = Some(word.read(on_panic, errors)),
                _ => {}
            }
        }
        args
    }
}

impl FieldArgs {
    /// Reads the attributes of a field.
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Vec<Error>) -> Self {
        let mut args = Self::default();
        for word in words(attrs, Place::Field, errors) {
            args.rules.push(match word.key.to_string().as_str() {
                "clear" => word.read_alone(Rule::Clear, errors),
                "default" => word.read_alone(Rule::Default, errors),
                "set" => word.read(|_, value| Ok(Rule::Set(value)), errors),
                "with" => word.read(|key, value| hook(key, value).map(Rule::With), errors),
                "keep" => word.read_alone(Rule::Keep, errors),
                _ => continue,
            });
        }
        args
    }
}

/// An argument before its value is looked at.
struct Word {
    /// The key as written.
    key: Ident,
    /// Nothing follows the key, not even a lone `=`.
    alone: bool,
    /// What follows an `=`.
    value: Option<Expr>,
}

impl Parse for Word {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let Ok(key) = input.call(Ident::parse_any) else {
            return Err(input.error("expected a key, such as `keep`"));
        };
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(Self { key, alone: true, value: None });
        }
        if input.peek(token::Paren) {
            input.parse::<proc_macro2::Group>()?;
            return Ok(Self { key, alone: false, value: None });
        }
        if !input.peek(Token![=]) {
            return Err(input.error("expected `,` or `=`"));
        }
        input.parse::<Token![=]>()?;
        let value = if input.is_empty() || input.peek(Token![,]) { None } else { Some(input.parse()?) };
        Ok(Self { key, alone: false, value })
    }
}

impl Word {
    /// The argument of a key that takes a value.
    fn read<V>(self, convert: impl FnOnce(&Ident, Expr) -> syn::Result<V>, errors: &mut Vec<Error>) -> Arg<V> {
        let Self { key, value, .. } = self;
        let value = match value {
            Some(value) => convert(&key, value),
            None => Err(Error::new_spanned(&key, format!("`{key}` needs a value: write `{}`", written(&key)))),
        };
        Arg { value: value.map_err(|error| errors.push(error)).ok(), key }
    }

    /// The argument of a key that takes none.
    fn read_alone<V>(self, value: V, errors: &mut Vec<Error>) -> Arg<V> {
        let Self { key, alone, .. } = self;
        if !alone {
            errors.push(Error::new_spanned(&key, format!("`{key}` takes no value: write `{key}` alone")));
        }
        Arg { value: alone.then_some(value), key }
    }
}

/// The arguments that belong in this place, each key once.
fn words(attrs: &[Attribute], place: Place, errors: &mut Vec<Error>) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("pooled")) {
        for word in split(attr, place, errors) {
            let key = &word.key;
            if !place.keys().iter().any(|(known, _)| key == known) {
                errors.push(Error::new_spanned(key, place.not_here(key)));
            } else if words.iter().any(|earlier| earlier.key == *key) {
                errors.push(Error::new_spanned(key, format!("`{key}` is given twice")));
            } else {
                words.push(word);
            }
        }
    }
    words
}

/// One attribute's arguments. Behind an error of syntax nothing is read: what follows it may belong to anything.
fn split(attr: &Attribute, place: Place, errors: &mut Vec<Error>) -> Vec<Word> {
    let mut words = Vec::new();
    let example = place.example();
    match &attr.meta {
        Meta::List(list) if list.tokens.is_empty() => {
            errors.push(Error::new_spanned(
                &attr.meta,
                format!("`#[pooled()]` says nothing: name a key, as in `{example}`, or remove it"),
            ));
        }
        Meta::List(list) => {
            let read = list.parse_args_with(|input: ParseStream<'_>| {
                while !input.is_empty() {
                    words.push(input.parse()?);
                    if !input.is_empty() {
                        input.parse::<Token![,]>()?;
                    }
                }
                Ok(())
            });
            errors.extend(read.err());
        }
        Meta::Path(_) => {
            errors.push(Error::new_spanned(
                &attr.meta,
                format!("`#[pooled]` says nothing: name a key, as in `{example}`, or remove it"),
            ));
        }
        Meta::NameValue(_) => {
            errors.push(Error::new_spanned(&attr.meta, format!("keys stand in parentheses: write `{example}`")));
        }
    }
    words
}

impl Place {
    fn keys(self) -> Keys {
        match self {
            Self::Type => TYPE_KEYS,
            Self::Field => FIELD_KEYS,
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Type => "#[pooled(max_idle = 64)]",
            Self::Field => "#[pooled(keep)]",
        }
    }

    /// Why a key is refused: it belongs elsewhere, or nowhere.
    fn not_here(self, key: &Ident) -> String {
        match self {
            Self::Type if FIELD_KEYS.iter().any(|(known, _)| key == known) => {
                format!("`{key}` is a key for a field: write `#[pooled({})]` above the field", written(key))
            }
            Self::Field if key == "reset" => "`reset` is a key for the type: write `#[pooled(with = path)]` to reset \
                                              this field alone"
                .to_owned(),
            Self::Field if TYPE_KEYS.iter().any(|(known, _)| key == known) => {
                format!("`{key}` is a key for the type: write `#[pooled({})]` above the type", written(key))
            }
            Self::Type => format!("unknown key `{key}`: a type takes {}", listed(TYPE_KEYS)),
            Self::Field => format!("unknown key `{key}`: a field takes {}", listed(FIELD_KEYS)),
        }
    }
}

/// How a key is written, with its value.
fn written(key: &Ident) -> &'static str {
    TYPE_KEYS.iter().chain(FIELD_KEYS).find(|(known, _)| key == known).map_or("key = value", |(_, written)| written)
}

/// `` `a`, `b` or `c` ``
fn listed(keys: Keys) -> String {
    let mut list = String::new();
    for (i, (key, _)) in keys.iter().enumerate() {
        let separator = match i {
            0 => "",
            _ if i + 1 == keys.len() => " or ",
            _ => ", ",
        };
        list = format!("{list}{separator}`{key}`");
    }
    list
}

/// A value that is called. Its signature is the compiler's to check, but what can be no function is refused here.
fn hook(key: &Ident, value: Expr) -> syn::Result<Expr> {
    let reason = match bare(&value) {
        Expr::Path(_) | Expr::Closure(_) | Expr::Macro(_) => return Ok(value),
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => {
                format!("`{key}` takes a path or a closure, not a string: write `{key} = {}`", text.value())
            }
            _ => format!("`{key}` takes a path or a closure, not a value"),
        },
        Expr::Call(_) | Expr::MethodCall(_) => format!(
            "`{key}` takes a path or a closure, not a call: name the function without calling it, or write a closure"
        ),
        _ => format!("`{key}` takes a path or a closure"),
    };
    Err(Error::new_spanned(value, reason))
}

/// A number of objects, or an expression that may be one.
fn number(key: &Ident, value: Expr) -> syn::Result<Expr> {
    let reason = match bare(&value) {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(_) => return Ok(value),
            Lit::Str(text) if text.value().parse::<usize>().is_ok() => {
                format!("`{key}` takes a number, not a string: write `{key} = {}`", text.value())
            }
            _ => format!("`{key}` takes a number of objects: write `{}`", written(key)),
        },
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. }) => format!("`{key}` takes a number of objects, from 0 up"),
        _ => return Ok(value),
    };
    Err(Error::new_spanned(value, reason))
}

fn on_panic(_: &Ident, value: Expr) -> syn::Result<OnPanic> {
    if let Expr::Path(path) = bare(&value) {
        if path.path.is_ident("discard") {
            return Ok(OnPanic::Discard);
        }
        if path.path.is_ident("reset") {
            return Ok(OnPanic::Reset);
        }
    }
    Err(Error::new_spanned(value, "`on_panic` is one of two words: write `discard` or `reset`"))
}

/// The expression without parentheses, and without the invisible ones of a `macro_rules!` fragment.
fn bare(mut value: &Expr) -> &Expr {
    loop {
        value = match value {
            Expr::Group(group) => &group.expr,
            Expr::Paren(paren) => &paren.expr,
            _ => return value,
        };
    }
}
