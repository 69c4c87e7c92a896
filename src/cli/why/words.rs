//! The answer, as lines.

use crate::cli::moment::moment;
use crate::cli::person::{person, standing_name};
use crate::wire::why::{Why, WhyRole, WhySession};

/// What is known, what it comes to, and what to do; in this order, since whoever reads on knows more already.
pub(super) fn lines(why: &Why) -> Vec<String> {
    let mut lines = about(why);
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(why.says.clone());
    let menders: Vec<&str> = why.menders.iter().map(|mender| mender.says.as_str()).collect();
    if !menders.is_empty() {
        lines.push(format!("Who can do something: {}.", menders.join(", or ")));
    }
    if !why.next.is_empty() {
        lines.push("What to do next:".to_owned());
        lines.extend(why.next.iter().map(|next| format!("  - {next}")));
    }
    lines.extend(roles(why));
    if !why.whom.is_empty() {
        let whom = why.whom.iter().map(|it| {
            let standing = it.standing.as_deref().map_or("", standing_name);
            format!("{}, {standing}", person(it))
        });
        lines.push(format!("Whom to ask: {}.", whom.collect::<Vec<_>>().join("; ")));
    }
    lines
}

fn about(why: &Why) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(action) = &why.action {
        let does = why.does.as_ref().map(|does| format!(": {does}")).unwrap_or_default();
        lines.push(format!("Action: {action}{does}"));
    }
    if let Some(resource) = &why.resource {
        lines.push(format!("On: {resource}"));
    }
    if let Some(somebody) = &why.person {
        let name = somebody.name.as_deref().unwrap_or("somebody without a name");
        let alike = if somebody.looks_like_another { ", a look-alike" } else { "" };
        lines.push(format!("For: {name} ({}{alike})", somebody.id));
    }
    let account = why.error.as_ref().and_then(|error| error.account_id.as_deref());
    let account = account.map(|account| format!(", in the AWS account {account}")).unwrap_or_default();
    match (&why.session, why.error.as_ref().and_then(|error| error.caller.as_ref())) {
        (Some(session), _) => lines.extend(credentials(session, &account)),
        (None, Some(caller)) => lines.push(format!("Called by: {caller}{account}")),
        (None, None) => lines.extend(why.role.as_ref().map(|role| format!("Role: {role}"))),
    }
    if let Some(policy) = why.error.as_ref().and_then(|error| error.policy.as_ref()) {
        lines.push(format!("AWS names: {policy}"));
    }
    lines
}

fn credentials(session: &WhySession, account: &str) -> Vec<String> {
    let end = session.expires_at.as_deref().map(moment);
    let end =
        end.map(|end| if session.is_over { format!(", dead since {end}") } else { format!(", good until {end}") });
    let mut lines = vec![format!(
        "Credentials: {}, of {}{}{account} ({})",
        session.role,
        moment(&session.issued_at),
        end.unwrap_or_default(),
        session.id,
    )];
    if session.policy_has_changed {
        lines.push("The policy of the role has changed since they were handed out.".to_owned());
    }
    lines
}

fn roles(why: &Why) -> Vec<String> {
    let is_asked = why.action.is_some() && why.lab.is_some();
    // Of what is no matter of a policy's, no role is looked up.
    let is_other = why.error.as_ref().is_some_and(|error| error.kind != "denied")
        || matches!(why.finding.as_str(), "no-such-action" | "trust-policy");
    if why.roles.is_empty() {
        return if is_asked && !is_other { vec!["None of the lab's roles allows it.".to_owned()] } else { Vec::new() };
    }
    let one = |role: &WhyRole| format!("  - {} {}. {}", role.role, role.allows, role.says);
    let head = "Of the lab's roles:".to_owned();
    std::iter::once(head).chain(why.roles.iter().map(one)).collect()
}
