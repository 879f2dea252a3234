//! The impls that the derives write, written by hand.
//!
//! `Page` and `Buf` here have the impls that `#[derive(Pooled)]` and `#[derive(Reset)]` would have written for the types of the
//! same names in `derived`, but for the hidden paths under which the derives name `pool_runtime`. The tests below compare
//! the two by their effects.
//!
//! Run it with `cargo run --example expanded`.

use pool_runtime::Pooled as _;

/// The types as a user writes them.
pub mod derived {
    use pool_runtime::{Pooled, Reset};

    /// A type with every key.
    #[derive(Debug, PartialEq, Pooled, Reset)]
    #[pooled(new = Page::with_room, retain = |page| page.body.capacity() <= 65_536)]
    #[pooled(max_idle = 64, local = 8, name = "pages", on_panic = reset)]
    pub struct Page {
        /// No key.
        pub body: Vec<u8>,
        /// `field.clear()`.
        #[pooled(clear)]
        pub title: String,
        /// A default.
        #[pooled(default)]
        pub parent: Option<u32>,
        /// A value.
        #[pooled(set = 1)]
        pub version: u32,
        /// A function.
        #[pooled(with = |links| links.truncate(1))]
        pub links: Vec<String>,
        /// Left alone.
        #[pooled(keep)]
        pub uses: u64,
        /// Limited after its reset.
        #[pooled(max_capacity = 1024)]
        pub scratch: Vec<u8>,
    }

    impl Page {
        /// The constructor, which the key `new` names.
        pub fn with_room() -> Self {
            Self {
                body: Vec::with_capacity(4096),
                title: String::new(),
                parent: None,
                version: 1,
                links: vec![],
                uses: 0,
                scratch: vec![],
            }
        }
    }

    /// A generic type.
    #[derive(Debug, Default, PartialEq, Pooled, Reset)]
    #[pooled(instances(Buf<u8>))]
    pub struct Buf<T> {
        /// Items.
        pub items: Vec<T>,
    }

    /// An enum.
    #[derive(Debug, PartialEq, Pooled)]
    pub enum State {
        /// Read.
        #[pooled(default)]
        Reading(Vec<u8>),
        /// Failed.
        Failed(String),
    }
}

/// The types without their derives, and the impls that those would have written.
pub mod expanded {
    /// A type with every key.
    #[derive(Debug, PartialEq)]
    pub struct Page {
        /// No key.
        pub body: Vec<u8>,
        /// `field.clear()`.
        pub title: String,
        /// A default.
        pub parent: Option<u32>,
        /// A value.
        pub version: u32,
        /// A function.
        pub links: Vec<String>,
        /// Left alone.
        pub uses: u64,
        /// Limited after its reset.
        pub scratch: Vec<u8>,
    }

    impl Page {
        /// The constructor, which the key `new` names.
        pub fn with_room() -> Self {
            Self {
                body: Vec::with_capacity(4096),
                title: String::new(),
                parent: None,
                version: 1,
                links: vec![],
                uses: 0,
                scratch: vec![],
            }
        }
    }

