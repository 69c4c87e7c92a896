//! What people come to the console for. Each job is told once and done three times: by mouse, by keyboard alone, and
//! without JavaScript.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::TimeDelta;
use lodge::ambient::{Clock, ManualClock};
use lodge::playground::Seeding;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::aws_cli::Cli;
use crate::support::browser::Browser;
use crate::support::peers::{self, Peer};
use crate::support::person::Person;
use crate::support::process::{Ended, Process};
use crate::support::world::{Changes, World};

use super::play::{
    Manner, Play, at, be, be_with_second_factor, choose, copy, download, file, fill, follow, open, paste_at, press,
    press_at, read, sees, sees_no, status, tick, title,
};

/// A job.
struct Job {
    name: &'static str,
    does: fn(&Play<'_>),
    /// Whether it is about time, which then passes only where the job says so.
    is_about_time: bool,
    /// Whether the account of the second lab is empty, as it is when the demo starts.
    is_about_joining: bool,
}

const fn job(name: &'static str, does: fn(&Play<'_>)) -> Job {
    Job { name, does, is_about_time: false, is_about_joining: false }
}

const JOBS: &[Job] = &[
    job("from an invitation to a credential and its end", from_an_invitation_to_a_credential_and_its_end),
    job("edit a mapping, end it, and take both back", edit_a_mapping_and_take_it_back),
    job("have a second PI confirm or decline", have_a_second_pi_decide),
    Job { is_about_time: true, ..job("sign in again before saving", sign_in_again_before_saving) },
    Job { is_about_joining: true, ..job("join an account and use it", join_an_account_and_use_it) },
    job("appoint a manager and remove them", appoint_and_remove_a_manager),
    job("say how old a sign-in may be", set_limits),
    job("find something in the ledger", find_something_in_the_ledger),
    job("read what a role can do", read_what_a_role_can_do),
    job("end the sessions that one does not know", end_other_sessions),
    job("run the broker", run_the_broker),
    Job { is_about_time: true, ..job("cut a live session off", cut_a_session_off) },
];

/// Does every job, each in a world of its own, and says which could not be done.
fn do_every_job(manner: Manner) {
    let browser = Browser::start();
    let only = peers::variable("LODGE_TEST_JOB").unwrap_or_default();
    let mut undone = Vec::new();
    for job in JOBS.iter().filter(|job| job.name.contains(&only)) {
        let clock = job.is_about_time.then(|| ManualClock::at(Clock::System.now()));
        let world = World::start_with(Changes {
            clock: clock.clone().map(Clock::Manual),
            language_is_empty: job.is_about_joining,
            ..Changes::default()
        });
        let play = Play::new(&browser, &world, clock.as_ref(), manner);
        let done = catch_unwind(AssertUnwindSafe(|| {
            (job.does)(&play);
            play.was_done_in_its_manner();
        }));
        play.over();
        if done.is_err() {
            undone.push(job.name);
        }
    }
    assert_eq!(undone, [] as [&str; 0], "{manner:?}: what went wrong with each stands above");
}

#[test]
fn every_job_is_done_by_mouse() {
    if peers::require("every_job_is_done_by_mouse", &[Peer::Node, Peer::Chromium, Peer::AwsCli]) {
        do_every_job(Manner::Mouse);
    }
}

#[test]
fn every_job_is_done_by_keyboard_alone() {
    if peers::require("every_job_is_done_by_keyboard_alone", &[Peer::Node, Peer::Chromium, Peer::AwsCli]) {
        do_every_job(Manner::Keyboard);
    }
}

#[test]
fn every_job_is_done_without_javascript() {
    if peers::require("every_job_is_done_without_javascript", &[Peer::Node, Peer::Chromium, Peer::AwsCli]) {
        do_every_job(Manner::NoScript);
    }
}

const AT_PROVIDER: &str = "^Sign in - Example University$";

/// Signs somebody in from the first page.
fn sign_in(play: &Play<'_>, who: &str) {
    play.by(who, &[open(&play.url("/")), follow("Sign in"), title(AT_PROVIDER), be(who), title("Lodge$")]);
}

