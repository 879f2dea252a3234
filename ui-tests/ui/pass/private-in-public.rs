//! Private types in public modules, and public types with private fields and arguments.

#![deny(warnings, missing_docs, private_bounds, private_interfaces, unnameable_types, unreachable_pub)]

/// A module.
pub mod pages {
    use pool_runtime::{Pooled, Reset};

    #[derive(Default, Pooled, Reset)]
    struct Private {
        bytes: Vec<u8>,
    }

    #[derive(Default)]
    #[allow(dead_code)]
    struct Argument(u8);

    /// A page.
    #[derive(Default, Pooled, Reset)]
    #[pooled(instances(Page<Argument>))]
    pub struct Page<T> {
        list: List<T>,
        private: Private,
    }

    #[derive(Reset)]
    struct List<T>(Vec<T>);

    impl<T> Default for List<T> {
        fn default() -> Self {
            Self(Vec::new())
        }
    }

    /// Uses them.
    pub fn touch() -> usize {
        let page = Page::<Argument>::acquire();
        page.list.0.len() + page.private.bytes.len() + Private::acquire().bytes.len()
    }
}

fn main() {
    assert_eq!(pages::touch(), 0);
}
