//! The sequences as they are, without the additions of `--cfg pool_inject`.

macro_rules! assemble { ($($arguments:tt)*) => { asm!($($arguments)* options(nostack)) }; }
macro_rules! nothing {
    ($($_any:tt)*) => {
        ""
    };
}
pub(in crate::sequence) use {
    assemble, nothing as check_top, nothing as check_length, nothing as check_number, nothing as count_abort,
    nothing as keep_cpu, nothing as keep_top, nothing as keep_number, nothing as spin, nothing as trap,
};
