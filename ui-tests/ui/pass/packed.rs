use pool_runtime::{Pooled, Reset};

#[derive(Clone, Copy, Default, Pooled, Reset)]
#[repr(C, packed)]
struct Header {
    kind: u8,
    flags: [bool; 3],
    #[pooled(set = 7)]
    length: u32,
    #[pooled(default)]
    id: u64,
    #[pooled(keep)]
    uses: u16,
}

#[derive(Clone, Copy, Default, Pooled, Reset)]
#[repr(packed(4))]
struct Word {
    number: u32,
    letter: char,
}

#[derive(Default, Pooled)]
#[pooled(default)]
#[repr(packed)]
struct Whole(u32, u64);

fn main() {
    for derived in [Header::reset_object, Header::reset] {
        let mut header = Header { kind: 1, flags: [true; 3], length: 1, id: 1, uses: 1 };
        derived(&mut header);
        let Header { kind, flags, length, id, uses } = header;
        assert_eq!((kind, flags, length, id, uses), (0, [false; 3], 7, 0, 1));
    }
    let mut word = Word { number: 1, letter: 'a' };
    word.reset();
    Word::reset_object(&mut word);
    assert_eq!(({ word.number }, { word.letter }), (0, '\0'));
    let mut whole = Whole(1, 1);
    Whole::reset_object(&mut whole);
    assert_eq!(({ whole.0 }, { whole.1 }), (0, 0));
}
