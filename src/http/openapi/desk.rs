//! What operators ask for.

use serde_json::json;

use super::operation::{Operation, Schemas, reference};
use super::operations::{ACCEPTED, CREATED, OK, delete, get, post};
use crate::http::problem::Kind;
use crate::wire::{cut_offs, operator};

/// What an operator changes takes a second factor and a fresh sign-in.
fn changes(operation: Operation) -> Operation {
    operation.refuses(&[Kind::FreshSignInNeeded, Kind::MfaNeeded])
}

/// Labs, as a whole: nothing of what is done in them.
pub(super) fn of_labs(schemas: &mut Schemas) -> Vec<Operation> {
    let (overview, labs) = (schemas.add::<operator::Overview>(), schemas.add::<operator::Labs>());
    let (lab, new) = (schemas.add::<operator::Lab>(), schemas.add::<operator::NewLab>());
    let invitation = schemas.add::<operator::NewInvitation>();
    vec![
        get("/api/v1/operator", "getOperatorOverview", "The broker at a glance").answers(
            OK,
            &overview,
            "The overview.",
        ),
        get("/api/v1/operator/labs", "listAllLabs", "The labs").pages(&reference("LabName"), 200, 100).answers(
            OK,
            &labs,
            "A page of them, by name.",
        ),
        changes(post("/api/v1/operator/labs", "createLab", "Make a lab"))
            .takes(&new)
            .answers(CREATED, &lab, "The lab, with what the role in its account must trust.")
            .refuses(&[Kind::CannotBe, Kind::Conflict]),
        get("/api/v1/operator/labs/{lab}", "getAnyLab", "A lab, for whoever runs the broker")
            .answers(OK, &lab, "The lab.")
            .refuses(&[Kind::NoSuchLab]),
        changes(post("/api/v1/operator/labs/{lab}/invitation", "invitePi", "Invite a PI"))
            .more("An invitation that was open ends.")
            .answers(CREATED, &invitation, "The invitation. Its link is here and never again.")
            .refuses(&[Kind::NoSuchLab, Kind::Conflict]),
        changes(delete("/api/v1/operator/labs/{lab}/invitation", "withdrawInvitation", "Take an invitation back"))
            .answers_nothing("It is good no more.")
            .refuses(&[Kind::NoSuchLab, Kind::Conflict]),
        changes(post("/api/v1/operator/labs/{lab}/archive", "archiveLab", "Put a lab away"))
            .answers(OK, &lab, "The lab. To everybody else it does not exist now.")
            .refuses(&[Kind::NoSuchLab, Kind::Conflict]),
        changes(post("/api/v1/operator/labs/{lab}/restore", "restoreLab", "Bring a lab back"))
            .answers(OK, &lab, "The lab, as it was.")
            .refuses(&[Kind::NoSuchLab, Kind::Conflict]),
    ]
}

/// People, where they sign in, and the broker itself.
pub(super) fn of_others(schemas: &mut Schemas) -> Vec<Operation> {
    let (people, person) = (schemas.add::<operator::People>(), schemas.add::<operator::Person>());
    let suspended = schemas.add::<operator::Suspended>();
    let (cut_off, everywhere) =
        (schemas.add::<cut_offs::NewCutOffEverywhere>(), schemas.add::<cut_offs::CutOffEverywhere>());
    let (connections, check) = (schemas.add::<operator::Connections>(), schemas.add::<operator::ConnectionCheck>());
    let version = schemas.add::<operator::Version>();
    vec![
        get("/api/v1/operator/people", "listAllPeople", "Everybody who ever signed in")
            .asks("search", &json!({ "type": "string" }), "A part of a name, an id, or what somebody is known by.")
            .asks("suspended", &json!({ "type": "boolean", "default": false }), "Only those who are suspended.")
            .pages(&reference("PersonId"), 200, 100)
            .answers(OK, &people, "A page of them."),
        get("/api/v1/operator/people/{person}", "getPerson", "Somebody, for whoever runs the broker")
            .answers(OK, &person, "The person.")
            .refuses(&[Kind::NoSuchPerson]),
        changes(post("/api/v1/operator/people/{person}/suspend", "suspendPerson", "Stop somebody, everywhere and now"))
            .answers(OK, &suspended, "Every session of theirs has ended, and none begins.")
            .refuses(&[Kind::NoSuchPerson, Kind::Conflict]),
        changes(post("/api/v1/operator/people/{person}/restore", "restorePerson", "Lift a suspension"))
            .answers(OK, &person, "The person, who may sign in again.")
            .refuses(&[Kind::NoSuchPerson, Kind::Conflict]),
        changes(post("/api/v1/operator/people/{person}/cut-off", "cutPersonOff", "Cut somebody off in all labs"))
            .may_take(&cut_off)
            .answers(ACCEPTED, &everywhere, "Nothing is issued to them any more. They are not suspended by it.")
            .refuses(&[Kind::CannotBe, Kind::NoSuchPerson]),
        get(
            "/api/v1/operator/people/{person}/cut-offs/{cut_off}",
            "getCutOffOfPerson",
            "How far cutting somebody off in all labs has got",
        )
        .answers(OK, &everywhere, "The cut-off, by lab.")
        .refuses(&[Kind::NotInLab]),
        get("/api/v1/operator/connections", "listConnections", "Where people sign in, as the settings have it")
            .answers(OK, &connections, "The connections."),
        post(
            "/api/v1/operator/connections/{connection}/check",
            "checkConnection",
            "Ask a provider what it offers, now",
        )
        .answers(OK, &check, "What was found."),
        get("/api/v1/operator/version", "getVersion", "What this broker and its database are").answers(
            OK,
            &version,
            "The versions.",
        ),
    ]
}
