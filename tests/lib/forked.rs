//! Children by `fork`, which do nothing but use pools and leave: no lock of the test harness, no output.

/// Begins `life` in a forked child, which leaves with the number that `life` returns, or with 5 if it panics. SIGALRM ends a hang.
pub fn begin(life: impl FnOnce() -> i32 + std::panic::UnwindSafe) -> libc::pid_t {
    // SAFETY: the child uses pools, which are made for a child of `fork`, and glibc's allocator, and leaves without a return.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: no precondition; the handler is the default one, which ends the process.
        unsafe { libc::alarm(30) };
        let status = std::panic::catch_unwind(life).unwrap_or(5);
        // SAFETY: no precondition.
        unsafe { libc::_exit(status) };
    }
    assert!(child > 0, "fork: {}", std::io::Error::last_os_error());
    child
}

/// Waits for the end of a child. An error says how it ended.
pub fn end(child: libc::pid_t) -> Result<(), String> {
    let mut status = 0;
    // SAFETY: the child is ours and is waited for once.
    while unsafe { libc::waitpid(child, &mut status, 0) } != child {}
    match (libc::WIFEXITED(status), libc::WIFSIGNALED(status)) {
        (true, _) if libc::WEXITSTATUS(status) == 0 => Ok(()),
        (true, _) => Err(format!("the child left with {}", libc::WEXITSTATUS(status))),
        (_, true) if libc::WTERMSIG(status) == libc::SIGALRM => Err("the child hung".to_owned()),
        _ => Err(format!("the child was ended by signal {}", libc::WTERMSIG(status))),
    }
}
