//! Words that would leave a reset, where they do not.

use pool_runtime::{Pooled, Reset};

macro_rules! early {
    ($value:expr) => {{
        if $value > 0 {
            return $value;
        }
        $value
    }};
}

fn parse(text: &str) -> Option<u8> {
    let number = text.parse::<u8>().ok()?;
    Some(number)
}

#[derive(Default, Pooled, Reset)]
#[pooled(retain = |values: &Values| { if values.after.is_empty() { return true; } false })]
struct Values {
    #[pooled(set = (|| { if u8::MAX == 255 { return 1 } 2 })())]
    closure: u8,
    #[pooled(set = { fn three() -> u8 { return 3 } three() })]
    function: u8,
    #[pooled(set = loop { break 4 })]
    looped: u8,
    #[pooled(set = 'a: { if u8::MAX == 255 { break 'a 5 } 6 })]
    labelled: u8,
    // A `return` of a macro's is the value.
    #[pooled(set = early!(7))]
    early: u8,
    #[pooled(set = [1, 2, 3].iter().map(|n| n * 2).sum(), max_capacity = { let limit = 8; limit })]
    sum: Sum,
    #[pooled(set = parse("8").unwrap_or(9))]
    parsed: u8,
    #[pooled(with = |n| { if *n == 0 { return; } *n = 9 })]
    with: u8,
    #[pooled(set = vec![10; 1].len() as u8 | 8)]
    vec: u8,
    after: Vec<u8>,
}

#[derive(Default, Debug, PartialEq)]
struct Sum(u8);

impl std::iter::Sum<u8> for Sum {
    fn sum<I: Iterator<Item = u8>>(iter: I) -> Self {
        Self(iter.sum())
    }
}

impl pool_runtime::LimitCapacity for Sum {
    fn limit_capacity(&mut self, max: usize) {
        assert_eq!(max, 8);
    }
}

fn main() {
    for derived in [Values::reset_object, Values::reset] {
        let mut values = Values { with: 1, after: vec![1], ..Values::default() };
        derived(&mut values);
        let Values { closure, function, looped, labelled, early, sum, parsed, with, vec, after } = values;
        assert_eq!([closure, function, looped, labelled, early, parsed, with, vec], [1, 3, 4, 5, 7, 8, 9, 9]);
        assert_eq!((sum, after.len()), (Sum(12), 0));
    }
}
