//! The questions to the system when the program is loaded, or the library that this is linked into: a program may give up its rights
//! later. A filter may kill a process that opens a file, and no pool opens a file after the load.
//!
//! `rustc` links every `#[used]` static of a program's crates. A C program that is linked with a static library of ours may leave this file
//! out; then the first use of a pool asks.

use crate::machine::cpus::{count, table_len};
use crate::machine::decision::backend;
use crate::machine::system::at_load;

fn ask() {
    backend();
    count();
    table_len();
}

at_load!(ask);
