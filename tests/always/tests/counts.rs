//! What pools do beside handing out what their CPU has, from one CPU to all that there are: how often, not how long it
//! takes. So it shows how the cost grows with CPUs on a machine that is emulated (`ci/vm.sh`).

use std::io::{self, Write as _};
use std::sync::Barrier;
use std::sync::mpsc::sync_channel;
use std::thread;

use pool_runtime::{Guard, Pooled};
use tests::cpu;

#[derive(Default, Pooled)]
#[pooled(max_idle = 1_000_000)]
struct Page(Vec<u8>);

/// Acquires of each thread.
const ACQUIRES: usize = 6400;

/// What is done, how many threads of a CPU acquire, and that on these CPUs.
type Work = (&'static str, usize, fn(&[usize]));

const WORK: [Work; 5] = [
    ("one at a time", 1, |cpus| on_each(cpus, || hold(1))),
    ("one, on 4 threads", 4, |cpus| on_each(&cpus.repeat(4), || hold(1))),
    ("32 at a time", 1, |cpus| on_each(cpus, || hold(32))),
    ("100 at a time", 1, |cpus| on_each(cpus, || hold(100))),
    ("handed to the next CPU", 1, hand_on),
];

/// Acquires and releases, so many at a time.
fn hold(held: usize) {
    for _ in 0..ACQUIRES / held {
        drop((0..held).map(|_| Page::acquire()).collect::<Vec<_>>());
    }
}

/// A thread on each of these CPUs, which begin at the same moment.
fn on_each(cpus: &[usize], work: fn()) {
    let ready = Barrier::new(cpus.len());
    thread::scope(|scope| {
        for &cpu in cpus {
            let ready = &ready;
            scope.spawn(move || {
                cpu::pin_to(cpu);
                ready.wait();
                work();
            });
        }
    });
}

/// On each CPU a thread that acquires, and one that releases what the CPU before it has acquired, 64 at a time.
fn hand_on(cpus: &[usize]) {
    thread::scope(|scope| {
        for (number, &cpu) in cpus.iter().enumerate() {
            let (sender, receiver) = sync_channel::<Vec<Guard<Page>>>(4);
            let next = cpus[(number + 1) % cpus.len()];
            scope.spawn(move || {
                cpu::pin_to(cpu);
                for _ in 0..ACQUIRES / 64 {
                    sender.send((0..64).map(|_| Page::acquire()).collect()).expect("somebody receives");
                }
            });
            scope.spawn(move || {
                cpu::pin_to(next);
                receiver.into_iter().for_each(drop);
            });
        }
    });
}

/// Past the test harness, which shows what a test prints only if it fails.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

#[test]
fn what_is_done_is_counted_on_any_number_of_cpus() {
    let allowed = cpu::allowed();
    let numbers = [1, 2, 4, 16, 64].into_iter().filter(|&cpus| cpus <= allowed.len());
    say("for 1,000 acquires     CPUs      made refills flushes  steals dropped");
    for cpus in numbers {
        for (name, threads, work) in WORK {
            // Once, to have the objects and the stacks that it takes.
            work(&allowed[..cpus]);
            let before = Page::pool().stats();
            work(&allowed[..cpus]);
            let after = Page::pool().stats();
            assert_eq!(after.in_use, 0);
            assert_eq!(after.created, after.dropped.total() + after.idle as u64);
            let thousands = (cpus * threads * ACQUIRES) as f64 / 1e3;
            let of_1000 = |before: u64, after: u64| (after - before) as f64 / thousands;
            say(&format!(
                "{name:22} {cpus:4}   {:7.2} {:7.2} {:7.2} {:7.2} {:7.2}",
                of_1000(before.created, after.created),
                of_1000(before.refills, after.refills),
                of_1000(before.flushes, after.flushes),
                of_1000(before.steals, after.steals),
                of_1000(before.dropped.total(), after.dropped.total()),
            ));
        }
    }
}