    // A constant without a name: an item inside of it cannot be named from outside.
    const _: () = {
        impl ::pool_runtime::Pooled for Page {
            const ON_PANIC: ::pool_runtime::OnPanic = ::pool_runtime::OnPanic::Reset;

            #[inline]
            fn pool() -> &'static ::pool_runtime::Pool<Self> {
                // The types of the values are written out, so that a wrong one is an error in the attribute.
                static __POOL: ::pool_runtime::Pool<Page> = ::pool_runtime::Pool::new({
                    let value: &'static str = "pages";
                    value
                })
                .with_max_idle({
                    let value: usize = 64;
                    value
                })
                .with_local({
                    let value: usize = 8;
                    value
                });
                &__POOL
            }

            #[inline]
            fn create_object() -> Self {
                let hook: fn() -> Self = Page::with_room;
                hook()
            }

            #[inline]
            fn reset_object(object: &mut Self) {
                <Vec<u8> as ::pool_runtime::Reset>::reset(&mut object.body);
                // A `clear` by value, by shared reference or of the type behind a dereference would be found here, but the derive refuses it.
                object.title.clear();
                object.parent = <Option<u32> as ::core::default::Default>::default();
                object.version = {
                    let value: u32 = 1;
                    value
                };
                {
                    let hook: fn(&mut Vec<String>) = |links| links.truncate(1);
                    hook(&mut object.links)
                }
                // Nothing for `uses`.
                <Vec<u8> as ::pool_runtime::Reset>::reset(&mut object.scratch);
                <Vec<u8> as ::pool_runtime::LimitCapacity>::limit_capacity(&mut object.scratch, {
                    let value: usize = 1024;
                    value
                });
            }

            #[inline]
            fn retain_object(object: &Self) -> bool {
                let hook: fn(&Self) -> bool = |page| page.body.capacity() <= 65_536;
                hook(object)
            }

            // For the secrets in the types of fields without a key; a field with the key `zeroize` is wiped here, too.
            #[inline]
            fn wipe_object(object: &mut Self) {
                <Vec<u8> as ::pool_runtime::Reset>::wipe_value(&mut object.body);
                <Vec<u8> as ::pool_runtime::Reset>::wipe_value(&mut object.scratch);
            }
        }
    };

    // `#[derive(Reset)]` would write the same statements once more, in `fn reset(&mut self)`.
    const _: () = {
        impl ::pool_runtime::Reset for Page {
            #[inline]
            fn reset(&mut self) {
                <Self as ::pool_runtime::Pooled>::reset_object(self);
            }

            #[inline]
            fn wipe_value(&mut self) {
                <Self as ::pool_runtime::Pooled>::wipe_object(self);
            }
        }
    };

    /// A generic type.
    #[derive(Debug, Default, PartialEq)]
    pub struct Buf<T> {
        /// Items.
        pub items: Vec<T>,
    }

    // One of these for each instance.
    const _: () = {
        // The parameters, for the fields' types and for the values of keys.
        type T = u8;

        impl ::pool_runtime::Pooled for Buf<u8> {
            // An object made by `Default` is reset, too, before it is given out.
            const RESET_NEW: bool = true;

            #[inline]
            fn pool() -> &'static ::pool_runtime::Pool<Self> {
                static __POOL: ::pool_runtime::Pool<Buf<u8>> =
                    ::pool_runtime::Pool::new(::core::concat!(::core::module_path!(), "::", "Buf<u8>"));
                &__POOL
            }

            #[inline]
            fn create_object() -> Self {
                <Buf<u8> as ::core::default::Default>::default()
            }

            #[inline]
            fn reset_object(object: &mut Self) {
                <Vec<T> as ::pool_runtime::Reset>::reset(&mut object.items);
            }

            #[inline]
            fn wipe_object(object: &mut Self) {
                <Vec<T> as ::pool_runtime::Reset>::wipe_value(&mut object.items);
            }
        }
    };

    // The bound is on the field's type: it holds for a `T` that has no `Reset`.
    const _: () = {
        impl<T> ::pool_runtime::Reset for Buf<T>
        where
            Vec<T>: ::pool_runtime::Reset,
        {
            #[inline]
            fn reset(&mut self) {
                <Vec<T> as ::pool_runtime::Reset>::reset(&mut self.items);
            }

            #[inline]
            fn wipe_value(&mut self) {
                <Vec<T> as ::pool_runtime::Reset>::wipe_value(&mut self.items);
            }
        }
    };

    /// An enum.
    #[derive(Debug, PartialEq)]
    pub enum State {
        /// Read.
        Reading(Vec<u8>),
        /// Failed.
        Failed(String),
    }

    const _: () = {
        impl ::pool_runtime::Pooled for State {
            const RESET_NEW: bool = true;

            #[inline]
            fn pool() -> &'static ::pool_runtime::Pool<Self> {
                static __POOL: ::pool_runtime::Pool<State> =
                    ::pool_runtime::Pool::new(::core::concat!(::core::module_path!(), "::", "State"));
                &__POOL
            }

            #[inline]
            fn create_object() -> Self {
                Self::Reading(<Vec<u8> as ::core::default::Default>::default())
            }

            #[inline]
            fn reset_object(object: &mut Self) {
                if !::core::matches!(object, Self::Reading { .. }) {
                    *object = Self::Reading(<Vec<u8> as ::core::default::Default>::default());
                }
                if let Self::Reading(field0) = object {
                    <Vec<u8> as ::pool_runtime::Reset>::reset(field0);
                }
            }

            #[inline]
            fn wipe_object(object: &mut Self) {
                if let Self::Reading(field0) = object {
                    <Vec<u8> as ::pool_runtime::Reset>::wipe_value(field0);
                }
            }
        }
    };
}

fn main() {
    let mut page = expanded::Page::acquire();
    page.body.extend_from_slice(b"hello");
    page.uses += 1;
    drop(page);
    let page = expanded::Page::acquire();
    println!("{} bytes after {} use, in a pool named {}", page.body.len(), page.uses, expanded::Page::pool().name());
}

