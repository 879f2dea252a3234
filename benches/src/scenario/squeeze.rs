//! The work of the example `squeeze`, in memory: small files become gzip members.
//!
//! A file is copied into a buffer, as a read would, and compressed into another, with a deflate context of more than
//! 250 KiB. All three are pooled, kept by the thread, or made anew.

use std::cell::RefCell;
use std::hint::black_box;

use pool_runtime::Pooled;

use super::threads::run;
use super::{Figures, times};
use crate::contestant::lists::ThreadLocalVec;
use crate::contestant::none::NoPool;
use crate::contestant::ours::Ours;
use crate::gzip;
use crate::pooled::{Buffer, Context};
use crate::protocol::Task;

/// A source of a context and two buffers.
pub(crate) trait Source: 'static {
    /// Calls `work` with a context that is reset and two empty buffers.
    fn with<R>(work: impl FnOnce(&mut Context, &mut Buffer, &mut Buffer) -> R) -> R;
}

/// Compresses files of 1 to 4 KiB. An operation is a file.
pub(crate) fn files_of<S: Source>(task: &Task) -> Figures {
    let files = files();
    let lane = |index: usize| {
        let files = &files;
        let mut next = index;
        move || {
            next = (next + 1) % files.len();
            S::with(|context, input, packed| {
                input.bytes.extend_from_slice(&files[next]);
                black_box(gzip::write_member(context, &input.bytes, &mut packed.bytes));
                black_box(&packed.bytes);
            });
            1
        }
    };
    times(&run(task, lane))
}

/// Words and numbers, the same in each run.
fn files() -> Vec<Vec<u8>> {
    let words = ["acquire", "release", "reset", "retain", "slot", "private", "shared", "steal", "refill", "victim"];
    let mut random = 1_u32;
    let mut below = |n: u32| {
        // Knuth's linear congruence.
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % n
    };
    (0..64)
        .map(|_| {
            let length = 1000 + below(3000) as usize;
            let mut text = String::new();
            while text.len() < length {
                text.push_str(words[below(words.len() as u32) as usize]);
                text.push_str(&format!(" {} ", below(1000)));
            }
            text.into_bytes()
        })
        .collect()
}

impl Source for Ours {
    fn with<R>(work: impl FnOnce(&mut Context, &mut Buffer, &mut Buffer) -> R) -> R {
        work(&mut Context::acquire(), &mut Buffer::acquire(), &mut Buffer::acquire())
    }
}

impl Source for NoPool {
    fn with<R>(work: impl FnOnce(&mut Context, &mut Buffer, &mut Buffer) -> R) -> R {
        work(&mut Context::new(), &mut Buffer::default(), &mut Buffer::default())
    }
}

impl Source for ThreadLocalVec {
    fn with<R>(work: impl FnOnce(&mut Context, &mut Buffer, &mut Buffer) -> R) -> R {
        thread_local! {
            static OWN: RefCell<(Context, Buffer, Buffer)> =
                RefCell::new((Context::new(), Buffer::default(), Buffer::default()));
        }
        OWN.with_borrow_mut(|(context, input, packed)| {
            let result = work(context, input, packed);
            context.deflate.reset();
            input.bytes.clear();
            packed.bytes.clear();
            result
        })
    }
}
