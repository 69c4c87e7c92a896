//! Who has a name that a reader could take for somebody else's.
//!
//! Two names look alike when their skeletons are the same (UTS #39, section 4), as they are written or in lower case. A
//! skeleton is for comparing and nothing else: it is no name, and is never shown or kept.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_security::confusable_detection::skeleton;

use super::DisplayName;
use crate::domain::id::PersonId;

/// The names of a set of people, by what a reader sees of them.
#[derive(Clone, Debug, Default)]
pub struct LookAlikes {
    as_written: HashMap<String, Vec<PersonId>>,
    in_lower_case: HashMap<String, Vec<PersonId>>,
}

/// What a reader sees of each character of ASCII. It stands alone in a skeleton: none composes with another.
static ASCII: LazyLock<[String; 128]> = LazyLock::new(|| {
    let mut byte = 0;
    std::array::from_fn(|_| {
        let seen = skeleton(&char::from(byte).to_string()).collect();
        byte += 1;
        seen
    })
});

/// What a reader sees of a text. How wide a gap is, nobody sees. Most names are ASCII, and a lab has thousands of them.
fn seen(text: &str) -> String {
    let mut seen = String::with_capacity(text.len() + 8);
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 {
            seen.push(' ');
        }
        if word.is_ascii() {
            word.bytes().for_each(|byte| seen.push_str(&ASCII[usize::from(byte)]));
        } else {
            seen.extend(skeleton(word));
        }
    }
    seen
}

