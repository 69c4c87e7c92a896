//! Why AWS said no to somebody.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;

use super::labs;
use crate::app::{self, Broker, RoleForAction, Why, WhySubject, chance_says, reach_says};
use crate::domain::account::Mender;
use crate::domain::person::DisplayName;
use crate::domain::policy::{Reach, action_words};
use crate::domain::why::{AwsError, PolicyOfSession, SessionFacts, asked_action};
use crate::http::address::InLab;
use crate::http::extract::Helper;
use crate::http::problem::{Kind, Problem};
use crate::wire::accounts::Mender as WireMender;
use crate::wire::timestamp;
use crate::wire::why as wire;

/// The longest ARN of a resource that is asked about.
const RESOURCE_MAX_BYTES: usize = 1_200;

/// `POST /api/v1/labs/{lab}/why`
pub(crate) async fn in_lab(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    body: Bytes,
) -> Result<Json<wire::Why>, Problem> {
    // Whether somebody belongs to the lab is said before what they sent is looked at.
    let question = match asked(&body) {
        Ok(question) => question,
        Err(problem) => {
            broker.lab_view(&caller, &lab).await?;
            return Err(problem);
        }
    };
    let why = broker.why(&caller, &lab, question).await?;
    Ok(Json(answer(&broker, &why)))
}

/// `POST /api/v1/why`
pub(crate) async fn anywhere(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    body: Bytes,
) -> Result<Json<wire::Why>, Problem> {
    let question = asked(&body)?;
    let why = broker.why_anywhere(&caller, question).await?;
    Ok(Json(answer(&broker, &why)))
}

/// The question, with nothing of the text in it that was not understood.
fn asked(body: &Bytes) -> Result<app::WhyQuestion, Problem> {
    let question: wire::WhyQuestion = super::read(body, "{\"action\": \"mechanicalturk:SendBonus\"}")?;
    let wire::WhyQuestion { error, action, resource, role, person } = question;
    read_question(error.as_deref(), action.as_deref(), resource, role.as_deref(), person.as_deref())
}

/// What a question of the API or of a page comes to.
pub(in crate::http) fn read_question(
    error: Option<&str>,
    action: Option<&str>,
    resource: Option<String>,
    role: Option<&str>,
    person: Option<&str>,
) -> Result<app::WhyQuestion, Problem> {
    if error.is_some() == action.is_some() {
        return Err(cannot_be("Send either the error that you saw, or the action that you ask about."));
    }
    let error = error.map(|text| AwsError::read(text).ok_or_else(unread)).transpose()?;
    let action = action.map(|text| {
        asked_action(text)
            .ok_or_else(|| cannot_be("`action` is the name of an action, such as mechanicalturk:SendBonus."))
    });
    let is_arn = |text: &String| {
        (5..=RESOURCE_MAX_BYTES).contains(&text.len())
            && text.starts_with("arn:")
            && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
    };
    if resource.as_ref().is_some_and(|text| !is_arn(text)) {
        return Err(cannot_be("`resource` is an ARN, such as arn:aws:s3:::results/a.csv."));
    }
    let role = role.map(|text| text.parse().map_err(|_| cannot_be("`role` is the name of a role of the lab.")));
    let person = person.map(|text| text.parse().map_err(|_| cannot_be("`for` is the id of a person: p-…")));
    Ok(app::WhyQuestion {
        error,
        action: action.transpose()?,
        resource,
        role: role.transpose()?,
        person: person.transpose()?,
    })
}

fn unread() -> Problem {
    cannot_be(
        "In this text there is no error of AWS in a form that is known. Send the tool's last lines, or ask about the action \
         instead. Nothing of it was kept.",
    )
}

fn cannot_be(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, Kind::CannotBe, "This cannot be asked", detail)
}

fn answer(broker: &Broker, why: &Why) -> wire::Why {
    let is_self = why.subject == WhySubject::Oneself;
    let person = match &why.subject {
        WhySubject::Oneself => None,
        WhySubject::Person(person) => Some(wire::WhyPerson {
            id: person.id.to_string(),
            name: person.name.as_ref().map(DisplayName::as_str).map(str::to_owned),
            looks_like_another: person.looks_like_another,
        }),
    };
    let words = why.action.as_deref().and_then(action_words::words);
    wire::Why {
        lab: why.place.as_ref().map(|place| place.lab.name.to_string()),
        finding: why.finding.as_str().to_owned(),
        is_not_ours: why.finding.is_not_ours(),
        says: why.finding.says().to_owned(),
        next: why.next(),
        menders: why.finding.menders().iter().copied().map(mender).collect(),
        error: why.error.as_ref().map(error),
        action: why.action.clone(),
        does: words.map(|words| words.does.to_owned()),
        resource: why.resource.clone(),
        role: why.role.as_ref().map(ToString::to_string),
        person,
        session: why.session.as_ref().map(|it| session(it, it.is_over(why.now))),
        roles: why.roles.iter().map(|it| role(it, is_self)).collect(),
        whom: why.whom.iter().map(|keeper| labs::person(broker, keeper)).collect(),
    }
}

fn mender(mender: Mender) -> WireMender {
    let kind = serde_json::to_value(mender).ok();
    let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    WireMender { kind, says: mender.to_string() }
}

fn error(error: &AwsError) -> wire::WhyError {
    let by = error.reason.and_then(|reason| reason.by);
    wire::WhyError {
        kind: error.kind.as_str().to_owned(),
        says: error.kind.to_string(),
        code: error.code.clone(),
        policy: by.map(|layer| layer.as_str().to_owned()),
        is_explicit: error.reason.is_some_and(|reason| reason.explicit),
        caller: error.caller.as_ref().map(ToString::to_string),
        account_id: error.caller.as_ref().map(|caller| caller.account.as_str().to_owned()),
    }
}

fn session(session: &SessionFacts, is_over: bool) -> wire::WhySession {
    wire::WhySession {
        id: session.id.to_string(),
        role: session.role.to_string(),
        issued_at: timestamp(session.issued_at),
        expires_at: session.expires_at.map(timestamp),
        is_over,
        policy_has_changed: session.policy == PolicyOfSession::Changed,
    }
}

fn role(role: &RoleForAction, is_self: bool) -> wire::WhyRole {
    wire::WhyRole {
        role: role.role.to_string(),
        title: role.title.clone(),
        reach: reach_word(role.reach).to_owned(),
        allows: reach_says(role.reach).to_owned(),
        chance: role.chance.as_str().to_owned(),
        says: chance_says(role, is_self),
        group: role.group.as_ref().map(|group| group.as_str().to_owned()),
        ends_at: role.ends_at.map(timestamp),
    }
}

const fn reach_word(reach: Reach) -> &'static str {
    match reach {
        Reach::Plainly => "plainly",
        Reach::OnConditions => "on-conditions",
        Reach::OnSomeResources => "on-some-resources",
        Reach::Never => "never",
        Reach::Denied => "denied",
    }
}
