//! Which sets of patterns one text can fit, each with a shortest text that does.
//!
//! All patterns are followed at once, character by character, as one automaton whose state is the places that are still
//! alive in each. Two texts that lead to the same state are the same to every pattern, so each state is visited once,
//! and only the characters that some pattern asks for next, and one that none asks for, need be tried.
//!
//! The number of states can be exponential in the patterns. The work is bounded: beyond that there is no answer.

use std::collections::HashSet;
use std::rc::Rc;

use crate::domain::policy::glob::{Glob, Token};

/// Places looked at in one walk; about 20 ms without optimisation.
const MOST_WORK: usize = 600_000;
/// States visited in one walk.
const MOST_STATES: usize = 40_000;

/// What one place of a pattern takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Char { c: char, ignore_case: bool },
    Any { colon: bool },
    Text { colon: bool },
}

/// A pattern to follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Track(Vec<Step>);

/// The texts that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// `service:name`, in lower case.
    Action,
    /// `arn:` with at least five colons in all.
    Arn,
    /// Any.
    Text,
}

/// Texts that fit the same groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// Which; sorted.
    pub(super) fits: Vec<usize>,
    /// One of the shortest.
    pub(super) text: String,
}

impl Track {
    /// A pattern where case counts.
    pub(super) fn exact(glob: &Glob) -> Self {
        Self::new(glob, false, usize::MAX)
    }

    /// A pattern where case does not count.
    pub(super) fn ignoring_case(glob: &Glob) -> Self {
        Self::new(glob, true, usize::MAX)
    }

    /// A pattern of an ARN condition: in the first five parts no wildcard takes a colon.
    pub(super) fn arn(glob: &Glob) -> Self {
        Self::new(glob, false, 5)
    }

    /// From which colon on a wildcard takes colons too; `usize::MAX`: from the start.
    fn new(glob: &Glob, ignore_case: bool, parts: usize) -> Self {
        let mut colons = 0;
        let step = |token: &Token| {
            colons += usize::from(*token == Token::Char(':'));
            let colon = parts == usize::MAX || colons >= parts;
            match token {
                Token::Char(c) => Step::Char { c: *c, ignore_case },
                Token::AnyChar => Step::Any { colon },
                Token::AnyText => Step::Text { colon },
            }
        };
        Self(glob.tokens().iter().map(step).collect())
    }
}

impl Domain {
    /// Where `c` leads from `place`; `None` when no text of this kind goes on like that.
    fn next(self, place: u8, c: char) -> Option<u8> {
        let (word, of_service) = (c.is_ascii_lowercase() || c.is_ascii_digit(), c == '-');
        match (self, place) {
            (Self::Text, _) => Some(0),
            (Self::Action, 0 | 1) if word || of_service => Some(1),
            (Self::Action, 1) if c == ':' => Some(2),
            (Self::Action, 2 | 3) if word => Some(3),
            (Self::Arn, 0..=3) => ("arn:".chars().nth(place.into()) == Some(c)).then_some(place + 1),
            (Self::Arn, 4..=7) => Some(place + u8::from(c == ':')),
            (Self::Arn, _) => Some(place),
            (Self::Action, _) => None,
        }
    }

    /// Whether a text may end here.
    const fn is_whole(self, place: u8) -> bool {
        match self {
            Self::Text => true,
            Self::Action => place == 3,
            Self::Arn => place == 8,
        }
    }

    /// A character that may come here and is none of these.
    fn other(self, place: u8, taken: &[char]) -> Option<char> {
        let foreign = match self {
            Self::Arn if place < 4 => return None,
            Self::Action => '1'..='0',
            Self::Arn | Self::Text => '\u{4E00}'..='\u{9FFF}',
        };
        let plain = "xyzw".chars().chain('a'..='z').chain('0'..='9').chain(['-']);
        plain.chain(foreign).find(|c| !taken.contains(c) && self.next(place, *c).is_some())
    }
}

/// A state, and how it was come to.
struct Node {
    place: u8,
    alive: Rc<[Place]>,
    from: usize,
    by: char,
}

/// Patterns, in groups: what is looked for is which groups a text fits, and it fits a group when it fits one pattern of it.
pub(super) struct Walk {
    tracks: Vec<Track>,
    /// The groups of each pattern.
    groups: Vec<Vec<usize>>,
    domain: Domain,
}

/// Places that are alive, as pattern and step; after the patterns, the groups that are fitted already, come what may.
type Alive = Vec<Place>;

/// A pattern and a step in it.
type Place = (usize, usize);

impl Walk {
    pub(super) fn new(tracks: Vec<Track>, groups: Vec<Vec<usize>>, domain: Domain) -> Self {
        Self { tracks, groups, domain }
    }

