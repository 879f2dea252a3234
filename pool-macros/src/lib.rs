//! The derive of `pool-runtime`: [`Pooled`](macro@Pooled). Depend on `pool-runtime`, which re-exports it.

#![forbid(unsafe_code)]

mod ast;
mod attr;
mod expand;
mod fallback;
mod valid;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error};

/// Gives a type a pool of its own: implements `pool_runtime::Pooled`, which has `acquire`.
///
/// ```
/// use pool_runtime::Pooled;
///
/// #[derive(Default, Pooled)]
/// #[pooled(max_idle = 1024)]
/// struct Request {
///     body: Vec<u8>,
///     #[pooled(set = 200)]
///     status: u16,
/// }
///
/// let mut request = Request::acquire(); // an idle one, or `Request::default()`
/// request.body.extend_from_slice(b"hello");
/// drop(request); // the body is cleared, the status is 200 again, and the request is idle
/// ```
///
/// The pool is a static, so the type is one without parameters: a struct, or an enum that is reset as a whole. It is
/// `Send`, since an object may be released on one thread and acquired on another. A generic type has no pool, but a
/// newtype around one instance of it, `struct BufU8(Buf<u8>)`, has.
///
/// Without keys an object is made by `Default`, and reset field by field: a field whose type has no `Reset` and which has no
/// key is an error, so that none is forgotten.
///
/// # Keys on the type
///
/// Keys stand in `#[pooled(..)]` above the type, separated by commas. The attribute may be repeated, a key may not.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `new = path or closure` | makes an object, `fn() -> Self` | `Default::default` |
/// | `reset = path or closure` | resets the whole object, `fn(&mut Self)`; there are no keys on fields then | field by field |
/// | `retain = path or closure` | whether an object is worth keeping, `fn(&Self) -> bool`, asked after the reset | keeps every object |
/// | `max_idle = n` | how many idle objects the pool keeps at most, over all CPUs | 64 times the number of CPUs |
/// | `local = n` | how many of them one CPU may keep to itself at most; 0 for none | 32 |
/// | `name = ".."` | the name in statistics | the type's path |
/// | `on_panic = discard` or `reset` | what is done with an object whose guard is dropped while its thread panics | `discard` |
///
/// A closure captures nothing. The numbers and the name are constant expressions, and `Self` may stand in them.
///
/// ```
/// use pool_runtime::{OnPanic, Pooled};
///
/// #[derive(Pooled)]
/// #[pooled(new = Self::with_capacity, reset = |page| page.text.clear(), retain = Self::is_small)]
/// #[pooled(max_idle = Self::CONNECTIONS * 2, local = 8, name = "pages", on_panic = reset)]
/// struct Page {
///     text: String,
/// }
///
/// impl Page {
///     const CONNECTIONS: usize = 100;
///
///     fn with_capacity() -> Self {
///         Self { text: String::with_capacity(4096) }
///     }
///
///     fn is_small(&self) -> bool {
///         self.text.capacity() <= 65536
///     }
/// }
///
/// assert!(Page::acquire().text.capacity() >= 4096);
/// assert_eq!(Page::pool().name(), "pages");
/// assert_eq!(Page::ON_PANIC, OnPanic::Reset);
/// ```
///
/// An enum has no fields to go through: its `reset` is most often the assignment of one variant. What the other variants
/// own is freed then.
///
/// ```
/// use pool_runtime::Pooled;
///
/// #[derive(Default, Pooled)]
/// #[pooled(reset = |state| *state = State::Idle)]
/// enum State {
///     #[default]
///     Idle,
///     Reading(Vec<u8>),
/// }
/// # assert!(matches!(*State::acquire(), State::Idle));
/// ```
///
/// # Keys on a field
///
/// A field has one of them, or none. Fields are reset in the order of their declaration.
///
/// | key | what a reset does |
/// |---|---|
/// | none | `Reset::reset(&mut field)` |
/// | `clear` | `field.clear()` |
/// | `default` | `field = Default::default()`: what the field owned is freed |
/// | `set = expr` | `field = expr`: what the field owned is freed |
/// | `with = path or closure` | calls it with the field, `fn(&mut Field)` |
/// | `keep` | nothing: the next user finds what the last one left |
///
/// ```
/// use pool_runtime::Pooled;
/// use std::sync::Arc;
///
/// /// Of a library: it has a `clear`, and no `Reset`.
/// #[derive(Default)]
/// struct Tree(Vec<u32>);
///
/// impl Tree {
///     fn clear(&mut self) {
///         self.0.clear();
///     }
/// }
///
/// #[derive(Default, Pooled)]
/// struct Parser {
///     tokens: Vec<u32>,
///     #[pooled(clear)]
///     tree: Tree,
///     #[pooled(default)]
///     source: Arc<str>,
///     #[pooled(set = 1)]
///     line: u32,
///     #[pooled(with = |stack| stack.truncate(1))]
///     stack: Vec<u32>,
///     #[pooled(keep)]
///     table: Vec<u32>,
/// }
///
/// let mut parser = Parser { tokens: vec![1], stack: vec![1, 2], table: vec![1], ..Parser::default() };
/// Parser::reset_object(&mut parser);
/// assert!(parser.tokens.is_empty());
/// assert_eq!((parser.line, &parser.stack[..], &parser.table[..]), (1, &[1][..], &[1][..]));
/// ```
#[proc_macro_derive(Pooled, attributes(pooled))]
pub fn derive_pooled(input: TokenStream) -> TokenStream {
    derive(input.into()).into()
}

