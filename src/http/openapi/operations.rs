//! What each address of the API is for. A route without an entry here fails a test, and so does an entry without a route.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::desk;
use super::operation::{Operation, Schemas, reference};
use crate::app::LEDGER_CATEGORIES;
use crate::domain::ledger::KINDS;
use crate::http::api::accounts::CHECKS_PAGE_MAX;
use crate::http::api::cut_offs::CUT_OFFS_PAGE_MAX;
use crate::http::problem::Kind;
use crate::wire::{self, accounts, cut_offs, labs, ledger, limits, people, roles, sessions, why};

pub(super) const OK: StatusCode = StatusCode::OK;
pub(super) const CREATED: StatusCode = StatusCode::CREATED;
pub(super) const ACCEPTED: StatusCode = StatusCode::ACCEPTED;

/// What operations are listed under, in this order.
pub(super) const TAGS: [(&str, &str); 19] = [
    ("me", "The caller, and where they are signed in."),
    ("roles", "Credentials for a role; what roles can do, and making them."),
    ("templates", "What roles can be made of."),
    ("lab", "A lab."),
    ("mappings", "Which group gets which role."),
    ("groups", "Groups that could be mapped."),
    ("mapping-changes", "Changes of mappings that wait for a second PI."),
    ("overview", "A lab at a glance."),
    ("members", "A lab's people, and what each has."),
    ("role-sessions", "Credentials that were handed out and live."),
    ("cut-offs", "Credentials that were handed out and were cut off."),
    ("people", "Who looks after a lab."),
    ("ledger", "What was done in a lab, and every credential that was asked for."),
    ("account", "A lab's AWS account: joining it, and how it stands."),
    ("diagnosis", "What keeps somebody from a role."),
    ("why", "Why AWS said no to somebody."),
    ("limits", "How old sign-ins and groups may be."),
    ("operator", "Labs, people and connections, for whoever runs the broker."),
    ("openapi.json", "This description."),
];

pub(super) fn get(path: &'static str, name: &'static str, summary: &'static str) -> Operation {
    Operation::new("get", path, name, summary)
}

pub(super) fn post(path: &'static str, name: &'static str, summary: &'static str) -> Operation {
    Operation::new("post", path, name, summary)
}

fn put(path: &'static str, name: &'static str, summary: &'static str) -> Operation {
    Operation::new("put", path, name, summary)
}

fn patch(path: &'static str, name: &'static str, summary: &'static str) -> Operation {
    Operation::new("patch", path, name, summary)
}

pub(super) fn delete(path: &'static str, name: &'static str, summary: &'static str) -> Operation {
    Operation::new("delete", path, name, summary)
}

/// Every operation there is, by what it speaks of.
pub(super) fn all(schemas: &mut Schemas) -> Vec<Operation> {
    let mut all = description();
    for some in [
        of_oneself,
        of_roles,
        of_own_roles,
        of_lab,
        of_people,
        of_mappings,
        of_changes,
        of_account,
        of_why,
        of_cut_offs,
        of_ledger,
        desk::of_labs,
        desk::of_others,
    ] {
        all.extend(some(schemas));
    }
    all
}

fn description() -> Vec<Operation> {
    let anything = json!({ "type": "object", "required": ["openapi", "info", "paths"] });
    vec![get("/api/v1/openapi.json", "getDescription", "This description").answers(
        OK,
        &anything,
        "An OpenAPI document.",
    )]
}

fn of_oneself(schemas: &mut Schemas) -> Vec<Operation> {
    let (me, session) = (schemas.add::<wire::Me>(), schemas.add::<sessions::Session>());
    vec![
        get("/api/v1/me", "getMe", "Who one is, and what one may ask for").answers(OK, &me, "The caller."),
        get("/api/v1/me/sessions", "listMySessions", "Where one is signed in").answers(
            OK,
            &json!({ "type": "array", "items": session }),
            "Every live session of the caller's.",
        ),
        delete("/api/v1/me/sessions", "endMyOtherSessions", "End all of one's sessions but the one that asks")
            .answers_nothing("They have ended."),
        delete("/api/v1/me/sessions/{session}", "endMySession", "End one of one's sessions")
            .more("It may be the one that asks.")
            .answers_nothing("It has ended.")
            .refuses(&[Kind::NoSuchSession]),
    ]
}

