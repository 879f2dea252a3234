//! glibc, which the collector asks by itself.

fn main() {
    residue::serve("glibc", "malloc_trim", |builder| builder.trim(true));
}
