//! A pool of one type does not pass for that of a type which it is a subtype of (uazu/qcell#20): an object would come out of
//! it with a lifetime that it has not.
#![forbid(unsafe_code)]

use pool_runtime::{Pool, Pooled};

struct Hold<F: 'static>(Option<F>);

type Any = Hold<for<'a> fn(&'a str)>;
type Static = Hold<fn(&'static str)>;

#[allow(coherence_leak_check)]
impl Pooled for Any {
    fn pool() -> &'static Pool<Self> {
        static POOL: Pool<Any> = Pool::new("any");
        &POOL
    }
    fn create_object() -> Self {
        Hold(None)
    }
    fn reset_object(_: &mut Self) {}
}

#[allow(coherence_leak_check)]
impl Pooled for Static {
    fn pool() -> &'static Pool<Self> {
        <Any as Pooled>::pool()
    }
    fn create_object() -> Self {
        Hold(None)
    }
    fn reset_object(_: &mut Self) {}
}

fn main() {
    <Static as Pooled>::acquire();
}
