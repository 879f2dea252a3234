//! zstd, by the library in C.

use pool_runtime::Pooled;
use zstd_safe::zstd_sys::ZSTD_EndDirective::{ZSTD_e_continue, ZSTD_e_end};
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ResetDirective, get_error_name};

use super::{Codec, Step};
use crate::store::stored;

/// The level of each context.
const LEVEL: i32 = 3;

/// The window: 2 to the power of this, in bytes. The level's own, 2 MiB, is more than a page needs.
const WINDOW: u32 = 18;

#[derive(Pooled)]
#[pooled(new = Self::new, weigh = |zstd| zstd.context.sizeof())]
pub(crate) struct Zstd {
    #[pooled(with = reset)]
    context: CCtx<'static>,
}

stored!(Zstd);

impl Zstd {
    fn new() -> Self {
        let mut context = CCtx::create();
        for parameter in [CParameter::CompressionLevel(LEVEL), CParameter::WindowLog(WINDOW)] {
            context.set_parameter(parameter).map_err(get_error_name).expect("a parameter in its range");
        }
        Self { context }
    }
}

/// Forgets the input so far. The parameters stay.
fn reset(context: &mut CCtx<'static>) {
    context.reset(ResetDirective::SessionOnly).map_err(get_error_name).expect("a session can be ended at any time");
}

impl Codec for Zstd {
    const ENCODING: &'static str = "zstd";

    fn step(&mut self, input: &[u8], is_last: bool, output: &mut Vec<u8>) -> Step {
        let mut from = InBuffer::around(input);
        let filled = output.len();
        let mut to = OutBuffer::around_pos(output, filled);
        let directive = if is_last { ZSTD_e_end } else { ZSTD_e_continue };
        let left = self.context.compress_stream2(&mut to, &mut from, directive);
        let left = left.map_err(get_error_name).expect("there is memory");
        Step { read: from.pos(), is_done: is_last && left == 0 }
    }
}
