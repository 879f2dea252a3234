//! What is asked of the system when the program is loaded, or the library that this is linked into: a program may give up its rights
//! later. A filter may kill a process that opens a file, and nothing here does after the load.
//!
//! `rustc` links every `#[used]` static of a program's crates. A C program that is linked with a static library of ours may leave this file
//! out; then the first use of a pool asks.

use crate::machine::cpus::{count, table_len};
use crate::machine::decision::backend;

/// The C library calls this before the constructor functions of the program and the library, those with a reserved priority excepted
/// (std's own has 99), and before `main`.
extern "C" fn ask_at_load() {
    backend();
    count();
    table_len();
}

#[used]
// SAFETY: the C library calls what stands in this section, with arguments that a C function need not take.
#[unsafe(link_section = ".init_array.00098")]
static ASK_AT_LOAD: extern "C" fn() = ask_at_load;
