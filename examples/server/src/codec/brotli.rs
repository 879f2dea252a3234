//! Brotli, whose encoder cannot be reset: its memory is what is used again.
//!
//! An encoder takes and frees its tables through an allocator that it is given. This one keeps the freed tables for the next
//! encoder of the same context.

use std::any::Any;
use std::mem;

use brotli::enc::BrotliAlloc;
use brotli::enc::encode::{
    BrotliEncoderDestroyInstance as destroy, BrotliEncoderOperation, BrotliEncoderParameter as Parameter,
    BrotliEncoderStateStruct as Encoder,
};
use brotli::{Allocator, SliceWrapper, SliceWrapperMut};
use pool_runtime::Pooled;

use super::{Codec, Step};
use crate::store::stored;

const QUALITY: u32 = 5;

/// The window: 2 to the power of this, in bytes.
const WINDOW: u32 = 18;

#[derive(Pooled)]
#[pooled(new = Self::new, weigh = |brotli| brotli.encoder.m8.bytes)]
pub(crate) struct Brotli {
    #[pooled(with = reset)]
    encoder: Encoder<Tables>,
}

stored!(Brotli);

impl Brotli {
    fn new() -> Self {
        Self { encoder: encoder(Tables::default()) }
    }
}

fn encoder(tables: Tables) -> Encoder<Tables> {
    let mut encoder = Encoder::new(tables);
    encoder.set_parameter(Parameter::BROTLI_PARAM_QUALITY, QUALITY);
    encoder.set_parameter(Parameter::BROTLI_PARAM_LGWIN, WINDOW);
    encoder
}

/// A new encoder, which takes over the tables of the old one.
fn reset(old: &mut Encoder<Tables>) {
    destroy(old);
    *old = encoder(mem::take(&mut old.m8));
}

impl Codec for Brotli {
    const ENCODING: &'static str = "br";

    fn step(&mut self, input: &[u8], is_last: bool, output: &mut Vec<u8>) -> Step {
        let operation = if is_last {
            BrotliEncoderOperation::BROTLI_OPERATION_FINISH
        } else {
            BrotliEncoderOperation::BROTLI_OPERATION_PROCESS
        };
        let (mut left, mut read) = (input.len(), 0);
        let mut filled = output.len();
        // The encoder writes to bytes that are initialized.
        output.resize(output.capacity(), 0);
        let mut room = output.len() - filled;
        let is_right = self.encoder.compress_stream(
            operation,
            &mut left,
            input,
            &mut read,
            &mut room,
            output,
            &mut filled,
            &mut None,
            &mut |_, _, _, _| (),
        );
        assert!(is_right, "an encoder refuses input only after its end");
        output.truncate(filled);
        Step { read, is_done: self.encoder.is_finished() }
    }
}

/// The tables that an encoder has freed.
#[derive(Default)]
struct Tables {
    free: Vec<Box<dyn Any + Send>>,
    /// Bytes in the tables that are free.
    bytes: usize,
}

/// A table of an encoder.
struct Table<T>(Vec<T>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> SliceWrapper<T> for Table<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for Table<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: Clone + Default + Send + 'static> Allocator<T> for Tables {
    type AllocatedMemory = Table<T>;

    /// A table of new elements, in memory that is free, if there is enough in one piece.
    fn alloc_cell(&mut self, length: usize) -> Table<T> {
        let fits = |table: &Box<dyn Any + Send>| {
            table.downcast_ref::<Vec<T>>().is_some_and(|elements| elements.capacity() >= length)
        };
        let mut elements = match self.free.iter().position(fits) {
            Some(place) => *self.free.swap_remove(place).downcast::<Vec<T>>().expect("it has been looked at"),
            None => return Table(vec![T::default(); length]),
        };
        self.bytes -= elements.capacity() * size_of::<T>();
        elements.clear();
        elements.resize(length, T::default());
        Table(elements)
    }

    fn free_cell(&mut self, table: Table<T>) {
        if table.0.capacity() > 0 {
            self.bytes += table.0.capacity() * size_of::<T>();
            self.free.push(Box::new(table.0));
        }
    }
}

impl BrotliAlloc for Tables {}
