//! The derive of `pool-runtime`: [`Pooled`](macro@Pooled). Depend on `pool-runtime`, which re-exports it.

#![forbid(unsafe_code)]

mod ast;
mod attr;
mod expand;
mod fallback;
mod instance;
mod keys;
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
    derive(Trait::Pooled, input.into()).into()
}

/// Implements `pool_runtime::Reset`: makes a value as good as new, field by field.
#[proc_macro_derive(Reset, attributes(pooled))]
pub fn derive_reset(input: TokenStream) -> TokenStream {
    derive(Trait::Reset, input.into()).into()
}

/// What is derived.
#[derive(Clone, Copy)]
enum Trait {
    Pooled,
    Reset,
}

/// A derive, on tokens that exist outside of a compiler too.
fn derive(derived: Trait, input: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Vec::new();
    let item = ast::Item::read(&input, &mut errors);
    let readable = errors.is_empty();
    valid::check(&item, &mut errors);
    if matches!(derived, Trait::Pooled) {
        valid::check_instances(&item, readable, &mut errors);
    }
    let import = expand::import(&item);
    let mut output = match (derived, errors.is_empty()) {
        (Trait::Pooled, true) => expand::pooled(&item),
        (Trait::Pooled, false) => fallback::pooled(&input, &import),
        (Trait::Reset, true) => expand::reset(&item),
        (Trait::Reset, false) => fallback::reset(&input, &import),
    };
    output.extend(errors.iter().map(Error::to_compile_error));
    output
}

#[cfg(test)]
mod fuzz;
