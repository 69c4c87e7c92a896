//! Variables that AWS tools look at before they look at any profile, and the profile that is chosen by one.

use crate::cli::surroundings::Surroundings;

use super::aws_files::AwsFiles;
use super::check::{Check, Subject, unset};
use super::profiles;
use super::static_keys::shortened;

const KEYS: Subject = Subject { name: "environment-keys", title: "Keys in the environment" };
const WEB_IDENTITY: Subject = Subject { name: "web-identity", title: "A web identity in the environment" };
const PROFILE: Subject = Subject { name: "chosen-profile", title: "The profile in the environment" };

const KEY_VARIABLES: [&str; 4] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"];

pub(super) fn checks(surroundings: &Surroundings, files: &AwsFiles) -> Vec<Check> {
    let mut checks = vec![keys(surroundings)];
    checks.extend(web_identity(surroundings));
    checks.extend(["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter().find_map(|variable| {
        let name = surroundings.get(variable)?;
        Some(chosen(variable, name, files))
    }));
    checks
}

fn keys(surroundings: &Surroundings) -> Check {
    let set = surroundings.set_of(&KEY_VARIABLES);
    if set.is_empty() {
        return KEYS.ok("there are none");
    }
    let key = surroundings.get("AWS_ACCESS_KEY_ID");
    if let (Some(role), Some(key)) = (surroundings.get("LODGE_ROLE"), key)
        && key.starts_with("ASIA")
    {
        return KEYS.ok(format!("they are those that lodge handed out for {role}"));
    }
    let which = key.map(|key| format!(" ({})", shortened(key))).unwrap_or_default();
    let verb = if set.len() == 1 { "is" } else { "are" };
    KEYS.not_ok(
        format!("{}{which} {verb} set, and AWS tools take that before they look at a profile", set.join(", ")),
        unset(&set),
    )
}

fn web_identity(surroundings: &Surroundings) -> Option<Check> {
    let set = surroundings.set_of(&["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"]);
    if !set.contains(&"AWS_WEB_IDENTITY_TOKEN_FILE") {
        return None;
    }
    let says = format!(
        "{} set, and AWS tools take that role before they look at a profile",
        match set.as_slice() {
            [one] => format!("{one} is"),
            many => format!("{} are", many.join(" and ")),
        }
    );
    Some(WEB_IDENTITY.not_ok(says, unset(&set)))
}

fn chosen(variable: &str, name: &str, files: &AwsFiles) -> Check {
    if !files.has(name) {
        return PROFILE.not_ok(
            format!("{variable} is {name}, and there is no such profile, so every AWS tool fails"),
            format!("lodge configure, or {}", unset(&[variable])),
        );
    }
    if files.config.section(name).and_then(profiles::command).is_none() {
        return PROFILE.warning(
            format!("{variable} is {name}, a profile that does not get its credentials from lodge"),
            unset(&[variable]),
        );
    }
    PROFILE.ok(format!("{variable} is {name}, which gets its credentials from lodge"))
}