#[cfg(test)]
mod tests {
    use pool_runtime::{Pooled, Reset};

    use super::{derived, expanded};

    /// The types differ in their paths alone.
    fn shown(value: &impl std::fmt::Debug) -> String {
        format!("{value:?}")
    }

    macro_rules! page {
        ($module:ident) => {
            $module::Page {
                body: vec![1; 10],
                title: "title".to_owned(),
                parent: Some(1),
                version: 7,
                links: vec!["a".to_owned(), "b".to_owned()],
                uses: 3,
                scratch: vec![1; 10_000],
            }
        };
    }

    #[test]
    fn both_make_the_same_pool() {
        let (ours, theirs) = (expanded::Page::pool(), derived::Page::pool());
        assert_eq!((ours.name(), ours.max_idle()), (theirs.name(), theirs.max_idle()));
        assert_eq!(expanded::Page::ON_PANIC, derived::Page::ON_PANIC);
        assert_eq!(expanded::Page::RESET_NEW, derived::Page::RESET_NEW);
        assert_eq!(expanded::Buf::<u8>::RESET_NEW, derived::Buf::<u8>::RESET_NEW);
        assert_eq!(expanded::State::RESET_NEW, derived::State::RESET_NEW);
        let (ours, theirs) = (expanded::Buf::<u8>::pool(), derived::Buf::<u8>::pool());
        assert_eq!(ours.name().replace("expanded::expanded", ""), theirs.name().replace("expanded::derived", ""));
        assert_eq!(ours.max_idle(), theirs.max_idle());
    }

    #[test]
    fn both_make_the_same_objects() {
        let (ours, theirs) = (expanded::Page::create_object(), derived::Page::create_object());
        assert_eq!((shown(&ours), ours.body.capacity()), (shown(&theirs), theirs.body.capacity()));
        assert_eq!(shown(&expanded::Buf::<u8>::create_object()), shown(&derived::Buf::<u8>::create_object()));
        assert_eq!(shown(&expanded::State::create_object()), shown(&derived::State::create_object()));
    }

    #[test]
    fn both_reset_alike() {
        let (mut ours, mut theirs) = (page!(expanded), page!(derived));
        expanded::Page::reset_object(&mut ours);
        derived::Page::reset_object(&mut theirs);
        assert_eq!(shown(&ours), shown(&theirs));
        assert_eq!((ours.uses, ours.version, ours.links.len()), (3, 1, 1));
        let capacities = (theirs.body.capacity(), theirs.title.capacity(), theirs.scratch.capacity());
        assert_eq!((ours.body.capacity(), ours.title.capacity(), ours.scratch.capacity()), capacities);

        let (mut ours, mut theirs) = (page!(expanded), page!(derived));
        ours.reset();
        theirs.reset();
        assert_eq!(shown(&ours), shown(&theirs));

        struct NoReset;
        let (mut ours, mut theirs) = (expanded::Buf { items: vec![NoReset] }, derived::Buf { items: vec![NoReset] });
        ours.reset();
        theirs.reset();
        assert!(ours.items.is_empty() && theirs.items.is_empty());
    }

    #[test]
    fn both_go_to_the_same_variant() {
        for used in [vec![1; 100], vec![]] {
            let capacity = used.capacity();
            let (mut ours, mut theirs) = (expanded::State::Reading(used.clone()), derived::State::Reading(used));
            expanded::State::reset_object(&mut ours);
            derived::State::reset_object(&mut theirs);
            assert_eq!(shown(&ours), shown(&theirs));
            let (expanded::State::Reading(ours), derived::State::Reading(theirs)) = (ours, theirs) else { panic!() };
            assert_eq!((ours.capacity(), theirs.capacity()), (capacity, capacity));
        }
        let (mut ours, mut theirs) = (expanded::State::Failed("a".into()), derived::State::Failed("a".into()));
        expanded::State::reset_object(&mut ours);
        derived::State::reset_object(&mut theirs);
        assert_eq!((shown(&ours), shown(&theirs)), ("Reading([])".to_owned(), "Reading([])".to_owned()));
    }

    #[test]
    fn both_keep_the_same_objects() {
        let (mut ours, mut theirs) = (page!(expanded), page!(derived));
        for capacity in [10, 65_536, 65_537] {
            ours.body = Vec::with_capacity(capacity);
            theirs.body = Vec::with_capacity(capacity);
            assert_eq!(expanded::Page::retain_object(&ours), derived::Page::retain_object(&theirs));
        }
        assert!(!expanded::Page::retain_object(&ours));
    }
}
