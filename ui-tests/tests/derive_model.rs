//! The derives against a model: random structs and enums of random fields under random rules. One program has them all; it makes
//! each dirty in the ways that safe code has, resets it, and compares every field with what its rule promises.
//!
//! `DERIVE_MODEL_SEED` chooses other types, `DERIVE_MODEL_TYPES` their number.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// A type of a field, and what can be done with it.
struct Kind {
    ty: &'static str,
    /// A new one.
    new: &'static str,
    /// What `Reset` makes, where it is not `new`; empty: it has no `Reset`.
    reset: Option<&'static str>,
    values: &'static [&'static str],
    /// Statements about `x`, which is an exclusive reference.
    dirt: &'static [&'static str],
    /// A closure that depends on the value.
    with: Option<&'static str>,
    is_cleared: bool,
    has_capacity: bool,
}

const PLAIN: Kind = Kind {
    ty: "",
    new: "Default::default()",
    reset: None,
    values: &[],
    dirt: &[],
    with: None,
    is_cleared: false,
    has_capacity: false,
};

const KINDS: &[Kind] = &[
    Kind {
        ty: "Vec<u8>",
        values: &["vec![7]", "vec![1, 2]"],
        dirt: &["x.extend([1; 300])", "*x = vec![9]", "{ x.push(1); std::mem::forget(x.drain(..)) }"],
        with: Some("|x| x.truncate(1)"),
        is_cleared: true,
        has_capacity: true,
        ..PLAIN
    },
    Kind {
        ty: "Vec<Vec<String>>",
        values: &["vec![vec![String::new()]]"],
        dirt: &["x.push(vec![])"],
        is_cleared: true,
        has_capacity: true,
        ..PLAIN
    },
    Kind {
        ty: "String",
        values: &["\"seven\".to_owned()", "format!(\"{}\", 8)"],
        dirt: &["x.push_str(&\"dirty\".repeat(60))"],
        with: Some("|x| x.push('!')"),
        is_cleared: true,
        has_capacity: true,
        ..PLAIN
    },
    Kind {
        ty: "u32",
        values: &["7", "u32::MAX", "{ fn f() -> u32 { return 5 } f() }"],
        dirt: &["*x = 41", "*x = x.wrapping_add(3)"],
        with: Some("|x| *x = x.wrapping_add(1)"),
        ..PLAIN
    },
    Kind { ty: "bool", values: &["true", "1 < 2"], dirt: &["*x = true"], with: Some("|x| *x = !*x"), ..PLAIN },
    Kind { ty: "f64", values: &["0.5"], dirt: &["*x = f64::NAN", "*x = -0.0"], ..PLAIN },
    Kind {
        ty: "Option<String>",
        values: &["Some(String::new())"],
        dirt: &["*x = Some(\"alice\".to_owned())"],
        ..PLAIN
    },
    Kind {
        ty: "HashMap<u8, u8>",
        values: &["HashMap::from([(1, 2)])"],
        dirt: &["{ x.clear(); x.insert(1, 1); }", "{ x.insert(2, 2); std::mem::forget(x.drain()) }"],
        is_cleared: true,
        has_capacity: true,
        ..PLAIN
    },
    Kind {
        ty: "BTreeMap<u8, u8>",
        values: &["BTreeMap::from([(1, 2)])"],
        dirt: &["_ = x.insert(1, 1)"],
        is_cleared: true,
        ..PLAIN
    },
    Kind {
        ty: "VecDeque<u8>",
        values: &["VecDeque::from([1])"],
        dirt: &["x.extend([1; 300])", "x.push_front(1)"],
        is_cleared: true,
        has_capacity: true,
        ..PLAIN
    },
    Kind { ty: "[u16; 3]", values: &["[7; 3]"], dirt: &["x[1] = 1"], with: Some("|x| x.rotate_left(1)"), ..PLAIN },
    Kind { ty: "(u8, Vec<u8>)", values: &["(1, vec![])"], dirt: &["x.0 = 1", "x.1.push(1)"], ..PLAIN },
    Kind {
        ty: "RefCell<Vec<u8>>",
        values: &["RefCell::new(vec![1])"],
        dirt: &[
            "x.get_mut().push(1)",
            "if let Ok(guard) = x.try_borrow_mut() { std::mem::forget(guard) }",
            "if let Ok(guard) = x.try_borrow() { std::mem::forget(guard) }",
        ],
        ..PLAIN
    },
    Kind {
        ty: "Mutex<u32>",
        values: &["Mutex::new(7)"],
        dirt: &["*x.get_mut().unwrap_or_else(|e| e.into_inner()) = 1", "std::mem::forget(x.try_lock())", "poison(x)"],
        ..PLAIN
    },
    Kind {
        ty: "RwLock<String>",
        values: &["RwLock::new(String::new())"],
        dirt: &[
            "x.get_mut().unwrap_or_else(|e| e.into_inner()).push('x')",
            "std::mem::forget(x.try_read())",
            "std::mem::forget(x.try_write())",
        ],
        ..PLAIN
    },
    Kind { ty: "Cell<u8>", values: &["Cell::new(1)"], dirt: &["x.set(2)"], ..PLAIN },
    Kind { ty: "AtomicU64", values: &["AtomicU64::new(1)"], dirt: &["*x.get_mut() = 2"], ..PLAIN },
    Kind { ty: "Box<str>", values: &["\"text\".into()"], dirt: &["*x = \"password\".into()"], ..PLAIN },
    Kind { ty: "Box<u32>", values: &["Box::new(7)"], dirt: &["**x = 1"], ..PLAIN },
    Kind { ty: "Box<[u8]>", reset: Some(""), values: &["Box::new([1])"], dirt: &["*x = Box::new([1, 2])"], ..PLAIN },
    Kind {
        ty: "Cow<'static, str>",
        values: &["Cow::Borrowed(\"x\")"],
        dirt: &["*x = Cow::Borrowed(\"dirty\")", "x.to_mut().push('x')"],
        ..PLAIN
    },
    Kind { ty: "CString", values: &["c\"x\".to_owned()"], dirt: &["*x = c\"dirty\".to_owned()"], ..PLAIN },
    Kind { ty: "std::ops::Range<u8>", values: &["1..2"], dirt: &["*x = 3..9", "x.end = 7"], ..PLAIN },
    Kind { ty: "Arc<str>", reset: Some(""), values: &["\"x\".into()"], dirt: &["*x = \"dirty\".into()"], ..PLAIN },
    Kind {
        ty: "sync::Weak<u8>",
        values: &["sync::Weak::new()"],
        dirt: &["{ let arc = Arc::new(1); *x = Arc::downgrade(&arc); std::mem::forget(arc) }"],
        ..PLAIN
    },
    // A derived `Reset` that is not `Default`, and a `clear` that is neither.
    Kind {
        ty: "Inner",
        reset: Some("Inner { n: 3, v: vec![] }"),
        values: &["Inner { n: 4, v: vec![] }"],
        dirt: &["x.n = 1", "x.v.push(1)"],
        ..PLAIN
    },
    Kind {
        ty: "Own",
        reset: Some(""),
        values: &["Own(4)"],
        dirt: &["x.0 = 9"],
        with: Some("|x| x.0 += 1"),
        is_cleared: true,
        ..PLAIN
    },
];

