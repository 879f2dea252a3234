//! The derives of `pool-runtime`: [`Pooled`](macro@Pooled) and [`Reset`](macro@Reset). Depend on `pool-runtime`, which re-exports
//! them.

#![forbid(unsafe_code)]

mod ast;
mod attr;
mod escape;
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
/// A mistake is a single error, which says what to write instead. The compiler reports some by itself, more than once: a type that is
/// not `Send` at each use, a missing trait of an instance for each instance, and a parameter of an outer function for the type and
/// for the impl.
///
/// The type is a struct or an enum. It is `Send`, since an object may be released on one thread and acquired on another, and
/// it has no borrows but `'static` ones. A generic type names its [instances](#instances).
///
/// Without keys an object is made by `Default`, and reset field by field: a field whose type has no `Reset` and which has no
/// key is an error, so that none is forgotten. An enum without keys is reset to its [default variant](#enums).
///
/// An object made by `Default` is reset once before it is given out, so its value does not depend on whether it was idle. An object
/// made by [`new`](#new) is given out as it is.
///
/// Keys stand in `#[pooled(..)]` above the type, the field or the variant, separated by commas. The attribute may be repeated,
/// a key may not.
///
/// The derive writes an impl with a static and a few functions; `examples/expanded.rs` in the sources is such an impl, written by
/// hand.
///
/// # Keys on the type
///
/// | key | meaning | default |
/// |---|---|---|
/// | [`new = path or closure`](#new) | makes an object, `fn() -> Self` | `Default::default` |
/// | [`new_boxed = path or closure`](#new_boxed) | makes an object in its box, `fn() -> Box<Self>`, for objects that do not fit on the stack | `Box::new` of a new object |
/// | [`reset = path or closure`](#reset) | resets the whole object, `fn(&mut Self)`; there are no keys on fields then | field by field |
/// | [`default`](#default) | a reset replaces the object with a new one; there are no keys on fields then | field by field |
/// | [`retain = path or closure`](#retain) | whether an object is worth keeping, `fn(&Self) -> bool`, asked after the reset | keeps every object |
/// | [`weigh`, `weigh = path or closure`](#weigh) | how many bytes an idle object takes up, `fn(&Self) -> usize` | not known |
/// | [`max_idle = n`](#max_idle-and-local) | how many idle objects the pool keeps at most, over all CPUs | 64 times the number of CPUs |
/// | [`local = n`](#max_idle-and-local) | how many of them one CPU may keep to itself at most; 0 for none | 32 |
/// | [`name = ".."`](#name) | the name in statistics | the type's path |
/// | [`on_panic = discard` or `reset`](#on_panic) | drops or resets an object whose guard is dropped while its thread panics | `discard` |
/// | [`instances(Buf<u8>, ..)`](#instances) | the types that have a pool, each its own | a generic type needs it |
/// | [`crate = path`](#crate) | the path of `pool_runtime` | `::pool_runtime` |
///
/// A path may be generic, and a closure captures nothing. A path is looked up in the module of the type: a function of the type's own
/// is `Self::make`, not `make`. Numbers and the name are constant expressions, and may contain `Self`.
///
/// A function `acquire` of the type's own hides the pool's: `Type::acquire()` then calls that one and looks into no pool.
/// `<Type as Pooled>::acquire()` cannot be hidden, and so for `try_acquire`, `adopt`, `prefill` and `pool`.
///
/// # Keys on a field
///
/// A field has none or one of the first six, and `max_capacity` beside any but `keep`. Fields are reset in the order of their
/// declaration.
///
/// No value of a key can leave the reset: `return`, `break`, `?`, `.await` and `yield` are errors outside of a closure or a function
/// of its own, and a `return` that a macro writes is the value's.
///
/// In a packed struct a field of more than the packing's alignment has `set`, `default` or `keep`: the others borrow it.
///
/// | key | effect of a reset |
/// |---|---|
/// | none | `Reset::reset(&mut field)` |
/// | [`clear`](#clear-default-set-with-keep) | `field.clear()`, the type's own, which is `fn(&mut self)` |
/// | [`default`](#clear-default-set-with-keep) | `field = Default::default()`: what the field owned is freed |
/// | [`set = expr`](#clear-default-set-with-keep) | `field = expr`, evaluated at each reset: what the field owned is freed |
/// | [`with = path or closure`](#clear-default-set-with-keep) | calls it with the field, `fn(&mut Field)` |
/// | [`keep`](#clear-default-set-with-keep) | nothing: the next user finds the field as the last user left it |
/// | [`zeroize`](#zeroize) | wipes the memory, and then resets the field if it has a `Reset`; needs the feature `zeroize` of pool-runtime |
/// | [`max_capacity = n`](#max_capacity) | after that, gives back the memory for more than `n` elements |
///
/// # Keys on a variant
///
/// | key | meaning |
/// |---|---|
/// | [`default`](#enums) | the variant that a new object is, and that a reset goes to |
///
/// # Each key
///
/// ## `new`
///
/// Called by an acquire that finds nothing idle. Not called again for an object that is reset.
///
/// It should make the value that a reset makes. A reset does not call it: under `new = || Limits { depth: 128 }` a field `depth` without a key
/// is 128 in a new object, and 0 in each that is used again. Write `#[pooled(set = 128)]` above the field, or [`default`](#default)
/// above the type. The same is true of a `Default` that is not all zero and empty, but there the field is 0 from the first acquire on.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Pooled)]
/// #[pooled(new = Page::with_room)]
/// struct Page {
///     text: String,
/// }
///
/// impl Page {
///     fn with_room() -> Self {
///         Self { text: String::with_capacity(4096) }
///     }
/// }
///
/// assert!(Page::acquire().text.capacity() >= 4096);
/// ```
///
/// ## `new_boxed`
///
/// Takes the place of `new` if an object is larger than a thread's stack, or a good part of it. A debug build puts a value that a
/// function returns on the stack, and an optimized build may. With this key the pool never puts an object there: it is made,
/// reset and dropped in its box. `Pooled::adopt_box` and `Guard::into_box` are the ways in and out.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Pooled)]
/// #[pooled(new_boxed = Table::of_zeros)]
/// struct Table {
///     cells: [u64; 1 << 18], // 2 MiB
/// }
///
/// impl Table {
///     fn of_zeros() -> Box<Self> {
///         let mut table = Box::<Self>::new_uninit();
///         // SAFETY: the pointer is to memory for one `Self`.
///         unsafe { table.as_mut_ptr().write_bytes(0, 1) };
///         // SAFETY: zeros are a value of every field, and all of it is zeros.
///         unsafe { table.assume_init() }
///     }
/// }
///
/// assert_eq!(Table::acquire().cells[3], 0);
/// ```
///
/// Crates such as `bytemuck` and `zerocopy` have safe functions that do the same.
///
/// Expressions of the user's may still put values on the stack: `set = [0; 1 << 18]` on a field makes the array and then moves it
/// into the field; `Reset` and `with` work on the field in place. `Guard::into_inner` returns the object by value. If an enum is
/// reset to another variant, or to a new object, this function makes that object, and if a variant is [marked](#enums), the object
/// has to be this variant.
///
/// ## `reset`
///
/// Called by the thread that drops the guard. It takes the place of all the fields' rules.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Default, Pooled)]
/// #[pooled(reset = |parser| parser.restart())]
/// struct Parser {
///     tokens: Vec<u32>,
///     position: usize,
/// }
///
/// impl Parser {
///     fn restart(&mut self) {
///         self.tokens.clear();
///         self.position = 0;
///     }
/// }
/// # let mut parser = Parser { tokens: vec![1], position: 1 };
/// # Parser::reset_object(&mut parser);
/// # assert!(parser.tokens.is_empty() && parser.position == 0);
/// ```
///
/// ## `default`
///
/// A reset assigns a new object, made by `new` or by `Default`. It is as good as new by definition, and keeps no memory: for small
/// types whose new value is not that of their fields' resets.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Pooled)]
/// #[pooled(new = || Limits { depth: 128, width: 80 }, default)]
/// struct Limits {
///     depth: u32,
///     width: u32,
/// }
///
/// Limits::acquire().depth = 1;
/// assert_eq!(Limits::acquire().depth, 128);
/// ```
///
/// ## `retain`
///
/// An object for which it says `false` is dropped instead of kept.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Default, Pooled)]
/// #[pooled(retain = |page| page.text.capacity() <= 65536)]
/// struct Page {
///     text: String,
/// }
///
/// let mut page = Page::acquire();
/// page.text.reserve(100_000);
/// drop(page);
/// assert_eq!(Page::pool().idle(), 0);
/// ```
///
/// ## `weigh`
///
/// The bytes of an object and of the memory that it owns, for statistics and for the budget of a collector. An ageing step asks for
/// them, of each idle object and of each that it drops; an acquire and a release never do. No lock is held. The key alone adds up the
/// size of the object and the memory of its fields whose types have `HeapBytes`, as all containers with a capacity do. Of an enum
/// these are the fields of the variant marked `default`.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Default, Pooled)]
/// #[pooled(weigh)]
/// struct Page {
///     text: String,
///     lines: Vec<u32>,
/// }
///
/// #[derive(Default, Pooled)]
/// #[pooled(weigh = |tree| tree.nodes * 64)]
/// struct Tree {
///     nodes: usize,
/// }
///
/// Page::acquire().text.reserve_exact(1000);
/// Page::pool().age();
/// assert_eq!(Page::pool().stats().idle_bytes, Some(size_of::<Page>() + 1000));
/// ```
///
/// ## `max_idle` and `local`
///
/// See `Pool::with_max_idle` and `Pool::with_local`. Numbers of objects, not of bytes.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Default, Pooled)]
/// #[pooled(max_idle = Self::CONNECTIONS * 2, local = 8)]
/// struct Page(Vec<u8>);
///
/// impl Page {
///     const CONNECTIONS: usize = 100;
/// }
///
/// assert_eq!(Page::pool().max_idle(), 200);
/// ```
///
/// ## `name`
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Default, Pooled)]
/// #[pooled(name = "pages")]
/// struct Page(Vec<u8>);
///
/// assert_eq!(Page::pool().name(), "pages");
/// ```
///
/// ## `on_panic`
///
/// `reset` is for types whose reset restores them from every state, half-written ones included.
///
/// ```
/// # use pool_runtime::{OnPanic, Pooled};
/// #[derive(Default, Pooled)]
/// #[pooled(on_panic = reset)]
/// struct Page(Vec<u8>);
///
/// assert_eq!(Page::ON_PANIC, OnPanic::Reset);
/// ```
///
/// ## `instances`
///
/// A pool is a static, and a static has one type. So a generic type has a pool for each instance that is named, and none for the
/// others. In the values of keys, and in the fields' types, the parameters have the instance's values, and so have the types that
/// belong to them, such as `C::Window` or `I::Item`. Lifetimes are `'static`: a pool outlives every other one.
///
/// Each instance needs `Send`, and `Default` if there is no `new`: if three instances lack it, the compiler reports three errors.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Pooled)]
/// #[pooled(new = || Ring { items: [T::default(); N], next: 0 }, max_idle = N)]
/// #[pooled(instances(Ring<u8>, Ring<u16, 64>))]
/// struct Ring<T: Copy + Default, const N: usize = 16> {
///     #[pooled(set = [T::default(); N])]
///     items: [T; N],
///     next: usize,
/// }
///
/// drop((Ring::<u8>::acquire(), Ring::<u16, 64>::acquire()));
/// assert_eq!((Ring::<u8>::pool().idle(), Ring::<u16, 64>::pool().max_idle()), (1, 64));
/// assert!(Ring::<u16, 64>::pool().name().ends_with("::Ring<u16, 64>"));
/// ```
///
/// If a library leaves the instances to its user, the user writes a newtype: `struct Bytes(Ring<u8>)`.
///
/// ## `crate`
///
/// For a crate that has pool-runtime under another name, or through another crate. Without it the compiler cannot find `pool_runtime`:
/// an error that names this crate is a key that is missing.
///
/// ```
/// mod framework {
///     pub use ::pool_runtime as pools;
/// }
///
/// #[derive(Default, framework::pools::Pooled)]
/// #[pooled(crate = framework::pools)]
/// struct Page(Vec<u8>);
/// # let _page = <Page as framework::pools::Pooled>::acquire();
/// ```
///
/// ## `clear`, `default`, `set`, `with`, `keep`
///
/// - `clear` keeps the memory of a container. It calls the `clear` of the field's own type, inherent or of a trait in scope, which takes
///   `&mut self` and returns nothing. A `clear` by value or by shared reference, one that may fail, and the `clear` of the type that the
///   field dereferences to, may leave something behind, and are errors. `with = |field| field.clear()` calls any of them.
///   A table that was once large costs in every `clear`, for ever: std's `HashMap` goes through the control bytes of its whole capacity,
///   which is 0.1 ms after two million entries. [`max_capacity`](#max_capacity) is the cure (35 ns).
/// - `set` is evaluated when the object is released, not when it is acquired: `set = Instant::now()` is the time of the last release. A
///   value that depends on the moment of the acquire is set after the acquire.
/// - `default` and `set` free what the field owned.
/// - `with` takes the path of a function of this field alone: `with = clear` is a function `clear` that is in scope, and the key is `clear`.
/// - `keep` is for a field that is no state of its last user: a cache, a table, a compiled pattern.
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
///
/// ## `zeroize`
///
/// A reset leaves the bytes of a cleared buffer in memory until they are written over. This key overwrites them, by the `Zeroize`
/// of the crate `zeroize`, and keeps the buffer. The field is wiped when the object is released, and before the pool drops one,
/// whatever the reason: the pool is full or off, the guard was discarded or dropped while unwinding, a reset panicked, `collect`.
/// `Guard::into_inner`, `into_box` and `leak` hand it on as it is. The page `secrets` of pool-runtime names the other copies that
/// stay in memory.
///
/// `Zeroize` leaves the length of a `Box<[T]>` and a `Box<str>` as it is; the reset then makes them empty, as new. Any other type that has a
/// `Reset` is reset after it is wiped, except a type parameter in a derived `Reset`, of which only `Zeroize` is known.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Default, Pooled)]
/// struct Session {
///     #[pooled(zeroize)]
///     key: [u8; 32],
///     #[pooled(zeroize)]
///     token: Vec<u8>,
/// }
/// # let mut session = Session { key: [1; 32], token: vec![1] };
/// # Session::reset_object(&mut session);
/// # assert!(session.key == [0; 32] && session.token.is_empty() && session.token.capacity() > 0);
/// ```
///
/// ## `max_capacity`
///
/// Calls `LimitCapacity::limit_capacity` after the field's reset: one giant request does not make its buffer giant for ever. A
/// comparison if the capacity is within the limit, and a reallocation if it is not. Elements, or bytes of a string.
///
/// It gives back time too: the reset of a hash table takes time in proportion to its capacity, not to its entries. A map that once had
/// two million entries costs 0.1 ms in each release, and 35 ns with `max_capacity = 64` (AMD EPYC, two cores, Linux 6.18).
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Default, Pooled)]
/// struct Request {
///     #[pooled(max_capacity = 64 * 1024)]
///     body: Vec<u8>,
///     #[pooled(clear, max_capacity = 256)]
///     headers: Vec<(String, String)>,
/// }
///
/// let mut request = Request::acquire();
/// request.body.reserve(100_000_000);
/// drop(request);
/// assert!(Request::acquire().body.capacity() < 100_000);
/// ```
///
/// # Enums
///
/// An enum without keys is made by `Default`, or by `new`, and a reset replaces it with another made so. The memory that a variant owns
/// is freed then.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Default, Pooled)]
/// enum Connection {
///     #[default]
///     Closed,
///     Open(Vec<u8>),
/// }
/// # let mut connection = Connection::Open(vec![]);
/// # Connection::reset_object(&mut connection);
/// # assert!(matches!(connection, Connection::Closed));
/// ```
///
/// A variant marked `#[pooled(default)]` takes the place of `Default`, and may have fields. A new object is this variant, with
/// fields of their defaults. A reset of an object that is in it goes through its fields as through those of a struct, so its
/// memory is kept; an object that is in another variant is replaced first.
///
/// ```
/// # use pool_runtime::Pooled;
/// #[derive(Pooled)]
/// enum State {
///     #[pooled(default)]
///     Reading {
///         line: Vec<u8>,
///         #[pooled(set = 1)]
///         number: u64,
///     },
///     Failed(String),
/// }
///
/// let mut state = State::Failed("no such file".to_owned());
/// State::reset_object(&mut state);
/// assert!(matches!(state, State::Reading { number: 1, .. }));
/// ```
#[proc_macro_derive(Pooled, attributes(pooled))]
pub fn derive_pooled(input: TokenStream) -> TokenStream {
    derive(Trait::Pooled, input.into()).into()
}

