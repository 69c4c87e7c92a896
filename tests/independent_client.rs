//! An OAuth client that is not ours completes our code flow, knowing nothing but our address and its own name: what our
//! metadata says is true, and enough.

use lodge::ambient::Clock;
use lodge::oidc::Algorithm;
use serde_json::{Value, json};

use crate::support::broker::{HELPER, Plan, code_on, seed};
use crate::support::evil_provider::EvilProvider;
use crate::support::peers::{self, Peer};
use crate::support::process::Process;
use crate::support::visitor::Visitor;

#[test]
fn another_oauth_client_signs_in_refreshes_and_revokes_by_our_metadata_alone() {
    let name = "another_oauth_client_signs_in_refreshes_and_revokes_by_our_metadata_alone";
    if !peers::require(name, &[Peer::Node]) {
        return;
    }
    let provider = EvilProvider::start(Clock::System);
    let broker = Plan::new(Clock::System).connection("campus", &provider.issuer, Algorithm::Es256).start();
    seed(&broker.broker);
    let settings = json!({
        "issuer": broker.url,
        "client_id": "lodge-cli",
        "redirect_uri": HELPER,
        "resource": format!("{}/api/v1/me", broker.url),
        "more": {},
    });
    let mut client = Process::start(name, peers::node("oauth-client.mjs").env("LODGE_CLIENT", settings.to_string()));
    let said: Value = serde_json::from_str(&client.wait_for_line("\"authorize\"")).unwrap();

    let mut visitor = Visitor::new();
    let asked = visitor.sign_in(said["authorize"].as_str().unwrap(), "student");
    assert!(asked.text().contains("an unnamed machine"), "it does not say where it is: {}", asked.text());
    let page = visitor.press(&asked, "yes");
    assert!(!code_on(&page).is_empty());
    let back = page.links().into_iter().find(|(_, url)| url.as_str().starts_with(HELPER)).unwrap().1;
    client.say(&format!("{back}\n"));

    let said: Value = serde_json::from_str(&client.wait_for_line("\"opened\"")).unwrap();
    assert!(client.wait().status.success());
    assert_eq!((&said["opened"], &said["refused"]), (&json!([200, 200, 401]), &json!("invalid_grant")));
    for answer in [&said["first"], &said["second"]] {
        assert_eq!(answer["token_type"], "bearer", "{answer}");
        assert!((800..=900).contains(&answer["expires_in"].as_u64().unwrap()), "{answer}");
    }
    for token in ["access_token", "refresh_token"] {
        assert_ne!(said["first"][token], said["second"][token], "{token}");
    }
}
