//! The field key `zeroize`: the feature of pool-runtime is on here.

use pool_runtime::{Pooled, Reset};

#[derive(Default, Pooled, Reset)]
struct Session {
    #[pooled(zeroize)]
    key: [u8; 32],
    #[pooled(zeroize, max_capacity = 64)]
    token: Vec<u8>,
    plain: Vec<u8>,
}

#[derive(Reset)]
struct Secret<T>(#[pooled(zeroize)] T);

/// The bytes behind the length of a vector.
fn spare(list: &mut Vec<u8>) -> Vec<u8> {
    // SAFETY: these bytes were written before the list was emptied, and its memory has been its own since.
    list.spare_capacity_mut().iter().take(16).map(|byte| unsafe { byte.assume_init_read() }).collect()
}

/// A reset empties a buffer and leaves its bytes in memory; this key wipes them.
#[test]
fn secrets_are_wiped_and_their_memory_is_kept() {
    let mut session = Session { key: [7; 32], token: vec![7; 16], plain: vec![7; 16] };
    let address = session.token.as_ptr();
    Session::reset_object(&mut session);
    assert_eq!(session.key, [0; 32]);
    assert!(session.token.is_empty() && session.plain.is_empty());
    assert_eq!(session.token.as_ptr(), address);
    assert_eq!((spare(&mut session.token), spare(&mut session.plain)), (vec![0; 16], vec![7; 16]));
}

#[test]
fn a_wiped_buffer_is_limited_too() {
    let mut session = Session { token: vec![7; 1000], ..Session::default() };
    session.reset();
    assert!(session.token.is_empty() && session.token.capacity() < 128);
}

#[test]
fn a_derived_reset_wipes() {
    let mut secret = Secret([7_u64; 4]);
    secret.reset();
    assert_eq!(secret.0, [0; 4]);
}

/// `Zeroize` keeps the length of a box, and that of a password is a part of it.
#[test]
fn a_boxed_secret_is_empty_after_its_reset() {
    #[derive(Default, Pooled, Reset)]
    struct Login {
        #[pooled(zeroize)]
        password: Box<[u8]>,
        #[pooled(zeroize)]
        name: Box<str>,
        #[pooled(zeroize)]
        answers: [Box<str>; 2],
        #[pooled(zeroize)]
        pin: Own,
    }
    /// It has no `Reset`.
    #[derive(Default)]
    struct Own(u16);
    impl zeroize::Zeroize for Own {
        fn zeroize(&mut self) {
            self.0 = 0;
        }
    }
    #[derive(Reset)]
    struct Generic<T>(#[pooled(zeroize)] Box<[T]>);

    for derived in [Login::reset_object, Login::reset] {
        let mut login = Login {
            password: b"hunter2"[..].into(),
            name: "alice".into(),
            answers: ["a".into(), "b".into()],
            pin: Own(7),
        };
        derived(&mut login);
        assert_eq!((login.password.len(), &*login.name, login.pin.0), (0, "", 0));
        assert!(login.answers.iter().all(|answer| answer.is_empty()));
    }
    let mut generic = Generic(b"hunter2"[..].into());
    generic.reset();
    assert!(generic.0.is_empty());
}
