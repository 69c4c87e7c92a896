//! Patterns with `*` and `?`, as IAM matches actions, resources and `StringLike` values.
//!
//! A pattern is a list of tokens, not text, so that what a policy variable stands for can never become a wildcard.
//! Matching takes time proportional to pattern times text: a hostile pattern cannot stall an evaluation.

/// One element of a [`Glob`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Token {
    /// Exactly this character.
    Char(char),
    /// `?`: any one character.
    AnyChar,
    /// `*`: any characters, or none.
    AnyText,
}

/// A pattern: matches a text as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Glob(Vec<Token>);

/// Whether a text fits a pattern of IAM's, case and all.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    Glob::parse(pattern).matches(text)
}

impl Glob {
    /// The pattern in which `*` and `?` are wildcards.
    pub(super) fn parse(pattern: &str) -> Self {
        pattern.chars().map(Token::from_pattern).collect()
    }

    /// Its elements, from left to right.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.0
    }

    /// Whether the whole of `text` fits.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.matches_with(text, |a, b| a == b)
    }

    /// Whether the whole of `text` fits when case does not count.
    pub(super) fn matches_ignoring_case(&self, text: &str) -> bool {
        self.matches_with(text, |a, b| a == b || a.to_lowercase().eq(b.to_lowercase()))
    }

    /// The pattern cut at its first `count - 1` literal colons; fewer pieces when it has fewer colons.
    pub(super) fn segments(&self, count: usize) -> Vec<Self> {
        self.0.splitn(count, |token| *token == Token::Char(':')).map(|tokens| Self(tokens.to_vec())).collect()
    }

    /// Goes through both from left to right. On a mismatch it returns to the last `*` and lets that take one character
    /// more; an earlier `*` need never be tried again.
    fn matches_with(&self, text: &str, same: impl Fn(char, char) -> bool) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut seen) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while seen < text.len() {
            match self.0.get(at) {
                Some(Token::AnyText) => {
                    retry = Some((at, seen));
                    at += 1;
                }
                Some(Token::AnyChar) => (at, seen) = (at + 1, seen + 1),
                Some(Token::Char(c)) if same(*c, text[seen]) => (at, seen) = (at + 1, seen + 1),
                _ => {
                    let Some((star, taken)) = retry else { return false };
                    retry = Some((star, taken + 1));
                    (at, seen) = (star + 1, taken + 1);
                }
            }
        }
        self.0[at..].iter().all(|token| *token == Token::AnyText)
    }
}

impl Token {
    /// What this character of a pattern stands for.
    pub(super) fn from_pattern(c: char) -> Self {
        match c {
            '*' => Self::AnyText,
            '?' => Self::AnyChar,
            c => Self::Char(c),
        }
    }
}

impl FromIterator<Token> for Glob {
    fn from_iter<I: IntoIterator<Item = Token>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, as directly as it can be written; takes exponential time.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            (['*', rest @ ..], text) => naive(rest, text) || (!text.is_empty() && naive(pattern, &text[1..])),
            (['?', rest @ ..], [_, text @ ..]) => naive(rest, text),
            ([c, rest @ ..], [d, text @ ..]) => c == d && naive(rest, text),
            (_, []) => false,
        }
    }

    #[test]
    fn a_pattern_fits_the_whole_text() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything:at/all", true),
            ("?", "", false),
            ("?", "é", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbcd", false),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            ("rs-?*", "rs-", false),
            ("rs-?*", "rs-1", true),
            ("Get*", "getHIT", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(Glob::parse(pattern).matches(text), fits, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn case_counts_only_when_asked() {
        let glob = Glob::parse("mechanicalturk:Get*");

        assert!(glob.matches_ignoring_case("MechanicalTurk:getHIT"));
        assert!(!glob.matches("MechanicalTurk:getHIT"));
    }

    #[test]
    fn a_pattern_is_cut_at_colons_only() {
        assert_eq!(Glob::parse("a:*:b:c").segments(3), [Glob::parse("a"), Glob::parse("*"), Glob::parse("b:c")]);
        assert_eq!(Glob::parse("a*").segments(6).len(), 1);
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let pattern = "a*".repeat(200) + "b";

        assert!(!Glob::parse(&pattern).matches(&"a".repeat(2_000)));
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());

            prop_assert_eq!(Glob::parse(&pattern).matches(&text), naive(&p, &t));
        }
    }
}