/// Goes to a lab by the bar that is above every page.
fn enter(lab: &str) -> Value {
    press_at(&format!("nav.places a[href='/labs/{lab}']"))
}

/// Signs the helper of somebody in, who is signed in in their browser.
fn sign_helper_in(play: &Play<'_>, who: &str) -> Person {
    let person = Person::new(who);
    let (helper, url) = person.begin_login(&play.world.url);
    play.by(
        who,
        &[
            open(url.as_str()),
            title("^Let the helper act for you"),
            press("Yes, it is me"),
            title("^You are signed in - Lodge$"),
        ],
    );
    assert!(helper.wait().status.success());
    person
}

/// From an empty account to the first credential: what the PI of the demo's second lab does, who also administers its account.
fn join_an_account_and_use_it(play: &Play<'_>) {
    let begun = Instant::now();
    let who = "lecturer";
    sign_in(play, who);
    let template = play.told(
        who,
        &[
            enter("language"),
            follow("AWS account"),
            sees("not joined"),
            download("Download lodge-language.json"),
            file("^lodge-language\\.json$"),
        ],
    );
    // In the AWS console, or what stands in for it.
    let console = "section#a444455556666";
    play.by(
        who,
        &[
            open(&format!("{}/console", play.world.aws_url)),
            paste_at(&format!("{console} textarea"), &template),
            press_at(&format!("{console} button")),
            sees("The stack is made."),
        ],
    );
    play.by(
        who,
        &[
            open(&play.url("/labs/language/account")),
            press("Join the account"),
            sees("The lab's AWS account is joined."),
            sees_no("not joined"),
        ],
    );
    let person = sign_helper_in(play, who);
    let ended = person.ask_for("language/read-results");
    assert!(ended.status.success(), "{}", ended.stderr);
    let told = format!("{} clicks, {:.1} s without reading\n", play.mouse_presses(), begun.elapsed().as_secs_f64());
    let file = format!("joining-{:?}.txt", play.manner()).to_lowercase();
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(file), told).unwrap();
}

/// The id by which the ledger knows somebody, as their own first page shows it.
fn own_id(play: &Play<'_>, who: &str) -> String {
    sign_in(play, who);
    play.told(who, &[read("dd code:text-matches('^p-')")])
}

/// What somebody has in `~/.aws/config`: what their first page says, and where AWS is in this world.
fn aws_config(play: &Play<'_>, folder: &Path, profile: &str) -> PathBuf {
    let file = folder.join("config");
    std::fs::write(&file, format!("{profile}\nendpoint_url = {}\n", play.world.aws_url)).unwrap();
    file
}

/// Runs the AWS CLI with the helper on the path.
fn list_hits(person: &Person, config: &Path, profile: &str) -> Ended {
    let helper = Path::new(env!("CARGO_BIN_EXE_lodge")).parent().unwrap();
    let mut command = peers::aws();
    command.env("AWS_CONFIG_FILE", config).env("LODGE_HOME", person.home()).env("HOME", person.home());
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", helper.display()));
    Process::run("aws", command.args(["mturk", "list-hits", "--output", "json", "--profile", profile]), "")
}

/// Downloads what the page shows, in both forms, and reads them.
fn export_the_ledger(play: &Play<'_>) {
    let exported = play.by(
        "guest",
        &[
            follow("Ledger"),
            title("^Ledger"),
            download("Export as CSV"),
            file("\\.csv$"),
            download("Export as JSON Lines"),
            file("\\.jsonl$"),
        ],
    );
    let [csv, json_lines] = exported.texts().try_into().unwrap();
    let entries: Vec<Value> = json_lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for kind in ["mapping-added", "issued", "mapping-ended", "refused"] {
        assert!(csv.contains(kind), "{kind}: {csv}");
        assert!(json_lines.contains(&format!("\"{kind}\"")), "{kind}: {json_lines}");
    }
    assert_eq!(csv.lines().count(), entries.len() + 1, "a line for each entry, and one of titles:\n{csv}");
}