/// Implements `pool_runtime::Reset` for a type that is part of a pooled one: makes a value as good as new, field by field.
///
/// ```
/// use pool_runtime::{Pooled, Reset};
///
/// #[derive(Default, Reset)]
/// struct Headers<K> {
///     keys: Vec<K>,
///     #[pooled(set = 1)]
///     version: u8,
/// }
///
/// #[derive(Default, Pooled)]
/// struct Request {
///     headers: Headers<String>,
///     body: Vec<u8>,
/// }
///
/// let mut request = Request::acquire();
/// request.headers.keys.push("host".to_owned());
/// Request::reset_object(&mut request);
/// assert!(request.headers.keys.is_empty() && request.headers.version == 1);
/// ```
///
/// Fields and variants have the keys that they have under [`Pooled`](macro@Pooled#keys-on-a-field), with the same meaning. A type
/// may derive both: then keys on fields are for both.
///
/// # Keys on the type
///
/// | key | meaning | default |
/// |---|---|---|
/// | `default` | replaces the whole value with `new`, or `Default`; there are no keys on fields then | field by field |
/// | `reset = path or closure` | resets the whole value, `fn(&mut Self)`; there are no keys on fields then | field by field |
/// | [`bound(T: Reset, ..)`](#bound) | the bounds on the parameters, beside those of the type itself | inferred |
/// | `crate = path` | the path of `pool_runtime` | `::pool_runtime` |
///
/// The other keys of `Pooled` may stand on a type that derives both.
///
/// # Bounds
///
/// The type may have any parameters, lifetimes included. For each field whose type mentions a parameter, the impl has the bound that
/// the field's rule needs on the field's type: `Vec<T>: Reset`, which holds for every `T`, rather than `T: Reset`. A type that mentions
/// the item itself, as in `next: Option<Box<Self>>`, has no bound.
///
/// ## `bound`
///
/// Takes the place of the inferred bounds, if those are too many or too few. `bound()` is none.
///
/// ```
/// use pool_runtime::Reset;
///
/// trait Codec {
///     type Window: Reset;
/// }
///
/// #[derive(Reset)]
/// #[pooled(bound(C: Codec))]
/// struct Decoder<C: Codec> {
///     window: C::Window,
///     #[pooled(keep)]
///     codec: C,
/// }
/// # struct Deflate;
/// # impl Codec for Deflate { type Window = Vec<u8>; }
/// # let mut decoder = Decoder { window: vec![1], codec: Deflate };
/// # decoder.reset();
/// # assert!(decoder.window.is_empty());
/// ```
///
/// # Enums
///
/// Reset to the variant marked `#[pooled(default)]`, [as under `Pooled`](macro@Pooled#enums), or else to a value made by `new`, or by
/// `Default::default()`.
#[proc_macro_derive(Reset, attributes(pooled))]
pub fn derive_reset(input: TokenStream) -> TokenStream {
    derive(Trait::Reset, input.into()).into()
}

/// The trait that is derived.
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
        valid::check_new(&item, &mut errors);
    }
    let import = expand::import(&item);
    let mut output = match (derived, errors.is_empty() && !item.refused) {
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
