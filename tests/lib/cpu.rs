//! The CPU on which a thread runs. On systems other than Linux no thread is pinned: there, slots go by thread.

/// Keeps this thread on the CPU that it runs on, so that it stays at one slot.
pub fn pin() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: no precondition.
        let cpu = unsafe { libc::sched_getcpu() };
        pin_thread(0, usize::try_from(cpu).expect("Linux tells the CPU"));
    }
}

/// The CPUs on which this thread may run.
pub fn allowed() -> Vec<usize> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: all zeroes is the empty set.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: the size is that of the set.
        let error = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) };
        assert_eq!(error, 0, "sched_getaffinity");
        // SAFETY: the index is within the set.
        (0..libc::CPU_SETSIZE as usize).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) }).collect()
    }
    #[cfg(not(target_os = "linux"))]
    vec![0]
}

/// Keeps this thread on `cpu`.
pub fn pin_to(cpu: usize) {
    pin_thread(0, cpu);
}

/// The kernel's number of this thread.
pub fn thread_id() -> i32 {
    #[cfg(target_os = "linux")]
    // SAFETY: no precondition.
    return unsafe { libc::gettid() };
    #[cfg(not(target_os = "linux"))]
    0
}

/// Keeps the thread with the kernel's number `thread` on `cpu`; 0 is this thread. A thread that has ended is no error.
pub fn pin_thread(thread: i32, cpu: usize) {
    bind_thread(thread, &[cpu]);
}

/// [`pin_thread`], to several CPUs.
pub fn bind_thread(thread: i32, cpus: &[usize]) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: all zeroes is the empty set.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        for &cpu in cpus {
            // SAFETY: the kernel's CPUs are within the set.
            unsafe { libc::CPU_SET(cpu, &mut set) };
        }
        // SAFETY: the size is that of the set.
        let error = unsafe { libc::sched_setaffinity(thread, size_of::<libc::cpu_set_t>(), &set) };
        assert!(error == 0 || thread != 0, "sched_setaffinity: {}", std::io::Error::last_os_error());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (thread, cpus);
}

/// Gives this thread a real-time policy, with this priority.
#[cfg(target_os = "linux")]
pub fn become_real_time(priority: i32) -> std::io::Result<()> {
    // SAFETY: the structure is made of integers, for which zero is a value. In some C libraries it has several.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority;
    // SAFETY: the pointer is to a structure of ours.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &parameters) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Whether an emulator runs this program alone (qemu-user). Then the process has the emulator's memory, and the emulator's reasons
/// to sleep, beside the program's, and a test that counts them cannot tell.
pub fn is_emulated() -> bool {
    // The main thread has the emulator's name.
    std::fs::read_to_string("/proc/self/comm").is_ok_and(|name| name.starts_with("qemu-"))
}
