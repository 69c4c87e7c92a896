//! Every page there is: a picture of it wide and narrow, in light and dark, and nothing in it that axe-core finds serious,
//! that Tab does not reach, or that is wider than a telephone.

use std::collections::{BTreeMap, BTreeSet};

use lodge::http::routes::ROUTES;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::broker::helper_query;
use crate::support::browser::{Browser, Window};
use crate::support::peers::{self, Peer};

use super::play::{be, follow, open, sees, status, title};
use super::stage::{ARCHIVED, BROKEN, EMPTY, FULL, RUNNING, Stage};

/// What is answered to a browser and is no page, and why.
const NOT_PAGES: &[(&str, &str)] = &[
    ("/auth/{connection}/start", "leads on to the provider"),
    ("/invitations/{token}", "leads on to the question"),
    ("/assets/lodge.css", "a style sheet"),
    ("/assets/lodge.js", "a script"),
    ("/download/{file}", "a file"),
    ("/labs/{lab}/account/stack", "a file"),
    ("/labs/{lab}/ledger/export.csv", "a file"),
    ("/labs/{lab}/ledger/export.jsonl", "a file"),
    ("/healthz", "for machines"),
    ("/readyz", "for machines"),
    ("/.well-known/oauth-authorization-server", "for machines"),
];

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Nobody,
    Stranger,
    Member,
    Manager,
    Pi,
    TiredPi,
    Operator,
}

/// A page as somebody sees it.
struct Shown {
    /// As the table of routes has it.
    route: &'static str,
    /// What its pictures are called.
    name: &'static str,
    who: Who,
    /// Where it is, on this stage.
    at: fn(&Stage) -> String,
    status: u16,
    /// What it says, so that the picture is of what it is called.
    says: &'static str,
}

const fn shown(
    route: &'static str,
    name: &'static str,
    who: Who,
    at: fn(&Stage) -> String,
    says: &'static str,
) -> Shown {
    Shown { route, name, who, at, status: 200, says }
}

const fn refused(mut shown: Shown, status: u16) -> Shown {
    shown.status = status;
    shown
}

fn full(path: &str) -> String {
    format!("/labs/{FULL}{path}")
}

fn empty(path: &str) -> String {
    format!("/labs/{EMPTY}{path}")
}

