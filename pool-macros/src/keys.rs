//! The keys of `#[pooled(..)]`: the place of each, how it is written, and the names that other crates have for it.

/// The place of an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Type,
    Field,
    Variant,
}

/// Each key of a place, and how it is written.
type Keys = &'static [(&'static str, &'static str)];

/// Words that people try, and the key that does it.
type Synonyms = &'static [(&'static str, &'static [&'static str])];

const TYPE_KEYS: Keys = &[
    ("new", "new = path"),
    ("new_boxed", "new_boxed = path"),
    ("reset", "reset = path"),
    ("default", "default"),
    ("retain", "retain = path"),
    ("weigh", "weigh"),
    ("max_idle", "max_idle = 64"),
    ("local", "local = 32"),
    ("name", "name = \"..\""),
    ("on_panic", "on_panic = discard"),
    ("instances", "instances(Buf<u8>)"),
    ("bound", "bound(T: Reset)"),
    ("crate", "crate = path"),
];

const FIELD_KEYS: Keys = &[
    ("clear", "clear"),
    ("default", "default"),
    ("set", "set = expr"),
    ("with", "with = path"),
    ("keep", "keep"),
    ("zeroize", "zeroize"),
    ("max_capacity", "max_capacity = 4096"),
];

const VARIANT_KEYS: Keys = &[("default", "default")];

const TYPE_SYNONYMS: Synonyms = &[
    (
        "new",
        &["init", "initialize", "create", "constructor", "ctor", "make", "construct", "factory", "build", "builder"],
    ),
    ("new_boxed", &["boxed", "create_boxed", "in_box", "init_boxed", "make_boxed", "new_box", "new_in_box"]),
    ("reset", &["clean", "cleanup", "recycle", "restore", "on_return", "on_release", "put"]),
    ("retain", &["keep_if", "accept", "check", "filter", "is_valid", "predicate", "valid", "validate"]),
    ("weigh", &["bytes", "cost", "heap_size", "mem_size", "memory", "size_of", "weigher", "weight"]),
    ("max_idle", &["capacity", "limit", "max", "max_objects", "max_pool_size", "max_size", "pool_size", "size"]),
    ("local", &["cache", "cache_size", "local_size", "max_local", "per_cpu", "private", "thread_local"]),
    ("name", &["id", "label", "title"]),
    ("default", &["renew", "replace"]),
    ("on_panic", &["panic", "on_unwind", "poison", "unwind"]),
    ("instances", &["concrete", "for", "generic", "monomorphize", "type", "types"]),
    ("bound", &["generics", "where"]),
    ("crate", &["crate_name", "crate_path", "krate", "path", "runtime"]),
];

const FIELD_SYNONYMS: Synonyms = &[
    ("clear", &["clean", "empty"]),
    ("default", &["initial", "take"]),
    ("set", &["assign", "init", "reset_to", "to", "value"]),
    ("with", &["by", "call", "fn", "func", "function", "reset_with", "using"]),
    ("keep", &["ignore", "leave", "no_reset", "none", "preserve", "skip", "untouched"]),
    ("zeroize", &["erase", "scrub", "secret", "secure", "wipe", "zero"]),
    (
        "max_capacity",
        &["cap", "capacity", "limit", "limit_capacity", "max", "max_cap", "max_len", "shrink", "shrink_to"],
    ),
];

const VARIANT_SYNONYMS: Synonyms = &[("default", &["first", "idle", "initial"])];

impl Place {
    fn keys(self) -> Keys {
        match self {
            Self::Type => TYPE_KEYS,
            Self::Field => FIELD_KEYS,
            Self::Variant => VARIANT_KEYS,
        }
    }

    fn synonyms(self) -> Synonyms {
        match self {
            Self::Type => TYPE_SYNONYMS,
            Self::Field => FIELD_SYNONYMS,
            Self::Variant => VARIANT_SYNONYMS,
        }
    }

