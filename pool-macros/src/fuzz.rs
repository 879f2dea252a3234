//! Whatever is written in `#[pooled(..)]`, on whatever item, is answered with Rust: never with a panic.

use core::time::Duration;
use std::env;
use std::iter::repeat_with;
use std::panic::catch_unwind;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use proc_macro2::TokenStream;

use crate::{Trait, derive};

/// `#a` is a place for an attribute.
const ITEMS: [&str; 18] = [
    "#a struct T { #a b: Vec<u8>, #a r#type: [u8; 4] }",
    "#a struct T(#a Vec<u8>, #a pub(crate) Self::U);",
    "#a struct T;",
    "#a struct T {}",
    "#a struct r#T(#a fn(&mut Self) -> <u8 as U>::V) where Self: Send;",
    "#a struct T<'a, U: 'a = u8, const N: usize = 4> { #a b: &'a [U; N], #a c: Option<Box<T<'a, U, N>>> }",
    "#a struct T<const B: bool>(#a u8);",
    "#a struct T<A, B>(#a A, #a B::C) where A: Iterator<Item = B>, for<'x> &'x A: Send;",
    "#a struct Buf<T>(#a Vec<T>);",
    "#a enum T { #a A, #a B(#a u8), #a C { #a d: u8 } = 1 }",
    "#a enum T {}",
    "#a enum T<U> { #a A(#a U), #a r#B { #a r#fn: U } }",
    "#a union T { #a b: u8, #a c: u16 }",
    "#a union T<'a> { b: &'a u8 }",
    "#[deprecated] #[allow(deprecated)] #a struct T(#[expect(deprecated)] #a u8);",
    "#a struct T(#a m!{ x }, #a dyn A + 'static);",
    "#a fn t() {}",
    "#a trait T { #a fn t(); }",
];

const KEYS: [&str; 25] = [
    "new",
    "new_boxed",
    "reset",
    "retain",
    "max_idle",
    "local",
    "name",
    "on_panic",
    "instances",
    "bound",
    "crate",
    "clear",
    "default",
    "set",
    "with",
    "keep",
    "zeroize",
    "max_capacity",
    "other",
    "kep",
    "Self",
    "r#new",
    "ßtrange",
    "\"keep\"",
    "",
];

const VALUES: [&str; 44] = [
    "",
    "=",
    "= f",
    "= <T as U<u8, u16>>::f",
    "= |x| x.y",
    "= || 1",
    "= |x, y| x",
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
    "()",
    "::f = 1",
    "= [Self; { Self }]",
    "(T)",
    "(T<u8>)",
    "(Buf<u8>, self::Buf<[u16; 4]>, Buf<u8>)",
    "(T<'static, u8>, T<'_, u8, 4>, T<'a>, T<>)",
    "(T<T>, T<&u8>, T<Vec<U>>)",
    "(T<A = u8>, T(u8), T::<{ 1 }>, T<-1>)",
    "(T<u8, u16, u32, u64>, <T as U>::T, T<true>)",
    "(Buf<for<'x> fn(&'x u8) -> &'x u8>, Buf<dyn Fn(&u8)>)",
    "(T: Reset, 'a: 'static, for<'x> &'x T: U)",
    "(T:)",
    "(T: Reset; U)",
    "= ::std",
    "= crate::a::b",
    "= a::<u8>::b",
    "[1]",
];

const WORDS: [&str; 18] =
    ["#", "!", "=", ",", "::", "|", "pooled", "Self", "'a", "&", "<", ">", ":", "for", "0xff_u8", "(", "[", "{"];

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }

    fn one_of<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// Tokens that look like arguments, mostly.
    fn arguments(&mut self) -> String {
        let mut closing = Vec::new();
        let mut arguments = String::new();
        for _ in 0..self.below(12) {
            let word = match self.below(6) {
                0 | 1 => self.one_of(&KEYS),
                2 | 3 => self.one_of(&VALUES),
                4 => ",",
                _ => self.one_of(&WORDS),
            };
            closing.extend(match word {
                "(" => Some(")"),
                "[" => Some("]"),
                "{" => Some("}"),
                _ => None,
            });
            arguments = format!("{arguments} {word}");
            if self.below(4) == 0 {
                arguments.extend(closing.pop());
            }
        }
        arguments.extend(repeat_with(|| closing.pop()).map_while(|token| token));
        arguments
    }

    /// An item, with nothing or an attribute in each place for one.
    fn item(&mut self) -> String {
        let item = self.one_of(&ITEMS);
        let mut parts = item.split("#a");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            filled += &match self.below(6) {
                0..=2 => String::new(),
                3 => format!("#[pooled({} {})]", self.one_of(&KEYS), self.one_of(&VALUES)),
                4 => format!("#[pooled({})]", self.arguments()),
                _ => ["#[pooled]", "#[pooled()]", "#[pooled = 1]", "#[default]", "#[cfg(a)]"][self.below(5)].to_owned(),
            };
            filled += part;
        }
        filled
    }
}

/// The output of a derive, which has to be Rust.
fn answer(derived: Trait, item: &str) -> Option<String> {
    let tokens: TokenStream = item.parse().ok()?;
    let output = derive(derived, tokens);
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
    for item in [ITEMS[0], ITEMS[8], ITEMS[9]] {
        for key in KEYS {
            for value in VALUES {
                let attr = format!("#[pooled({key} {value})]");
                let alone = item.replacen("#a", &attr, 1).replace("#a", "");
                for item in [alone, item.replacen("#a", "", 1).replace("#a", &attr)] {
                    for derived in [Trait::Pooled, Trait::Reset] {
                        let answer = answer(derived, &item).expect("is made of tokens");
                        answers[usize::from(is_error(&answer))] += 1;
                    }
                }
            }
        }
    }
    assert!(answers.iter().all(|&n| n > 500), "accepted and refused: {answers:?}");
}

/// Two seconds; `FUZZ_SECONDS` for more, and `FUZZ_SEED` for the seed that a failure has printed.
#[test]
fn any_tokens_are_answered() {
    let number = |name| env::var(name).ok().map(|value| value.parse::<u64>().expect("is a number"));
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    let until = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(2));
    let mut seed = number("FUZZ_SEED").unwrap_or(time);
    let (mut read, mut accepted) = (0, 0);
    while Instant::now() < until {
        let item = Random(seed | 1).item();
        for derived in [Trait::Pooled, Trait::Reset] {
            let answer = catch_unwind(|| answer(derived, &item));
            let answer = answer.unwrap_or_else(|_| panic!("FUZZ_SEED={seed}: {item}"));
            read += usize::from(answer.is_some());
            accepted += usize::from(answer.is_some_and(|answer| !is_error(&answer)));
        }
        seed = seed.wrapping_add(2);
    }
    println!("{read} items were made of tokens, and {accepted} of them were right");
    assert!(read > 0 && accepted > 0, "{read} items were made of tokens, and {accepted} of them were right");
}
