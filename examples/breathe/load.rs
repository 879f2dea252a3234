//! The load: threads that print into pooled buffers, more of them and fewer.

use std::f64::consts::PI;
use std::fmt::Write as _;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use pool_runtime::{Guard, Pooled};

/// Threads, all of them at work at the top of the first wave.
pub(crate) const WORKERS: usize = 32;

/// Buffers that a thread holds at a time.
const HELD: usize = 8;

/// How long it holds them, as for a slow network.
const HOLD: Duration = Duration::from_millis(5);

/// How high the waves are, of equal length; the last part is quiet.
const WAVES: [f64; 4] = [1.0, 0.6, 0.3, 0.0];

/// The sum of all buffers' capacities, in bytes.
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// A print buffer, as the pool of Go's `fmt` has them.
#[derive(Default, Pooled)]
#[pooled(max_idle = 1024)]
pub(crate) struct Buffer {
    text: String,
}

impl Buffer {
    /// Prints `lines` lines.
    fn print(&mut self, lines: usize) {
        let before = self.text.capacity();
        for line in 0..lines {
            let _ = writeln!(self.text, "line {line}: {:>20}", line * line);
        }
        BYTES.fetch_add(self.text.capacity() - before, Relaxed);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        BYTES.fetch_sub(self.text.capacity(), Relaxed);
    }
}

/// Bytes that all buffers hold, in use and idle.
pub(crate) fn bytes() -> usize {
    BYTES.load(Relaxed)
}

#[derive(Clone, Copy)]
pub(crate) struct Load {
    start: Instant,
    length: Duration,
}

impl Load {
    pub(crate) fn new(start: Instant, length: Duration) -> Self {
        Self { start, length }
    }

    /// One worker's life. Returns how often it has acquired.
    pub(crate) fn work(self, number: usize) -> u64 {
        let mut acquired = 0;
        while let Some(workers) = self.workers() {
            if number < workers {
                let mut held: Vec<Guard<Buffer>> = (0..HELD).map(|_| Buffer::acquire()).collect();
                acquired += HELD as u64;
                for (i, buffer) in held.iter_mut().enumerate() {
                    // 4 to 32 KiB.
                    buffer.print(120 * (i + 1));
                }
                thread::sleep(HOLD);
            } else {
                thread::sleep(2 * HOLD);
            }
        }
        acquired
    }

    /// How many workers are at work at this moment; `None` at the end.
    fn workers(self) -> Option<usize> {
        let time = self.start.elapsed().as_secs_f64() / self.length.as_secs_f64() * WAVES.len() as f64;
        let height = WAVES.get(time as usize)?;
        Some((WORKERS as f64 * height * (PI * time.fract()).sin().powi(2)).round() as usize)
    }
}