#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "one line for each picture")]
fn pages() -> Vec<Shown> {
    use Who::{Manager, Member, Nobody, Operator, Pi, Stranger, TiredPi};

    vec![
        shown("/", "welcome", Nobody, |_| "/".to_owned(), "Keys for an afternoon"),
        shown("/", "home-member", Member, |_| "/".to_owned(), "lodge credential-process vision/pay"),
        shown("/", "home-stranger", Stranger, |_| "/".to_owned(), "You have no role yet"),
        shown("/", "home-cut-off", Manager, |_| "/".to_owned(), "cut off just now"),
        shown("/", "home-pi", Pi, |_| "/".to_owned(), "seabirds"),
        shown("/sign-in", "sign-in", Nobody, |_| "/sign-in?choose=1".to_owned(), "Sign in"),
        shown("/sessions", "sessions", Member, |_| "/sessions".to_owned(), "Your sessions"),
        shown("/sessions/cut-off", "own-cut-off-ask", Member, |_| "/sessions/cut-off".to_owned(), "in all labs?"),
        shown("/sessions/cut-offs/{cut_off}", "own-cut-off", Manager, |stage| format!("/sessions/cut-offs/{}", stage.cut_offs.own), "How far it has got"),
        shown("/download", "downloads", Nobody, |_| "/download".to_owned(), "SHA-256"),
        shown("/download", "downloads-signed-in", Member, |_| "/download".to_owned(), "sha256sum --check"),
        shown("/invitation", "invitation", Stranger, invitation, "Become PI of"),
        shown("/oauth/authorize", "confirm", Member, |_| format!("/oauth/authorize?{}", helper_query(&[])), "act for you?"),
        shown("/oauth/authorize", "confirm-cut-off", Manager, |_| format!("/oauth/authorize?{}", helper_query(&[])), "were cut off just now"),
        refused(shown("/oauth/authorize", "problem", Nobody, |_| "/oauth/authorize".to_owned(), "Something is missing"), 400),
        refused(shown("/auth/{connection}/callback", "refused-sign-in", Nobody, |_| "/auth/campus/callback?code=a&state=b".to_owned(), "Reference: act-"), 400),

        shown("/labs/{lab}", "lab-overview", Pi, |_| full(""), "Who can do what"),
        shown("/labs/{lab}", "lab-overview-empty", Pi, |_| empty(""), "No group is mapped yet"),
        shown("/labs/{lab}", "lab-overview-member", Member, |_| full(""), "Whom to ask"),
        refused(shown("/labs/{lab}", "lab-not-yours", Stranger, |_| full(""), ""), 404),

        shown("/labs/{lab}/people", "people", Pi, |_| full("/people"), "look-alike"),
        shown("/labs/{lab}/people", "people-manager", Manager, |_| full("/people"), "Lay it down"),
        shown("/labs/{lab}/people", "people-nobody-found", Pi, |_| full("/people?q=%3Cb%3Enobody"), "Nobody here is called that"),
        shown("/labs/{lab}/people", "people-empty", Pi, |_| empty("/people"), "1 person"),
        shown("/labs/{lab}/people/appoint", "appoint", Pi, |_| full("/people/appoint"), "Who, and as what"),
        shown("/labs/{lab}/people/appoint", "appoint-look-alike", Pi, |stage| full(&format!("/people/appoint?person={}&standing=pi", stage.people[3].person)), "Make them a PI?"),
        shown("/labs/{lab}/people/appoint", "appoint-tired", TiredPi, |stage| full(&format!("/people/appoint?person={}&standing=manager", stage.people[2].person)), "Saving takes a fresh sign-in"),
        refused(shown("/labs/{lab}/people/appoint", "appoint-wrong", Pi, |_| full("/people/appoint?person=Anna&standing=pi"), "Nothing was changed"), 400),
        shown("/labs/{lab}/people/remove", "remove", Pi, |stage| full(&format!("/people/remove?person={}", stage.manager.person)), "Yes, remove them"),
        shown("/labs/{lab}/people/remove", "remove-last-pi", Pi, |stage| empty(&format!("/people/remove?person={}", stage.pi.person)), "only PI"),

        shown("/labs/{lab}/mappings", "mappings", Pi, |_| full("/mappings"), "Waiting for a second PI"),
        shown("/labs/{lab}/mappings", "mappings-tired", TiredPi, |_| full("/mappings?all=1"), "Confirming takes a fresh sign-in"),
        shown("/labs/{lab}/mappings", "mappings-empty", Pi, |_| empty("/mappings"), "Map the first group"),
        shown("/labs/{lab}/mappings/new", "map-a-group", Pi, |_| full("/mappings/new"), "Groups seen so far"),
        shown("/labs/{lab}/mappings/new", "map-a-group-preview", Pi, |_| full("/mappings/new?look=1&connection=campus&group=vision-students&role=publish&mfa=1"), "What this would do"),
        shown("/labs/{lab}/mappings/new", "map-a-group-tired", TiredPi, |_| full("/mappings/new?look=1&connection=campus&group=vision-%3Cb%3E%E2%80%AE&role=pay"), "Saving takes a fresh sign-in"),
        refused(shown("/labs/{lab}/mappings/new", "map-a-group-wrong", Pi, |_| full("/mappings/new?look=1&connection=campus&group=&role=none&until=2001-01-01"), "Nothing was saved"), 400),
        shown("/labs/{lab}/mappings/new", "map-a-group-empty", Pi, |_| empty("/mappings/new"), "Groups seen so far"),
        shown("/labs/{lab}/mappings/{mapping}", "mapping", Pi, |stage| full(&format!("/mappings/{}", stage.mappings[0])), "History"),
        shown("/labs/{lab}/mappings/{mapping}/edit", "mapping-edit", Pi, |stage| full(&format!("/mappings/{}/edit", stage.mappings[0])), "Change the conditions"),
        shown("/labs/{lab}/mappings/{mapping}/end", "mapping-end", Pi, |stage| full(&format!("/mappings/{}/end", stage.mappings[2])), "End this mapping?"),

        shown("/labs/{lab}/mappings/{mapping}/end", "mapping-end-used", Pi, |stage| full(&format!("/mappings/{}/end", stage.used)), "And cut off everybody"),

        shown("/labs/{lab}/sessions", "live-sessions", Pi, |_| full("/sessions"), "look-alike"),
        shown("/labs/{lab}/sessions", "live-sessions-of-role", Manager, |_| full("/sessions?role=publish"), "of what you look for"),
        shown("/labs/{lab}/sessions", "live-sessions-empty", Pi, |_| empty("/sessions"), "No session lives"),
        refused(shown("/labs/{lab}/sessions", "live-sessions-nobody-ticked", Pi, |_| full("/sessions?ticked=nobody"), "Nobody was ticked"), 400),
        shown("/labs/{lab}/cut-off", "cut-off-ask", Pi, |stage| full(&format!("/cut-off?person={}", stage.people[9].person)), "Cut this person off?"),
        shown("/labs/{lab}/cut-off", "cut-off-ask-several", Manager, |stage| full(&format!("/cut-off?person={}&person={}&hold=on", stage.people[1].person, stage.people[2].person)), "Cut these 2 people off?"),
        shown("/labs/{lab}/cut-off", "cut-off-ask-role", Pi, |_| full("/cut-off?role=publish"), "Cut off all sessions of publish?"),
        shown("/labs/{lab}/cut-off", "cut-off-ask-everyone", TiredPi, |_| full("/cut-off?everyone=1"), "Cut off everybody in this lab?"),
        shown("/labs/{lab}/cut-off", "cut-off-ask-not-joined", Pi, |_| empty("/cut-off?everyone=1"), "nothing can be cut off"),
        shown("/labs/{lab}/cut-offs", "cut-offs", Pi, |_| full("/cut-offs"), "near the lake"),
        shown("/labs/{lab}/cut-offs", "cut-offs-empty", Pi, |_| empty("/cut-offs"), "Nothing was cut off lately"),
        shown("/labs/{lab}/cut-offs/{cut_off}", "cut-off", Pi, |stage| full(&format!("/cut-offs/{}", stage.cut_offs.done)), "AWS denied a session"),
        shown("/labs/{lab}/cut-offs/{cut_off}", "cut-off-held", Pi, |stage| full(&format!("/cut-offs/{}", stage.cut_offs.held)), "Let them in again"),
        shown("/labs/{lab}/cut-offs/{cut_off}", "cut-off-held-tired", TiredPi, |stage| full(&format!("/cut-offs/{}", stage.cut_offs.held)), "Letting them in takes a fresh sign-in"),
        shown("/labs/{lab}/cut-offs/{cut_off}", "cut-off-stuck", Pi, |stage| format!("/labs/{BROKEN}/cut-offs/{}", stage.cut_offs.stuck), "put-role-policy"),

        shown("/labs/{lab}/ledger", "ledger", Pi, |_| full("/ledger"), "Export as CSV"),
        shown("/labs/{lab}/ledger", "ledger-mappings", Manager, |_| full("/ledger?kind=mappings"), "alert(1)"),
        shown("/labs/{lab}/ledger", "ledger-nothing", Pi, |_| full("/ledger?q=there%20is%20no%20such%20thing"), "Nothing like that"),
        refused(shown("/labs/{lab}/ledger", "ledger-wrong", Pi, |_| full("/ledger?from=never"), "Ledger"), 400),
        shown("/labs/{lab}/roles", "roles", Pi, |_| full("/roles"), "What it can do, one by one"),
        shown("/labs/{lab}/roles", "roles-member", Member, |_| full("/roles"), "What it can do, one by one"),
        shown("/labs/{lab}/roles/new", "make-a-role", Pi, |_| full("/roles/new"), "Make a role of it"),
        shown("/labs/{lab}/roles/new", "make-a-role-form", Pi, |_| full("/roles/new?template=s3-data%2Fread-results"), "Look at what it is"),
        shown("/labs/{lab}/roles/new", "make-a-role-preview", Pi, |_| full("/roles/new?look=1&name=read-data&template=s3-data%2Fread-results&longest=3600&p-bucket=seabird-results&p-prefix=results%2F2026%2F"), "Make this role"),
        shown("/labs/{lab}/roles/new", "make-a-role-tired", TiredPi, |_| full("/roles/new?look=1&name=read-data&template=s3-data%2Fread-results&longest=3600&p-bucket=seabird-results&p-prefix=results%2F2026%2F"), "Saving takes a fresh sign-in"),
        shown("/labs/{lab}/roles/new", "make-a-role-manager", Manager, |_| full("/roles/new?look=1&name=read-data&template=s3-data%2Fread-results&longest=3600&p-bucket=seabird-results&p-prefix=results%2F2026%2F"), "A PI of the lab saves this"),
        refused(shown("/labs/{lab}/roles/new", "make-a-role-wrong", Pi, |_| full("/roles/new?look=1&name=x&template=s3-data%2Fread-results&p-bucket=A*&p-prefix=a"), "Nothing was saved"), 400),
        shown("/labs/{lab}/roles/{role}/edit", "role-edit", Pi, |_| full("/roles/pay/edit?look=1&longest=900"), "It allows what it allows now"),
        shown("/labs/{lab}/roles/{role}/end", "role-end", Pi, |_| full("/roles/pay/end"), "End this role?"),
        shown("/labs/{lab}/account", "account", Pi, |_| full("/account"), "The last check"),
        shown("/labs/{lab}/account", "account-member", Member, |_| full("/account"), "Whom to ask"),
        shown("/labs/{lab}/account", "account-not-joined", Pi, |_| empty("/account"), "Joining it, in three steps"),
        shown("/labs/{lab}/account", "account-running", Pi, |_| format!("/labs/{RUNNING}/account"), "A check is under way"),
        shown("/labs/{lab}/account", "account-broken", Pi, |_| format!("/labs/{BROKEN}/account"), "AWS does not say which"),
        shown("/labs/{lab}/account/history", "account-history", Pi, |_| format!("/labs/{BROKEN}/account/history"), "things are wrong"),
        shown("/labs/{lab}/account/history", "account-history-empty", Pi, |_| empty("/account/history"), "It was never checked"),
        shown("/labs/{lab}/diagnosis", "diagnosis", Pi, |_| format!("/labs/{BROKEN}/diagnosis"), "The first link that is broken"),
        shown("/labs/{lab}/diagnosis", "diagnosis-running", Pi, |_| format!("/labs/{RUNNING}/diagnosis"), "is being looked at"),
        shown("/labs/{lab}/why", "why", Pi, |_| full("/why"), "Paste what a tool printed"),
        shown("/labs/{lab}/why", "why-member", Member, |_| full("/why"), "Paste what a tool printed"),
        shown("/labs/{lab}/settings", "settings", Pi, |_| full("/settings"), "How fresh a sign-in has to be"),
        shown("/labs/{lab}/settings", "settings-member", Member, |_| full("/settings"), "How fresh a sign-in has to be"),
        shown("/labs/{lab}/settings", "settings-preview", TiredPi, |_| full("/settings?set=role&role=pay&count=2&unit=hours"), "Saving this takes a fresh sign-in"),

        shown("/operator", "operator", Operator, |_| "/operator".to_owned(), "What needs you"),
        shown("/operator/labs", "operator-labs", Operator, |_| "/operator/labs".to_owned(), "archived"),
        shown("/operator/labs/new", "operator-new-lab", Operator, |_| "/operator/labs/new".to_owned(), "New lab"),
        shown("/operator/labs/new", "operator-new-lab-preview", Operator, |_| "/operator/labs/new?name=gulls&title=Gulls+%3Cb%3E&session_role=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Flodge%2Flodge-session&pack=mturk".to_owned(), "What will be made"),
        shown("/operator/labs/{lab}", "operator-lab", Operator, |_| format!("/operator/labs/{FULL}"), "The trust policy"),
        shown("/operator/labs/{lab}/archive", "operator-archive", Operator, |_| format!("/operator/labs/{EMPTY}/archive"), "Archive it"),
        shown("/operator/labs/{lab}/restore", "operator-restore", Operator, |_| format!("/operator/labs/{ARCHIVED}/restore"), "Bring it back"),
        shown("/operator/people", "operator-people", Operator, |_| "/operator/people".to_owned(), "suspended"),
        shown("/operator/people", "operator-people-nobody", Operator, |_| "/operator/people?search=%3Cb%3Enobody".to_owned(), "Nobody has that"),
        shown("/operator/people/{person}", "operator-person", Operator, |stage| format!("/operator/people/{}", stage.people[2].person), "Who they are"),
        shown("/operator/people/{person}", "operator-person-cut-off", Operator, |stage| format!("/operator/people/{}", stage.manager.person), "Cut off in all labs"),
        shown("/operator/people/{person}/cut-off", "operator-cut-off", Operator, |stage| format!("/operator/people/{}/cut-off", stage.member.person), "Cut off now"),
        shown("/operator/people/{person}/suspend", "operator-suspend", Operator, |stage| format!("/operator/people/{}/suspend", stage.manager.person), "Suspend them"),
        shown("/operator/people/{person}/restore", "operator-lift", Operator, |stage| format!("/operator/people/{}/restore", stage.people[7].person), "Lift it"),
        shown("/operator/connections", "operator-connections", Operator, |_| "/operator/connections".to_owned(), "Ask it now"),
        shown("/operator/versions", "operator-versions", Operator, |_| "/operator/versions".to_owned(), "Policy templates"),
    ]
}