/// What the program has in front of its types.
const PRELUDE: &str = "\
#![allow(warnings)]
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ffi::CString;
use std::fmt::Debug;
use std::sync::atomic::AtomicU64;
use std::sync::{self, Arc, Mutex, RwLock};

use pool_runtime::{Pooled, Reset};

#[derive(Clone, Debug, Default, Reset)]
pub struct Inner { #[pooled(set = 3)] n: u8, v: Vec<u8> }
#[derive(Clone, Debug, Default)]
pub struct Own(u8);
impl Own { pub fn clear(&mut self) { self.0 = 0; } }
pub trait Codec { type Window; }
macro_rules! early { ($e:expr) => {{ if true { return $e } else { $e } }} }
fn renew<T: Default>(x: &mut T) { *x = T::default() }
fn shown<T: Debug>(x: &T) -> String { format!(\"{x:?}\") }
fn poison<T>(x: &Mutex<T>) {
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let guard = x.try_lock();
        std::panic::resume_unwind(Box::new(guard.is_ok()))
    }));
}
#[track_caller]
fn expect(what: &str, when: &str, found: String, expected: String) {
    assert_eq!(found, expected, \"{what}, {when}\");
}
#[track_caller]
fn limited(what: &str, less: usize, more: usize) {
    assert!(less <= more, \"{what}: {less} above {more}\");
}
pub struct Random(u64);
impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % end
    }
}
/// What a module writes about its type.
trait Try: Pooled {
    type Note;
    fn dirty(o: &mut Self, random: &mut Random);
    /// Goes to another variant.
    fn leave(o: &mut Self, random: &mut Random) -> bool;
    /// What a field shows, copies for closures, and capacities.
    fn note(o: &mut Self) -> Self::Note;
    fn reset(o: &mut Self, random: &mut Random);
    fn fresh(o: &mut Self, when: &str);
    fn after(o: &mut Self, note: &Self::Note, when: &str);
}
fn attempt<T: Try>(n: u64) {
    let random = &mut Random(n);
    let mut o = T::acquire();
    T::fresh(&mut o, \"new\");
    for _ in 0..8 {
        (0..1 + random.below(2)).for_each(|_| T::dirty(&mut o, random));
        let note = T::note(&mut o);
        T::reset(&mut o, random);
        T::after(&mut o, &note, \"reset\");
        T::dirty(&mut o, random);
        let note = T::note(&mut o);
        let left = T::leave(&mut o, random);
        let made = T::pool().stats().created;
        drop(o);
        o = T::acquire();
        let is_new = T::pool().stats().created > made;
        if is_new || left {
            T::fresh(&mut o, \"new again\");
        } else {
            T::after(&mut o, &note, \"acquired again\");
        }
    }
}
";

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % end as u64) as usize
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// A field, with its rule as it is written and what the rule promises.
struct Field {
    kind: &'static Kind,
    /// As it is written in the type: the parameter's name in a generic one.
    written: String,
    keys: String,
    promise: Promise,
    max: Option<usize>,
}

enum Promise {
    /// This value.
    Value(String),
    /// What the closure makes of the value before.
    Made(&'static str),
    Kept,
}

impl Field {
    fn random(random: &mut Random) -> Self {
        let kind = &KINDS[random.below(KINDS.len())];
        let mut field =
            Self { kind, written: kind.ty.to_owned(), keys: String::new(), promise: Promise::Kept, max: None };
        let value = random.of(kind.values);
        let (keys, promise) = loop {
            break match random.below(9) {
                0..=2 if kind.reset != Some("") => {
                    (String::new(), Promise::Value(kind.reset.unwrap_or(kind.new).to_owned()))
                }
                3 if kind.is_cleared => ("clear".to_owned(), Promise::Value(kind.new.to_owned())),
                4 => ("default".to_owned(), Promise::Value(kind.new.to_owned())),
                5 => (format!("set = {value}"), Promise::Value(value.to_owned())),
                6 => match random.below(4) {
                    0 => (format!("set = early!({value})"), Promise::Value(value.to_owned())),
                    1 => (format!("with = |x| {{ *x = {value}; return; }}"), Promise::Value(value.to_owned())),
                    _ => ("with = renew".to_owned(), Promise::Value(kind.new.to_owned())),
                },
                7 => match kind.with {
                    Some(with) => (format!("with = {with}"), Promise::Made(with)),
                    None => continue,
                },
                8 => ("keep".to_owned(), Promise::Kept),
                _ => continue,
            };
        };
        (field.keys, field.promise) = (keys, promise);
        if kind.has_capacity && field.keys != "keep" && random.below(3) == 0 {
            field.max = Some(random.of(&[0, 16, 64]));
            let comma = if field.keys.is_empty() { "" } else { ", " };
            field.keys += &format!("{comma}max_capacity = {}", field.max.unwrap_or_default());
        }
        field
    }

    /// What is shown of it after a reset, as an expression.
    fn after(&self, i: usize, copy: usize) -> String {
        let ty = self.kind.ty;
        match &self.promise {
            Promise::Value(value) => of_type(ty, value),
            Promise::Made(with) => format!(
                "{{ let mut x: {ty} = note.1.{copy}.clone(); let with: fn(&mut {ty}) = {with}; with(&mut x); shown(&x) }}"
            ),
            Promise::Kept => format!("note.0[{i}].clone()"),
        }
    }

    /// The same for one that is new.
    fn fresh(&self) -> String {
        let (ty, new) = (self.kind.ty, self.kind.new);
        match &self.promise {
            Promise::Value(value) => of_type(ty, value),
            Promise::Made(with) => {
                format!("{{ let mut x: {ty} = {new}; let with: fn(&mut {ty}) = {with}; with(&mut x); shown(&x) }}")
            }
            Promise::Kept => of_type(ty, new),
        }
    }

    /// One of the ways, chosen when the program runs.
    fn dirty(&self, i: usize) -> String {
        let ways = self.kind.dirt.iter().enumerate().map(|(n, way)| format!("{n} => {{ {way}; }}\n"));
        let ways: String = ways.collect();
        format!(
            "let x: &mut {} = f{i};\nmatch random.below({}) {{ {ways} _ => {{}} }}\n",
            self.kind.ty,
            self.kind.dirt.len()
        )
    }
}

/// What is shown of a value of this type.
fn of_type(ty: &str, value: &str) -> String {
    format!("{{ let x: {ty} = {value}; shown(&x) }}")
}

/// One type, in a module with a function that tries it.
fn module(n: usize, random: &mut Random) -> String {
    let mut fields: Vec<Field> = (0..1 + random.below(6)).map(|_| Field::random(random)).collect();
    let is_enum = random.below(4) == 0;
    let is_tuple = random.below(3) == 0;
    let both = random.below(2) == 0;
    let (mut parameters, mut arguments) = (Vec::new(), Vec::new());
    if random.below(3) == 0 {
        let (codec, plain) = (random.below(fields.len()), random.below(fields.len()));
        fields[plain].written = "T".to_owned();
        // A `Reset` that is written here holds for every parameter, whose bounds are what its own keys need.
        let ty = fields[plain].kind.ty;
        parameters.push("T".to_owned());
        arguments.push(ty.to_owned());
        if codec != plain {
            fields[codec].written = if random.below(2) == 0 { "C::Window" } else { "<C as Codec>::Window" }.to_owned();
            parameters.push("C: Codec".to_owned());
            arguments.push("Deflate".to_owned());
        }
    }
    let is_generic = !parameters.is_empty();
    let both = both && !is_generic;
    let has_new = !is_enum && random.below(4) == 0;
    let whole = if is_enum || random.below(8) > 0 { "" } else { random.of(&["default", "reset"]) };
    if !whole.is_empty() {
        fields.iter_mut().for_each(|field| (field.keys, field.max) = (String::new(), None));
    }

    let new_values: Vec<&str> =
        fields.iter().map(|field| if has_new { random.of(field.kind.values) } else { field.kind.new }).collect();
    let body = |values: &[&str]| {
        let of = |(i, value): (usize, &&str)| if is_tuple { (*value).to_string() } else { format!("f{i}: {value}") };
        let list = values.iter().enumerate().map(of).collect::<Vec<_>>().join(", ");
        if is_tuple { format!("({list})") } else { format!("{{ {list} }}") }
    };
    let resets: Vec<String> = (0..fields.len())
        .map(|i| format!("let f{i}: &mut {} = f{i}; *f{i} = {};", fields[i].kind.ty, fields[i].kind.values[0]))
        .collect();
    let mut keys = vec!["max_idle = 64".to_owned()];
    let names: Vec<String> = (0..fields.len()).map(|i| format!("f{i}")).collect();
    let pattern = |path: &str| {
        if is_tuple { format!("{path}({})", names.join(", ")) } else { format!("{path} {{ {} }}", names.join(", ")) }
    };
    if has_new {
        keys.push(format!("new = || Type {}", body(&new_values)));
    }
    match whole {
        "default" => keys.push("default".to_owned()),
        "reset" => keys.push(format!("reset = |object| {{ let {} = object; {} }}", pattern("Type"), resets.join(" "))),
        _ => {}
    }
    if is_generic {
        keys.push(format!("instances(Type<{}>)", arguments.join(", ")));
    }
    let declared: Vec<String> = fields
        .iter()
        .enumerate()
        .map(|(i, field)| {
            let attr = if field.keys.is_empty() { String::new() } else { format!("#[pooled({})] ", field.keys) };
            let name = if is_tuple { String::new() } else { format!("f{i}: ") };
            format!("{attr}{name}{}", field.written)
        })
        .collect();
    let declared =
        if is_tuple { format!("({})", declared.join(", ")) } else { format!("{{ {} }}", declared.join(", ")) };
    let generics = if is_generic { format!("<{}>", parameters.join(", ")) } else { String::new() };
    let derives = if both { "Pooled, Reset" } else { "Pooled" };
    let mut text = format!("mod t{n} {{\nuse super::*;\n");
    let codec = fields.iter().find(|field| field.written.contains("Window"));
    if let Some(field) = codec {
        writeln!(text, "pub struct Deflate;\nimpl Codec for Deflate {{ type Window = {}; }}", field.kind.ty).unwrap();
    }
    writeln!(text, "#[derive({derives})]\n#[pooled({})]", keys.join(", ")).unwrap();
    if is_enum {
        writeln!(text, "enum Type{generics} {{ Busy(Vec<u8>), #[pooled(default)] Idle {declared}, Done }}").unwrap();
    } else {
        let end = if is_tuple { ";" } else { "" };
        writeln!(text, "struct Type{generics} {declared}{end}").unwrap();
    }
    let concrete = if is_generic { format!("Type<{}>", arguments.join(", ")) } else { "Type".to_owned() };
    if !is_enum && !has_new {
        let defaults: Vec<&str> = fields.iter().map(|field| field.kind.new).collect();
        writeln!(text, "impl Default for {concrete} {{ fn default() -> Self {{ Type {} }} }}", body(&defaults))
            .unwrap();
    }

    // What a field is after a reset, and when new.
    let after = |i: usize| match whole {
        "default" => of_type(fields[i].kind.ty, new_values[i]),
        "reset" => of_type(fields[i].kind.ty, fields[i].kind.values[0]),
        _ => {
            let copy = fields[..i].iter().filter(|field| matches!(field.promise, Promise::Made(_))).count();
            fields[i].after(i, copy)
        }
    };
    let fresh = |i: usize| {
        if has_new || whole == "default" {
            of_type(fields[i].kind.ty, new_values[i])
        } else if whole == "reset" {
            after(i)
        } else {
            fields[i].fresh()
        }
    };
    let bind = if is_enum {
        format!("let {} = &mut *o else {{ panic!(\"another variant\") }};", pattern("Type::Idle"))
    } else {
        format!("let {} = &mut *o;", pattern("Type"))
    };
    let expect = |of: &dyn Fn(usize) -> String| -> String {
        let each = (0..fields.len()).map(|i| {
            let key = fields[i].keys.replace('"', "'");
            format!("expect(\"t{n}, field {i}, `{}`\", when, shown(f{i}), {});\n", key, of(i))
        });
        each.collect()
    };
    let all = |write: &dyn Fn(usize, &Field) -> String| -> String {
        fields.iter().enumerate().map(|(i, field)| write(i, field)).collect()
    };
    let has_copy = |field: &Field| matches!(field.promise, Promise::Made(_)) && whole.is_empty();
    let copies = all(&|i, field| if has_copy(field) { format!("f{i}.clone(), ") } else { String::new() });
    let types = all(&|_, field| if has_copy(field) { format!("{}, ", field.kind.ty) } else { String::new() });
    let has_room = |field: &Field| field.kind.has_capacity && whole.is_empty();
    let rooms = all(&|i, field| if has_room(field) { format!("f{i}.capacity(), ") } else { "0, ".to_owned() });
    let limits = all(&|i, field| match field.max {
        // A table is a power of two, of which seven eighths are used, and no smaller than one group.
        Some(max) if has_room(field) => {
            format!("limited(\"t{n}, field {i}\", f{i}.capacity(), (2 * {max}).max(28).max(f{i}.len()));\n")
        }
        None if has_room(field) && (field.keys.is_empty() || field.keys == "clear") => {
            format!("limited(\"t{n}, field {i}\", note.2[{i}], f{i}.capacity());\n")
        }
        _ => String::new(),
    });
    let dirt = all(&|i, field| field.dirty(i));
    let shown = all(&|i, _| format!("shown(f{i}), "));
    let leave = if is_enum {
        "match random.below(3) { 0 => *o = Type::Done, 1 => *o = Type::Busy(vec![1]), _ => return false } true"
    } else {
        "false"
    };
    let reset = if both { "if random.below(2) == 0 { return Reset::reset(o) }" } else { "" };
    let (expect_fresh, expect_after) = (expect(&fresh), expect(&after));
    writeln!(
        text,
        "type Note = (Vec<String>, ({types}), Vec<usize>);
impl Try for {concrete} {{
    type Note = Note;
    fn dirty(o: &mut Self, random: &mut Random) {{ {bind}\n{dirt} }}
    fn leave(o: &mut Self, random: &mut Random) -> bool {{ {leave} }}
    fn note(o: &mut Self) -> Note {{ {bind}\n(vec![{shown}], ({copies}), vec![{rooms}]) }}
    fn reset(o: &mut Self, random: &mut Random) {{ {reset} Self::reset_object(o) }}
    fn fresh(o: &mut Self, when: &str) {{ {bind}\n{expect_fresh} }}
    fn after(o: &mut Self, note: &Note, when: &str) {{ {bind}\n{expect_after}\n{limits} }}
}}
pub fn run() {{ attempt::<{concrete}>({n}) }}
}}"
    )
    .unwrap();
    text
}

#[test]
fn random_types_are_reset_as_the_model_says() {
    let number = |name| env::var(name).ok().map(|value| value.parse::<u64>().expect("is a number"));
    let seed = number("DERIVE_MODEL_SEED").unwrap_or(1);
    let types = number("DERIVE_MODEL_TYPES").unwrap_or(100) as usize;
    let mut random = Random(seed);
    let mut program = PRELUDE.to_owned();
    (0..types).for_each(|n| program += &module(n, &mut random));
    program += "fn main() {\n";
    (0..types).for_each(|n| writeln!(program, "t{n}::run();").unwrap());
    program += "}\n";
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("derive_model.rs");
    fs::write(&path, program).expect("there is room for it");
    println!("DERIVE_MODEL_SEED={seed} DERIVE_MODEL_TYPES={types}: {}", path.display());
    trybuild::TestCases::new().pass(path);
}
