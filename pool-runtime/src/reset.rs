//! [`Reset`], and its implementations for the types of std.

/// Makes a value as good as new, and keeps the memory that it owns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be reset for reuse",
    label = "no `Reset` for this field's type",
    note = "implement `Reset`, or mark the field `#[pooled(default)]`, `#[pooled(with = path)]` or `#[pooled(keep)]`"
)]
pub trait Reset {
    /// Makes the value as good as new.
    fn reset(&mut self);
}

impl<T> Reset for Vec<T> {
    fn reset(&mut self) {
        self.clear();
    }
}

impl Reset for u64 {
    fn reset(&mut self) {
        *self = 0;
    }
}