fn of_roles(schemas: &mut Schemas) -> Vec<Operation> {
    let body = schemas.add::<wire::CredentialsRequest>();
    let credentials = schemas.add::<wire::CredentialsResponse>();
    let (edit, limits) = (schemas.add::<limits::RoleLimitsEdit>(), schemas.add::<limits::Limits>());
    let roles = schemas.add::<roles::Roles>();
    vec![
        get("/api/v1/labs/{lab}/roles", "listRoles", "What a lab's roles can do, action by action").answers(
            OK,
            &roles,
            "The roles. Which groups have them is for those who look after the lab.",
        ),
        post(
            "/api/v1/labs/{lab}/roles/{role}/credentials",
            "issueCredentials",
            "Short-lived AWS credentials for a role",
        )
        .more("Every answer but a malformed request's is in the lab's ledger before it is sent.")
        .may_take(&body)
        .answers(OK, &credentials, "The credentials. Nobody keeps them.")
        .refuses(&[
            Kind::NoSuchRole,
            Kind::NoGroupInformation,
            Kind::GroupsTooMany,
            Kind::GroupsCutOff,
            Kind::SignInTooOld,
            Kind::FreshSignInNeeded,
            Kind::MfaNeeded,
            Kind::ApprovalNeeded,
            Kind::AccountNotJoined,
            Kind::AwaitingAccountUpdate,
            Kind::Suspended,
            Kind::CutOff,
            Kind::DurationTooLong,
            Kind::LabAccountRefused,
            Kind::LabAccountRejected,
        ]),
        patch(
            "/api/v1/labs/{lab}/roles/{role}/limits",
            "setRoleLimits",
            "Say how old a sign-in may be that uses a role",
        )
        .more("300 to 43200 seconds for a role that spends, 3600 to 2592000 for any other.")
        .takes(&edit)
        .answers(OK, &limits, "What holds in the lab now.")
        .refuses(&[Kind::CannotBe, Kind::NotInLab]),
    ]
}

fn of_own_roles(schemas: &mut Schemas) -> Vec<Operation> {
    let (templates, role) = (schemas.add::<roles::Templates>(), schemas.add::<roles::RoleTerms>());
    let (new, edit) = (schemas.add::<roles::NewRole>(), schemas.add::<roles::RoleEdit>());
    let preview = schemas.add::<roles::RolePreview>();
    vec![
        get("/api/v1/labs/{lab}/templates", "listTemplates", "What a lab's roles can be made of").answers(
            OK,
            &templates,
            "The templates, by name.",
        ),
        post("/api/v1/labs/{lab}/roles", "addRole", "Make a role of a template")
            .more("Nobody has it until it is given to a group. The account's stack may have to be updated for it.")
            .takes(&new)
            .answers(CREATED, &role, "The role.")
            .version_tag(CREATED)
            .refuses(&[Kind::CannotBe, Kind::Conflict]),
        post("/api/v1/labs/{lab}/roles/preview", "previewNewRole", "What a new role would be")
            .changes_nothing()
            .takes(&new)
            .answers(OK, &preview, "What it would be. Nothing has changed.")
            .refuses(&[Kind::CannotBe, Kind::Conflict]),
        get("/api/v1/labs/{lab}/roles/{role}", "getRole", "What a role is made of, and what fills that")
            .answers(OK, &role, "The role.")
            .version_tag(OK)
            .refuses(&[Kind::NotInLab]),
        patch("/api/v1/labs/{lab}/roles/{role}", "editRole", "Fill a role otherwise, or change its longest session")
            .more("A field that is absent stays as it is. Sessions that live keep what they have.")
            .if_match_version()
            .takes(&edit)
            .answers(OK, &role, "The change holds.")
            .version_tag(OK)
            .refuses(&[Kind::CannotBe, Kind::Conflict, Kind::NotInLab]),
        post("/api/v1/labs/{lab}/roles/{role}/preview", "previewRole", "What a role would be on other terms")
            .changes_nothing()
            .takes(&edit)
            .answers(OK, &preview, "What it would be, and what that gives and takes. Nothing has changed.")
            .refuses(&[Kind::CannotBe, Kind::NotInLab]),
        post("/api/v1/labs/{lab}/roles/{role}/end", "endRole", "End a role that nobody has")
            .more("A role of the same name can be made again.")
            .if_match_version()
            .answers_nothing("It has ended.")
            .refuses(&[Kind::Conflict, Kind::NotInLab]),
    ]
}

