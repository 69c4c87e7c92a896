//! What is wrong with the parameters of a call over the query protocol, in AWS's sentences.

use super::fault::Fault;

/// Collects what is wrong, to say it all at once as AWS does.
#[derive(Default)]
pub(super) struct Checks(Vec<String>);

impl Checks {
    pub(super) fn fails(&mut self, member: &str, value: &str, must: &str) {
        self.0.push(format!("Value '{value}' at '{member}' failed to satisfy constraint: Member must {must}"));
    }

    pub(super) fn required(&mut self, member: &str, value: Option<&str>) {
        if value.is_none() {
            self.0.push(format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"));
        }
    }

    pub(super) fn length(&mut self, member: &str, text: &str, least: usize, most: usize) {
        let chars = text.chars().count();
        if chars < least {
            self.fails(member, text, &format!("have length greater than or equal to {least}"));
        }
        if chars > most {
            self.fails(member, text, &format!("have length less than or equal to {most}"));
        }
    }

    pub(super) fn pattern(&mut self, member: &str, text: &str, pattern: &str, fits: impl Fn(char) -> bool) {
        if !text.chars().all(fits) {
            self.fails(member, text, &format!("satisfy regular expression pattern: {pattern}"));
        }
    }

    /// The characters that a policy may have.
    pub(super) fn policy_chars(&mut self, member: &str, text: &str) {
        self.pattern(member, text, r"[\u0009\u000A\u000D\u0020-\u00FF]+", |c| {
            matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')
        });
    }

    pub(super) fn finish(self) -> Result<(), Fault> {
        match self.0.len() {
            0 => Ok(()),
            1 => Err(Fault::validation(format!("1 validation error detected: {}", self.0[0]))),
            count => Err(Fault::validation(format!("{count} validation errors detected: {}", self.0.join("; ")))),
        }
    }
}

/// `\w` of ASCII, and what else a session, a role or a policy may be called by.
pub(super) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '=' | ',' | '.' | '@' | '-')
}
