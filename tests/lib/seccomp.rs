//! A seccomp filter, which a process can put on itself and never takes off (Linux, x86-64 and aarch64).

use std::ffi::c_long;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Whether the process can have filters: not in an emulator of single programs. Prints a line if it cannot.
pub fn is_there() -> bool {
    // SAFETY: takes integers alone.
    let is_there = unsafe { libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0) } >= 0;
    if !is_there {
        println!("left out: there are no seccomp filters here");
    }
    is_there
}

/// The kernel's answer to a system call that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The call fails with this error.
    Errno(i32),
    /// The process is killed with SIGSYS.
    Kill,
}

/// The calls that a process may not make.
pub struct Filter(Vec<libc::sock_filter>);

/// Offsets in the kernel's `struct seccomp_data`: the call's number, and the lower half of its third argument.
const NUMBER: u32 = 0;
const THIRD: u32 = 16 + 2 * 8;

impl Filter {
    /// Refuses these calls, and no other.
    pub fn refuse(calls: &[c_long], answer: Answer) -> Self {
        let mut program = vec![load(NUMBER)];
        for &call in calls {
            program.extend([unless_equal(call as u32, 1), answer.code()]);
        }
        program.push(end(libc::SECCOMP_RET_ALLOW));
        Self(program)
    }

    /// Refuses `openat` if its flags are these, which tell the caller.
    pub fn refuse_open(flags: i32, answer: Answer) -> Self {
        Self(vec![
            load(NUMBER),
            unless_equal(libc::SYS_openat as u32, 3),
            load(THIRD),
            unless_equal(flags as u32, 1),
            answer.code(),
            end(libc::SECCOMP_RET_ALLOW),
        ])
    }

    /// Allows these calls alone. Any other raises SIGSYS, for a handler that says which call it was.
    pub fn allow(calls: &[c_long]) -> Self {
        let mut program = vec![load(NUMBER)];
        for &call in calls {
            program.extend([unless_equal(call as u32, 1), end(libc::SECCOMP_RET_ALLOW)]);
        }
        program.push(end(libc::SECCOMP_RET_TRAP));
        Self(program)
    }

    /// Puts the filter on all threads of the process, from now on.
    pub fn install(&self) -> io::Result<()> {
        self.install_with(libc::SECCOMP_FILTER_FLAG_TSYNC)
    }

    /// Puts the filter on this thread and the threads that it starts, from now on: the harness goes on elsewhere as it likes.
    pub fn install_here(&self) -> io::Result<()> {
        self.install_with(0)
    }

    fn install_with(&self, flags: libc::c_ulong) -> io::Result<()> {
        let program = libc::sock_fprog { len: self.0.len() as u16, filter: self.0.as_ptr().cast_mut() };
        // SAFETY: takes integers alone.
        if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let set = libc::SECCOMP_SET_MODE_FILTER;
        // SAFETY: the pointer is to a program as long as is said.
        if unsafe { libc::syscall(libc::SYS_seccomp, set, flags, &raw const program) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Puts the filter on a process that is about to be started, before its program is loaded.
    pub fn install_in(self, child: &mut Command) -> &mut Command {
        // SAFETY: makes two system calls, and allocates nothing unless one fails.
        unsafe { child.pre_exec(move || self.install()) }
    }
}

impl Answer {
    fn code(self) -> libc::sock_filter {
        end(match self {
            Self::Errno(errno) => libc::SECCOMP_RET_ERRNO | errno as u32,
            Self::Kill => libc::SECCOMP_RET_KILL_PROCESS,
        })
    }
}

fn load(offset: u32) -> libc::sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, offset)
}

/// Passes over so many instructions unless the loaded value is this.
fn unless_equal(value: u32, over: u8) -> libc::sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, over, value)
}

fn end(answer: u32) -> libc::sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, answer)
}

fn instruction(code: u32, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf, k }
}
