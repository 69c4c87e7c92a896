//! `AssumeRole`: who may, then for how long.
//!
//! The order matters for what a stranger learns: nothing about a role, not even that it exists, is said before the
//! caller is allowed to assume it. Where its account switched STS off is no secret of the role.

use axum::http::StatusCode;
use chrono::{TimeDelta, Timelike};
use secrecy::ExposeSecret;

use super::asked::Asked;
use super::calls::{AssumeRoleParameters, Call};
use super::fault::{Fault, assume_role_denied, region_disabled};
use super::form::Form;
use super::role::{Role, RoleArn};
use super::session::{Credentials, Session, timestamp};
use super::{Incoming, Inner, xml};
use crate::domain::policy::{Access, Context, TrustDocument};

/// The longest session of a role assumed with a role's credentials. Source: IAM user guide, "role chaining".
const CHAINED_SECONDS: u32 = 3_600;

/// What session policy and tags may take together, in bytes. AWS measures a packed form that it does not publish, in a
/// token of at most this size; plain bytes are the nearest stand-in.
const PACKED_BYTES: usize = 4_096;

/// Carries the call out; the inner XML of its result.
pub(super) fn assume_role(
    aws: &Inner,
    incoming: &Incoming,
    caller: &Session,
    region: &str,
    mut form: Form,
    call: &mut Call,
) -> Result<String, Fault> {
    let parameters = take_parameters(&mut form);
    call.assume_role = Some(parameters.clone());
    if let Some(name) = form.left_over() {
        // To ignore one could mean to ignore a restriction, or to seem to keep a promise.
        return Err(Fault::validation(format!("The small AWS does not carry out the parameter '{name}'")));
    }
    let asked = Asked::validate(parameters)?;
    if let Some(account) = RoleArn::parse(&asked.role_arn).filter(|arn| aws.troubles.is_disabled(arn.account(), region))
    {
        return Err(region_disabled(account.account()));
    }
    let role = authorize(incoming, caller, region, &asked)?;
    if asked.seconds > role.max_session_seconds {
        return Err(Fault::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    // Every caller here is itself a session of a role.
    if asked.seconds > CHAINED_SECONDS {
        return Err(Fault::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    let used = asked.policy.as_ref().map_or(0, String::len)
        + asked.tags.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    let percent = (used * 100).div_ceil(PACKED_BYTES);
    if percent > 100 {
        let message = format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.");
        return Err(Fault::new(StatusCode::BAD_REQUEST, "PackedPolicyTooLarge", message));
    }
    let issued_at = incoming.now.with_nanosecond(0).unwrap_or(incoming.now);
    let session = Session {
        role_arn: role.arn.clone(),
        role_id: role.id.clone(),
        name: asked.session_name,
        source_identity: asked.source_identity.or_else(|| caller.source_identity.clone()),
        tags: asked.tags,
        policy: asked.policy,
        issued_at,
        expires_at: Some(issued_at + TimeDelta::seconds(i64::from(asked.seconds))),
    };
    let credentials = aws.seal.issue(&session, aws.random.bytes()).ok_or_else(|| {
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", "The session cannot be written down")
    })?;
    Ok(result(&session, &credentials, percent))
}

fn result(session: &Session, credentials: &Credentials, packed_percent: usize) -> String {
    let credentials = [
        xml::element("AccessKeyId", &credentials.access_key_id),
        xml::element("SecretAccessKey", credentials.secret_access_key.expose_secret()),
        xml::element("SessionToken", credentials.session_token.expose_secret()),
        session.expires_at.map(|at| xml::element("Expiration", &timestamp(at))).unwrap_or_default(),
    ];
    let user = [xml::element("AssumedRoleId", &session.user_id()), xml::element("Arn", &session.arn())];
    [
        xml::wrap("Credentials", &credentials.concat()),
        xml::wrap("AssumedRoleUser", &user.concat()),
        session.source_identity.as_deref().map(|text| xml::element("SourceIdentity", text)).unwrap_or_default(),
        xml::element("PackedPolicySize", &packed_percent.to_string()),
    ]
    .concat()
}

fn take_parameters(form: &mut Form) -> AssumeRoleParameters {
    let mut tags = Vec::new();
    loop {
        let number = tags.len() + 1;
        let key = form.take(&format!("Tags.member.{number}.Key"));
        let value = form.take(&format!("Tags.member.{number}.Value"));
        match (key, value) {
            (None, None) => break,
            (key, value) => tags.push((key.unwrap_or_default(), value.unwrap_or_default())),
        }
    }
    AssumeRoleParameters {
        role_arn: form.take("RoleArn"),
        role_session_name: form.take("RoleSessionName"),
        policy: form.take("Policy"),
        duration_seconds: form.take("DurationSeconds"),
        external_id: form.take("ExternalId"),
        source_identity: form.take("SourceIdentity"),
        tags,
    }
}

/// The role, when both sides allow the caller everything that the call contains: assuming, tagging, naming a source.
///
/// Each of the three is judged with the condition keys that AWS gives it and no others. An external id is a condition
/// on assuming alone.
fn authorize<'a>(incoming: &'a Incoming, caller: &Session, region: &str, asked: &Asked) -> Result<&'a Role, Fault> {
    let denied = |action: &str| assume_role_denied(&caller.arn(), action, &asked.role_arn);
    let source_identity = match (&asked.source_identity, &caller.source_identity) {
        (Some(asked), Some(inherited)) if asked != inherited => return Err(denied("sts:SetSourceIdentity")),
        (asked, inherited) => asked.as_ref().or(inherited.as_ref()),
    };
    let with_source = |context: Context| {
        source_identity.iter().fold(context, |context, source| context.with("sts:SourceIdentity", source.as_str()))
    };
    let with_tags = |context: Context| {
        let keys = asked.tags.iter().map(|(key, _)| key.clone());
        asked.tags.iter().fold(context.with_values("aws:TagKeys", keys), |context, (key, value)| {
            context.with(&format!("aws:RequestTag/{key}"), value)
        })
    };
    let common = caller.context(incoming.now, region);
    let mut assuming = with_tags(with_source(common.clone())).with("sts:RoleSessionName", &asked.session_name);
    if let Some(external_id) = &asked.external_id {
        assuming = assuming.with("sts:ExternalId", external_id);
    }
    let mut steps = vec![("sts:AssumeRole", assuming)];
    if !asked.tags.is_empty() {
        steps.push(("sts:TagSession", with_tags(common.clone())));
    }
    if source_identity.is_some() {
        steps.push(("sts:SetSourceIdentity", with_source(common)));
    }
    let accounts = &incoming.accounts;
    let role = accounts.role(&asked.role_arn).ok_or_else(|| denied("sts:AssumeRole"))?;
    let trust = TrustDocument::parse(&accounts.trust(role)).map_err(|_| denied("sts:AssumeRole"))?;
    for (action, context) in steps {
        let who = caller.caller();
        if accounts.decide(caller, Some((&trust, &who)), action, &asked.role_arn, &context) != Access::Allowed {
            return Err(denied(action));
        }
    }
    Ok(role)
}