fn from_an_invitation_to_a_credential_and_its_end(play: &Play<'_>) {
    let seeding = Seeding::new(&play.world.broker).unwrap();
    let invited = play.world.wait_for(seeding.desk().invite_pi(&"language".parse().unwrap())).unwrap();
    let link = invited.link.expose_secret();
    play.by(
        "guest",
        &[
            open(link),
            title(AT_PROVIDER),
            be("guest"),
            title("^Become PI of Language Lab"),
            sees("444455556666"),
            press("Yes, I am its PI"),
            title("^Your roles"),
            enter("language"),
            title("^Language Lab"),
            follow("Mappings"),
            title("^Mappings"),
            follow("Map a group"),
            title("^Map a group"),
            fill("Group", "vision-students"),
            tick("input[name=role][value=read-results]"),
            press("Look at what it does"),
            sees("What this would do"),
            sees("Nobody of this lab was in the group"),
            sees("fewer than five were in this group"),
            press("Save this"),
            at("/labs/language/mappings\\?done="),
            sees("vision-students"),
        ],
    );

    sign_in(play, "student");
    let profile = play.told(
        "student",
        &[
            sees("language"),
            sees(&format!("lodge login {}", play.world.url)),
            copy("pre:has-text('language/read-results') code"),
        ],
    );
    let student = sign_helper_in(play, "student");
    let folder = tempfile::tempdir().unwrap();
    let config = aws_config(play, folder.path(), &profile);
    let listed = list_hits(&student, &config, "language-read-results");
    assert!(listed.status.success(), "{}", listed.stderr);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert!(!listed["HITs"].as_array().unwrap().is_empty(), "{listed}");

    play.by(
        "guest",
        &[
            open(&play.url("/labs/language/mappings")),
            follow("End read-results for vision-students"),
            title("^End a mapping"),
            // Who has asked is known by now, and named.
            sees("Kim Sørensen"),
            press("End it now"),
            at("/labs/language/mappings\\?done="),
        ],
    );
    // What was given before lives on until it expires.
    assert!(list_hits(&student, &config, "language-read-results").status.success());
    student.forget_credentials();
    let refused = list_hits(&student, &config, "language-read-results");
    let sentence = "lodge: language/read-results: You have no such role: your sign-in at Example University brought these \
        groups: vision-students.";
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{}", refused.stdout);
    assert!(refused.stderr.contains(sentence), "{}", refused.stderr);

    export_the_ledger(play);

    // The link is good no more, for anybody.
    sign_in(play, "professor");
    play.by("professor", &[open(link), status(404), sees("This invitation is not good"), sees_no("Yes, I am its PI")]);
}

fn edit_a_mapping_and_take_it_back(play: &Play<'_>) {
    sign_in(play, "professor");
    play.by(
        "professor",
        &[
            enter("vision"),
            follow("Mappings"),
            follow("Edit read-results for vision-students"),
            title("^Conditions of a mapping"),
            tick("input[name=mfa]"),
            choose("Longest session", "30 minutes"),
            press("Look at what it does"),
            sees("What this would do"),
            sees("second factor"),
            press("Save this"),
            at("\\?done="),
            sees("30-minute sessions"),
            press("Undo"),
            at("\\?done="),
            sees_no("30-minute sessions"),
            follow("End read-results for vision-students"),
            sees("End this mapping?"),
            press("End it now"),
            at("\\?done="),
            press("Undo"),
            at("\\?done="),
            follow("End read-results for vision-students"),
            follow("Keep it"),
            title("^A mapping"),
            sees("History"),
            sees("live"),
        ],
    );
    let student = Person::signed_in("student", &play.world.url);
    assert!(student.ask_for("vision/read-results").status.success(), "it gives the role as it did");
}

/// Has the professor make the postdoc a manager of the vision lab.
fn appoint_the_postdoc(play: &Play<'_>) -> String {
    let id = own_id(play, "postdoc");
    sign_in(play, "professor");
    play.by(
        "professor",
        &[
            enter("vision"),
            follow("People"),
            title("^People of"),
            follow("Appoint somebody"),
            title("^Appoint somebody"),
            fill("Their id", &id),
            press("Look at it first"),
            sees("Make them a manager?"),
            sees("Compare the id with them"),
            press("Yes, make them a manager"),
            at("/people\\?done="),
            sees("is a manager of this lab now."),
            sees(&id),
        ],
    );
    id
}

