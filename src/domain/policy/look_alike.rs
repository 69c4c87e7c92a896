//! Characters that do not belong into a policy, and may look as if they did: `mechаnicalturk` with a Cyrillic `а`.
//!
//! No name of AWS's has a letter outside ASCII. A reader cannot see the difference, so the number of the character is
//! said, and which place it has.

/// A character outside ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OddCharacter {
    /// Which, counted from 1.
    pub place: usize,
    /// What it is.
    pub character: char,
}

impl OddCharacter {
    /// The first in `text`.
    #[must_use]
    pub fn first_in(text: &str) -> Option<Self> {
        let found = text.chars().enumerate().find(|(_, c)| !c.is_ascii());
        found.map(|(index, character)| Self { place: index + 1, character })
    }

    /// Its number: `U+0430`.
    #[must_use]
    pub fn number(&self) -> String {
        format!("U+{:04X}", u32::from(self.character))
    }
}

/// The text in ASCII: every other character as its number, so that a reader sees that it is there.
#[must_use]
pub fn spelled(text: &str) -> String {
    let spell = |character: char| {
        if character.is_ascii() && !character.is_control() {
            character.to_string()
        } else {
            format!("<{}>", OddCharacter { place: 0, character }.number())
        }
    };
    text.chars().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_is_not_ascii_is_named_by_its_number() {
        let odd = OddCharacter::first_in("mech\u{430}nicalturk:GetHIT").unwrap();

        assert_eq!((odd.place, odd.number().as_str()), (5, "U+0430"));
        assert_eq!(OddCharacter::first_in("mechanicalturk:GetHIT"), None);
        assert_eq!(spelled("mech\u{430}n\u{1f600}\n"), "mech<U+0430>n<U+1F600><U+000A>");
    }
}