fn of_lab(schemas: &mut Schemas) -> Vec<Operation> {
    let (lab, people, person) =
        (schemas.add::<labs::Lab>(), schemas.add::<labs::LabPeople>(), schemas.add::<labs::LabPerson>());
    let (limits, edit) = (schemas.add::<limits::Limits>(), schemas.add::<limits::LabLimitsEdit>());
    let appointment = schemas.add::<labs::Appointment>();
    vec![
        get("/api/v1/labs/{lab}", "getLab", "A lab and its roles").answers(OK, &lab, "The lab."),
        get("/api/v1/labs/{lab}/limits", "getLimits", "How old sign-ins and groups may be").answers(
            OK,
            &limits,
            "What holds in the lab.",
        ),
        patch("/api/v1/labs/{lab}/limits", "setLabLimits", "Say how old groups may be")
            .takes(&edit)
            .answers(OK, &limits, "What holds in the lab now.")
            .refuses(&[Kind::CannotBe]),
        get("/api/v1/labs/{lab}/people", "listPeople", "Who looks after a lab").answers(
            OK,
            &people,
            "PIs first, then managers.",
        ),
        put("/api/v1/labs/{lab}/people/{person}", "appoint", "Make somebody a manager or a PI")
            .takes(&appointment)
            .answers(OK, &person, "The person, with the standing that they have now.")
            .refuses(&[Kind::NotInLab, Kind::Conflict]),
        delete("/api/v1/labs/{lab}/people/{person}", "removeStanding", "Take somebody's standing away")
            .more("A PI may, and everybody their own. A lab keeps a PI.")
            .answers_nothing("They have none any more.")
            .refuses(&[Kind::NotInLab, Kind::Conflict]),
    ]
}

fn of_people(schemas: &mut Schemas) -> Vec<Operation> {
    let (overview, members) = (schemas.add::<people::Overview>(), schemas.add::<people::Members>());
    let role_sessions = schemas.add::<people::RoleSessions>();
    let place = reference("PeoplePlace");
    let search = json!({ "type": "string", "maxLength": 120 });
    let looked_for = |operation: Operation| operation.asks("q", &search, "A part of the name, or a whole id.");
    vec![
        looked_for(get("/api/v1/labs/{lab}/overview", "getOverview", "A lab at a glance"))
            .more("Its roles, its people, the sessions that live and what needs attention. The page is one of people.")
            .pages(&place, 200, 100)
            .answers(OK, &overview, "The overview."),
        looked_for(get("/api/v1/labs/{lab}/members", "listMembers", "A lab's people, and what each has"))
            .more("They are those who were given a role there and those who look after it.")
            .pages(&place, 200, 100)
            .answers(OK, &members, "A page of them."),
        get("/api/v1/labs/{lab}/role-sessions", "listRoleSessions", "Credentials that were handed out and live")
            .pages(&reference("RoleSessionPlace"), 200, 100)
            .answers(OK, &role_sessions, "A page of them, the newest first."),
    ]
}

fn end_mapping(outcome: &Value) -> Operation {
    post("/api/v1/labs/{lab}/mappings/{mapping}/end", "endMapping", "End a mapping now")
        .more("It gives nothing more from the next request on.")
        .asks(
            "cut_off",
            &json!({ "type": "boolean", "default": false }),
            "Cut off everybody who has a live session by it.",
        )
        .once()
        .if_match()
        .answers(OK, outcome, "It has ended.")
        .etag(OK)
        .refuses(&[Kind::Conflict, Kind::NotInLab])
}

