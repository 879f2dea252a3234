//! The pooled memory of a request with lines of JSON: the line that is not complete yet, and the sums.

use std::fmt;

use pool_runtime::Pooled;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::store::stored;

/// The most names of fields. They are searched one after the other, beginning where the last one was found.
const NAMES: usize = 256;

/// The most bytes of such a name.
const NAME: usize = 256;

/// What a request with lines of JSON needs while they arrive. The names keep their memory from request to request.
#[derive(Default, Pooled)]
#[pooled(weigh = Self::bytes)]
pub(crate) struct Scratch {
    /// A line without its end so far. The limit of a line bounds it.
    #[pooled(clear)]
    line: Vec<u8>,
    /// Lines so far, blank ones included.
    #[pooled(default)]
    lines: u64,
    /// Lines that were objects.
    #[pooled(default)]
    objects: u64,
    #[pooled(with = Fields::clear)]
    fields: Fields,
}

stored!(Scratch);

impl Scratch {
    fn bytes(&self) -> usize {
        let names = self.fields.all.iter().map(|field| field.name.capacity());
        size_of::<Self>()
            + self.line.capacity()
            + self.fields.all.capacity() * size_of::<Field>()
            + names.sum::<usize>()
    }

    /// Takes the next bytes of a body, whose lines have at most `longest` bytes. The error names the line and its fault.
    pub(super) fn read(&mut self, bytes: &[u8], longest: usize) -> Result<(), String> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            self.check(line.len(), longest)?;
            if self.line.is_empty() {
                self.parse(line)?;
            } else {
                self.line.extend_from_slice(line);
                self.end()?;
            }
            rest = after;
        }
        self.check(rest.len(), longest)?;
        self.line.extend_from_slice(rest);
        Ok(())
    }

    /// Takes the line that has no end, if there is one.
    pub(super) fn end(&mut self) -> Result<(), String> {
        if self.line.is_empty() {
            return Ok(());
        }
        let mut line = std::mem::take(&mut self.line);
        let parsed = self.parse(&line);
        line.clear();
        self.line = line;
        parsed
    }

    fn check(&self, more: usize, longest: usize) -> Result<(), String> {
        if self.line.len() + more > longest {
            return Err(format!("line {}: longer than {longest} bytes", self.lines + 1));
        }
        Ok(())
    }

    fn parse(&mut self, line: &[u8]) -> Result<(), String> {
        self.lines += 1;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let mut json = serde_json::Deserializer::from_slice(line);
        let parsed = self.fields.deserialize(&mut json).and_then(|()| json.end());
        parsed.map_err(|error| {
            let text = error.to_string();
            // The parser counts lines, too, and has seen one.
            let fault = text.rsplit_once(" at line ").map_or(&*text, |(fault, _)| fault);
            match error.column() {
                // The line as a whole.
                0 => format!("line {}: {fault}", self.lines),
                column => format!("line {}, column {column}: {fault}", self.lines),
            }
        })?;
        self.objects += 1;
        Ok(())
    }
}

impl Serialize for Scratch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("Scratch", 2)?;
        answer.serialize_field("objects", &self.objects)?;
        answer.serialize_field("fields", &self.fields)?;
        answer.end()
    }
}

/// The fields of all objects so far, by their names.
#[derive(Default)]
struct Fields {
    /// The first `used` are of this request; the others are memory for names.
    all: Vec<Field>,
    used: usize,
    /// Where the last field was found. The objects of a body have their fields in the same order, as a rule.
    last: usize,
}

#[derive(Default)]
struct Field {
    name: String,
    count: u64,
    numbers: Numbers,
}

/// The numbers among the values of a field.
#[derive(Clone, Copy, Default)]
struct Numbers {
    count: u64,
    sum: f64,
    least: f64,
    most: f64,
}

impl Fields {
    fn clear(&mut self) {
        self.used = 0;
        self.last = 0;
    }

    /// The place of the field of this name. `None` if it would be one too many.
    fn place_of(&mut self, name: &str) -> Option<usize> {
        let (before, after) = self.all[..self.used].split_at((self.last + 1).min(self.used));
        let next = after.iter().position(|field| field.name == name).map(|place| before.len() + place);
        self.last = match next.or_else(|| before.iter().position(|field| field.name == name)) {
            Some(place) => place,
            None if self.used == NAMES => return None,
            None => {
                if self.used == self.all.len() {
                    self.all.push(Field::default());
                }
                let field = &mut self.all[self.used];
                field.name.clear();
                field.name.push_str(name);
                (field.count, field.numbers) = (0, Numbers::default());
                self.used += 1;
                self.used - 1
            }
        };
        Some(self.last)
    }
}

impl Numbers {
    fn add(&mut self, number: f64) {
        *self = match self.count {
            0 => Self { count: 1, sum: number, least: number, most: number },
            count => Self {
                count: count + 1,
                sum: self.sum + number,
                least: self.least.min(number),
                most: self.most.max(number),
            },
        };
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.used))?;
        for field in &self.all[..self.used] {
            map.serialize_entry(&field.name, field)?;
        }
        map.end()
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Numbers { count, sum, least, most } = self.numbers;
        let mut answer = serializer.serialize_map(None)?;
        answer.serialize_entry("count", &self.count)?;
        if count > 0 {
            answer.serialize_entry("numbers", &count)?;
            for (name, value) in [("sum", sum), ("min", least), ("max", most)] {
                answer.serialize_entry(name, &value)?;
            }
        }
        answer.end()
    }
}

/// An object, whose fields are added.
impl<'de> DeserializeSeed<'de> for &mut Fields {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.last = self.used;
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Fields {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Name(self))? {
            let field = &mut self.all[place];
            field.count += 1;
            map.next_value_seed(&mut field.numbers)?;
        }
        Ok(())
    }
}

/// The name of a field, whose place is found.
struct Name<'a>(&'a mut Fields);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        if name.len() > NAME {
            return Err(E::custom(format!("a name of more than {NAME} bytes")));
        }
        self.0.place_of(name).ok_or_else(|| E::custom(format!("more than {NAMES} names of fields")))
    }
}

/// A value, which is added if it is a number.
impl<'de> DeserializeSeed<'de> for &mut Numbers {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Numbers {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.add(number as f64);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.add(number as f64);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.add(number);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