impl LookAlikes {
    /// Of these people. Who has no name looks like nobody.
    #[must_use]
    pub fn of<'a>(people: impl IntoIterator<Item = (&'a PersonId, Option<&'a DisplayName>)>) -> Self {
        let mut all = Self::default();
        for (id, name) in people {
            let Some(name) = name else { continue };
            all.as_written.entry(seen(name.as_str())).or_default().push(id.clone());
            all.in_lower_case.entry(seen(&name.as_str().to_lowercase())).or_default().push(id.clone());
        }
        all
    }

    /// Who else has a name that looks like this one of theirs, by id.
    #[must_use]
    pub fn of_person(&self, id: &PersonId, name: Option<&DisplayName>) -> Vec<&PersonId> {
        let Some(name) = name else { return Vec::new() };
        let as_written = self.as_written.get(&seen(name.as_str()));
        let in_lower_case = self.in_lower_case.get(&seen(&name.as_str().to_lowercase()));
        let mut others: Vec<_> =
            as_written.into_iter().chain(in_lower_case).flatten().filter(|other| *other != id).collect();
        others.sort_unstable();
        others.dedup();
        others
    }

    /// Whether anybody else has a name that looks like this one of theirs.
    #[must_use]
    pub fn has(&self, id: &PersonId, name: Option<&DisplayName>) -> bool {
        !self.of_person(id, name).is_empty()
    }

    /// Everybody who looks like somebody else, by id.
    #[must_use]
    pub fn all(&self) -> Vec<&PersonId> {
        let sets = self.as_written.values().chain(self.in_lower_case.values());
        let mut all: Vec<_> = sets.filter(|set| set.len() > 1).flatten().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn person(which: u16) -> PersonId {
        let [high, low] = which.to_be_bytes();
        PersonId::from_entropy([high, low, 0, 0, 0, 0, 0, 0, 0, 1])
    }

    fn look_alike(one: &str, other: &str) -> bool {
        let names = [one, other].map(|name| DisplayName::from_claim(name).unwrap());
        let people: Vec<_> = (0..).map(person).zip(&names).collect();
        let all = LookAlikes::of(people.iter().map(|(id, name)| (id, Some(*name))));
        let marked: Vec<bool> = people.iter().map(|(id, name)| all.has(id, Some(name))).collect();
        assert_eq!(marked[0], marked[1], "it goes both ways: {one}, {other}");
        assert_eq!(all.all().len(), if marked[0] { 2 } else { 0 });
        marked[0]
    }

    #[test]
    fn names_that_look_the_same_are_told() {
        for (one, other, why) in [
            ("Ada Marsh", "Ada Marsh", "the same name"),
            ("Ada Marsh", "Ad\u{430} Marsh", "Cyrillic а"),
            ("Ada Marsh", "ada marsh", "case"),
            ("Ada Marsh", "\u{410}DA MARSH", "Cyrillic А, and case"),
            ("Ada Marsh", "\u{ff21}\u{ff44}\u{ff41} Marsh", "fullwidth"),
            ("Ada Marsh", "Ada\u{a0}\u{a0}Marsh", "another gap"),
            ("Ada Marsh", "Ada Marsh ", "a gap at the end"),
            ("Ada Marsh", "Ada\u{200b} Marsh", "something that cannot be seen"),
            ("Ada Marsh", "Ada \u{1d40c}arsh", "a mathematical letter"),
            ("Ada Marsh", "Ada rnarsh", "rn for m, and case"),
            ("Il", "l1", "l, I and 1"),
            ("Ilya", "llya", "I and l"),
            ("Kim S\u{f8}rensen", "Kim S\u{f8}rensen", "a letter of its own"),
            ("Zo\u{eb}", "Zoe\u{308}", "composed and decomposed"),
            ("O\u{2019}Neil", "O'Neil", "apostrophes"),
            ("\u{3bf}mar", "omar", "Greek omicron"),
        ] {
            assert!(look_alike(one, other), "{one:?} and {other:?}: {why}");
        }
    }

    #[test]
    fn names_that_do_not_are_left_alone() {
        for (one, other) in [
            ("Ada Marsh", "Ada March"),
            ("Ada Marsh", "Marsh Ada"),
            ("Zo\u{eb}", "Zoe"),
            ("Kim S\u{f8}rensen", "Kim Sorensen 2"),
            ("\u{738b}\u{82b3}", "\u{738b}\u{65b9}"),
            ("Ann", "Anna"),
        ] {
            assert!(!look_alike(one, other), "{one:?} and {other:?}");
        }
    }

    proptest::proptest! {
        /// Word by word and by a table is what the whole text is by UTS #39.
        #[test]
        fn what_is_seen_is_the_skeleton_of_the_whole(words in proptest::collection::vec("[!-~]{1,9}|\\PC{1,9}", 1..5)) {
            let text = words.join(" ");
            let whole: Vec<&str> = text.split_whitespace().collect();

            proptest::prop_assert_eq!(seen(&text), skeleton(&whole.join(" ")).collect::<String>());
        }
    }

    #[test]
    fn who_has_no_name_looks_like_nobody() {
        let (one, two) = (person(1), person(2));
        let all = LookAlikes::of([(&one, None), (&two, None)]);

        assert!(!all.has(&one, None) && all.all().is_empty());
    }

    #[test]
    fn each_is_told_of_the_others() {
        let name = |text| DisplayName::from_claim(text).unwrap();
        let (a, b, c, d) = (name("Ada Marsh"), name("Ad\u{430} Marsh"), name("ADA MARSH"), name("Noor Haddad"));
        let ids: Vec<_> = (1..=4).map(person).collect();
        let all = LookAlikes::of(ids.iter().zip([&a, &b, &c, &d]).map(|(id, name)| (id, Some(name))));

        assert_eq!(all.of_person(&ids[0], Some(&a)), [&ids[1], &ids[2]]);
        assert_eq!(all.all(), [&ids[0], &ids[1], &ids[2]]);
        assert_eq!(all.of_person(&ids[3], Some(&a)).len(), 3, "somebody who would take that name");
    }

    #[test]
    fn two_thousand_names_take_no_time_to_speak_of() {
        let names: Vec<_> =
            (0..2_000).map(|n| DisplayName::from_claim(&format!("Name {n} Someone")).unwrap()).collect();
        let people: Vec<_> = (0..).map(person).zip(&names).collect();
        let begun = Instant::now();

        let all = LookAlikes::of(people.iter().map(|(id, name)| (id, Some(*name))));
        assert!(all.all().is_empty());

        // A few milliseconds when it is built for use; many times as much when it is built for tests, beside others.
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}
