//! The syntax of `#[pooled(..)]`: keys and values, unknown words, duplicates.
//!
//! A wrong argument is reported and passed over. If only its value is wrong, it stays, so that later checks know its key
//! was there.

use proc_macro2::Group;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Error, Expr, ExprUnary, Ident, Lit, LitStr, Meta, Path, Token, Type, UnOp, WherePredicate,
    parenthesized, token,
};

use crate::escape;
use crate::keys::Place;

/// A key and its value.
pub(crate) struct Arg<V> {
    /// The key as written, for errors.
    pub(crate) key: Ident,
    /// `None` if the value is wrong, and reported.
    pub(crate) value: Option<V>,
}

/// The keys on a type.
#[derive(Default)]
pub(crate) struct TypeArgs {
    /// `fn() -> Self`.
    pub(crate) new: Option<Arg<Expr>>,
    /// `fn() -> Box<Self>`.
    pub(crate) new_boxed: Option<Arg<Expr>>,
    /// `fn(&mut Self)`.
    pub(crate) reset: Option<Arg<Expr>>,
    /// A reset makes a new one.
    pub(crate) default: Option<Arg<()>>,
    /// `fn(&Self) -> bool`.
    pub(crate) retain: Option<Arg<Expr>>,
    /// `fn(&Self) -> usize`; `None` alone, which counts the fields.
    pub(crate) weigh: Option<Arg<Option<Expr>>>,
    /// A constant `usize`.
    pub(crate) max_idle: Option<Arg<Expr>>,
    /// A constant `usize`.
    pub(crate) local: Option<Arg<Expr>>,
    /// A constant `&'static str`.
    pub(crate) name: Option<Arg<Expr>>,
    /// `discard` or `reset`.
    pub(crate) on_panic: Option<Arg<OnPanic>>,
    /// Types that are this type with its parameters given; `instance` looks whether they are.
    pub(crate) instances: Option<Arg<Vec<Type>>>,
    /// The bounds of a derived `Reset` on its parameters.
    pub(crate) bound: Option<Arg<Vec<WherePredicate>>>,
    /// The path of `pool_runtime`: the key `crate`.
    pub(crate) runtime: Option<Arg<Path>>,
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
    /// How the field is reset: no key twice, and more than one only if that is yet to be reported.
    pub(crate) rules: Vec<Arg<Rule>>,
    /// A `usize`.
    pub(crate) max_capacity: Option<Arg<Expr>>,
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
    /// Its memory is wiped.
    Zeroize,
}

/// The keys on a variant.
#[derive(Default)]
pub(crate) struct VariantArgs {
    /// The enum is reset to this variant.
    pub(crate) default: Option<Arg<()>>,
}

impl TypeArgs {
    /// Reads the attributes of a type.
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Vec<Error>) -> Self {
        let mut args = Self::default();
        for word in words(attrs, Place::Type, errors) {
            match word.key.to_string().as_str() {
                "new" => args.new = Some(word.read_value(hook, errors)),
                "new_boxed" => args.new_boxed = Some(word.read_value(hook, errors)),
                "reset" => args.reset = Some(word.read_value(hook, errors)),
                "default" => args.default = Some(word.read_alone((), errors)),
                "retain" => args.retain = Some(word.read_value(hook, errors)),
                "weigh" if matches!(word.given, Given::Nothing) => args.weigh = Some(word.read_alone(None, errors)),
                "weigh" => args.weigh = Some(word.read_value(|key, value| hook(key, value).map(Some), errors)),
                "max_idle" => args.max_idle = Some(word.read_value(number, errors)),
                "local" => args.local = Some(word.read_value(number, errors)),
                "name" => args.name = Some(word.read_value(|_, value| escape::check(value), errors)),
                "on_panic" => args.on_panic = Some(word.read_value(on_panic, errors)),
                "instances" => args.instances = Some(word.read_types(errors)),
                "bound" => args.bound = Some(word.read_bounds(errors)),
                "crate" => args.runtime = Some(word.read_value(runtime, errors)),
                _ => {}
            }
        }
        if let Some(Arg { key, value: Some(types) }) = &mut args.instances {
            if types.is_empty() {
                errors.push(Error::new_spanned(key, "`instances` needs types: write `instances(Buf<u8>)`"));
            }
        }
        args
    }

    /// A key that means nothing to a `Reset`.
    pub(crate) fn of_pooled(&self) -> Option<&Ident> {
        let values = [&self.new, &self.new_boxed, &self.retain, &self.max_idle, &self.local, &self.name];
        let keys = values.into_iter().flatten().map(|arg| &arg.key);
        let others = [self.weigh.as_ref().map(|arg| &arg.key), self.on_panic.as_ref().map(|arg| &arg.key)];
        keys.chain(others.into_iter().flatten()).next()
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
                "set" => word.read_value(|_, value| escape::check(value).map(Rule::Set), errors),
                "with" => word.read_value(|key, value| hook(key, value).map(Rule::With), errors),
                "keep" => word.read_alone(Rule::Keep, errors),
                "zeroize" => word.read_alone(Rule::Zeroize, errors),
                "max_capacity" => {
                    args.max_capacity = Some(word.read_value(number, errors));
                    continue;
                }
                _ => continue,
            });
        }
        args
    }
}

