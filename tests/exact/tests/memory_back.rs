//! Memory that comes back: to the byte for the allocator, and, with glibc, for the system.
//!
//! Each runs in a process of its own, whose memory is its own: on Linux.
#![cfg(target_os = "linux")]

use std::fs;
use std::mem::MaybeUninit;
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use pool_runtime::{Guard, Pooled};
use tests::allocator::{Counting, live};
use tests::child::alone;
use tests::collector::{every, wait_until};
use tests::cpu;

#[global_allocator]
static COUNTING: Counting = Counting;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Memory of this process that the machine has given it, in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * KIB
}

/// [`resident`], when the allocator has given back what it can: glibc keeps pages that are free.
fn resident_when_trimmed() -> usize {
    #[cfg(target_env = "gnu")]
    // SAFETY: no precondition.
    unsafe {
        libc::malloc_trim(0);
    }
    resident()
}

/// For so long are there many threads.
const BURST: Duration = Duration::from_millis(100);
const THREADS: usize = 128;

const LEN: usize = 64 * KIB;

/// 128 threads that use a buffer at a time each, and all of them at the same moment once. Returns what is live at that
/// moment.
fn burst<B>(buffer: fn() -> B) -> isize {
    let (all, ended) = (&Barrier::new(THREADS + 1), &AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(move || {
                let first = buffer();
                all.wait();
                all.wait();
                drop(first);
                while !ended.load(Relaxed) {
                    buffer();
                    thread::sleep(Duration::from_millis(1));
                }
            });
        }
        all.wait();
        let live = live();
        all.wait();
        thread::sleep(BURST);
        ended.store(true, Relaxed);
        live
    })
}

/// rust-lang/regex#1214: 128 threads use buffers of 64 KiB, then one goes on.
#[test]
fn a_collector_gives_back_what_a_burst_took() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000)]
    struct Page(Vec<u8>);

    fn page() -> Guard<Page> {
        let mut page = Page::acquire();
        page.0.resize(LEN, 1);
        page
    }

    alone("a_collector_gives_back_what_a_burst_took", || {
        const INTERVAL: Duration = Duration::from_millis(100);
        // What 128 threads and their arenas leave behind without any pool, 2 to 3 MiB, is there before.
        burst(|| vec![1_u8; LEN]);
        let collector = every(INTERVAL);
        drop(page());
        let (live_before, resident_before) = (live(), resident_when_trimmed());

        let most = burst(page) - live_before;
        // One CPU, so one object, and one more where an acquire came in the middle of a step: it finds the pool stopped.
        cpu::pin();
        let ended = Instant::now();
        while ended.elapsed() < 3 * INTERVAL {
            drop(page());
            thread::sleep(Duration::from_millis(1));
        }
        let (idle, left) = (Page::pool().idle(), live() - live_before);
        let resident_after = resident_when_trimmed();
        println!(
            "{most} bytes in the burst, {left} left; resident {} KiB before, {} KiB after three intervals",
            resident_before / KIB,
            resident_after / KIB
        );
        assert!(most > (127 * LEN) as isize, "{most} bytes in the burst");
        assert!((1..=2).contains(&idle), "{idle} idle");
        // Tables and lists are in it, and no object but the second.
        assert!(left < ((idle - 1) * LEN + LEN / 2) as isize, "{left} bytes are left for {idle} idle");
        if cpu::is_emulated() {
            println!("resident memory is left out: the emulator's is in it");
        } else {
            assert!(
                resident_after * 10 <= resident_before * 11,
                "{resident_before} bytes before, {resident_after} after"
            );
        }
        // The second goes, too, when it has been idle for an interval.
        wait_until("one object is left", || {
            drop(page());
            Page::pool().idle() == 1
        });
        let left = live() - live_before;
        assert!(left < (LEN / 2) as isize, "{left} bytes are left for one idle");
        drop(collector);
    });
}

/// Without a collector, the bound is what a burst leaves at the most.
#[test]
fn without_a_collector_the_bound_holds() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 16)]
    struct Page(Vec<u8>);

    alone("without_a_collector_the_bound_holds", || {
        burst(|| vec![1_u8; LEN]);
        let before = live();
        burst(|| {
            let mut page = Page::acquire();
            page.0.resize(LEN, 1);
            page
        });
        let (idle, left) = (Page::pool().idle(), live() - before);
        assert!((1..=16).contains(&idle), "{idle} idle");
        assert!(left < (16 * LEN + LEN / 2) as isize, "{left} bytes for {idle} idle");
        Page::pool().collect();
        assert!(live() - before < (LEN / 2) as isize, "{} bytes are left", live() - before);
    });
}

/// The program of golang/go#23199: 256 MiB ten times, then 1 KiB for ever. Returns the most and the last.
fn giants<T: Pooled>(bytes: fn(&mut T) -> &mut Vec<u8>) -> [usize; 2] {
    let mut most = 0;
    for _ in 0..10 {
        let mut page = T::acquire();
        let giant = bytes(&mut page);
        giant.reserve(256 * MIB);
        // Written to in each page of memory, so that it is not only address space.
        giant.spare_capacity_mut().iter_mut().step_by(4 * KIB).for_each(|byte| *byte = MaybeUninit::new(1));
        most = most.max(resident());
    }
    for _ in 0..10_000 {
        bytes(&mut T::acquire()).resize(KIB, 1);
    }
    let resident = if cpu::is_emulated() { 0 } else { resident_when_trimmed() };
    [most, resident.max(live() as usize)]
}

#[test]
fn a_retain_by_capacity_gives_giants_back() {
    #[derive(Default, Pooled)]
    #[pooled(retain = |page| page.bytes.capacity() <= 64 * KIB)]
    struct Page {
        bytes: Vec<u8>,
    }

    alone("a_retain_by_capacity_gives_giants_back", || {
        let [most, last] = giants::<Page>(|page| &mut page.bytes);
        assert!(most >= 256 * MIB, "{most}");
        assert!(last < 64 * MIB, "{last} bytes at the end");
        assert_eq!((Page::pool().stats().dropped.retain, Page::pool().idle()), (10, 1));
    });
}

/// A limit on the field keeps the object, and gives the memory back.
#[test]
fn a_limit_on_the_capacity_gives_giants_back() {
    #[derive(Default, Pooled)]
    struct Page {
        #[pooled(max_capacity = 64 * KIB)]
        bytes: Vec<u8>,
    }

    alone("a_limit_on_the_capacity_gives_giants_back", || {
        let [most, last] = giants::<Page>(|page| &mut page.bytes);
        assert!(most >= 256 * MIB, "{most}");
        assert!(last < 64 * MIB, "{last} bytes at the end");
        let stats = Page::pool().stats();
        assert_eq!((stats.dropped.total(), stats.idle as u64), (0, stats.created));
    });
}
