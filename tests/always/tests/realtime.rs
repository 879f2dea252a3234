//! A thread with a real-time policy that sweeps, on the CPU of an ordinary one that is in the pool's slow paths.
//!
//! google/sanitizers#614: a thread that waits by yielding lets no thread of lower priority run, and waits for ever for one that has the
//! lock.
#![cfg(target_os = "linux")]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use std::{io, mem, thread};

use pool_runtime::Pooled;
use tests::cpu;
use tests::guards::hold;

/// For so long do the two run.
const RUN: Duration = Duration::from_secs(3);

/// The time that the calling thread has had a CPU.
fn cpu_time() -> Duration {
    // SAFETY: the structure is made of integers, for which zero is a value.
    let mut time: libc::timespec = unsafe { mem::zeroed() };
    // SAFETY: the pointer is to a structure of ours.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What a sweep takes of its CPU, and not how long it lasts, tells whether it lets others run: that does not depend on what else
/// the machine is doing.
#[test]
fn a_sweep_that_waits_lets_a_thread_of_lower_priority_run() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 100_000, local = 8)]
    struct Page(u64);

    static ENDED: AtomicBool = AtomicBool::new(false);
    let cpu = cpu::allowed()[0];
    let user = thread::spawn(move || {
        cpu::pin_to(cpu);
        while !ENDED.load(Relaxed) {
            drop(hold::<Page>(200));
        }
    });
    let collector = thread::spawn(move || {
        cpu::pin_to(cpu);
        cpu::become_real_time(1)?;
        let (begin, mut collects) = (Instant::now(), 0);
        let (mut longest, mut dearest) = (Duration::ZERO, Duration::ZERO);
        while begin.elapsed() < RUN {
            thread::sleep(Duration::from_micros(300));
            let (start, before) = (Instant::now(), cpu_time());
            pool_runtime::collect();
            longest = longest.max(start.elapsed());
            dearest = dearest.max(cpu_time() - before);
            collects += 1;
        }
        io::Result::Ok((collects, longest, dearest))
    });
    let result = collector.join().expect("no panic");
    ENDED.store(true, Relaxed);
    user.join().expect("no panic");
    match result {
        Ok((collects, longest, dearest)) => {
            println!("{collects} collects; the longest took {longest:?}, the dearest {dearest:?} of its CPU");
            // Objects are dropped in this time, too: 200 at the most.
            assert!(dearest < Duration::from_millis(20), "a collect has had its CPU for {dearest:?}");
        }
        Err(error) => println!("not tested: a real-time policy: {error}"),
    }
}
