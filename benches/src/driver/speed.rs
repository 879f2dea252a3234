//! How fast the CPUs are, shortly before and after each measurement.
//!
//! A virtual CPU is often half of a core, and the host sometimes gives the other half to another guest. Then each half does a
//! half to two thirds of the work, and code that is bound by instructions loses more than code that waits for memory. The
//! guest cannot ask for this. But a loop that keeps a whole core busy takes longer, so the driver times such a loop.

use std::hint::black_box;
use std::time::Instant;

use benches::scenario::threads::{allow, cpus, pin};

/// Rounds of the loop: about 10 µs.
const LENGTH: u32 = 2_000;

/// How often it is timed on each CPU; the median counts, so that an interrupt does not.
const TIMES: usize = 5;

/// More CPUs are not looked at.
const MOST: usize = 16;

/// The speed of the slowest CPU that this process may use, in rounds of a loop per nanosecond.
pub(crate) fn slowest() -> f64 {
    let all = cpus();
    let slowest = all.iter().step_by(all.len().div_ceil(MOST)).map(|&cpu| speed_of(cpu)).fold(f64::INFINITY, f64::min);
    // The next child inherits the CPUs that this thread may run on.
    allow(&all);
    slowest
}

fn speed_of(cpu: usize) -> f64 {
    pin(cpu);
    let mut times: [_; TIMES] = std::array::from_fn(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    times.sort();
    f64::from(LENGTH) / times[TIMES / 2].as_nanos() as f64
}

/// Four generators that do not wait for each other (Marsaglia's xorshift).
fn work() {
    let mut numbers: [u64; 4] = black_box([1, 2, 3, 4]);
    for _ in 0..LENGTH {
        for number in &mut numbers {
            *number ^= *number << 13;
            *number ^= *number >> 7;
            *number ^= *number << 17;
        }
    }
    black_box(numbers);
}
