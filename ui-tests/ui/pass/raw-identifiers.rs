#![allow(non_camel_case_types)]

use pool_runtime::Pooled;

mod r#mod {
    pub(super) fn r#fn() -> super::r#type {
        super::r#type { r#fn: vec![], r#match: 0 }
    }
}

#[derive(Pooled)]
#[pooled(new = r#mod::r#fn)]
struct r#type {
    r#fn: Vec<u8>,
    #[pooled(set = 1)]
    r#match: u8,
}

fn main() {
    let mut object = r#type { r#fn: vec![1], r#match: 0 };
    r#type::reset_object(&mut object);
    assert!(object.r#fn.is_empty() && object.r#match == 1);
    assert!(r#type::pool().name().ends_with("::type"));
}
