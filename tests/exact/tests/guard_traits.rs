//! What a guard forwards to its object: every method that a trait has, those with a body of their own included, since the object
//! may have a better one.

use std::error::Error;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, Cursor, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::iter::FusedIterator;

use pool_runtime::{Guard, Pooled};
use stable_deref_trait::StableDeref;
use tests::cpu;

/// Writes down which of its methods were called. It is at its end, so no method's own body loops.
#[derive(Debug, Default, Pooled)]
struct Probe {
    calls: Vec<&'static str>,
}

impl Probe {
    fn note<V>(&mut self, call: &'static str, value: V) -> V {
        self.calls.push(call);
        value
    }
}

/// Calls each of these on the guard, and looks whether it reached the object, and no other did.
macro_rules! check_calls {
    ($probe:ident as $trait:path: $($method:ident($($argument:expr),*) => $value:pat,)+) => {$(
        let value = <Guard<_> as $trait>::$method(&mut $probe $(, $argument)*);
        assert!(matches!(value, $value), "{} returns {value:?}", stringify!($method));
        assert_eq!($probe.calls, [stringify!($method)]);
        $probe.calls.clear();
    )+};
}

impl Read for Probe {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.note("read", Ok(0))
    }
    fn read_vectored(&mut self, _: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.note("read_vectored", Ok(2))
    }
    fn read_to_end(&mut self, _: &mut Vec<u8>) -> io::Result<usize> {
        self.note("read_to_end", Ok(3))
    }
    fn read_to_string(&mut self, _: &mut String) -> io::Result<usize> {
        self.note("read_to_string", Ok(4))
    }
    fn read_exact(&mut self, _: &mut [u8]) -> io::Result<()> {
        self.note("read_exact", Ok(()))
    }
}

#[test]
fn read() {
    let mut probe = Probe::acquire();
    check_calls! { probe as Read:
        read(&mut [0]) => Ok(0),
        read_vectored(&mut []) => Ok(2),
        read_to_end(&mut vec![]) => Ok(3),
        read_to_string(&mut String::new()) => Ok(4),
        read_exact(&mut [0]) => Ok(()),
    }
}

impl BufRead for Probe {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.note("fill_buf", Ok(&[]))
    }
    fn consume(&mut self, _: usize) {
        self.note("consume", ());
    }
    fn read_until(&mut self, _: u8, _: &mut Vec<u8>) -> io::Result<usize> {
        self.note("read_until", Ok(2))
    }
    fn skip_until(&mut self, _: u8) -> io::Result<usize> {
        self.note("skip_until", Ok(3))
    }
    fn read_line(&mut self, _: &mut String) -> io::Result<usize> {
        self.note("read_line", Ok(4))
    }
}

#[test]
fn buf_read() {
    let mut probe = Probe::acquire();
    check_calls! { probe as BufRead:
        fill_buf() => Ok([]),
        consume(1) => (),
        read_until(0, &mut vec![]) => Ok(2),
        skip_until(0) => Ok(3),
        read_line(&mut String::new()) => Ok(4),
    }
}

impl Write for Probe {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        self.note("write", Ok(0))
    }
    fn write_vectored(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        self.note("write_vectored", Ok(2))
    }
    fn flush(&mut self) -> io::Result<()> {
        self.note("flush", Ok(()))
    }
    fn write_all(&mut self, _: &[u8]) -> io::Result<()> {
        self.note("write_all", Ok(()))
    }
    fn write_fmt(&mut self, _: fmt::Arguments<'_>) -> io::Result<()> {
        self.note("write_fmt", Ok(()))
    }
}

#[test]
fn write() {
    let mut probe = Probe::acquire();
    check_calls! { probe as Write:
        write(&[1]) => Ok(0),
        write_vectored(&[]) => Ok(2),
        flush() => Ok(()),
        write_all(&[1]) => Ok(()),
        write_fmt(format_args!("{}", 1)) => Ok(()),
    }
}

impl Seek for Probe {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        self.note("seek", Ok(1))
    }
    fn rewind(&mut self) -> io::Result<()> {
        self.note("rewind", Ok(()))
    }
    fn stream_position(&mut self) -> io::Result<u64> {
        self.note("stream_position", Ok(2))
    }
    fn seek_relative(&mut self, _: i64) -> io::Result<()> {
        self.note("seek_relative", Ok(()))
    }
}

