//! One byte form for each JSON value: RFC 8785 (JSON Canonicalization Scheme) without floating-point numbers.
//!
//! The ledger keeps this form, so that what was recorded can be hashed, chained and compared years later whatever
//! the JSON library of the day does with spaces and key order.

use serde_json::Value;

/// A value with a number that is not a whole number of 53 bits: RFC 8785 would print it as a double.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a canonical value holds whole numbers of at most 53 bits only")]
pub struct NotCanonical;

/// The largest whole number that every JSON reader keeps exact (RFC 8259, section 6).
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The canonical text of a value.
///
/// # Errors
///
/// When it holds a fraction or a number of more than 53 bits.
pub fn to_string(value: &Value) -> Result<String, NotCanonical> {
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(text)
}

fn write(value: &Value, text: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs)).ok_or(NotCanonical)?;
            if magnitude > MAX_SAFE_INTEGER {
                return Err(NotCanonical);
            }
            text.push_str(&number.to_string());
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(item, text)?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (place, (key, member)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                write(member, text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_by_utf16_and_nothing_is_padded() {
        // The order of RFC 8785, section 3.2.3: U+1F600 starts with a surrogate (D83D) and so stands before U+FB33.
        let value = json!({"\u{fb33}": 1, "\u{1f600}": 2, "b": [true, null, {"z": -1, "a": "x"}], "a": {}});

        assert_eq!(
            to_string(&value).unwrap(),
            "{\"a\":{},\"b\":[true,null,{\"a\":\"x\",\"z\":-1}],\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }

    #[test]
    fn strings_are_escaped_as_rfc_8785_asks() {
        assert_eq!(
            to_string(&json!("\u{8}\t\n\u{c}\r\"\\\u{1f}/\u{7f}é")).unwrap(),
            "\"\\b\\t\\n\\f\\r\\\"\\\\\\u001f/\u{7f}é\""
        );
    }

    #[test]
    fn numbers_that_readers_disagree_about_are_refused() {
        assert_eq!(to_string(&json!(9_007_199_254_740_991_u64)).unwrap(), "9007199254740991");
        for bad in [json!(0.5), json!(1e3), json!(9_007_199_254_740_992_u64), json!(i64::MIN)] {
            assert_eq!(to_string(&json!({"n": bad})), Err(NotCanonical), "{bad}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_form_reads_back_as_the_same_value_and_the_same_form(value in values()) {
            let text = to_string(&value).unwrap();
            let again: Value = serde_json::from_str(&text).unwrap();

            prop_assert_eq!(&again, &value);
            prop_assert_eq!(to_string(&again).unwrap(), text);
        }
    }
}
