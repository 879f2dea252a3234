//! Three bursts of 128 MiB, then silence with a collector, and the memory that is resident then. With the argument `cgroup`, the
//! program of `tests/exact/tests/cgroup.rs`: it is short of memory, and gets back the memory of the objects that its pool has dropped.

use std::env;
use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use pool_runtime::collector::{Builder, Pressure};
use pool_runtime::{Collector, Guard, Pooled};
use tests::short_of_memory::Cgroups;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const BURST: usize = 128 * MIB;
const INTERVAL: Duration = Duration::from_millis(100);
const SILENCE: Duration = Duration::from_secs(3);

/// No more than this is to be left, in MiB.
const MOST: usize = 9;

#[derive(Default, Pooled)]
#[pooled(max_idle = 1_000_000, weigh)]
struct Page(Vec<u8>);

/// The size of an object, and how many threads allocate.
const LOADS: [(usize, usize); 4] = [(MIB, 1), (MIB, 2), (64 * KIB, 1), (64 * KIB, 2)];

/// Prints the allocator's rows, each cell from a process of its own, without and with `recipe`. With the argument `check`, fails if more is left than
/// is to be.
pub fn serve(allocator: &str, name: &str, recipe: fn(Builder) -> Builder) {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [size, threads, how] = &arguments[..] {
        let number = |text: &str| text.parse().expect("a number");
        let builder = Collector::builder().interval(INTERVAL).pressure(Pressure::Ignore);
        let builder = if how == "with" { recipe(builder) } else { builder.trim(false) };
        print!("{}", left(builder, number(size), number(threads)));
        return;
    }
    match arguments.first().map(String::as_str) {
        Some("cgroup") => return short_of_memory(allocator),
        Some("short-of-memory") => return tests::short_of_memory::run(recipe(Collector::builder())),
        _ => {}
    }
    let check = arguments.first().is_some_and(|argument| argument == "check");
    for (size, threads) in LOADS {
        let cell = |how: &str| {
            let mut child = Command::new(env::current_exe().expect("this program has a path"));
            child.args([size.to_string(), threads.to_string(), how.to_owned()]);
            let output = child.output().expect("this program starts");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("numbers")
        };
        let (without, with) = (if check { String::new() } else { cell("without") }, cell("with"));
        let kib = size / KIB;
        println!("| {allocator:8} | {kib:4} KiB, {threads} | {without:>14} | {name:16} | {with:>14} |");
        let left: usize = with.split(' ').next().and_then(|mib| mib.parse().ok()).expect("a number");
        assert!(!check || left <= MOST, "{left} MiB are left with {name}, {MOST} at the most are right");
    }
}

/// Runs the program in cgroups with a limit, or says why there can be none.
fn short_of_memory(allocator: &str) {
    match Cgroups::new() {
        Ok(cgroups) => {
            println!("{allocator}, in a cgroup of 96 MiB:");
            let mut child = Command::new(env::current_exe().expect("this program has a path"));
            let status = cgroups.put(child.arg("short-of-memory")).status().expect("this program starts");
            assert!(status.success(), "{allocator} does not give it back");
        }
        Err(error) => {
            println!("{allocator}: NOT CHECKED: no cgroup can be made: {error}");
            assert!(env::var_os("CI").is_none(), "cgroups need root and `memory.pressure`, as Linux has it since 4.20");
        }
    }
}

/// The resident memory at the end, in MiB, and after how many intervals since the last burst it was below the limit, if it was.
fn left(builder: Builder, size: usize, threads: usize) -> String {
    let collector = builder.start().expect("no other is running");
    let silence = &Barrier::new(threads);
    let bursts = || {
        // Beside its buffers, a program allocates memory that stays.
        let mut kept = Vec::new();
        for _ in 0..3 {
            let mut held: Vec<Guard<Page>> = Vec::new();
            for _ in 0..BURST / threads / size {
                let mut page = Page::acquire();
                page.0.resize(size, 1);
                held.push(black_box(page));
            }
            kept.push(black_box(vec![1_u8; 100 * KIB]));
            drop(held);
            // All are dropped before the next: glibc learns from the first that such blocks come back, and keeps them from then on.
            thread::sleep(3 * INTERVAL);
        }
        silence.wait();
        kept
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| {
                let kept = bursts();
                // The thread is there, and does nothing.
                silence.wait();
                drop(kept);
            });
        }
        let kept = bursts();
        let start = Instant::now();
        let mut low = None;
        while start.elapsed() < SILENCE {
            thread::sleep(INTERVAL / 10);
            if low.is_none() && Page::pool().idle() == 0 && resident() <= MOST {
                low = Some(start.elapsed());
            }
        }
        assert_eq!(Page::pool().idle(), 0);
        let left = resident();
        silence.wait();
        drop((kept, collector));
        low.map_or(format!("{left}"), |low| format!("{left} after {} ms", low.as_millis()))
    })
}

/// Memory of this process that is no file's, and that the machine has given it, in MiB.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux tells it");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") / KIB
}
