//! What is said of the person beside who it is: how they signed in, and their groups (J17, J18, O13).

use lodge::domain::claims::{GroupForm, GroupFormat};
use lodge::domain::sign_in::SignInRefusal as Why;
use lodge::oidc::Settings;
use serde_json::{Value, json};

use super::id_tokens::{remove, shift};
use super::{Case, STUDENT, play};
use crate::support::evil_provider::{Lie, Signature};

/// A sign-in that must be fresh.
const FRESH: &str = "/auth/campus/start?fresh=1";

/// A sign-in that must have a second factor.
const MFA: &str = "/auth/campus/start?mfa=1";

/// Just signed in at the provider.
const JUST_NOW: Lie = Lie::Claims(|c| shift(c, "auth_time", 0));

/// With a second factor.
const WITH_MFA: Lie = Lie::Claims(|c| c["acr"] = json!("https://refeds.org/profile/mfa"));

fn fresh(id: &'static str, what: &'static str, why: Why, change: fn(&mut Value)) -> Case {
    Case::refused(id, what, why, [Lie::Claims(change)]).begun_at(FRESH).twin("auth_time is now", [JUST_NOW])
}

fn mfa(id: &'static str, what: &'static str, why: Why, change: fn(&mut Value)) -> Case {
    Case::refused(id, what, why, [Lie::Claims(change)]).begun_at(MFA).twin("acr of REFEDS MFA", [WITH_MFA])
}

fn groups(id: &'static str, what: &'static str, change: fn(&mut Value)) -> Case {
    Case::refused(id, what, Why::Groups, [Lie::Claims(change)])
}

#[rustfmt::skip]
pub(super) fn strengths() -> Vec<Case> {
    vec![
        fresh("J17.1", "a fresh sign-in asked for, no auth_time", Why::NotFresh, |_| {}),
        fresh("J17.2", "auth_time of 361 s ago, 300 s asked for", Why::NotFresh, |c| shift(c, "auth_time", -361))
            .twin("of 360 s ago", [Lie::Claims(|c| shift(c, "auth_time", -360))]),
        fresh("J17.3", "auth_time in 61 s", Why::NotFresh, |c| shift(c, "auth_time", 61))
            .twin("in 60 s", [Lie::Claims(|c| shift(c, "auth_time", 60))]),
        fresh("J17.4", "auth_time in words", Why::NotFresh, |c| c["auth_time"] = json!("now")),
        fresh("J17.5", "auth_time that is null", Why::NotFresh, |c| c["auth_time"] = Value::Null),
        mfa("J17.6", "a second factor asked for, no acr and no amr", Why::NoSecondFactor, |_| {}),
        mfa("J17.7", "acr of one factor", Why::NoSecondFactor, |c| c["acr"] = json!("https://refeds.org/profile/sfa")),
        mfa("J17.8", "acr of MFA and a slash", Why::NoSecondFactor, |c| c["acr"] = json!("https://refeds.org/profile/mfa/")),
        mfa("J17.9", "acr that is a number", Why::NoSecondFactor, |c| c["acr"] = json!(2)),
        mfa("J17.10", "acr in a list", Why::NoSecondFactor, |c| c["acr"] = json!(["https://refeds.org/profile/mfa"])),
        mfa("J17.11", "amr of password and code, without the word mfa", Why::NoSecondFactor, |c| c["amr"] = json!(["pwd", "otp"]))
            .twin("with the word", [Lie::Claims(|c| c["amr"] = json!(["pwd", "otp", "mfa"]))]),
        mfa("J17.12", "amr in capitals", Why::NoSecondFactor, |c| c["amr"] = json!(["MFA"]))
            .twin("in small letters", [Lie::Claims(|c| c["amr"] = json!(["mfa"]))]),
        mfa("J17.13", "amr that is one string", Why::NoSecondFactor, |c| c["amr"] = json!("mfa"))
            .twin("in a list", [Lie::Claims(|c| c["amr"] = json!(["mfa"]))]),
        mfa("J17.14", "a claim of another name", Why::NoSecondFactor, |c| { c["mfa"] = json!(true); c["acr_mfa"] = json!("https://refeds.org/profile/mfa"); }),
        Case::refused("J17.15", "a second factor in the userinfo answer only", Why::NoSecondFactor, [
            Lie::Claims(|c| remove(c, "groups")),
            Lie::UserInfo(|u| { u["acr"] = json!("https://refeds.org/profile/mfa"); u["amr"] = json!(["mfa"]); }),
        ]).begun_at(MFA).twin("in the ID token", [Lie::Claims(|c| remove(c, "groups")), WITH_MFA]),
        Case::harmless("J17.16", "an old auth_time where nothing was asked for", STUDENT,
            [Lie::Claims(|c| shift(c, "auth_time", -100_000))]),
        Case::refused("O13.1", "max_age asked for, and auth_time from before", Why::NotFresh,
            [Lie::Claims(|c| shift(c, "auth_time", -3_600))]).begun_at(FRESH).twin("auth_time is now", [JUST_NOW]),
        Case::refused("O13.2", "login_required, again and again", Why::Declined, [Lie::Callback(|answer| {
            answer.retain(|(name, _)| name != "code");
            answer.push(("error".to_owned(), "login_required".to_owned()));
        })]).untraded(),
    ]
}

