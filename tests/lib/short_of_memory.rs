//! A program that is short of memory, in earnest: a cgroup with a limit, and the kernel's own report of pressure.
//!
//! The cgroup is of version 2. If memory is still of version 1 there are two: the limit is in the cgroup of version 1, the report in the
//! other. The program needs rights that a container may not have.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use pool_runtime::Pooled;
use pool_runtime::collector::{self, Builder, PressureSource};

use crate::guards::hold;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const LIMIT: usize = 96 * MIB;
/// Memory counts as given back if less than this is left.
const LITTLE: usize = 10 * MIB;
/// The time after the first report in which the memory is to be back.
const PATIENCE: Duration = Duration::from_secs(9);
/// The longest wait for a report. The collector's interval is longer, so that it gives no memory back without a report.
const REPORTED_WITHIN: Duration = Duration::from_secs(40);
/// The variable with the cgroups that the program is to enter.
const CGROUPS: &str = "POOL_CGROUPS";

/// A cgroup, which is removed when this is dropped.
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
        // A process that has ended is in the cgroup for a moment more.
        for _ in 0..1000 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The cgroup with the limit and the cgroup with the report of pressure: a single cgroup if both are of version 2.
pub struct Cgroups(Vec<Cgroup>);

impl Cgroups {
    /// An error says why there can be none.
    pub fn new() -> Result<Self, String> {
        let cgroups = Self::make()?;
        if cgroups.0.iter().any(|cgroup| cgroup.0.join("memory.pressure").exists()) {
            return Ok(cgroups);
        }
        Err("the kernel tells no pressure of a cgroup".into())
    }

    fn make() -> Result<Self, String> {
        let two = "/sys/fs/cgroup";
        if fs::read_to_string(format!("{two}/cgroup.controllers")).is_ok_and(|has| has.contains("memory")) {
            // The result is ignored: the controller may be on already. If it may not be turned on, the file below is not there.
            let _ = fs::write(format!("{two}/cgroup.subtree_control"), "+memory");
            let cgroup = Cgroup::new(two)?;
            cgroup.write("memory.max", LIMIT)?;
            // Memory that is swapped out is not resident, and that is not the pool's doing.
            let _ = cgroup.write("memory.swap.max", 0);
            return Ok(Self(vec![cgroup]));
        }
        let (memory, report) = (Cgroup::new("/sys/fs/cgroup/memory")?, Cgroup::new("/sys/fs/cgroup/unified")?);
        memory.write("memory.limit_in_bytes", LIMIT)?;
        let _ = memory.write("memory.swappiness", 0);
        Ok(Self(vec![memory, report]))
    }

    /// Has a command's program enter the cgroups, when it calls [`run`] or [`enter`].
    pub fn put<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let procs = env::join_paths(self.0.iter().map(|cgroup| cgroup.0.join("cgroup.procs"))).expect("no colon");
        command.env(CGROUPS, procs).env_remove("MEMORY_PRESSURE_WATCH")
    }
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

/// Has this process enter the cgroups that it was given.
pub fn enter() {
    for procs in env::split_paths(&env::var_os(CGROUPS).expect("it was set")) {
        fs::write(procs, process::id().to_string()).expect("the cgroup is there");
    }
}

/// The program: in 96 MiB it holds 60 of them in idle objects, and its own work needs the room: it reads a file again and again. The memory
/// of the objects that the collector drops comes back to it, or this panics.
pub fn run(collector: Builder) {
    enter();
    // The file is larger than the room beside the pool, and smaller than the room without it. It lies beside the program, since a
    // folder for short-lived files may be in memory.
    let path = env::current_exe().expect("it has a path").with_extension(format!("read-{}", process::id()));
    let size = 64 * MIB;
    fs::write(&path, vec![1; size]).expect("room on the disk");
    let file = File::open(&path).expect("written just now");
    fs::remove_file(&path).expect("it is there");

    let collector = collector.interval(2 * REPORTED_WITHIN).start().expect("no other is running");
    assert!(
        matches!(collector.pressure_source(), PressureSource::Cgroup(_)),
        "{:?} {:?}",
        collector.pressure_source(),
        collector.pressure_errors()
    );
    // As in a program at work, memory in use lies between the objects on the heap.
    let mut kept = Vec::new();
    for page in hold::<Page>(960).iter_mut() {
        page.0.resize(64 * KIB, 1);
        kept.push(vec![1_u8; 100]);
    }
    let (start, before) = (Instant::now(), resident());
    assert!(before > 58 * MIB, "{before} bytes before");

    // Three threads read for half a second, each in an order that no read-ahead knows.
    let mut place = 0_usize;
    let mut read = || {
        place += 7;
        let read = |mut place: usize| {
            let (since, mut reads, mut bytes) = (Instant::now(), 0_u32, vec![0; 16 * KIB]);
            while since.elapsed() < Duration::from_millis(500) {
                place = (place + 4_999 * 16 * KIB) % size;
                file.read_at(&mut bytes, place as u64).expect("the file is there");
                reads += 1;
            }
            reads
        };
        let reads: u32 = thread::scope(|scope| {
            let readers = [0, 1, 2].map(|reader| scope.spawn(move || read((place + reader * 1_111) * 16 * KIB)));
            readers.into_iter().map(|reader| reader.join().expect("no panic")).sum()
        });
        let idle = Page::pool().idle();
        println!("{:?}: {} reads a second, {} MiB, {idle} idle", start.elapsed(), 2 * reads, resident() / MIB);
    };
    let mut reported = None;
    let came_back = loop {
        read();
        if reported.is_none() && collector::counts().low > 0 {
            reported = Some(Instant::now());
        }
        match reported {
            Some(first) if resident() < LITTLE => break Some(first.elapsed()),
            Some(first) if first.elapsed() > PATIENCE => break None,
            None if start.elapsed() > REPORTED_WITHIN => break None,
            _ => {}
        }
    };
    (0..3).for_each(|_| read());
    println!(
        "{before} bytes before, {} after, within {came_back:?} of the first report; {:?}",
        resident(),
        collector.trims()
    );
    assert!(reported.is_some(), "no pressure was reported in {REPORTED_WITHIN:?}");
    assert!(came_back.is_some(), "{} bytes are resident {PATIENCE:?} after the first report", resident());
    drop((collector, kept));
}