    /// The part of an item that takes its keys.
    fn owner(self) -> &'static str {
        match self {
            Self::Type => "a type",
            Self::Field => "a field",
            Self::Variant => "a variant",
        }
    }

    /// An attribute that may stand here.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Type => "#[pooled(max_idle = 64)]",
            Self::Field => "#[pooled(keep)]",
            Self::Variant => "#[pooled(default)]",
        }
    }

    /// The other places that a key may have been meant for, the likeliest first.
    fn others(self) -> [Self; 2] {
        match self {
            Self::Type => [Self::Field, Self::Variant],
            Self::Field => [Self::Type, Self::Variant],
            Self::Variant => [Self::Field, Self::Type],
        }
    }

    /// How a key of this place is written, with its value.
    pub(crate) fn written(self, key: &str) -> Option<&'static str> {
        self.keys().iter().find(|(known, _)| *known == key).map(|(_, written)| *written)
    }

    /// Why a word is no key here: it belongs elsewhere, or nowhere.
    pub(crate) fn refusal(self, word: &str) -> String {
        if self == Self::Field && word == "reset" {
            return "`reset` is a key for the type: write `#[pooled(with = path)]` to reset this field alone"
                .to_owned();
        }
        if let Some(place) = self.others().into_iter().find(|place| place.written(word).is_some()) {
            return format!("`{word}` is a key for {}", place.direction(word));
        }
        if let Some(key) = self.meant(word) {
            return format!("unknown key `{word}`: did you mean `{key}`?");
        }
        for place in self.others() {
            if let Some(key) = place.meant(word) {
                return format!("unknown key `{word}`: did you mean `{key}`, a key for {}", place.direction(key));
            }
        }
        format!("unknown key `{word}`: {} takes {}", self.owner(), listed(self.keys()))
    }

    /// Says in an error of another place where a key of this place goes.
    fn direction(self, key: &str) -> String {
        let written = self.written(key).unwrap_or(key);
        match self {
            Self::Type => format!("the type: write `#[pooled({written})]` above the type"),
            Self::Field => format!("a field: write `#[pooled({written})]` above the field"),
            Self::Variant => format!("a variant: write `#[pooled({written})]` above the variant"),
        }
    }

    /// The key that a word means or misspells.
    fn meant(self, word: &str) -> Option<&'static str> {
        let word = word.to_lowercase();
        let mut synonyms = self.synonyms().iter();
        if let Some((key, _)) = synonyms.find(|(_, words)| words.contains(&word.as_str())) {
            return Some(key);
        }
        let distances = self.keys().iter().map(|(key, _)| (distance(&word, key), *key));
        let (distance, key) = distances.min()?;
        (distance <= (key.len() / 3).min(2)).then_some(key)
    }
}

/// How many letters must be inserted, removed, replaced, or exchanged with their neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

/// `` `a`, `b` or `c` ``
fn listed(keys: Keys) -> String {
    let mut list = String::new();
    for (i, (key, _)) in keys.iter().enumerate() {
        let separator = match i {
            0 => "",
            _ if i + 1 == keys.len() => " or ",
            _ => ", ",
        };
        list = format!("{list}{separator}`{key}`");
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: [Place; 3] = [Place::Type, Place::Field, Place::Variant];

    #[test]
    fn distances_are_those_of_damerau() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "keep", 4),
            ("keep", "keep", 0),
            ("kep", "keep", 1),
            ("kepe", "keep", 1),
            ("kleep", "keep", 1),
            ("koep", "keep", 1),
            ("max-idel", "max_idle", 2),
            ("clear", "keep", 4),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn every_synonym_leads_to_a_key_and_is_none() {
        for place in PLACES {
            for (key, words) in place.synonyms() {
                assert!(place.written(key).is_some(), "{key}");
                for word in *words {
                    assert!(place.written(word).is_none(), "{word}");
                    assert_eq!(place.refusal(word), format!("unknown key `{word}`: did you mean `{key}`?"));
                }
            }
        }
    }

    #[test]
    fn one_wrong_letter_is_understood() {
        for place in PLACES {
            for (key, _) in place.keys() {
                for i in 0..key.len() {
                    let misspelt = [&key[..i], "z", &key[i + 1..]].concat();
                    let refusal = format!("unknown key `{misspelt}`: did you mean `{key}`?");
                    assert_eq!(place.refusal(&misspelt), refusal);
                }
            }
        }
    }

    #[test]
    fn a_word_that_is_far_from_every_key_gets_the_list() {
        assert_eq!(Place::Variant.refusal("colour"), "unknown key `colour`: a variant takes `default`");
    }
}
