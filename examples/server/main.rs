//! Starts the server, and prints where to look.

fn main() {}