fn of_mappings(schemas: &mut Schemas) -> Vec<Operation> {
    let (mapping, list) = (schemas.add::<labs::Mapping>(), schemas.add::<labs::Mappings>());
    let (new, edit) = (schemas.add::<labs::NewMapping>(), schemas.add::<labs::MappingEdit>());
    let outcome = schemas.add::<labs::MappingOutcome>();
    let (revisions, preview) = (schemas.add::<labs::MappingRevisions>(), schemas.add::<labs::MappingPreview>());
    let groups = schemas.add::<labs::SeenGroups>();
    let end = json!({
        "type": "object",
        "description": "What ending it would do.",
        "properties": { "end": { "const": true } },
        "required": ["end"],
        "additionalProperties": false,
    });
    vec![
        get("/api/v1/labs/{lab}/mappings", "listMappings", "The lab's mappings")
            .more("Those that have ended are among them.")
            .pages(&reference("MappingId"), 200, 100)
            .answers(OK, &list, "A page of them."),
        post("/api/v1/labs/{lab}/mappings", "addMapping", "Give a role to a group")
            .once()
            .takes(&new)
            .answers(CREATED, &outcome, "The mapping holds.")
            .etag(CREATED)
            .header(CREATED, "Location", &json!({ "type": "string" }), "The mapping's address.")
            .answers(
                ACCEPTED,
                &outcome,
                "It benefits the caller, so it waits for a second PI. Nothing has changed yet.",
            )
            .refuses(&[Kind::CannotBe, Kind::Conflict]),
        get("/api/v1/labs/{lab}/mappings/{mapping}", "getMapping", "One mapping")
            .answers(OK, &mapping, "The mapping.")
            .etag(OK)
            .refuses(&[Kind::NotInLab]),
        patch("/api/v1/labs/{lab}/mappings/{mapping}", "editMapping", "Change the conditions of a mapping")
            .more("A field that is absent stays as it is; `null` takes an end or a maximum away (RFC 7396).")
            .if_match()
            .takes(&edit)
            .answers(OK, &outcome, "The change holds.")
            .etag(OK)
            .answers(
                ACCEPTED,
                &outcome,
                "It benefits the caller, so it waits for a second PI. Nothing has changed yet.",
            )
            .refuses(&[Kind::CannotBe, Kind::Conflict, Kind::NotInLab]),
        end_mapping(&outcome),
        get("/api/v1/labs/{lab}/mappings/{mapping}/revisions", "listRevisions", "What became of a mapping")
            .pages(&reference("RevisionMark"), 200, 100)
            .answers(OK, &revisions, "A page of its revisions, the newest first.")
            .refuses(&[Kind::NotInLab]),
        post("/api/v1/labs/{lab}/mappings/preview", "previewNewMapping", "What a new mapping would do")
            .more("Who of the lab's people would gain or lose what; everybody else is a number.")
            .changes_nothing()
            .takes(&new)
            .answers(OK, &preview, "What it would do. Nothing has changed.")
            .refuses(&[Kind::CannotBe, Kind::Conflict]),
        post(
            "/api/v1/labs/{lab}/mappings/{mapping}/preview",
            "previewMapping",
            "What changing or ending a mapping would do",
        )
        .changes_nothing()
        .takes(&json!({ "anyOf": [edit, end] }))
        .answers(OK, &preview, "What it would do. Nothing has changed.")
        .refuses(&[Kind::CannotBe, Kind::Conflict, Kind::NotInLab]),
        get("/api/v1/labs/{lab}/groups", "listGroups", "Groups that the lab's own people were in")
            .more("At their latest sign-in; those with the most people first.")
            .pages(&reference("GroupsPlace"), 200, 100)
            .answers(OK, &groups, "A page of them."),
    ]
}

fn of_changes(schemas: &mut Schemas) -> Vec<Operation> {
    let (changes, outcome) = (schemas.add::<labs::MappingChanges>(), schemas.add::<labs::MappingOutcome>());
    vec![
        get("/api/v1/labs/{lab}/mapping-changes", "listMappingChanges", "Changes that wait for a second PI").answers(
            OK,
            &changes,
            "The oldest first.",
        ),
        post("/api/v1/labs/{lab}/mapping-changes/{change}/confirm", "confirmMappingChange", "Make a change hold")
            .more("Another PI than its author. One that cannot hold any more stays until it is declined or lapses.")
            .once()
            .answers(OK, &outcome, "The change holds.")
            .etag(OK)
            .refuses(&[Kind::CannotBe, Kind::Conflict, Kind::ChangedMeanwhile, Kind::NotInLab]),
        post("/api/v1/labs/{lab}/mapping-changes/{change}/decline", "declineMappingChange", "Drop a change that waits")
            .more("Any PI may, and its author.")
            .once()
            .answers_nothing("It is gone.")
            .refuses(&[Kind::NotInLab]),
    ]
}