fn have_a_second_pi_decide(play: &Play<'_>) {
    appoint_the_postdoc(play);
    let ask = |group: &str| {
        play.by(
            "postdoc",
            &[
                open(&play.url("/labs/vision/mappings/new")),
                fill("Group", group),
                tick("input[name=role][value=read-results]"),
                press("Look at what it does"),
                sees("This gives you yourself more: it will wait for another PI."),
                press("Ask for it"),
                sees("so it waits for another PI of the lab"),
            ],
        );
    };
    ask("vision-payers");
    ask("vision-publishers");
    play.by(
        "professor",
        &[
            open(&play.url("/labs/vision/mappings")),
            sees("Waiting for a second PI"),
            sees("Dr. Noor Haddad"),
            press("Decline read-results for vision-publishers"),
            sees("Declined. Nothing has changed."),
            press("Confirm read-results for vision-payers"),
            at("\\?done=added"),
            sees_no("Waiting for a second PI"),
        ],
    );
    play.by(
        "postdoc",
        &[open(&play.url("/labs/vision/mappings")), sees("vision-payers"), sees_no("Waiting for a second PI")],
    );
    let postdoc = Person::signed_in("postdoc", &play.world.url);
    assert!(postdoc.ask_for("vision/read-results").status.success(), "what was confirmed holds");
}

fn sign_in_again_before_saving(play: &Play<'_>) {
    sign_in(play, "professor");
    // A browser that is used every now and then stays signed in.
    for _ in 0..3 {
        play.later(TimeDelta::minutes(25));
        play.by("professor", &[open(&play.url("/labs/vision/mappings"))]);
    }
    play.by(
        "professor",
        &[
            follow("Map a group"),
            sees("takes a fresh sign-in"),
            fill("Group", "vision-guests"),
            tick("input[name=role][value=publish]"),
            press("Look at what it does"),
            sees("Saving takes a fresh sign-in"),
            // By selector: the same words stand in the note above a form that has not been looked at.
            press_at(".preview a:text-is('Sign in again')"),
            title(AT_PROVIDER),
            be("professor"),
            title("^Map a group"),
            sees("vision-guests"),
            press("Save this"),
            at("\\?done="),
            sees("vision-guests"),
        ],
    );
}

fn appoint_and_remove_a_manager(play: &Play<'_>) {
    let id = appoint_the_postdoc(play);
    play.by("postdoc", &[open(&play.url("/labs/vision/people")), status(200), sees("Prof. Ada Marsh")]);
    play.by(
        "professor",
        &[
            follow(&format!("Remove {id}")),
            title("^Remove somebody"),
            sees("Dr. Noor Haddad"),
            press("Yes, remove them"),
            at("/people\\?done="),
            sees("does not look after this lab any more."),
        ],
    );
    play.by("postdoc", &[open(&play.url("/labs/vision/people")), status(403)]);
}

fn set_limits(play: &Play<'_>) {
    sign_in(play, "professor");
    play.by(
        "professor",
        &[
            enter("vision"),
            follow("Settings"),
            title("^Settings"),
            fill("How old a sign-in may be for pay, how many", "30"),
            choose("How old a sign-in may be for pay, minutes, hours or days", "minutes"),
            press_at("form:has(#count-role-pay) button"),
            sees("30 minutes instead of 1 hour"),
            press("Save"),
            sees("now 30 minutes, before 1 hour"),
            press("Undo"),
            sees("now 1 hour, before 30 minutes"),
            fill("How old a sign-in may be for pay, how many", "9999"),
            press_at("form:has(#count-role-pay) button"),
            status(400),
            sees_no("instead of"),
        ],
    );
}

