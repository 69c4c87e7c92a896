//! The page of the demo that stands in for the AWS console, where whoever owns the second lab's account makes its stack.

use lodge::playground::Seeding;
use serde_json::Value;

use crate::support::aws_cli::Cli;
use crate::support::peers::{self, Peer};
use crate::support::person::Person;
use crate::support::raw;
use crate::support::visitor::Page;
use crate::support::world::{Changes, World};

const LANGUAGE: &str = "444455556666";

fn empty() -> World {
    World::start_with(Changes { language_is_empty: true, ..Changes::default() })
}

impl World {
    fn accounts(&self, query: &str) -> Page {
        raw::get(&format!("{}/console{query}", self.aws_url)).send()
    }

    fn paste(&self, account: &str, template: &str) -> Page {
        let fields = [("account", account), ("template", template)];
        raw::post_form(&format!("{}/console/stacks", self.aws_url), &fields).send()
    }

    fn stack_of(&self, lab: &str) -> String {
        let seeding = Seeding::new(&self.broker).unwrap();
        self.wait_for(seeding.stack(&lab.parse().unwrap())).unwrap()
    }
}

#[test]
fn the_second_lab_gives_credentials_once_somebody_has_made_its_stack() {
    let name = "the_second_lab_gives_credentials_once_somebody_has_made_its_stack";
    if !peers::require(name, &[Peer::AwsCli]) {
        return;
    }
    let world = empty();
    let lecturer = Person::signed_in("lecturer", &world.url);
    let credential = || lecturer.lodge_with(&["credential-process", "language/read-results"], &[]);
    let refused = credential();
    assert!(refused.stderr.contains("before a PI has joined its AWS account"), "{}", refused.stderr);

    let page = world.paste(LANGUAGE, &world.stack_of("language"));

    assert_eq!((page.status, page.header("location")), (303, Some("/console?made=444455556666#a444455556666")));
    assert!(!credential().status.success(), "a stack alone joins nothing");
    let joined = lecturer.lodge(&["account", "join", "language"]);
    assert!(joined.status.success(), "{}{}", joined.stdout, joined.stderr);
    let ended = credential();
    assert!(ended.status.success(), "{}", ended.stderr);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    let keys = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(|key| printed[key].as_str().unwrap().to_owned());
    let cli = Cli { url: world.aws_url.clone(), keys };
    assert!(!cli.json(&["mturk", "list-hits"])["HITs"].as_array().unwrap().is_empty());
}

#[test]
fn the_page_shows_what_is_in_each_account_and_that_it_is_none_of_aws_s() {
    let world = empty();

    let before = world.accounts("");
    assert_eq!(before.status, 200);
    for text in
        ["stands in for the AWS console", "in the demo only", "There is nothing in this account.", "Create stack"]
    {
        assert!(before.body.contains(text), "{text}: {}", before.text());
    }
    let vision = "arn:aws:iam::111122223333:role/lodge/lodge-session";
    assert!(before.body.contains(vision) && before.body.contains("Update stack"), "{}", before.text());
    assert!(before.header("content-security-policy").unwrap().starts_with("default-src 'none'"));

    world.paste(LANGUAGE, &world.stack_of("language"));
    let after = world.accounts("?made=444455556666");

    assert!(
        after.body.contains("The stack is made.") && after.body.contains(&vision.replace("111122223333", LANGUAGE))
    );
    assert!(!after.body.contains("There is nothing in this account."), "{}", after.text());
    assert!(world.aws.calls().is_empty(), "a page is no call");
}

#[test]
fn a_template_that_is_refused_stays_in_its_form_and_becomes_no_markup() {
    let world = empty();
    let evil = "</textarea><script>alert(1)</script>";
    for (account, pasted) in [(LANGUAGE, evil), (evil, "{}"), (LANGUAGE, "{}")] {
        let page = world.paste(account, pasted);

        assert_eq!(page.status, 422, "{}", page.body);
        assert!(page.body.contains("role=\"alert\"") && !page.body.contains("<script>"), "{}", page.body);
        if account == LANGUAGE {
            let kept = pasted.replace('<', "&lt;").replace('>', "&gt;");
            assert!(page.body.contains(&format!("required>\n{kept}</textarea>")), "{}", page.body);
            assert!(page.body.contains("No stack was made. The template"), "{}", page.body);
        } else {
            assert!(page.body.contains("There is no account &lt;/textarea&gt;"), "{}", page.body);
        }
    }
    let page = world.accounts("?made=%3Cscript%3E");
    assert!(!page.body.contains("<script>") && !page.body.contains("The stack is made."), "{}", page.body);
    assert_eq!(world.paste(LANGUAGE, &"x".repeat(300 * 1024)).status, 413);
}
