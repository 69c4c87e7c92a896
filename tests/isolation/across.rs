//! The statements that see more labs than one. Each is a door without a lock, so each stands here with what it is for.

use lodge::store::{Kind, all_statements};

/// Every one of them, by name.
const ACROSS: [(&str, &str); 35] = [
    ("INSERT_ACCOUNT", "the operator makes a lab, which nobody can be in before; its account is declared with it"),
    ("GATE_ACCOUNT", "the gate, of one lab: how its account stands, and whether it allows the role that is asked for"),
    ("ACCOUNTS_DUE", "the watch over all accounts: whose time has come; each is then entered by itself"),
    ("OPEN_CHECKS", "the sweep ends checks that the broker was stopped in, whosever account it was"),
    ("DECLARE_ACCOUNTS", "the sweep looks for labs without an account, whichever they are"),
    ("FORGET_CHECKS", "the sweep forgets checks of long ago, whosever account it was"),
    ("GATE_BARS", "the gate, of one lab: what keeps a person from a role because sessions were cut off"),
    ("GATE_OVERFLOW", "the gate, of one lab: whether everybody is kept from it, because a deny is full"),
    ("CUT_OFFS_OF_PERSON", "one's own: the labs in which one was cut off by name"),
    (
        "CUT_OFFS_OF_SIGN_IN",
        "one's own: what was cut off of everybody or of one's role, in the labs that one has a role in",
    ),
    ("OVERFLOWS_OF_SIGN_IN", "one's own: the same for what everybody lost because a deny is full"),
    ("DENIES_DUE", "the watch over denies: in which labs something is due; each is then entered by itself"),
    ("DROP_LEASES", "the only broker of a database starts, and nobody is at anything that it has left"),
    ("LABS_WITH_SESSIONS", "somebody is cut off in all labs: where they have sessions; each is then entered by itself"),
    ("CUT_OFFS_OF_EVERYWHERE", "somebody was cut off in all labs: how far that has got in each"),
    ("FORGET_CUT_OFFS", "the sweep forgets what is long over, whosever it was"),
    ("FORGET_DONE_REQUESTS", "the sweep forgets those of yesterday, whosoever they are"),
    ("INVITATION_BY_TOKEN", "who shows a link's token does not know whose lab it is for; the token is the proof"),
    ("LAB_BY_NAME", "the gate has to find the lab before anybody can be in it"),
    ("LABS", "the operator's list"),
    ("LABS_AT_A_GLANCE", "the operator's list, a page of it: the labs' own rows and whether an invitation is open"),
    ("PIS_OF_LABS", "the operator's list: who answers for each lab"),
    ("INSERT_LAB", "the operator makes a lab, which nobody can be in before"),
    ("GATE_ROLE", "the gate, of one lab: the role that is asked for"),
    ("GATE_STANDING", "the gate, of one lab: what somebody may administer"),
    ("GATE_MEMBER", "the gate, of one lab: whether a mapping speaks of somebody"),
    ("ALL_BOOKS", "the operator's export and check of the whole ledger"),
    ("COUNT_WRONG_BOOKS", "the operator's check of the whole ledger; a number, no row"),
    ("OPEN_ATTEMPTS", "the sweep ends attempts that the broker was stopped in, whosoever they are"),
    ("GATE_MAPPINGS", "the gate, of one lab: the mappings to the role that is asked for"),
    ("GATE_MAPPING", "the gate, of one lab: whether the mapping that gave a credential gives anything still"),
    ("FORGET_ROLE_SESSIONS", "the sweep forgets what is over, whosoever it was"),
    ("MAPPINGS_OF_SIGN_IN", "one's own: the roles that one's groups are given, in all labs"),
    ("STANDINGS_OF_PERSON", "one's own: the labs that one looks after"),
    ("STANDINGS_OF_PEOPLE", "the operator's list of people: what each looks after"),
];

#[test]
fn whatever_sees_more_labs_than_one_is_known_by_name() {
    let all = all_statements();
    let found: Vec<_> = all.iter().filter(|it| it.kind == Kind::Across).map(|it| it.name).collect();

    assert_eq!(found, ACROSS.map(|(name, _)| name), "say here what a new one is for");
    assert!(ACROSS.iter().all(|(_, reason)| !reason.is_empty()));
}

#[test]
fn no_two_statements_have_one_name() {
    let mut names: Vec<_> = all_statements().iter().map(|it| it.name).collect();
    names.sort_unstable();
    let before = names.len();
    names.dedup();

    assert_eq!(names.len(), before, "the tests know a statement by its name");
}
