//! What the pools themselves take: in a binary of its own, with one test, so that no other thread allocates.

use pool_runtime::{Backend, Pool, Pooled};
use tests::allocator::{Counting, live};
use tests::cpu;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes that `part` has allocated and not freed.
fn taken(part: impl FnOnce()) -> isize {
    let before = live();
    part();
    live() - before
}

/// The figures of `docs/performance.md`. Memory of idle objects is left out: there are none when it is measured.
#[test]
fn a_pool_is_less_than_a_kib_per_cpu() {
    macro_rules! pools {
        ($($name:ident),*) => {$(
            #[derive(Default, Pooled)]
            struct $name(u64);
        )*};
    }
    pools!(First, Unused, Used);

    let cpus = cpu::allowed();
    cpu::pin_to(cpus[0]);
    // What the process decides once is not a pool's.
    drop(First::acquire());

    // Never used: its static alone.
    let never = size_of::<Pool<Unused>>();
    assert_eq!(taken(|| assert_eq!(Unused::pool().stats().created, 0)), 0);

    let use_it = || {
        // More than a local stack holds, so that there are lists, too.
        drop((0..200).map(|_| Used::acquire()).collect::<Vec<_>>());
        Used::pool().collect();
    };
    let first = taken(use_it);
    let further: Vec<_> = cpus[1..]
        .iter()
        .map(|&cpu| {
            taken(|| {
                cpu::pin_to(cpu);
                use_it();
            })
        })
        .collect();
    println!("never used {never} bytes; on the first CPU {first} more; on each further one {further:?} more");
    assert!(never < 1024, "{never} bytes for a pool that was never used");
    // Its table has a word for each CPU that the machine may have.
    let table = 8 * 1024;
    assert!(first > 0 && first < 1024 + table, "{first} bytes on the first CPU");
    for bytes in &further {
        assert!((0..1024).contains(bytes), "{bytes} bytes on a further CPU");
    }
    // Used again, on any of them: nothing more. With concurrency ids this thread may have another number by now, but there are
    // no more of them than threads, the harness's included.
    let again = taken(|| {
        for &cpu in &cpus {
            cpu::pin_to(cpu);
            use_it();
        }
    });
    if pool_runtime::backend() == Backend::Rseq {
        let threads = std::fs::read_dir("/proc/self/task").expect("Linux lists the threads").count() as isize;
        let further: isize = further.iter().sum();
        assert!(
            (0..=1024 * (threads - 1)).contains(&(further + again)),
            "{further} and {again} bytes, {threads} threads"
        );
    } else {
        assert_eq!(again, 0);
    }
}