#[test]
fn seek() {
    let mut probe = Probe::acquire();
    check_calls! { probe as Seek:
        seek(SeekFrom::Start(1)) => Ok(1),
        rewind() => Ok(()),
        stream_position() => Ok(2),
        seek_relative(1) => Ok(()),
    }
}

/// A guard may be handed to a function that asks for an owned reader or writer, as a box may.
#[test]
fn a_guard_is_handed_on_as_a_reader_and_a_writer() {
    #[derive(Default, Pooled)]
    struct File(Cursor<Vec<u8>>);
    impl Read for File {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.read(buf)
        }
    }
    impl Write for File {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.0.write(buf)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    fn send(mut to: impl Write + Send + 'static) {
        writeln!(to, "hello").expect("it has room");
    }

    cpu::pin();
    send(File::acquire());
    assert_eq!(File::pool().stats().in_use, 0);
    let mut file = File::acquire();
    assert!(file.0.get_ref().is_empty(), "dirty");
    file.write_all(b"two\nlines").expect("it has room");
    file.0.set_position(0);
    let lines: Vec<String> = io::BufReader::new(file).lines().map(|line| line.expect("text")).collect();
    assert_eq!(lines, ["two", "lines"]);
    assert_eq!(File::pool().stats().in_use, 0);
}

#[derive(Default, Pooled)]
struct Text {
    calls: Vec<&'static str>,
}

impl fmt::Write for Text {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        self.calls.push("write_str");
        Ok(())
    }
    fn write_char(&mut self, _: char) -> fmt::Result {
        self.calls.push("write_char");
        Ok(())
    }
    fn write_fmt(&mut self, _: fmt::Arguments<'_>) -> fmt::Result {
        self.calls.push("write_fmt");
        Err(fmt::Error)
    }
}

#[test]
fn fmt_write() {
    let mut text = Text::acquire();
    check_calls! { text as fmt::Write:
        write_str("a") => Ok(()),
        write_char('a') => Ok(()),
        write_fmt(format_args!("{}", 1)) => Err(fmt::Error),
    }
}

/// Counts down from both ends.
#[derive(Debug, Default, Pooled)]
#[pooled(reset = |steps| *steps = Steps::default())]
struct Steps {
    calls: Vec<&'static str>,
    left: u32,
}

impl Steps {
    fn note(&mut self, call: &'static str) -> Option<u32> {
        self.calls.push(call);
        self.left = self.left.checked_sub(1)?;
        Some(self.left)
    }
}

