//! A timer that interrupts the thread that made it, wherever it is.

use std::ffi::c_int;
use std::time::Duration;
use std::{mem, ptr};

use crate::cpu;

/// Nothing else sends it, and without a handler it does nothing.
const SIGNAL: c_int = libc::SIGURG;

/// Has each timer of the process call `handler`, which does only what a handler may.
pub fn handle(handler: extern "C" fn(c_int)) {
    // SAFETY: all zeroes is an action without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does what a handler may (the caller's promise, in a test).
    assert_eq!(unsafe { libc::sigaction(SIGNAL, &action, ptr::null_mut()) }, 0);
}

/// Interrupts its thread until it is dropped.
pub struct Timer(libc::timer_t);

impl Timer {
    /// A timer for the calling thread, with a period below a second.
    pub fn every(period: Duration) -> Self {
        // SAFETY: all zeroes is a value of the structure.
        let mut event: libc::sigevent = unsafe { mem::zeroed() };
        event.sigev_signo = SIGNAL;
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_notify_thread_id = cpu::thread_id();
        let mut timer: libc::timer_t = ptr::null_mut();
        // SAFETY: both are the C library's structures, alive during the call.
        assert_eq!(unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer) }, 0);
        let period = libc::timespec { tv_sec: 0, tv_nsec: period.subsec_nanos() as _ };
        let setting = libc::itimerspec { it_interval: period, it_value: period };
        // SAFETY: the timer was just made; the old setting is not asked for.
        assert_eq!(unsafe { libc::timer_settime(timer, 0, &setting, ptr::null_mut()) }, 0);
        Self(timer)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: made in `every`, deleted once.
        unsafe { libc::timer_delete(self.0) };
    }
}