fn invitation(stage: &Stage) -> String {
    let invited = stage.world.wait_for(stage.seeding().desk().invite_pi(&"language".parse().unwrap())).unwrap();
    invited.link.expose_secret().strip_prefix(&stage.world.url).unwrap().to_owned()
}

#[test]
fn every_page_has_its_pictures() {
    let pictured: BTreeSet<_> = pages().iter().map(|page| page.route).collect();
    let excused: BTreeSet<_> = NOT_PAGES.iter().map(|(path, _)| *path).collect();
    let is_page = |path: &&str| !path.starts_with("/api/") && !excused.contains(path);
    let gets: BTreeSet<_> = ROUTES.iter().filter(|route| route.method == "get").map(|route| route.path).collect();

    let without: Vec<_> = gets.iter().copied().filter(is_page).filter(|path| !pictured.contains(path)).collect();
    assert_eq!(without, [] as [&str; 0], "pages that nobody looks at: add them to pages()");
    let gone: Vec<_> = pictured.union(&excused).filter(|path| !gets.contains(*path)).collect();
    assert_eq!(gone, [] as [&&str; 0], "no such page any more");
    let mut names: Vec<_> = pages().iter().map(|page| page.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two pages of one name: {names:?}");
}

const VIEWS: [(&str, u32, u32, &str); 4] = [
    ("wide-light", 1280, 800, "light"),
    ("wide-dark", 1280, 800, "dark"),
    ("narrow-light", 360, 740, "light"),
    ("narrow-dark", 360, 740, "dark"),
];

#[test]
fn every_page_is_fit_to_be_seen() {
    if !peers::require("every_page_is_fit_to_be_seen", &[Peer::Node, Peer::Chromium]) {
        return;
    }
    let stage = Stage::set();
    let browser = Browser::start();
    let folder = peers::artefacts().join("console");
    // No picture of an earlier run may pass for one of this.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let views: Vec<_> = VIEWS
        .iter()
        .map(
            |(name, width, height, scheme)| json!({ "name": name, "width": width, "height": height, "scheme": scheme }),
        )
        .collect();
    let only = peers::variable("LODGE_TEST_PAGE").unwrap_or_default();

    let mut windows = BTreeMap::new();
    let mut wrong = Vec::new();
    for page in pages().iter().filter(|page| page.name.contains(&only)) {
        let window = windows.entry(page.who).or_insert_with(|| window_of(&browser, &stage, page.who));
        let seen = window.attempt(&[
            open(&format!("{}{}", stage.world.url, (page.at)(&stage))),
            status(page.status),
            sees(page.says),
            json!({ "tab_through": true }),
            json!({ "gallery": { "folder": folder, "name": page.name, "views": views } }),
        ]);
        // Chromium itself notes a status that is an error.
        let noted = format!("responded with a status of {} ", page.status);
        let complaints = seen.complaints().into_iter().filter(|complaint| !complaint.contains(&noted));
        wrong.extend(complaints.chain(seen.failure()).map(|what| format!("{}: {what}", page.name)));
    }

    assert!(
        wrong.is_empty(),
        "{} things are wrong:\n{}\nscreenshots: {}",
        wrong.len(),
        wrong.join("\n"),
        folder.display()
    );
}

/// A window in which this person is signed in.
fn window_of<'a>(browser: &'a Browser, stage: &Stage, who: Who) -> Window<'a> {
    let window = browser.window(&format!("{who:?}"), json!({ "never_sideways": true, "timeout_ms": 20_000 }));
    let signed_in = match who {
        Who::Nobody => return window,
        Who::Stranger => &stage.stranger,
        Who::Member => &stage.member,
        Who::Manager => &stage.manager,
        Who::Pi => &stage.pi,
        Who::TiredPi => &stage.tired_pi,
        // Whom the settings name is a person of the demo's provider.
        Who::Operator => {
            window.go(&[
                open(&stage.world.url),
                follow("Sign in"),
                title("^Sign in - Example University$"),
                be("operator"),
                title("Lodge$"),
            ]);
            return window;
        }
    };
    let cookie: Value = json!({ "url": stage.world.url, "name": "lodge_session", "value": signed_in.cookie });
    window.go(&[json!({ "cookie": cookie })]);
    window
}
