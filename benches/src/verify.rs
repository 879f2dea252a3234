//! Checks that a contestant resets, keeps and shares its objects, so that no figure comes from a mistake of ours.

use std::thread;

use crate::contestant::{Contestant, Object};

/// Cycles on one thread.
const CYCLES: u64 = 1000;

/// Acquires, uses and releases on one thread, one at a time: each object comes back clean, and a pool makes one.
///
/// # Errors
///
/// A description of the fault.
pub fn one<C: Contestant>() -> Result<u64, String> {
    let before = C::made();
    let pool = C::pool();
    use_and_check(C::acquire(&pool))?;
    let first = C::made();
    for _ in 1..CYCLES {
        use_and_check(C::acquire(&pool))?;
    }
    let (Some(before), Some(first), Some(all)) = (before, first, C::made()) else { return Ok(CYCLES) };
    if pools() && all != first {
        return Err(format!("made {} objects more for a thread that uses one at a time", all - first));
    }
    Ok(all - before)
}

/// Checks as [`one`] does, and with many objects in use, some of which another thread releases.
///
/// # Errors
///
/// A description of the fault.
pub fn many<C: Contestant>() -> Result<u64, String>
where
    for<'a> C::Held<'a>: Send,
{
    let made = one::<C>()?;
    let pool = C::pool();
    for _ in 0..10 {
        let mut held: Vec<_> = (0..32).map(|_| C::acquire(&pool)).collect();
        held.iter_mut().try_for_each(|object| check(object).map(|()| dirty(object)))?;
        // Two guards of the same object would both see the last mark.
        for (mark, object) in held.iter_mut().enumerate() {
            object.lines = mark as u64;
        }
        if held.iter().enumerate().any(|(mark, object)| object.lines != mark as u64) {
            return Err("gave one object to two".to_owned());
        }
        thread::scope(|scope| {
            let released_there = scope.spawn(move || drop(held));
            released_there.join().map_err(|_| "panicked when it was released on another thread".to_owned())
        })?;
    }
    let threads: Vec<Result<(), String>> = thread::scope(|scope| {
        let work = || (0..CYCLES).try_for_each(|_| use_and_check(C::acquire(&pool)));
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("panicked".to_owned()))).collect()
    });
    threads.into_iter().collect::<Result<(), String>>()?;
    Ok(made)
}

/// Whether pools of this project pool in this process. All others always do.
fn pools() -> bool {
    pool_runtime::backend() != pool_runtime::Backend::Off
}

fn use_and_check(mut held: impl std::ops::DerefMut<Target = Object>) -> Result<(), String> {
    check(&held)?;
    dirty(&mut held);
    Ok(())
}

fn check(object: &Object) -> Result<(), String> {
    if object.is_clean() {
        return Ok(());
    }
    Err(format!(
        "an object came with {} bytes of {}, and {} lines",
        object.bytes.len(),
        object.bytes.capacity(),
        object.lines
    ))
}

fn dirty(object: &mut Object) {
    object.bytes.extend_from_slice(b"somebody else's data");
    object.lines = 1;
}

#[cfg(test)]
mod tests {
    use std::ops::{Deref, DerefMut};
    use std::sync::Mutex;

    use super::*;

    static KEPT: Mutex<Vec<Object>> = Mutex::new(Vec::new());

    /// A pool that does not reset.
    struct Dirty;

    struct Held(Option<Object>);

    impl Deref for Held {
        type Target = Object;

        fn deref(&self) -> &Object {
            self.0.as_ref().expect("in use")
        }
    }

    impl DerefMut for Held {
        fn deref_mut(&mut self) -> &mut Object {
            self.0.as_mut().expect("in use")
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            KEPT.lock().expect("no panic").extend(self.0.take());
        }
    }

    impl Contestant for Dirty {
        type Pool = ();
        type Held<'a> = Held;

        fn pool() {}

        fn acquire((): &()) -> Held {
            Held(Some(KEPT.lock().expect("no panic").pop().unwrap_or_else(Object::counted)))
        }
    }

    #[test]
    fn a_pool_that_does_not_reset_is_found() {
        assert_eq!(one::<Dirty>(), Err("an object came with 20 bytes of 1024, and 1 lines".to_owned()));
    }

    /// A pool that keeps nothing.
    struct Forgetful;

    impl Contestant for Forgetful {
        type Pool = ();
        type Held<'a> = Box<Object>;

        fn pool() {}

        fn acquire((): &()) -> Box<Object> {
            Box::new(Object::counted())
        }
    }

    #[test]
    fn a_pool_that_keeps_nothing_is_found() {
        assert!(one::<Forgetful>().is_err_and(|reason| reason.starts_with("made ")));
    }
}