fn find_something_in_the_ledger(play: &Play<'_>) {
    let student = Person::signed_in("student", &play.world.url);
    assert!(student.ask_for("vision/read-results").status.success());
    assert!(!student.ask_for("vision/pay").status.success());
    sign_in(play, "professor");
    let key = play.told(
        "professor",
        &[
            enter("vision"),
            follow("Ledger"),
            sees("vision-publishers"),
            choose("What", "Refusals and failures"),
            press("Look"),
            at("kind=refusals"),
            sees("Kim Sørensen"),
            sees_no("vision-publishers"),
            follow("Everything"),
            fill("Person", "Kim"),
            press("Look"),
            at("person=Kim"),
            sees("Kim Sørensen"),
            sees_no("vision-publishers"),
            fill("Person", ""),
            fill("Text", "vision-payers"),
            press("Look"),
            at("q=vision-payers"),
            sees("vision-payers"),
            sees_no("Kim Sørensen"),
            download("Export as CSV"),
        ],
    );
    assert!(key.contains("vision-payers") && !key.contains("issued"), "what is exported is what is looked at: {key}");
    play.by(
        "professor",
        &[fill("Text", "there is no such thing"), press("Look"), sees("Nothing like that stands in this ledger")],
    );
}

fn read_what_a_role_can_do(play: &Play<'_>) {
    // Whom to ask has no name before their first sign-in.
    sign_in(play, "professor");
    sign_in(play, "student");
    play.by(
        "student",
        &[
            enter("vision"),
            title("^Vision Lab"),
            sees("Whom to ask"),
            sees("Prof. Ada Marsh"),
            follow("Roles"),
            title("^Roles"),
            sees("can spend money"),
            press_at("#role-read-results summary >> nth=0"),
            sees("ListHITs"),
            press_at("#role-read-results summary >> nth=1"),
            sees("2012-10-17"),
            sees_no("Ledger"),
        ],
    );
}

fn end_other_sessions(play: &Play<'_>) {
    sign_in(play, "student");
    let student = sign_helper_in(play, "student");
    assert!(student.ask_for("vision/read-results").status.success());

    play.by(
        "student",
        &[
            open(&play.url("/")),
            press_at("a.me"),
            title("^Your sessions · Lodge$"),
            sees("lodge on"),
            press("End all others"),
            title("^Your sessions · Lodge$"),
            sees_no("lodge on"),
        ],
    );
    assert_eq!(student.ask_for("vision/read-results").status.code(), Some(4), "its session is over");
    play.by("student", &[press("Sign out"), sees("Keys for an afternoon")]);
}

fn run_the_broker(play: &Play<'_>) {
    let student = own_id(play, "student");
    sign_in(play, "operator");
    let link = play.told(
        "operator",
        &[
            follow("Operator"),
            title("^Operator"),
            follow("New lab"),
            fill("Name", "waders"),
            fill("Title", "Wading Birds"),
            fill("Session role", "arn:aws:iam::777788889999:role/lodge/lodge-session"),
            choose("Roles of the lab", "mturk"),
            press("See what will be made"),
            sees("777788889999"),
            // What an operator changes takes a second factor, and what was filled in is still there after it.
            follow("Sign in again"),
            title(AT_PROVIDER),
            be_with_second_factor("operator"),
            sees("777788889999"),
            press("Make the lab"),
            sees("The lab is made."),
            sees("no PI"),
            press("Make a link"),
            title("^An invitation"),
            copy("pre code"),
        ],
    );
    sign_in(play, "guest");
    play.by("guest", &[open(&link), press("Yes, I am its PI"), title("^Your roles"), enter("waders"), status(200)]);
    play.by(
        "operator",
        &[
            follow("Back to the lab"),
            sees("Robin Vale"),
            follow("Archive it"),
            press("Archive it"),
            sees("The lab is archived"),
        ],
    );
    play.by("guest", &[open(&play.url("/labs/waders")), status(404)]);
    play.by("operator", &[follow("Bring it back"), press("Bring it back"), sees("The lab is back")]);
    play.by("guest", &[open(&play.url("/labs/waders")), status(200)]);

    play.by(
        "operator",
        &[
            follow("People"),
            fill("Name, id or subject", &student),
            press("Find"),
            press_at(&format!("a[href='/operator/people/{student}']")),
            follow("Suspend them"),
            sees("Every session of theirs ends now"),
            press("Suspend them"),
            sees("Suspended. Every session has ended"),
        ],
    );
    play.by("student", &[open(&play.url("/")), sees("Keys for an afternoon")]);
    play.by(
        "operator",
        &[
            follow("Lift it"),
            press("Lift it"),
            sees("Not suspended any more"),
            follow("Connections"),
            press("Ask it now"),
            sees("answers well"),
            follow("Versions"),
            sees("SQLite"),
        ],
    );
    sign_in(play, "student");
}

