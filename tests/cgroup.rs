//! Memory that is short, in earnest: a cgroup with a limit, and the kernel's own report of pressure. This test counts.
//!
//! It makes a cgroup of version 2, or, where memory is still of version 1, one of each: the limit in one, the report in the other. That
//! needs rights that a container may not have; then it is skipped, and says why.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use pool_runtime::collector::{Level, PressureSource};
use pool_runtime::{Collector, Pooled};
use tests::child;
use tests::guards::hold;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const LIMIT: usize = 96 * MIB;

/// A cgroup of this test, that is removed with this.
struct Cgroup(PathBuf);

impl Cgroup {
    fn new(parent: &str) -> Result<Self, String> {
        let path = Path::new(parent).join(format!("pool-runtime-{}", process::id()));
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    fn write(&self, file: &str, value: usize) -> Result<(), String> {
        let path = self.0.join(file);
        fs::write(&path, value.to_string()).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that has ended is in it for a moment more.
        for _ in 0..1000 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Cgroups with the limit, and with a report of pressure, which are one where both are of version 2.
fn cgroups() -> Result<Vec<Cgroup>, String> {
    let two = "/sys/fs/cgroup";
    if fs::read_to_string(format!("{two}/cgroup.controllers")).is_ok_and(|has| has.contains("memory")) {
        // Not where it is on already, or where it may not be turned on: then the file is not there.
        let _ = fs::write(format!("{two}/cgroup.subtree_control"), "+memory");
        let cgroup = Cgroup::new(two)?;
        cgroup.write("memory.max", LIMIT)?;
        // What is swapped out is not resident, and that is not the pool's doing.
        let _ = cgroup.write("memory.swap.max", 0);
        return Ok(vec![cgroup]);
    }
    let (memory, report) = (Cgroup::new("/sys/fs/cgroup/memory")?, Cgroup::new("/sys/fs/cgroup/unified")?);
    memory.write("memory.limit_in_bytes", LIMIT)?;
    let _ = memory.write("memory.swappiness", 0);
    Ok(vec![memory, report])
}

/// Memory of this process that is no file's, and that the machine has given it.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux tells it");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * KIB
}

#[derive(Default, Pooled)]
#[pooled(max_idle = 1000)]
struct Page(#[pooled(keep)] Vec<u8>);

/// A program in 96 MiB holds 60 of them in idle objects, and its own work needs the room: it reads a file again and again. What the
/// collector drops comes back to it.
#[test]
fn a_program_that_is_short_of_memory_gets_it_back() {
    const INTERVAL: Duration = Duration::from_secs(3);
    const NAME: &str = "a_program_that_is_short_of_memory_gets_it_back";

    if !child::is_child() {
        let cgroups = match cgroups() {
            Ok(cgroups) => cgroups,
            Err(error) => return println!("skipped: no cgroup can be made: {error}"),
        };
        if !cgroups.iter().any(|cgroup| cgroup.0.join("memory.pressure").exists()) {
            return println!("skipped: the kernel tells no pressure of a cgroup");
        }
        let joined: Vec<_> = cgroups.iter().map(|cgroup| cgroup.0.join("cgroup.procs")).collect();
        let output = child::run_and_pass(NAME, |child| {
            child.env("POOL_CGROUPS", env::join_paths(joined).expect("no colon")).env_remove("MEMORY_PRESSURE_WATCH")
        });
        print!("{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    for procs in env::split_paths(&env::var_os("POOL_CGROUPS").expect("it was set")) {
        fs::write(procs, process::id().to_string()).expect("the cgroup is there");
    }
    // More than there is room for beside the pool, and less than there is without.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cgroup-{}", process::id()));
    let size = 64 * MIB;
    fs::write(&path, vec![1; size]).expect("room on the disk");
    let file = File::open(&path).expect("written just now");
    fs::remove_file(&path).expect("it is there");

    static REPORTS: Mutex<Vec<(Instant, Level)>> = Mutex::new(Vec::new());
    let collector = Collector::builder()
        .interval(INTERVAL)
        .after(|step| {
            println!("{step:?}");
            if step.level != Level::Interval {
                REPORTS.lock().expect("no panic").push((Instant::now(), step.level));
            }
        })
        .start()
        .expect("no other is running");
    assert!(
        matches!(collector.pressure_source(), PressureSource::Cgroup(_)),
        "{:?} {:?}",
        collector.pressure_source(),
        collector.pressure_errors()
    );
    // As a program does that is at work: what is below it on the heap is in use.
    let mut kept = Vec::new();
    for page in hold::<Page>(960).iter_mut() {
        page.0.resize(64 * KIB, 1);
        kept.push(vec![1_u8; 100]);
    }
    let (start, before) = (Instant::now(), resident());
    assert!(before > 58 * MIB, "{before} bytes before");

    let mut place = 0_usize;
    let mut bytes = vec![0; 16 * KIB];
    // Reads for half a second, in an order that no read-ahead knows.
    let mut read = || {
        let (since, mut reads) = (Instant::now(), 0_u32);
        while since.elapsed() < Duration::from_millis(500) {
            place = (place + 4_999 * 16 * KIB) % size;
            file.read_at(&mut bytes, place as u64).expect("the file is there");
            reads += 1;
        }
        let (a_second, idle) = (f64::from(reads) / since.elapsed().as_secs_f64(), Page::pool().idle());
        println!("{:?}: {a_second:.0} reads a second, {} MiB, {idle} idle", start.elapsed(), resident() / MIB);
    };
    let came_back = loop {
        read();
        let first = REPORTS.lock().expect("no panic").first().map(|report| report.0);
        match first {
            Some(first) if resident() < 10 * MIB => break Some(first.elapsed()),
            Some(first) if first.elapsed() > 3 * INTERVAL => break None,
            None if start.elapsed() > Duration::from_secs(20) => break None,
            _ => {}
        }
    };
    (0..3).for_each(|_| read());
    println!(
        "{before} bytes before, {} after, {came_back:?} after the first report; {:?}",
        resident(),
        collector.trims()
    );
    assert!(!REPORTS.lock().expect("no panic").is_empty(), "no pressure was reported in {:?}", start.elapsed());
    assert!(came_back.is_some(), "{} bytes are resident three intervals after the first report", resident());
    drop((collector, kept));
}
