//! JSON written down again, in the order that it was read in.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::json::Json;

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(text) => match serde_json::from_str::<serde_json::Number>(text) {
                Ok(number) => number.serialize(serializer),
                Err(_) => serializer.serialize_str(text),
            },
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl Json {
    /// With line breaks, for people.
    pub(super) fn pretty(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Without any white space that means nothing: how long it is for AWS.
    pub(super) fn characters(&self) -> usize {
        serde_json::to_string(self).map_or(0, |text| text.chars().count())
    }

    /// The value of a key of an object.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_in_its_order() {
        let text = r#"{"b":[1,-2,0.5,true,null,"\"é"],"a":{}}"#;
        let json: Json = serde_json::from_str(text).unwrap();

        assert_eq!(serde_json::to_string(&json).unwrap(), text);
        assert_eq!(json.characters(), text.chars().count());
        assert_eq!(serde_json::from_str::<Json>(&json.pretty()).unwrap(), json);
        assert_eq!(json.get("a"), Some(&Json::Object(Vec::new())));
    }
}