    /// Each pattern its own group.
    #[cfg(test)]
    fn apart(tracks: Vec<Track>, domain: Domain) -> Self {
        let groups = (0..tracks.len()).map(|track| vec![track]).collect();
        Self::new(tracks, groups, domain)
    }

    /// Every set of groups that some text of the domain fits, without fitting others; `None` when that would be too much
    /// work.
    pub(super) fn classes(&self) -> Option<Vec<Class>> {
        let start = self.settle((0..self.tracks.len()).map(|track| (track, 0)).collect());
        let mut nodes = vec![Node { place: 0, alive: start.into(), from: 0, by: '\0' }];
        let mut seen: HashSet<(u8, Rc<[Place]>)> = HashSet::from([(0, Rc::clone(&nodes[0].alive))]);
        let mut found: HashSet<Vec<usize>> = HashSet::new();
        let mut classes = Vec::new();
        let (mut at, mut work) = (0, 0);
        while at < nodes.len() {
            let (place, alive) = (nodes[at].place, Rc::clone(&nodes[at].alive));
            if self.domain.is_whole(place) {
                let fits = self.fits(&alive);
                if !found.contains(&fits) {
                    found.insert(fits.clone());
                    classes.push(Class { fits, text: text(&nodes, at) });
                }
            }
            for c in self.characters(place, &alive) {
                let Some(next) = self.domain.next(place, c) else { continue };
                work += alive.len() + 1;
                let key = (next, Rc::from(self.advance(&alive, c)));
                if !seen.contains(&key) {
                    nodes.push(Node { place: next, alive: Rc::clone(&key.1), from: at, by: c });
                    seen.insert(key);
                }
                if work > MOST_WORK || nodes.len() > MOST_STATES {
                    return None;
                }
            }
            at += 1;
        }
        Some(classes)
    }

    /// The groups that a text fits which ends here.
    fn fits(&self, alive: &[Place]) -> Vec<usize> {
        let mut fits = Vec::new();
        for (track, step) in alive {
            match self.tracks.get(*track) {
                None => fits.push(*track - self.tracks.len()),
                Some(Track(steps)) if *step == steps.len() => fits.extend(&self.groups[*track]),
                Some(_) => {}
            }
        }
        fits.sort_unstable();
        fits.dedup();
        fits
    }

    fn step(&self, track: usize, step: usize) -> Option<Step> {
        self.tracks.get(track)?.0.get(step).copied()
    }

    /// The characters that can make a difference next. The colon always can: parts of an ARN end there.
    fn characters(&self, place: u8, alive: &[Place]) -> Vec<char> {
        let mut asked = vec![':'];
        for (track, step) in alive {
            if let Some(Step::Char { c, ignore_case }) = self.step(*track, *step) {
                asked.push(c);
                if ignore_case {
                    asked.extend(c.to_lowercase().chain(c.to_uppercase()));
                    // The sign for kelvin is the one other character that is an ASCII letter in lower case.
                    asked.extend(matches!(c, 'k' | 'K').then_some('\u{212A}'));
                }
            }
        }
        if self.domain == Domain::Arn {
            asked.extend("arn:".chars().nth(place.into()));
        }
        asked.sort_unstable();
        asked.dedup();
        let other = self.domain.other(place, &asked);
        asked.splice(0..0, other);
        asked
    }

    /// The places that are alive after one character more.
    fn advance(&self, alive: &[Place], c: char) -> Alive {
        let mut next = Vec::with_capacity(alive.len() + 4);
        for (track, step) in alive {
            let Some(Track(steps)) = self.tracks.get(*track) else {
                next.push((*track, 0));
                continue;
            };
            match steps.get(*step) {
                Some(Step::Char { c: asked, ignore_case })
                    if *asked == c || *ignore_case && asked.to_lowercase().eq(c.to_lowercase()) =>
                {
                    next.push((*track, step + 1));
                }
                Some(Step::Any { colon }) if *colon || c != ':' => next.push((*track, step + 1)),
                Some(Step::Text { colon }) if *colon || c != ':' => next.push((*track, *step)),
                _ => {}
            }
        }
        self.settle(next)
    }

    /// Goes past every `*` that may take nothing, and forgets what lies before the last one that was reached: whatever can
    /// still fit from there fits from the `*` too. Patterns of groups that are fitted come what may are forgotten whole.
    fn settle(&self, places: Alive) -> Alive {
        let is_text = |place: &Place| matches!(self.step(place.0, place.1), Some(Step::Text { .. }));
        let mut alive = Vec::with_capacity(places.len() + 4);
        for mut place in places {
            alive.push(place);
            while is_text(&place) {
                place.1 += 1;
                alive.push(place);
            }
        }
        alive.sort_unstable();
        alive.dedup();
        let mut kept: Alive = Vec::with_capacity(alive.len());
        let mut fitted = Vec::new();
        for (track, step) in alive {
            if let Some(Step::Text { colon }) = self.step(track, step) {
                while kept.last().is_some_and(|(before, _)| *before == track) {
                    kept.pop();
                }
                if colon && step + 1 == self.tracks[track].0.len() {
                    fitted.extend(&self.groups[track]);
                }
            } else if track >= self.tracks.len() {
                fitted.push(track - self.tracks.len());
                continue;
            }
            kept.push((track, step));
        }
        if !fitted.is_empty() {
            kept.retain(|(track, _)| self.groups[*track].iter().any(|group| !fitted.contains(group)));
            fitted.sort_unstable();
            fitted.dedup();
            kept.extend(fitted.into_iter().map(|group| (self.tracks.len() + group, 0)));
        }
        kept
    }
}

