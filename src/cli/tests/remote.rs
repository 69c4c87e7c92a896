//! `lodge login --remote`: the person carries the code.

use std::io::ErrorKind;
use std::sync::Mutex;

use super::*;

/// A desk at which these are pasted, one after the other; `STATE` in them is the state of the sign-in.
fn pasting(texts: &[&str]) -> (Desk, Arc<Mutex<Vec<String>>>) {
    let mut desk = Desk::new();
    let texts = Arc::new(Mutex::new(texts.iter().rev().map(|text| (*text).to_owned()).collect::<Vec<_>>()));
    let left = texts.clone();
    desk.helper.browser = Arc::new(|url| panic!("a browser was opened: {url}"));
    desk.helper.paste =
        Arc::new(move || left.lock().unwrap().pop().map(Into::into).ok_or(ErrorKind::Interrupted.into()));
    (desk, texts)
}

/// Runs the verb with a state that the test knows beforehand.
fn log_in(desk: &mut Desk, broker: &StandIn) -> (Exit, String, String) {
    desk.helper.random = seeded();
    desk.run(&["login", &broker.url, "--remote"])
}

fn seeded() -> crate::ambient::Random {
    crate::ambient::Random::Seeded(crate::ambient::SeededRandom::new(7))
}

fn state() -> String {
    super::super::authorize::Attempt::new(&seeded()).state.to_string()
}

#[test]
fn the_code_that_is_pasted_is_traded_with_the_brokers_own_address() {
    let broker = broker(|_| None);
    let (mut desk, _) = pasting(&[&format!("  canary-code.{}\n", state())]);

    let (exit, stdout, stderr) = log_in(&mut desk, &broker);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""), "{stderr}");
    assert!(stderr.contains("Signed in to"), "{stderr}");
    assert!(!stderr.contains("canary"), "{stderr}");
    let url: Url = stderr.lines().find(|line| line.contains("/oauth/authorize?")).unwrap().trim().parse().unwrap();
    let redirect = url.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    assert_eq!(redirect, format!("{}/oauth/remote", broker.url));
    let exchange = &broker.asked()[1].body;
    let form: Vec<(String, String)> = url::form_urlencoded::parse(exchange.as_bytes()).into_owned().collect();
    assert_eq!((form[1].1.as_str(), form[2].1.as_str()), ("canary-code", redirect.as_str()));
}

#[test]
fn what_belongs_to_another_sign_in_is_not_traded() {
    let broker = broker(|_| None);
    for texts in [vec!["canary-code.another-state"; 4], vec!["canary-code", "", "."], vec!["nonsense"]] {
        let (mut desk, left) = pasting(&texts);

        let (exit, _, stderr) = log_in(&mut desk, &broker);

        assert_eq!(exit, Exit::Failed, "{stderr}");
        assert!(stderr.contains("That is not the code of this sign-in."), "{stderr}");
        assert!(broker.asked().iter().all(|asked| !asked.line.contains("token")), "{texts:?}");
        assert_eq!(left.lock().unwrap().len(), texts.len().saturating_sub(3), "three tries are enough");
    }
}

#[test]
fn a_slip_can_be_mended() {
    let broker = broker(|_| None);
    let (mut desk, _) = pasting(&["oops", &format!("canary-code.{}", state())]);

    let (exit, _, stderr) = log_in(&mut desk, &broker);

    assert_eq!(exit, Exit::Done, "{stderr}");
}

#[test]
fn ctrl_c_ends_it() {
    let broker = broker(|_| None);
    let (mut desk, _) = pasting(&[]);

    let (exit, _, stderr) = log_in(&mut desk, &broker);

    assert_eq!(exit, Exit::Failed);
    assert!(stderr.ends_with("lodge: the sign-in did not succeed: nothing was pasted\n"), "{stderr}");
}

#[test]
fn a_code_is_never_an_argument() {
    let desk = Desk::new();

    let (exit, _, stderr) = desk.run(&["login", "--remote", "https://lodge.example.edu", "code.state"]);

    assert_eq!(exit, Exit::Usage, "{stderr}");
    assert_eq!(desk.run(&["login", "--remote", "--no-browser"]).0, Exit::Usage);
}

#[test]
fn what_is_wished_of_the_sign_in_stands_in_the_address() {
    let broker = broker(|_| None);
    let (desk, _) = pasting(&[]);

    let (_, _, stderr) = desk.run(&["login", &broker.url, "--remote", "--fresh", "--mfa"]);

    assert!(stderr.contains("&max_age=300&acr_values=mfa\n"), "{stderr}");
}
