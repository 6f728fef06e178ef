//! JSON as it is read from callers: every object names each of its fields once.
//!
//! RFC 8259 §4 leaves open which of two values of one name counts. Readers differ, and whoever
//! checks a body before us may have seen the other value: so it is a flaw.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem::Flaw;

/// Reads a value; a name that stands twice in one object becomes a flaw.
pub(crate) fn read(bytes: &[u8], flaws: &mut Vec<Flaw>) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Once { pointer: String::new(), flaws }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// A field's name as a part of a pointer (RFC 6901). It is the caller's own text: kept short.
pub(crate) fn token(name: &str) -> String {
    let name: String = name.chars().take(64).collect();
    name.replace('~', "~0").replace('/', "~1")
}

struct Once<'f> {
    pointer: String,
    flaws: &'f mut Vec<Flaw>,
}

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // JSON has no other numbers than finite ones.
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let pointer = format!("{}/{}", self.pointer, list.len());
            match access.next_element_seed(Once { pointer, flaws: &mut *self.flaws })? {
                Some(value) => list.push(value),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let pointer = format!("{}/{}", self.pointer, token(&name));
            if object.contains_key(&name) {
                let detail = "This field stands twice.";
                self.flaws.push(Flaw::new(pointer.clone(), "duplicate", detail));
            }
            let value = access.next_value_seed(Once { pointer, flaws: &mut *self.flaws })?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_once_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,2.5,1e30,18446744073709551615,"é\n",null,true,{"b":{}}],"c":""}"#;
        let mut flaws = Vec::new();
        let plain: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text.as_bytes(), &mut flaws).unwrap(), plain);
        assert_eq!(flaws, []);
        for bad in ["", "{", "{} {}", "[1,]", "NaN", "1e400", r#""\ud800""#] {
            assert!(read(bad.as_bytes(), &mut flaws).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_name_that_stands_twice_is_a_flaw() {
        let text = r#"{"a":1,"a":2,"b":[{"c/d":1},{"c/d":1,"\u0063/d":2}],"e":{"a":1}}"#;
        let mut flaws = Vec::new();
        read(text.as_bytes(), &mut flaws).unwrap();
        let named: Vec<_> = flaws.iter().map(|flaw| (flaw.pointer.as_str(), flaw.code)).collect();
        assert_eq!(named, [("/a", "duplicate"), ("/b/1/c~1d", "duplicate")]);
    }
}