fn text(nodes: &[Node], mut at: usize) -> String {
    let mut text = Vec::new();
    while at != 0 {
        text.push(nodes[at].by);
        at = nodes[at].from;
    }
    text.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn walked(patterns: &[&str], domain: Domain) -> Vec<Class> {
        let tracks: Vec<Track> = patterns.iter().map(|text| Track::exact(&Glob::parse(text))).collect();
        Walk::apart(tracks, domain).classes().unwrap()
    }

    /// All texts of these characters up to a length.
    fn texts(characters: &str, longest: usize) -> Vec<String> {
        let mut texts = vec![String::new()];
        let mut last = texts.clone();
        for _ in 0..longest {
            last = last.iter().flat_map(|text| characters.chars().map(move |c| format!("{text}{c}"))).collect();
            texts.extend(last.clone());
        }
        texts
    }

    fn fits(patterns: &[&str], text: &str) -> Vec<usize> {
        (0..patterns.len()).filter(|at| Glob::parse(patterns[*at]).matches(text)).collect()
    }

    #[test]
    fn actions_are_a_service_and_a_name() {
        let found = walked(&["m:get*", "m:gethit", "*"], Domain::Action);

        let mut found: Vec<_> = found.iter().map(|class| (class.text.as_str(), class.fits.clone())).collect();
        found.sort();
        assert_eq!(found, [("m:get", vec![0, 2]), ("m:gethit", vec![0, 1, 2]), ("x:x", vec![2])]);
    }

    #[test]
    fn resources_have_five_colons() {
        let found = walked(&["arn:aws:s3:::b", "arn:*"], Domain::Arn);

        let found: BTreeSet<_> = found.iter().map(|class| (class.text.as_str(), class.fits.clone())).collect();
        assert_eq!(found, BTreeSet::from([("arn:::::", vec![1]), ("arn:aws:s3:::b", vec![0, 1])]));
    }

    #[test]
    fn in_the_first_parts_of_an_arn_condition_no_wildcard_takes_a_colon() {
        let glob = Glob::parse("a:*:c:d:e:f*");

        let walk = Walk::apart(vec![Track::arn(&glob), Track::exact(&glob)], Domain::Text);
        let found = walk.classes().unwrap();

        let found: BTreeSet<_> = found.iter().map(|class| class.fits.clone()).collect();
        assert_eq!(found, BTreeSet::from([vec![], vec![1], vec![0, 1]]));
    }

    #[test]
    fn hostile_patterns_end_soon() {
        let stars = "*a".repeat(3_000);
        let other = "*b?".repeat(2_000);
        let tracks = [&stars, &other].map(|text| Track::exact(&Glob::parse(text)));

        let one = Walk::apart(tracks[..1].to_vec(), Domain::Text).classes();
        assert_eq!(one.map(|classes| classes.len()), Some(2));
        assert_eq!(Walk::apart(tracks.to_vec(), Domain::Text).classes(), None);
    }

    proptest! {
        /// Every class that a text of a small alphabet is in is found, and every class found has a text.
        #[test]
        fn agrees_with_all_texts(patterns in prop::collection::vec("[ab*?]{0,5}", 1..5)) {
            let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let found = walked(&patterns, Domain::Text);

            for class in &found {
                prop_assert_eq!(&class.fits, &fits(&patterns, &class.text), "{}", class.text);
            }
            let found: BTreeSet<_> = found.into_iter().map(|class| class.fits).collect();
            let groups = vec![vec![0]; patterns.len()];
            let tracks = patterns.iter().map(|text| Track::exact(&Glob::parse(text))).collect();
            let together = Walk::new(tracks, groups, Domain::Text).classes().unwrap();
            for class in &together {
                prop_assert_eq!(class.fits.is_empty(), fits(&patterns, &class.text).is_empty(), "{}", class.text);
            }
            for text in texts("abx", 6) {
                prop_assert!(found.contains(&fits(&patterns, &text)), "{}", text);
                let is_none = fits(&patterns, &text).is_empty();
                prop_assert!(together.iter().any(|class| class.fits.is_empty() == is_none), "{}", text);
            }
        }
    }
}