/// The keys of a session, in the environment of somebody's AWS CLI.
fn keys_of(play: &Play<'_>, student: &Person) -> Cli {
    let ended = student.ask_for("vision/read-results");
    assert!(ended.status.success(), "{}", ended.stderr);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    let key = |name: &str| printed[name].as_str().unwrap().to_owned();
    Cli { url: play.world.aws_url.clone(), keys: ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(key) }
}

/// A laptop is lost, and its keys work: the PI sees them, takes them away, and watches how far that gets.
fn cut_a_session_off(play: &Play<'_>) {
    const LIST: [&str; 4] = ["mturk", "list-hits", "--region", "us-east-1"];
    let id = own_id(play, "student");
    let student = sign_helper_in(play, "student");
    let lost = keys_of(play, &student);
    lost.print(&LIST);

    // AWS goes by what it is told only later.
    play.world.aws.apply_changes_after(TimeDelta::seconds(20));
    sign_in(play, "professor");
    play.by(
        "professor",
        &[
            enter("vision"),
            press_at("nav.tabs a[href='/labs/vision/sessions']"),
            title("^Sessions"),
            sees("Kim Sørensen"),
            press("Cut off…"),
            status(400),
            sees("Nobody was ticked"),
            tick(&format!("input[name=person][value='{id}']")),
            press("Cut off…"),
            title("^Cut off\\?"),
            sees("Cut this person off?"),
            sees("1 session is cut off"),
            sees("the sessions die anyway"),
            fill("Reason", "a lost laptop"),
            press("Cut off now"),
            at("/labs/vision/cut-offs/cut-"),
            sees("Nothing is issued to them any more."),
            sees("AWS has taken the deny."),
            sees("Still to come: AWS gives the deny back."),
            sees("looks again by itself"),
        ],
    );
    lost.print(&LIST);
    play.later(TimeDelta::seconds(20));
    play.world.wait_for(play.world.broker.enforce_due()).unwrap();
    // Nobody presses anything: the page looks again by itself.
    play.by(
        "professor",
        &[
            sees("AWS gave the deny back as it was written."),
            sees("AWS denied a session of the broker's own"),
            sees("AWS may take minutes"),
            sees("a lost laptop"),
            sees_no("looks again by itself"),
        ],
    );
    play.world.aws.apply_changes_after(TimeDelta::zero());
    let denied = lost.refused(&LIST);
    assert!(denied.contains("with an explicit deny in an identity-based policy"), "{denied}");

    // Nothing new before the moment, and after it as ever.
    let refused = student.ask_for("vision/read-results");
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{}", refused.stdout);
    assert!(refused.stderr.contains("cut off"), "{}", refused.stderr);
    let told = [open(&play.url("/")), sees("cut off just now"), sees("You get new ones from"), sees("lodge status")];
    play.by("student", &told);
    play.by(
        "professor",
        &[follow("All cut-offs"), title("^Cut-offs"), sees("seen to be denied"), sees("a lost laptop")],
    );
    play.later(TimeDelta::seconds(96));
    keys_of(play, &student).print(&LIST);
    assert!(lost.refused(&LIST).contains("explicit deny"));

    // Kept out, until somebody lets them in.
    play.by(
        "professor",
        &[
            follow("Sessions that live"),
            press_at("tbody a[href*='/cut-offs/']"),
            sees("How far it has got"),
            open(&play.url(&format!("/labs/vision/cut-off?person={id}"))),
            tick("input[name=hold]"),
            press("Cut off now"),
            sees("Kept out"),
            sees("AWS denied a session of the broker's own"),
        ],
    );
    play.later(TimeDelta::seconds(96));
    assert!(!student.ask_for("vision/read-results").status.success());
    play.by("professor", &[press("Let them in again"), sees("Let in again"), sees_no("Kept out")]);
    keys_of(play, &student).print(&LIST);
}