/// The derive, on tokens that exist outside of a compiler too.
fn derive(input: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Vec::new();
    let item = ast::Item::read(&input, &mut errors);
    valid::check(&item, &mut errors);
    if errors.is_empty() {
        return expand::expand(&item);
    }
    let mut output = fallback::expand(&input);
    output.extend(errors.iter().map(Error::to_compile_error));
    output
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_with;

    use proc_macro2::TokenStream;

    use super::derive;

    const ITEMS: [&str; 14] = [
        "struct T { #a b: Vec<u8>, #a r#type: [u8; 4] }",
        "struct T(#a Vec<u8>, #a pub(crate) Self::U);",
        "struct T;",
        "struct T {}",
        "struct r#T(#a fn(&mut Self) -> <u8 as U>::V) where Self: Send;",
        "struct T<'a, U: 'a = u8, const N: usize = 4> { #a b: &'a [U; N] }",
        "struct T<const B: bool>(#a u8);",
        "enum T { #a A, #a B(#a u8), C { #a d: u8 } = 1 }",
        "enum T {}",
        "enum T<U> { A(U) }",
        "union T { #a b: u8, c: u16 }",
        "union T<'a> { b: &'a u8 }",
        "#[deprecated] #[allow(deprecated)] struct T(#[expect(deprecated)] #a u8);",
        "fn t() {}",
    ];

    const KEYS: [&str; 18] = [
        "new", "reset", "retain", "max_idle", "local", "name", "on_panic", "clear", "default", "set", "with", "keep",
        "other", "crate", "Self", "r#new", "\"keep\"", "",
    ];

    const VALUES: [&str; 26] = [
        "",
        "=",
        "= f",
        "= <T as U<u8, u16>>::f",
        "= |x| x.y",
        "= move || { Self {} }",
        "= f()",
        "= x.f()",
        "= (f)",
        "= {}",
        "= \"f\"",
        "= \"\"",
        "= \"64\"",
        "= 64",
        "= -1",
        "= 0.5",
        "= 'c'",
        "= reset",
        "= discard",
        "= f!()",
        "= Self::N * 2",
        "= =",
        "= if",
        "(f)",
        "::f = 1",
        "= [Self; { Self }]",
    ];

    /// What the derive answers, which has to be Rust.
    fn answer(item: &str) -> Option<String> {
        let tokens: TokenStream = item.parse().ok()?;
        let output = derive(tokens);
        let file: Result<syn::File, _> = syn::parse2(output.clone());
        assert!(file.is_ok(), "not Rust: {item}\n{output}");
        Some(output.to_string())
    }

    fn is_error(answer: &str) -> bool {
        answer.contains("compile_error")
    }

    #[test]
    fn every_argument_is_answered_in_every_place() {
        let mut answers = [0, 0];
        for item in ITEMS {
            for key in KEYS {
                for value in VALUES {
                    let attr = format!("#[pooled({key} {value})]");
                    for item in [format!("{attr} {}", item.replace("#a", "")), item.replace("#a", &attr)] {
                        let answer = answer(&item).expect("is made of tokens");
                        answers[usize::from(is_error(&answer))] += 1;
                    }
                }
            }
        }
        assert!(answers.iter().all(|&n| n > 1000), "accepted and refused: {answers:?}");
    }

    #[test]
    fn any_tokens_are_answered() {
        const WORDS: [&str; 12] = ["#", "!", "=", ",", "::", "|", "pooled", "Self", "'a", "(", "[", "{"];

        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut below = |n: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % n as u64) as usize
        };
        for _ in 0..2_000 {
            let mut closing = Vec::new();
            let mut soup = String::new();
            for _ in 0..below(12) {
                let word = match below(4) {
                    0 => KEYS[below(KEYS.len())],
                    1 => VALUES[below(VALUES.len())],
                    _ => WORDS[below(WORDS.len())],
                };
                closing.extend(match word {
                    "(" => Some(")"),
                    "[" => Some("]"),
                    "{" => Some("}"),
                    _ => None,
                });
                soup = format!("{soup} {word}");
                if below(4) == 0 {
                    soup.extend(closing.pop());
                }
            }
            soup.extend(repeat_with(|| closing.pop()).map_while(|token| token));
            let item = ITEMS[below(ITEMS.len())];
            answer(&format!("#[pooled({soup})] {}", item.replace("#a", "")));
            answer(&item.replace("#a", &format!("#[pooled({soup})]")));
        }
    }
}