fn of_account(schemas: &mut Schemas) -> Vec<Operation> {
    let (account, stack) = (schemas.add::<accounts::Account>(), schemas.add::<accounts::AccountStack>());
    let (check, checks) = (schemas.add::<accounts::AccountCheck>(), schemas.add::<accounts::AccountChecks>());
    let diagnosis = schemas.add::<accounts::Diagnosis>();
    let under_way = "The check that has begun; or the one that was under way already.";
    vec![
        get("/api/v1/labs/{lab}/account", "getAccount", "How a lab's AWS account stands").answers(
            OK,
            &account,
            "The account. What is wrong with it is for those who look after the lab.",
        ),
        get("/api/v1/labs/{lab}/account/stack", "getAccountStack", "What a lab's AWS account should have")
            .more("It is made of the lab and its roles as they are now.")
            .answers(OK, &stack, "A CloudFormation template, for whoever administers the account.")
            .refuses(&[Kind::Conflict]),
        post("/api/v1/labs/{lab}/account/join", "joinAccount", "Join a lab's AWS account")
            .more("The account has to prove itself. That takes up to a few minutes; ask for the check again meanwhile.")
            .answers(ACCEPTED, &check, under_way),
        get("/api/v1/labs/{lab}/account/checks", "listAccountChecks", "The checks of a lab's AWS account")
            .pages(&reference("AccountCheckId"), CHECKS_PAGE_MAX, 50)
            .answers(OK, &checks, "A page of them, the newest first.")
            .refuses(&[Kind::NotInLab]),
        post("/api/v1/labs/{lab}/account/checks", "checkAccount", "Look at a lab's AWS account now")
            .answers(ACCEPTED, &check, under_way),
        get("/api/v1/labs/{lab}/account/checks/{check}", "getAccountCheck", "One check of a lab's AWS account")
            .answers(OK, &check, "The check, as far as it has got.")
            .refuses(&[Kind::NotInLab]),
        get("/api/v1/labs/{lab}/diagnosis", "diagnose", "What keeps the caller from a role, if anything")
            .more("An account that was not looked at for a minute is looked at anew: ask again while `running` is set.")
            .asks("role", &reference("RoleName"), "The role; without it, the first that one is given.")
            .answers(OK, &diagnosis, "The whole chain, from the caller's sign-in to the service.")
            .refuses(&[Kind::CannotBe]),
    ]
}

fn of_cut_offs(schemas: &mut Schemas) -> Vec<Operation> {
    let (new, everywhere) = (schemas.add::<cut_offs::NewCutOff>(), schemas.add::<cut_offs::NewCutOffEverywhere>());
    let (one, list) = (schemas.add::<cut_offs::CutOff>(), schemas.add::<cut_offs::CutOffs>());
    let of_person = schemas.add::<cut_offs::CutOffEverywhere>();
    let minutes = "AWS may take minutes until all of it goes by that; the sessions die anyway at `dead_at`.";
    let after = "Nothing is issued to them any more. Ask for it again to see how far it has got.";
    vec![
        get("/api/v1/labs/{lab}/cut-offs", "listCutOffs", "What was cut off in a lab")
            .pages(&reference("CutOffId"), CUT_OFFS_PAGE_MAX, 50)
            .answers(OK, &list, "A page of it, the newest first.")
            .refuses(&[Kind::NotInLab]),
        post("/api/v1/labs/{lab}/cut-offs", "cutOff", "Cut off sessions of a lab that live")
            .more(minutes)
            .takes(&new)
            .answers(ACCEPTED, &one, after)
            .refuses(&[Kind::CannotBe, Kind::NotInLab, Kind::Conflict]),
        get("/api/v1/labs/{lab}/cut-offs/{cut_off}", "getCutOff", "How far a cut-off has got")
            .answers(OK, &one, "The cut-off.")
            .refuses(&[Kind::NotInLab]),
        post(
            "/api/v1/labs/{lab}/cut-offs/{cut_off}/lift",
            "liftCutOff",
            "Let credentials be issued again to who was kept out",
        )
        .answers(OK, &one, "The cut-off, which keeps nobody out any more.")
        .refuses(&[Kind::NotInLab, Kind::Conflict]),
        post("/api/v1/me/cut-off", "cutMyselfOff", "Cut off one's own sessions in all labs")
            .more(minutes)
            .may_take(&everywhere)
            .answers(ACCEPTED, &of_person, after)
            .refuses(&[Kind::CannotBe]),
        get("/api/v1/me/cut-offs/{cut_off}", "getMyCutOff", "How far that has got")
            .answers(OK, &of_person, "The cut-off, by lab.")
            .refuses(&[Kind::NotInLab]),
    ]
}