impl Iterator for Steps {
    type Item = u32;
    fn next(&mut self) -> Option<u32> {
        self.note("next")
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
    fn nth(&mut self, _: usize) -> Option<u32> {
        self.note("nth")
    }
}

impl DoubleEndedIterator for Steps {
    fn next_back(&mut self) -> Option<u32> {
        self.note("next_back")
    }
    fn nth_back(&mut self, _: usize) -> Option<u32> {
        self.note("nth_back")
    }
}

impl ExactSizeIterator for Steps {
    // Not what `size_hint` says, to be told from the method's own body.
    fn len(&self) -> usize {
        self.left as usize + 100
    }
}

impl FusedIterator for Steps {}

fn steps(left: u32) -> Guard<Steps> {
    let mut steps = Steps::acquire();
    assert_eq!(steps.left, 0, "dirty");
    steps.left = left;
    steps
}

#[test]
fn iterators() {
    fn fused(_: &impl FusedIterator) {}

    let mut four = steps(4);
    fused(&four);
    assert_eq!((Iterator::size_hint(&four), ExactSizeIterator::len(&four)), ((4, Some(4)), 104));
    check_calls! { four as Iterator: next() => Some(3), nth(0) => Some(2), }
    check_calls! { four as DoubleEndedIterator: next_back() => Some(1), nth_back(0) => Some(0), }
    assert_eq!(four.left, 0);
    drop(four);

    // By value, as an adapter and a `for` take it; the object is released where the iterator is dropped.
    assert_eq!(steps(3).map(|step| step * 2).collect::<Vec<_>>(), [4, 2, 0]);
    assert_eq!(steps(3).rev().collect::<Vec<_>>(), [2, 1, 0]);
    let mut sum = 0;
    for step in steps(3) {
        sum += step;
    }
    assert_eq!(sum, 3);
}

#[derive(Debug, Default, Pooled)]
struct Failure {
    #[pooled(default)]
    cause: Option<fmt::Error>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it failed")
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
    fn description(&self) -> &str {
        "what it says of itself"
    }
    fn cause(&self) -> Option<&dyn Error> {
        None
    }
}

#[test]
#[allow(deprecated)]
fn error() {
    let mut failure = Failure::acquire();
    assert!(failure.source().is_none());
    failure.cause = Some(fmt::Error);
    // Each is the object's own: the methods' own bodies would say otherwise.
    assert!(Error::source(&failure).is_some_and(|source| source.is::<fmt::Error>()));
    assert!(Error::cause(&failure).is_none());
    assert_eq!(Error::description(&failure), "what it says of itself");
    let error: Box<dyn Error + Send + Sync> = Box::from(failure);
    assert_eq!(error.to_string(), "it failed");
    assert!(error.is::<Guard<Failure>>());
}

/// Its numbers are told from their bytes.
#[derive(Default, Pooled)]
struct Letters {
    calls: Vec<&'static str>,
}

macro_rules! note_numbers {
    ($($write:ident($number:ty),)+) => {$(
        fn $write(&mut self, _: $number) {
            self.calls.push(stringify!($write));
        }
    )+};
}

impl Hasher for Letters {
    fn finish(&self) -> u64 {
        7
    }
    fn write(&mut self, _: &[u8]) {
        self.calls.push("write");
    }
    note_numbers! {
        write_u8(u8), write_u16(u16), write_u32(u32), write_u64(u64), write_u128(u128), write_usize(usize),
        write_i8(i8), write_i16(i16), write_i32(i32), write_i64(i64), write_i128(i128), write_isize(isize),
    }
}

#[test]
fn hasher() {
    let mut letters = Letters::acquire();
    assert_eq!(Hasher::finish(&letters), 7);
    check_calls! { letters as Hasher:
        write(&[1]) => (),
        write_u8(1) => (),
        write_u16(1) => (),
        write_u32(1) => (),
        write_u64(1) => (),
        write_u128(1) => (),
        write_usize(1) => (),
        write_i8(1) => (),
        write_i16(1) => (),
        write_i32(1) => (),
        write_i64(1) => (),
        write_i128(1) => (),
        write_isize(1) => (),
    }

    #[derive(Default, Pooled)]
    struct Sip(DefaultHasher);
    impl Hasher for Sip {
        fn finish(&self) -> u64 {
            self.0.finish()
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.write(bytes);
        }
    }
    let (mut pooled, mut plain) = (Sip::acquire(), DefaultHasher::new());
    ("text", 1_u8).hash(&mut pooled);
    ("text", 1_u8).hash(&mut plain);
    assert_eq!(pooled.finish(), plain.finish());
}

/// `Default` acquires: an idle object, where there is one.
#[test]
fn default() {
    #[derive(Default, Pooled)]
    struct Out {
        bytes: Vec<u8>,
    }
    #[derive(Default, Pooled)]
    struct Session {
        out: Guard<Out>,
        #[pooled(default)]
        spare: Option<Guard<Out>>,
    }

    cpu::pin();
    let mut out = Guard::<Out>::default();
    out.bytes.push(1);
    let address: *const Out = &*out;
    drop(out);
    let out = Guard::<Out>::default();
    assert!(std::ptr::eq(&*out, address) && out.bytes.is_empty());
    drop(out);

    // A struct of guards has a pool without a `new`. Its objects keep theirs.
    let mut session = Session::acquire();
    session.out.bytes.push(1);
    session.spare = Some(Guard::default());
    drop(session);
    let stats = Out::pool().stats();
    assert_eq!((stats.created, stats.in_use, stats.idle), (2, 1, 1));
    let mut session = Session::acquire();
    assert!(session.out.bytes.is_empty() && session.spare.is_none());

    // What is taken out of a guard is another guard.
    let out = std::mem::take(&mut session.out);
    assert_eq!(Out::pool().stats().in_use, 2);
    drop(out);
    drop(session);
    Session::pool().collect();
    assert_eq!(Out::pool().stats().in_use, 0);
}

#[test]
fn from_value_and_from_box() {
    #[derive(Debug, Default, PartialEq, Pooled)]
    struct Page(u8);

    cpu::pin();
    let page: Guard<Page> = Page(1).into();
    assert_eq!(*page, Page(1));
    drop(page);
    let object = Box::new(Page(2));
    let address: *const Page = &*object;
    // It stays where it is, on the way in and out.
    let page = Guard::from(object);
    assert!(std::ptr::eq(&*page, address));
    assert_eq!(*page, Page(2));
    let object = Guard::into_box(page);
    assert!(std::ptr::eq(&*object, address));
    let page = Page::adopt_box(object);
    assert!(std::ptr::eq(&*page, address));
    let stats = Page::pool().stats();
    assert_eq!((stats.created, stats.adopted, stats.detached, stats.in_use, stats.idle), (0, 3, 1, 1, 1));
    drop(page);
    assert_eq!(Page::pool().idle(), 2);
    // Both were reset.
    assert_eq!((&*Page::acquire(), &*Page::acquire()), (&Page(0), &Page(0)));
}

#[test]
fn pointer() {
    #[derive(Default, Pooled)]
    struct Page;

    let page = Page::acquire();
    let address: *const Page = &*page;
    assert_eq!((format!("{page:p}"), format!("{page:#p}")), (format!("{address:p}"), format!("{address:#p}")));
}

/// A guard has the `AsRef`s of its object, so it is taken where bytes, text or a path are asked for. It has none of its own: an
/// object that is to be had by `as_ref` has it itself.
#[test]
fn as_ref() {
    #[derive(Default, Pooled)]
    struct Page {
        text: String,
    }
    impl AsRef<str> for Page {
        fn as_ref(&self) -> &str {
            &self.text
        }
    }
    impl AsRef<[u8]> for Page {
        fn as_ref(&self) -> &[u8] {
            self.text.as_bytes()
        }
    }
    impl AsRef<Page> for Page {
        fn as_ref(&self) -> &Page {
            self
        }
    }
    impl AsMut<String> for Page {
        fn as_mut(&mut self) -> &mut String {
            &mut self.text
        }
    }

    let mut page = Page::acquire();
    AsMut::<String>::as_mut(&mut page).push_str("text");
    let (text, bytes, object): (&str, &[u8], &Page) = (page.as_ref(), page.as_ref(), page.as_ref());
    assert_eq!((text, bytes), ("text", &b"text"[..]));
    assert!(std::ptr::eq(object, &*page));
    let mut letter = [0];
    Cursor::new(page).read_exact(&mut letter).expect("it has one");
    assert_eq!(letter, *b"t");
}

#[test]
fn serialize() {
    #[derive(Default, Pooled)]
    struct Page(u8);
    impl serde::Serialize for Page {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("page {}", self.0))
        }
    }

    let pages: Vec<Guard<Page>> = (1..3).map(|number| Page::adopt(Page(number))).collect();
    assert_eq!(serde_json::to_string(&pages).expect("text"), r#"["page 1","page 2"]"#);
}

/// The reason for the trait: an owner that lies beside what borrows from it, and both are moved.
#[test]
fn stable_deref() {
    struct Owning<O: StableDeref, B: 'static> {
        borrowed: B,
        owner: O,
    }
    impl<O: StableDeref<Target: Sized + 'static>, B> Owning<O, B> {
        fn new(owner: O, borrow: impl FnOnce(&'static O::Target) -> B) -> Self {
            let object: *const O::Target = &*owner;
            // SAFETY: the object stays at its address while the owner lives (`StableDeref`), and the owner is dropped last.
            let borrowed = borrow(unsafe { &*object });
            Self { borrowed, owner }
        }
    }
    #[derive(Default, Pooled)]
    struct Page {
        text: String,
    }

    cpu::pin();
    let mut page = Page::acquire();
    page.text.push_str("one two");
    let words = Owning::new(page, |page| page.text.split(' ').collect::<Vec<_>>());
    let words = std::thread::spawn(move || words).join().expect("it returns them");
    let words = Box::new(words);
    assert_eq!((&words.borrowed[..], &*words.owner.text), (&["one", "two"][..], "one two"));
    drop(words);
    assert_eq!(Page::pool().stats().in_use, 0);
}