impl VariantArgs {
    /// Reads the attributes of a variant.
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Vec<Error>) -> Self {
        let mut args = Self::default();
        for word in words(attrs, Place::Variant, errors) {
            if word.key == "default" {
                args.default = Some(word.read_alone((), errors));
            }
        }
        args
    }
}

/// An argument before its value is looked at.
struct Word {
    place: Place,
    /// The key as written.
    key: Ident,
    given: Given,
}

/// The tokens that follow a key.
enum Given {
    Nothing,
    /// `=` and a value.
    Value(Option<Expr>),
    /// The list of `instances`.
    Types(Vec<Type>),
    /// The list of `bound`.
    Bounds(Vec<WherePredicate>),
    /// Parentheses behind a key that takes no list.
    Parentheses,
}

impl Word {
    fn parse(place: Place, input: ParseStream<'_>) -> syn::Result<Self> {
        let Ok(key) = input.call(Ident::parse_any) else {
            return Err(input.error("expected a key, such as `keep`"));
        };
        let mut word = Self { place, key, given: Given::Nothing };
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(word);
        }
        for (sign, is_next) in [
            ("=>", input.peek(Token![=>])),
            ("==", input.peek(Token![==])),
            (":=", input.peek(Token![:]) && input.peek2(Token![=])),
            (":", input.peek(Token![:]) && !input.peek(Token![::])),
        ] {
            if is_next && !word.is_list() {
                let message = match word.place.written(&word.key.to_string()) {
                    Some(written) if written.contains('=') => {
                        format!("the value of `{}` stands behind `=`, not `{sign}`: write `{written}`", word.key)
                    }
                    _ => continue,
                };
                return Err(input.error(message));
            }
        }
        if input.peek(token::Paren) {
            word.given = word.parse_parentheses(input)?;
        } else if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            let absent = input.is_empty() || input.peek(Token![,]);
            // Types and bounds are no expressions.
            if word.is_list() && !absent {
                return Err(word.not_a_list());
            }
            word.given = Given::Value(if absent { None } else { Some(input.parse()?) });
        } else {
            return Err(input.error("expected `,` or `=`"));
        }
        Ok(word)
    }

    fn parse_parentheses(&self, input: ParseStream<'_>) -> syn::Result<Given> {
        if !self.is_list() {
            input.parse::<Group>()?;
            return Ok(Given::Parentheses);
        }
        let list;
        parenthesized!(list in input);
        if list.peek(LitStr) {
            return Err(list.error(format!("`{}` takes no strings: write `{}`", self.key, self.written())));
        }
        Ok(if self.key == "instances" {
            Given::Types(list.parse_terminated(Type::parse, Token![,])?.into_iter().collect())
        } else {
            Given::Bounds(list.parse_terminated(WherePredicate::parse, Token![,])?.into_iter().collect())
        })
    }

    fn is_list(&self) -> bool {
        self.place == Place::Type && (self.key == "instances" || self.key == "bound")
    }

    /// The argument of a key that takes a value.
    fn read_value<V>(self, convert: impl FnOnce(&Ident, Expr) -> syn::Result<V>, errors: &mut Vec<Error>) -> Arg<V> {
        let value = match self.given {
            Given::Value(Some(value)) => convert(&self.key, value),
            _ => {
                let message = format!("`{}` needs a value: write `{}`", self.key, self.written());
                Err(Error::new_spanned(&self.key, message))
            }
        };
        Arg { value: value.map_err(|error| errors.push(error)).ok(), key: self.key }
    }

    /// The argument of a key that takes none.
    fn read_alone<V>(self, value: V, errors: &mut Vec<Error>) -> Arg<V> {
        let Self { key, given, .. } = self;
        let alone = matches!(given, Given::Nothing);
        if !alone {
            errors.push(Error::new_spanned(&key, format!("`{key}` takes no value: write `{key}` alone")));
        }
        Arg { value: alone.then_some(value), key }
    }

    /// The argument of `instances`.
    fn read_types(self, errors: &mut Vec<Error>) -> Arg<Vec<Type>> {
        let error = self.not_a_list();
        let value = if let Given::Types(types) = self.given { Ok(types) } else { Err(error) };
        Arg { value: value.map_err(|error| errors.push(error)).ok(), key: self.key }
    }

    /// The argument of `bound`.
    fn read_bounds(self, errors: &mut Vec<Error>) -> Arg<Vec<WherePredicate>> {
        let error = self.not_a_list();
        let value = if let Given::Bounds(bounds) = self.given { Ok(bounds) } else { Err(error) };
        Arg { value: value.map_err(|error| errors.push(error)).ok(), key: self.key }
    }

    fn not_a_list(&self) -> Error {
        Error::new_spanned(&self.key, format!("`{}` takes a list in parentheses: write `{}`", self.key, self.written()))
    }

    fn written(&self) -> &'static str {
        self.place.written(&self.key.to_string()).unwrap_or("key = value")
    }
}

