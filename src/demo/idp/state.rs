//! What the provider remembers between requests. Everything has a limit; the oldest goes first.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::session::Session;

/// Entries of one kind that are kept.
const LIMIT: usize = 1_000;

/// A sign-in page may stay open this long.
const REQUEST_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// A code lives 60 seconds (RFC 6749, section 4.1.2, allows ten minutes and wants it short).
const CODE_LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// A client that asked, correctly, for somebody to be signed in.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: String,
    /// How long ago the person may have shown who they are, at most.
    pub(super) max_age: Option<TimeDelta>,
    pub(super) asked_at: DateTime<Utc>,
}

/// A code that was issued.
#[derive(Clone)]
pub(super) struct Code {
    pub(super) request: Request,
    pub(super) session: Session,
    pub(super) issued_at: DateTime<Utc>,
}

/// An access token that was issued.
#[derive(Clone)]
pub(super) struct AccessToken {
    pub(super) subject: String,
    pub(super) code: String,
    pub(super) expires_at: DateTime<Utc>,
}

/// What became of a code that somebody presented.
pub(super) enum Presented {
    /// The first time, in time.
    Fresh(Box<Code>),
    /// Used before, too old, or never issued.
    Dead,
}

#[derive(Default)]
pub(super) struct Memory {
    requests: Bounded<Request>,
    codes: Bounded<Code>,
    spent: Bounded<()>,
    tokens: Bounded<AccessToken>,
    issued: Bounded<()>,
    sessions: Bounded<Session>,
}

impl Memory {
    pub(super) fn remember_request(&mut self, handle: String, request: Request) {
        self.requests.push(handle, request);
    }

    /// The request behind a sign-in page. Not spent: a person may go back and choose somebody else.
    pub(super) fn request(&self, handle: &str, now: DateTime<Utc>) -> Option<Request> {
        self.requests.get(handle).filter(|request| now < request.asked_at + REQUEST_LIFETIME).cloned()
    }

    pub(super) fn issue_code(&mut self, code: String, facts: Code) {
        self.issued.push(code.clone(), ());
        self.codes.push(code, facts);
    }

    /// Spends a code. Presenting it again also kills the access token that it bought (RFC 6749, section 4.1.2).
    pub(super) fn spend(&mut self, code: &str, now: DateTime<Utc>) -> Presented {
        if self.spent.get(code).is_some() {
            self.tokens.0.retain(|(_, token)| token.code != code);
            return Presented::Dead;
        }
        let Some(facts) = self.codes.take(code) else { return Presented::Dead };
        self.spent.push(code.to_owned(), ());
        if now < facts.issued_at + CODE_LIFETIME { Presented::Fresh(Box::new(facts)) } else { Presented::Dead }
    }

    pub(super) fn issue_token(&mut self, token: String, facts: AccessToken) {
        self.issued.push(token.clone(), ());
        self.tokens.push(token, facts);
    }

    /// Remembers somebody in a browser, under the word that the browser keeps.
    pub(super) fn remember_session(&mut self, word: String, session: Session) {
        self.sessions.take(&word);
        self.sessions.push(word, session);
    }

    pub(super) fn session(&self, word: &str, now: DateTime<Utc>) -> Option<Session> {
        self.sessions.get(word).filter(|session| !session.is_over(now)).cloned()
    }

    pub(super) fn end_session(&mut self, word: &str) -> Option<Session> {
        self.sessions.take(word)
    }

    pub(super) fn note_token(&mut self, token: String) {
        self.issued.push(token, ());
    }

    pub(super) fn token(&self, token: &str, now: DateTime<Utc>) -> Option<AccessToken> {
        self.tokens.get(token).filter(|facts| now < facts.expires_at).cloned()
    }

    pub(super) fn issued(&self) -> Vec<String> {
        self.issued.0.iter().map(|(text, ())| text.clone()).collect()
    }
}

/// A short list by name. Looked through from end to end: there are a thousand entries at most.
struct Bounded<T>(VecDeque<(String, T)>);

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Bounded<T> {
    fn push(&mut self, name: String, value: T) {
        if self.0.len() == LIMIT {
            self.0.pop_front();
        }
        self.0.push_back((name, value));
    }

    fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn take(&mut self, name: &str) -> Option<T> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        self.0.remove(place).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut memory = Memory::default();
        for number in 0..=LIMIT {
            memory.note_token(number.to_string());
        }

        assert_eq!(memory.issued().len(), LIMIT);
        assert_eq!(memory.issued()[0], "1");
    }
}
