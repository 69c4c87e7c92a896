//! The members of a JSON request, read one by one in the way AWS validates them.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::fault::Fault;
use super::money::Money;

/// A request body.
pub(super) struct Input(Map<String, Value>);

impl Input {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Fault> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(Fault::new(StatusCode::BAD_REQUEST, "SerializationException", "The body is not a JSON object")),
        }
    }

    fn get(&self, member: &str) -> Option<&Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, member: &str) -> bool {
        self.get(member).is_some()
    }

    /// A member as it came.
    pub(super) fn raw(&self, member: &str) -> Option<&Value> {
        self.get(member)
    }

    pub(super) fn text(&self, member: &str) -> Result<Option<&str>, Fault> {
        match self.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(member)),
        }
    }

    pub(super) fn required_text(&self, member: &str) -> Result<&str, Fault> {
        match self.text(member)? {
            None => Err(invalid("null", member, "not be null")),
            Some("") => Err(invalid("''", member, "have length greater than or equal to 1")),
            Some(text) => Ok(text),
        }
    }

    /// An identifier: 1 to 64 capital letters and digits.
    pub(super) fn id(&self, member: &str) -> Result<Option<&str>, Fault> {
        match self.text(member)? {
            None => Ok(None),
            Some(text) if is_id(text) => Ok(Some(text)),
            Some(text) => Err(invalid(&format!("'{text}'"), member, "satisfy regular expression pattern: ^[A-Z0-9]+$")),
        }
    }

    pub(super) fn required_id(&self, member: &str) -> Result<&str, Fault> {
        self.id(member)?.ok_or_else(|| invalid("null", member, "not be null"))
    }

    /// A whole number between two others, both included.
    pub(super) fn number(&self, member: &str, least: i64, most: i64) -> Result<Option<i64>, Fault> {
        let Some(value) = self.get(member) else { return Ok(None) };
        let number = value.as_i64().ok_or_else(|| wrong_type(member))?;
        if number < least {
            return Err(invalid(&number.to_string(), member, &format!("have value greater than or equal to {least}")));
        }
        if number > most {
            return Err(invalid(&number.to_string(), member, &format!("have value less than or equal to {most}")));
        }
        Ok(Some(number))
    }

    pub(super) fn required_number(&self, member: &str, least: i64, most: i64) -> Result<i64, Fault> {
        self.number(member, least, most)?.ok_or_else(|| invalid("null", member, "not be null"))
    }

    pub(super) fn flag(&self, member: &str) -> Result<bool, Fault> {
        match self.get(member) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(wrong_type(member)),
        }
    }

    pub(super) fn required_money(&self, member: &str) -> Result<Money, Fault> {
        let text = self.required_text(member)?;
        Money::parse(text).ok_or_else(|| {
            invalid(&format!("'{text}'"), member, r"satisfy regular expression pattern: ^[0-9]+(\.)?[0-9]{0,2}$")
        })
    }

    /// A list of texts out of `known`; empty when the member is absent.
    pub(super) fn choices(&self, member: &str, known: &[&str]) -> Result<Vec<&str>, Fault> {
        let values = match self.get(member) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(_) => return Err(wrong_type(member)),
        };
        values
            .iter()
            .map(|value| match value.as_str() {
                None => Err(wrong_type(member)),
                Some(text) if known.contains(&text) => Ok(text),
                Some(text) => {
                    let must = format!("satisfy enum value set: [{}]", known.join(", "));
                    Err(invalid(&format!("'{text}'"), member, &must))
                }
            })
            .collect()
    }
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn wrong_type(member: &str) -> Fault {
    let message = format!("The member '{member}' has the wrong type");
    Fault::new(StatusCode::BAD_REQUEST, "SerializationException", message)
}

/// AWS's sentence; it spells a member with a small first letter.
fn invalid(value: &str, member: &str, must: &str) -> Fault {
    let mut chars = member.chars();
    let member: String = chars.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(chars).collect();
    let constraint = format!("failed to satisfy constraint: Member must {must}");
    let message = format!("1 validation error detected: Value {value} at '{member}' {constraint}");
    Fault::new(StatusCode::BAD_REQUEST, "ValidationException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(json: &str) -> Input {
        Input::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_in_the_words_of_aws() {
        let input = input(r#"{"HITId":"a b","Reward":"1.234","MaxResults":101,"Title":""}"#);

        for (fault, (what, must)) in [
            (input.required_id("AssignmentId").unwrap_err(), ("null at 'assignmentId'", "not be null")),
            (input.id("HITId").unwrap_err(), ("'a b' at 'hITId'", "satisfy regular expression pattern: ^[A-Z0-9]+$")),
            (
                input.number("MaxResults", 1, 100).unwrap_err(),
                ("101 at 'maxResults'", "have value less than or equal to 100"),
            ),
            (input.required_text("Title").unwrap_err(), ("'' at 'title'", "have length greater than or equal to 1")),
        ] {
            assert_eq!(fault.code, "ValidationException");
            let sentence = format!("Value {what} failed to satisfy constraint: Member must {must}");
            assert_eq!(fault.message, format!("1 validation error detected: {sentence}"));
        }
        assert!(input.required_money("Reward").is_err());
    }

    #[test]
    fn a_member_of_the_wrong_type_is_not_taken_for_another() {
        let input = input(r#"{"A":1,"B":"x","C":[1],"D":["Other"],"E":null,"F":1.5}"#);

        assert_eq!(input.text("A").unwrap_err().code, "SerializationException");
        assert_eq!(input.flag("B").unwrap_err().code, "SerializationException");
        assert_eq!(input.choices("C", &["Submitted"]).unwrap_err().code, "SerializationException");
        assert_eq!(input.choices("D", &["Submitted"]).unwrap_err().code, "ValidationException");
        assert_eq!(input.number("F", 0, 9).unwrap_err().code, "SerializationException");
        assert!(!input.has("E"));
        assert!(Input::parse(b"[]").is_err());
    }
}