/// The arguments that belong in this place, each key once.
fn words(attrs: &[Attribute], place: Place, errors: &mut Vec<Error>) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("pooled")) {
        for word in split(attr, place, errors) {
            let key = &word.key;
            let name = key.to_string();
            if place.written(&name).is_none() {
                errors.push(Error::new_spanned(key, place.refusal(&name)));
            } else if words.iter().any(|earlier| earlier.key == *key) {
                errors.push(Error::new_spanned(key, format!("`{key}` is given twice")));
            } else {
                words.push(word);
            }
        }
    }
    words
}

/// The arguments of an attribute. Behind an error of syntax nothing is read: the tokens there may belong to anything.
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
                    words.push(Word::parse(place, input)?);
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

/// A value that is called. The compiler checks its signature, but an expression that can be no function is refused here.
fn hook(key: &Ident, value: Expr) -> syn::Result<Expr> {
    let reason = match bare(&value) {
        Expr::Closure(closure) if closure.asyncness.is_some() => {
            format!("`{key}` is called and not awaited: write a closure without `async`")
        }
        Expr::Closure(closure) => {
            let (arguments, signature) = match key.to_string().as_str() {
                "new" => (0, "fn() -> Self"),
                "new_boxed" => (0, "fn() -> Box<Self>"),
                "reset" => (1, "fn(&mut Self)"),
                "retain" => (1, "fn(&Self) -> bool"),
                "weigh" => (1, "fn(&Self) -> usize"),
                _ => (1, "fn(&mut Field)"),
            };
            if closure.inputs.len() == arguments {
                return Ok(value);
            }
            let expected = if arguments == 0 { "no argument" } else { "one argument" };
            format!("`{key}` takes a closure with {expected}: it is called as `{signature}`")
        }
        Expr::Path(_) | Expr::Macro(_) => return Ok(value),
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => {
                format!("`{key}` takes a path or a closure, not a string: write `{key} = {}`", text.value())
            }
            _ => format!("`{key}` takes a path or a closure, not a value"),
        },
        Expr::Call(_) | Expr::MethodCall(_) => format!(
            "`{key}` takes a path or a closure, not a call: name the function without calling it, or write a closure"
        ),
        Expr::Struct(_) if key == "new" => {
            "`new` takes a path or a closure, not a value: write `new = || Self { .. }`".to_owned()
        }
        _ => format!("`{key}` takes a path or a closure"),
    };
    Err(Error::new_spanned(value, reason))
}

/// A number, or an expression that may be a number.
fn number(key: &Ident, value: Expr) -> syn::Result<Expr> {
    let (place, unit) = if key == "max_capacity" { (Place::Field, "elements") } else { (Place::Type, "objects") };
    let written = place.written(&key.to_string()).unwrap_or("key = 64");
    let reason = match bare(&value) {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(_) => return Ok(value),
            Lit::Str(text) if text.value().parse::<usize>().is_ok() => {
                format!("`{key}` takes a number, not a string: write `{key} = {}`", text.value())
            }
            _ => format!("`{key}` takes a number of {unit}: write `{written}`"),
        },
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. }) => format!("`{key}` takes a number of {unit}, from 0 up"),
        _ => return escape::check(value),
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

fn runtime(key: &Ident, value: Expr) -> syn::Result<Path> {
    let reason = match bare(&value) {
        Expr::Path(path) if path.qself.is_none() && path.path.segments.iter().all(|s| s.arguments.is_none()) => {
            return Ok(path.path.clone());
        }
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => format!("`{key}` takes a path, not a string: write `{key} = {}`", text.value()),
            _ => format!("`{key}` takes the path of `pool_runtime`: write `{key} = path`"),
        },
        _ => format!("`{key}` takes the path of `pool_runtime`: write `{key} = path`"),
    };
    Err(Error::new_spanned(value, reason))
}

/// The expression without parentheses, and without the invisible groups of a `macro_rules!` fragment.
fn bare(mut value: &Expr) -> &Expr {
    loop {
        value = match value {
            Expr::Group(group) => &group.expr,
            Expr::Paren(paren) => &paren.expr,
            _ => return value,
        };
    }
}