fn of_why(schemas: &mut Schemas) -> Vec<Operation> {
    let (question, why) = (schemas.add::<why::WhyQuestion>(), schemas.add::<why::Why>());
    let asks = "Either `error` or `action` is sent. Nothing changes, and nothing of an error's text is kept.";
    vec![
        post("/api/v1/labs/{lab}/why", "why", "Why AWS said no in a lab")
            .more(asks)
            .takes(&question)
            .answers(OK, &why, "Which policy stopped it, which roles would allow it, and whom to ask.")
            .refuses(&[Kind::CannotBe, Kind::NotInLab, Kind::StandingNeeded]),
        post("/api/v1/why", "whyAnywhere", "Why AWS said no, where the error says which lab")
            .more(asks)
            .takes(&question)
            .answers(OK, &why, "The same; without a lab, when it is none that the caller belongs to.")
            .refuses(&[Kind::CannotBe, Kind::NotInLab, Kind::StandingNeeded]),
    ]
}

/// What a ledger is looked through for.
fn looked_for(operation: Operation) -> Operation {
    let text = json!({ "type": "string", "maxLength": 200 });
    let day = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])";
    let time = "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
    let moment = format!("^((197[1-9]|19[89][0-9]|[2-8][0-9]{{3}})-({day})({time})?)?$");
    let moment = json!({ "type": "string", "pattern": moment, "examples": ["2026-11-21", "2026-11-21T09:00:00Z"] });
    let groups_of_kinds = LEDGER_CATEGORIES.iter().map(|category| category.name);
    let kinds: Vec<_> = groups_of_kinds.chain(KINDS.iter().copied()).chain([""]).collect();
    // What is empty is not looked for.
    let role = json!({ "anyOf": [reference("RoleName"), { "const": "" }] });
    operation
        .asks("person", &text, "Somebody's id, or a part of the name of somebody of the lab.")
        .asks("kind", &json!({ "type": "string", "enum": kinds }), "A kind of entry, or a group of kinds.")
        .asks("role", &role, "The role that an entry is about.")
        .asks("from", &moment, "From this day (in UTC) or moment on.")
        .asks("to", &moment, "Up to the end of this day, or before this moment.")
        .asks("q", &text, "A part of the entry as it is kept.")
        .refuses(&[Kind::CannotBe])
}

fn of_ledger(schemas: &mut Schemas) -> Vec<Operation> {
    let ledger = schemas.add::<ledger::Ledger>();
    let text = json!({ "type": "string" });
    let file = |operation: Operation| {
        looked_for(operation)
            .more("It breaks off, and the connection with it, should the caller lose the right to it meanwhile.")
            .header(OK, "Content-Disposition", &text, "A name for the file.")
    };
    vec![
        looked_for(get("/api/v1/labs/{lab}/ledger", "readLedger", "What was done in a lab"))
            .more("The newest first. A part can be short, or empty, and not the last: go by `next`.")
            .pages(&json!({ "anyOf": [reference("LedgerMark"), { "const": "" }] }), 200, 50)
            .answers(OK, &ledger, "A part of the ledger."),
        file(
            get("/api/v1/labs/{lab}/ledger/export.csv", "exportLedgerCsv", "The ledger for a spreadsheet").answers_in(
                "text/csv",
                OK,
                &text,
                "All that was looked for (RFC 4180). No cell of it is a formula.",
            ),
        ),
        file(
            get("/api/v1/labs/{lab}/ledger/export.jsonl", "exportLedgerJsonLines", "The ledger for a program")
                .answers_in(
                    "application/x-ndjson",
                    OK,
                    &text,
                    "All that was looked for: an entry a line, as it is kept.",
                ),
        ),
    ]
}
