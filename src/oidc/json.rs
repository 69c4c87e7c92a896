//! Reading JSON that a stranger wrote, in one meaning or not at all.
//!
//! A member that comes twice has two meanings (RFC 8259, section 4): whoever checks the one and uses the other is
//! deceived. So it is refused, at any depth. What is nested deeper than anything real is refused as well.

use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The deepest claims seen in the wild have five levels (Keycloak's `resource_access`).
const MAX_DEPTH: usize = 32;

/// One JSON value and nothing after it.
///
/// # Errors
///
/// What is wrong, in words of ours.
pub(super) fn read(bytes: &[u8]) -> Result<Value, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer).map_err(|error| {
        let said = error.to_string();
        let known = [TWICE, DEEP].into_iter().find(|known| said.starts_with(known));
        known.unwrap_or("it is not JSON")
    })?;
    deserializer.end().map_err(|_| "something follows the JSON")?;
    Ok(value)
}

/// The same for an object.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, &'static str> {
    match read(bytes)? {
        Value::Object(members) => Ok(members),
        _ => Err("it is not a JSON object"),
    }
}

const TWICE: &str = "a member of it comes twice";
const DEEP: &str = "it is nested too deeply";

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth < MAX_DEPTH { Ok(Self { depth: self.depth + 1 }) } else { Err(E::custom(DEEP)) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_good_is_read_as_serde_json_reads_it() {
        for good in [r#"{"a":[1,-2,3.5,null,true,"x\u00e4"],"b":{"c":{}}}"#, "[]", "\"text\"", " {} \n", "1e300"] {
            assert_eq!(read(good.as_bytes()), Ok(serde_json::from_str(good).unwrap()), "{good}");
        }
    }

    #[test]
    fn a_member_that_comes_twice_is_found_at_any_depth() {
        for bad in [r#"{"sub":"a","sub":"b"}"#, r#"{"a":[{"b":{"c":1,"c":1}}]}"#, r#"{"sub":"a","\u0073ub":"b"}"#] {
            assert_eq!(read(bad.as_bytes()), Err(TWICE), "{bad}");
        }
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(deep(32).as_bytes()).is_ok());
        assert_eq!(read(deep(33).as_bytes()), Err(DEEP));
        assert!(read(deep(10_000).as_bytes()).is_err());
        for bad in ["", "{", "{}x", "{} {}", "\u{feff}{}", "{'a':1}", "{\"a\":NaN}", "{\"a\":1,}", "\"\n\""] {
            assert!(read(bad.as_bytes()).is_err(), "{bad:?}");
        }
        for bad in [&b"\xff\xfe{\0}\0"[..], b"{\"a\":\"\xff\"}", b"{\"a\":\"\xed\xa0\x80\"}"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        assert!(object(b"[]").is_err());
    }
}