fn limit_100(settings: &mut Settings) {
    settings.group_form = GroupForm { limit: std::num::NonZeroUsize::new(100), ..GroupForm::default() };
}

fn guid(settings: &mut Settings) {
    settings.group_form = GroupForm { format: GroupFormat::Guid, ..GroupForm::default() };
}

fn entitlement(settings: &mut Settings) {
    settings.group_form = GroupForm { format: GroupFormat::Entitlement, ..GroupForm::default() };
}

fn separated(settings: &mut Settings) {
    settings.group_form = GroupForm { separator: Some(";".to_owned()), ..GroupForm::default() };
}

fn many(count: usize) -> Value {
    (0..count).map(|n| format!("vision-students-{n}")).collect()
}

#[rustfmt::skip]
pub(super) fn shapes() -> Vec<Case> {
    vec![
        Case::harmless("J18.1", "one string: one group", "vision-students You in", [Lie::Claims(|c| c["groups"] = json!("vision-students"))]),
        Case::harmless("J18.2", "one string with commas, unsplit", "a,b;c d You in", [Lie::Claims(|c| c["groups"] = json!("a,b;c d"))]),
        Case::harmless("J18.3", "one string that the connection splits", "a,b c d You in", [Lie::Claims(|c| c["groups"] = json!("a,b;c d;"))])
            .twin("a list", []).with(separated),
        groups("J18.4", "an object", |c| c["groups"] = json!({"vision-students": true})),
        groups("J18.5", "a number", |c| c["groups"] = json!(7)),
        groups("J18.6", "a boolean", |c| c["groups"] = json!(true)),
        groups("J18.7", "null", |c| c["groups"] = Value::Null),
        groups("J18.8", "lists in a list", |c| c["groups"] = json!([["vision-students"]])),
        groups("J18.9", "a number in the list", |c| c["groups"] = json!(["vision-students", 1])),
        groups("J18.10", "null in the list", |c| c["groups"] = json!(["vision-students", null])),
        groups("J18.11", "an object in the list", |c| c["groups"] = json!([{"name": "vision-students"}])),
        groups("J18.12", "a group in two lines", |c| c["groups"] = json!(["vision-students\nevil"])),
        groups("J18.13", "an empty group", |c| c["groups"] = json!([""])),
        Case::harmless("J18.14", "a group in other letters is another group", "None of your groups is mapped",
            [Lie::Claims(|c| c["groups"] = json!(["Vision-Students"]))]),
        Case::harmless("J18.15", "a group that looks the same is another group", "None of your groups is mapped",
            [Lie::Claims(|c| c["groups"] = json!(["visi\u{43e}n-students"]))]),
        Case::harmless("J18.16", "an empty list: no groups", "brought no groups", [Lie::Claims(|c| c["groups"] = json!([]))]),
        Case::harmless("J18.17", "no claim, here or in userinfo: not the same as none", "said nothing about groups",
            [Lie::Claims(|c| remove(c, "groups")), Lie::UserInfo(|u| remove(u, "groups"))])
            .twin("in userinfo", [Lie::Claims(|c| remove(c, "groups"))]),
        Case::harmless("J18.18", "overage: too many for the token, and an address that is not visited", OVERAGE, [Lie::Claims(|c| {
            remove(c, "groups");
            c["_claim_names"] = json!({"groups": "src1"});
            c["_claim_sources"] = json!({"src1": {"endpoint": format!("{}/elsewhere", c["iss"].as_str().unwrap())}});
        })]),
        Case::harmless("J18.19", "overage: hasgroups", OVERAGE,
            [Lie::Claims(|c| { remove(c, "groups"); c["hasgroups"] = json!(true); })]),
        Case::harmless("J18.20", "overage beside groups: cut off", CUT, [Lie::Claims(|c| {
            c["_claim_names"] = json!({"groups": "src1"});
            c["_claim_sources"] = json!({"src1": {"endpoint": format!("{}/elsewhere", c["iss"].as_str().unwrap())}});
            c["groups"] = json!(["chess"]);
        })]),
        Case::harmless("J18.21", "100 groups, and the provider sends 100 at most: cut off", CUT,
            [Lie::Claims(|c| c["groups"] = many(100))]).twin("99 groups", [Lie::Claims(|c| c["groups"] = many(99))]).with(limit_100),
        groups("J18.22", "a name, and the connection sends identifiers", |c| c["groups"] = json!(["vision-students"]))
            .twin("an identifier", [Lie::Claims(|c| c["groups"] = json!(["0E1E49A9-8D5C-4A4A-9A3C-3E0C0D6F5B11"]))])
            .twin_says("0e1e49a9-8d5c-4a4a-9a3c-3e0c0d6f5b11").with(guid),
        Case::harmless("J18.23", "an entitlement that begins like another", "None of your groups is mapped",
            [Lie::Claims(|c| c["groups"] = json!(["urn:geant:example.edu:group:vision-students-evil"]))])
            .twin("one that says it", [Lie::Claims(|c| c["groups"] = json!(["urn:geant:example.edu:group:vision-students"]))])
            .with(entitlement),
        Case::refused("J18.24", "userinfo: groups in an object", Why::Groups,
            [Lie::Claims(|c| remove(c, "groups")), Lie::UserInfo(|u| u["groups"] = json!({"vision-students": 1}))])
            .twin("userinfo: groups in a list", [Lie::Claims(|c| remove(c, "groups"))]),
        Case::refused("J18.25", "signed userinfo of no signature", Why::UserInfoAnswer, [
            Lie::Claims(|c| remove(c, "groups")), Lie::SignedUserInfo(super::answers::sealed(|_| {}, |_| {}, Signature::Absent)),
        ]).twin("signed userinfo", [
            Lie::Claims(|c| remove(c, "groups")), Lie::SignedUserInfo(super::answers::SIGNED),
        ]),
    ]
}

/// What the home page says when the groups are too many to be sent.
const OVERAGE: &str = "and it sent none of them";

/// What it says when the list was cut off.
const CUT: &str = "sends no more than these";

#[test]
fn a_sign_in_that_is_weaker_than_was_asked_signs_nobody_in() {
    play(&strengths());
}

#[test]
fn groups_of_every_shape_come_to_what_is_documented() {
    play(&shapes());
}
