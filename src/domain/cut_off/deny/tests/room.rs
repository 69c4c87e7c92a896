//! Denies of every size, of random people, roles and moments.

use super::*;

const ROLES: [&str; 4] = ["pay", "publish", "read-results", "one-whose-name-is-as-long-as-a-name-can"];

/// Nobody's role.
const OTHER_ROLE: &str = "watch";

fn entries(dice: &mut Dice, size: usize) -> Vec<DenyEntry> {
    let begin = moment("2026-11-22T12:00:00Z");
    let minutes = 1 + dice.roll(70);
    (0..size)
        .map(|_| {
            let whose = match dice.roll(100) {
                0 if size.is_multiple_of(2) => Whose::Everyone,
                1..4 => Whose::Role(role(ROLES[dice.roll(ROLES.len())])),
                _ => Whose::Person(dice.person()),
            };
            // Whom the whole lab is denied with is mostly older than the rest, or nobody else would be named.
            let minutes = if whose == Whose::Everyone { 1 + minutes / 4 } else { minutes };
            DenyEntry { whose, before: seconds_after(begin, 60 * i64::try_from(dice.roll(minutes)).unwrap()) }
        })
        .collect()
}

/// Whether a session that was issued then to someone of an entry is denied.
fn denies(session_role: &SessionRole, whose: &Whose, issued_at: DenyMoment) -> bool {
    let bystander = person(0);
    let source_identity = whose.person().unwrap_or(&bystander);
    let role = whose.role().map_or(OTHER_ROLE, RoleName::as_str);
    session_role.denies(Some(source_identity.as_str()), Some(role), issued_at)
}

/// With everybody's sessions of before then denied by somebody's will, however long that is.
fn with_everyone(entries: &[DenyEntry], before: DenyMoment) -> Deny {
    let everyone = DenyEntry { whose: Whose::Everyone, before };
    Deny::of(entries.iter().chain([&everyone]), usize::MAX)
}

fn chars(deny: &Deny) -> usize {
    let document = deny.document().unwrap_or_default();
    assert_eq!(counted_chars(&document), document.len(), "nothing in it is not counted");
    document.len()
}

#[test]
fn a_deny_of_any_size_fits_and_lets_nobody_go_and_harms_no_young_bystander() {
    let (mut whole, mut overflown) = (0, 0);
    for size in (0..=3_000).step_by(25) {
        let mut dice = Dice(20_261_122 + size as u64);
        let entries = entries(&mut dice, size);

        let deny = Deny::of(&entries, ROOM_CHARS);

        assert!(chars(&deny) <= ROOM_CHARS, "{size}: {}", chars(&deny));
        assert_eq!(deny.is_empty(), size == 0);
        let session_role = SessionRole::with(&deny);
        for _ in 0..size.min(8) {
            let DenyEntry { whose, before } = dice.pick(&entries);
            assert!(denies(&session_role, whose, seconds_after(*before, -1)), "{size}: {whose:?} {before}");
        }
        let everyone = entries.iter().filter(|entry| entry.whose == Whose::Everyone).map(|entry| entry.before).max();
        let spared = everyone.max(deny.overflow());
        let oldest = spared.unwrap_or_else(|| moment("2026-11-22T00:00:00Z"));
        for young in [oldest, seconds_after(oldest, 1), seconds_after(oldest, dice.roll(4_000).try_into().unwrap())] {
            assert!(!denies(&session_role, &Whose::Everyone, young), "{size}: a bystander's of {young}");
        }
        let newest = entries.iter().filter(|entry| entry.whose.person().is_some()).map(|entry| entry.before).max();
        if let Some(newest) = newest {
            let canary = deny.people.contains_key(&newest).then(|| deny.canary_name());
            for nobody in [None, canary.as_deref()] {
                assert!(session_role.denies(nobody, Some(OTHER_ROLE), seconds_after(newest, -1)), "{size}: {nobody:?}");
            }
        }
        match deny.overflow() {
            None => {
                whole += 1;
                assert_eq!(deny, Deny::of(&entries, usize::MAX));
            }
            Some(overflow) => {
                overflown += 1;
                assert_eq!(deny.document(), with_everyone(&entries, overflow).document());
                let less = entries.iter().map(|entry| entry.before).filter(|before| *before < overflow).max();
                let less = less.map_or_else(|| Deny::of(&entries, usize::MAX), |less| with_everyone(&entries, less));
                assert!(chars(&less) > ROOM_CHARS, "{size}: {overflow} is not the least that fits");
            }
        }
    }
    assert!(whole > 5 && overflown > 50, "{whole} {overflown}");
}

#[test]
fn where_there_is_no_room_at_all_everybody_is_denied() {
    let entries = entries(&mut Dice(1), 100);
    let newest = entries.iter().map(|entry| entry.before).max();

    let deny = Deny::of(&entries, 0);

    assert_eq!((deny.overflow(), deny.people(), deny.moments()), (newest, 0, 1));
    assert_eq!(Deny::of(&[], 0).overflow(), None);
}
