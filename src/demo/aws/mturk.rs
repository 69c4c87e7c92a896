//! The Mechanical Turk requester API over JSON 1.1.
//!
//! All 39 operations are authorised alike. Those that a demo can show are carried out; the rest answer, to a caller who
//! may call them, that they are not. A caller who may not learns nothing else.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::calls::{Call, Service};
use super::fault::{Fault, denial};
use super::input::Input;
use super::marketplace::{Assignment, AssignmentState, Bonus, Hit, Marketplace, request_error};
use super::troubles::Requester;
use super::{Failure, Incoming, Inner, locked};
use crate::domain::policy::catalog;

/// What every `X-Amz-Target` begins with.
const TARGET_PREFIX: &str = "MTurkRequesterServiceV20170117.";

/// The most results of one page, and how many there are when the caller does not say.
const PAGE: (i64, i64) = (100, 10);

/// A year, in seconds: the longest a task may live and a worker may take. Source: requester API reference, `CreateHIT`.
const YEAR_SECONDS: i64 = 31_536_000;

/// Thirty days, in seconds: the longest before work is approved by itself. Source: the same page.
const MONTH_SECONDS: i64 = 2_592_000;

/// Answers one call.
pub(super) fn answer(aws: &Inner, incoming: &Incoming, call: &mut Call) -> Result<String, Failure> {
    let (session, region) =
        aws.authenticate(incoming, Service::MTurk).map_err(|refusal| refusal.fault(Service::MTurk))?;
    call.caller = Some(session.arn());
    let requester = aws.troubles.requester(session.role_arn.account());
    match &requester {
        Requester::Linked | Requester::NotLinked => {}
        Requester::Closed(closing) => return Err(closing.fault().into()),
        Requester::Unreachable => return Err(Failure::Dropped),
    }
    let unknown = || Fault::new(StatusCode::BAD_REQUEST, "UnknownOperationException", "");
    let target = incoming.parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = target.and_then(|target| target.strip_prefix(TARGET_PREFIX)).ok_or_else(unknown)?;
    let action = format!("mechanicalturk:{operation}");
    if !catalog::is_known(&action) {
        return Err(unknown().into());
    }
    operation.clone_into(&mut call.action);
    let content_type = incoming.parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if content_type != Some(Service::MTurk.content_type().as_bytes()) {
        let message = "Content-Type must be application/x-amz-json-1.1";
        return Err(Fault::new(StatusCode::BAD_REQUEST, "SerializationException", message).into());
    }
    let context = session.context(incoming.now, &region);
    // None of these actions has a resource: `*` is the only one that can be allowed.
    let access = incoming.accounts.decide(&session, None, &action, "*", &context);
    if let Some(message) = denial(access, &session.arn(), &action, None) {
        return Err(Fault::new(StatusCode::BAD_REQUEST, "AccessDeniedException", message).into());
    }
    let mut marketplaces = locked(&aws.marketplaces);
    let linked = marketplaces.get_mut(session.role_arn.account()).filter(|_| requester == Requester::Linked);
    let marketplace = linked.ok_or_else(|| {
        let message = "To use the MTurk API, you will need an Amazon Web Services (AWS) Account. Your AWS account \
                       must be linked to your Amazon Mechanical Turk Account.";
        request_error("AWS.MechanicalTurk.AccountNotLinked", message, incoming.now)
    })?;
    let operation = Operation {
        marketplace,
        input: Input::parse(&incoming.body)?,
        now: incoming.now,
        fresh_id: entity_id(aws.random.bytes()),
    };
    Ok(operation.carry_out(call.action.as_str())?.to_string())
}

/// One authorised call.
struct Operation<'a> {
    marketplace: &'a mut Marketplace,
    input: Input,
    now: DateTime<Utc>,
    /// For whatever the call creates.
    fresh_id: String,
}

impl Operation<'_> {
    fn carry_out(self, name: &str) -> Result<Value, Fault> {
        match name {
            "GetAccountBalance" => Ok(json!({ "AvailableBalance": self.marketplace.balance().to_string() })),
            "ListHITs" => self.list_hits(),
            "GetHIT" => {
                let hit = self.marketplace.hit(self.input.required_id("HITId")?, self.now)?;
                Ok(json!({ "HIT": self.hit_json(hit) }))
            }
            "ListAssignmentsForHIT" => self.list_assignments(),
            "GetAssignment" => {
                let assignment = self.marketplace.assignment(self.input.required_id("AssignmentId")?, self.now)?;
                let hit = self.marketplace.hit(&assignment.hit_id, self.now)?;
                Ok(json!({ "Assignment": assignment_json(assignment, hit), "HIT": self.hit_json(hit) }))
            }
            "CreateHIT" => self.create_hit(),
            "ApproveAssignment" => {
                let id = self.input.required_id("AssignmentId")?;
                let overridden = self.input.flag("OverrideRejection")?;
                let feedback = self.input.text("RequesterFeedback")?;
                self.marketplace.approve(id, overridden, feedback, self.now)?;
                Ok(json!({}))
            }
            "RejectAssignment" => {
                let id = self.input.required_id("AssignmentId")?;
                let feedback = self.input.required_text("RequesterFeedback")?;
                self.marketplace.reject(id, feedback, self.now)?;
                Ok(json!({}))
            }
            "SendBonus" => self.send_bonus(),
            "ListBonusPayments" => self.list_bonuses(),
            other => {
                let message = format!("The demo authorised {other} and does not carry it out.");
                Err(request_error("AWS.MechanicalTurk.NotCarriedOut", &message, self.now))
            }
        }
    }

    fn list_hits(&self) -> Result<Value, Fault> {
        let hits = self.marketplace.hits().iter().map(|hit| self.hit_json(hit)).collect();
        self.page("HITs", hits)
    }

    fn list_assignments(&self) -> Result<Value, Fault> {
        let hit = self.marketplace.hit(self.input.required_id("HITId")?, self.now)?;
        let wanted = self.input.choices("AssignmentStatuses", &["Submitted", "Approved", "Rejected"])?;
        let assignments = self
            .marketplace
            .assignments_of(&hit.id)
            .filter(|assignment| wanted.is_empty() || wanted.contains(&assignment.state.name()))
            .map(|assignment| assignment_json(assignment, hit))
            .collect();
        self.page("Assignments", assignments)
    }

    fn list_bonuses(&self) -> Result<Value, Fault> {
        let (hit, assignment) = (self.input.id("HITId")?, self.input.id("AssignmentId")?);
        if hit.is_some() == assignment.is_some() {
            let message = "Exactly one of HITId and AssignmentId must be given.";
            return Err(request_error("AWS.MechanicalTurk.InvalidParameters", message, self.now));
        }
        if let Some(id) = hit {
            self.marketplace.hit(id, self.now)?;
        }
        if let Some(id) = assignment {
            self.marketplace.assignment(id, self.now)?;
        }
        let of_hit = |bonus: &&Bonus| {
            let of = self.marketplace.assignment(&bonus.assignment_id, self.now).ok();
            assignment == Some(bonus.assignment_id.as_str())
                || of.is_some_and(|assignment| hit == Some(assignment.hit_id.as_str()))
        };
        let bonuses = self.marketplace.bonuses().iter().filter(of_hit).map(bonus_json).collect();
        self.page("BonusPayments", bonuses)
    }

    fn create_hit(self) -> Result<Value, Fault> {
        let input = &self.input;
        for member in ["AssignmentReviewPolicy", "HITReviewPolicy", "HITLayoutParameters"] {
            if input.has(member) {
                // A review policy approves work, which is paying for it, without anybody's call.
                let message = format!("The demo does not carry out {member}.");
                return Err(request_error("AWS.MechanicalTurk.NotCarriedOut", &message, self.now));
            }
        }
        let seconds = |member: &str, least, most| input.required_number(member, least, most).map(TimeDelta::seconds);
        let auto_approval = input.number("AutoApprovalDelayInSeconds", 0, MONTH_SECONDS)?.unwrap_or(MONTH_SECONDS);
        let reward = input.required_money("Reward")?;
        if reward.is_zero() {
            let message = "Reward must be at least 0.01.";
            return Err(request_error("AWS.MechanicalTurk.InvalidReward", message, self.now));
        }
        let (question, layout_id) = (input.text("Question")?, input.id("HITLayoutId")?);
        if question.is_some() == layout_id.is_some() {
            let message = "Exactly one of Question and HITLayoutId must be given.";
            return Err(request_error("AWS.MechanicalTurk.InvalidParameters", message, self.now));
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let max_assignments = input.number("MaxAssignments", 1, 1_000_000_000)?.unwrap_or(1);
        let hit = Hit {
            type_id: format!("3T{}", &self.fresh_id[2..]),
            group_id: format!("3G{}", &self.fresh_id[2..]),
            id: self.fresh_id,
            layout_id: owned(layout_id),
            created_at: self.now,
            expires_at: self.now + seconds("LifetimeInSeconds", 30, YEAR_SECONDS)?,
            title: input.required_text("Title")?.to_owned(),
            description: input.required_text("Description")?.to_owned(),
            question: question.unwrap_or_default().to_owned(),
            keywords: owned(input.text("Keywords")?),
            annotation: owned(input.text("RequesterAnnotation")?),
            qualifications: input.raw("QualificationRequirements").cloned(),
            reward,
            max_assignments: u32::try_from(max_assignments).unwrap_or(u32::MAX),
            auto_approval: TimeDelta::seconds(auto_approval),
            assignment_duration: seconds("AssignmentDurationInSeconds", 30, YEAR_SECONDS)?,
        };
        let token = input.text("UniqueRequestToken")?;
        let id = self.marketplace.create(hit, token, self.now)?.id.clone();
        let hit = self.marketplace.hit(&id, self.now)?;
        Ok(json!({ "HIT": hit_json(self.marketplace, hit, self.now) }))
    }

    fn send_bonus(self) -> Result<Value, Fault> {
        let bonus = Bonus {
            worker_id: self.input.required_id("WorkerId")?.to_owned(),
            assignment_id: self.input.required_id("AssignmentId")?.to_owned(),
            amount: self.input.required_money("BonusAmount")?,
            reason: self.input.required_text("Reason")?.to_owned(),
            granted_at: self.now,
        };
        if bonus.amount.is_zero() {
            let message = "BonusAmount must be at least 0.01.";
            return Err(request_error("AWS.MechanicalTurk.InvalidReward", message, self.now));
        }
        self.marketplace.send_bonus(bonus, self.input.text("UniqueRequestToken")?, self.now)?;
        Ok(json!({}))
    }

    /// One page of a list; the token of the next one says where it begins.
    fn page(&self, name: &str, all: Vec<Value>) -> Result<Value, Fault> {
        let (most, usual) = PAGE;
        let size = usize::try_from(self.input.number("MaxResults", 1, most)?.unwrap_or(usual)).unwrap_or(1);
        let begin = match self.input.text("NextToken")? {
            None => 0,
            Some(token) => page_begin(name, token).filter(|begin| *begin <= all.len()).ok_or_else(|| {
                request_error("AWS.MechanicalTurk.InvalidPaginationToken", "The NextToken is not valid.", self.now)
            })?,
        };
        let (total, end) = (all.len(), (begin + size).min(all.len()));
        let page: Vec<Value> = all.into_iter().skip(begin).take(size).collect();
        let mut answer = Map::new();
        answer.insert("NumResults".to_owned(), page.len().into());
        answer.insert(name.to_owned(), Value::Array(page));
        if end < total {
            answer.insert("NextToken".to_owned(), URL_SAFE_NO_PAD.encode(format!("{name}:{end}")).into());
        }
        Ok(Value::Object(answer))
    }

    fn hit_json(&self, hit: &Hit) -> Value {
        hit_json(self.marketplace, hit, self.now)
    }
}

fn page_begin(name: &str, token: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix(name)?.strip_prefix(':')?.parse().ok()
}

fn hit_json(marketplace: &Marketplace, hit: &Hit, now: DateTime<Utc>) -> Value {
    let counts = marketplace.counts(hit, now);
    without_nulls(json!({
        "HITId": hit.id,
        "HITTypeId": hit.type_id,
        "HITGroupId": hit.group_id,
        "HITLayoutId": hit.layout_id,
        "CreationTime": hit.created_at.timestamp(),
        "Title": hit.title,
        "Description": hit.description,
        "Question": hit.question,
        "Keywords": hit.keywords,
        "HITStatus": if counts.reviewable { "Reviewable" } else { "Assignable" },
        "MaxAssignments": hit.max_assignments,
        "Reward": hit.reward.to_string(),
        "AutoApprovalDelayInSeconds": hit.auto_approval.num_seconds(),
        "Expiration": hit.expires_at.timestamp(),
        "AssignmentDurationInSeconds": hit.assignment_duration.num_seconds(),
        "RequesterAnnotation": hit.annotation,
        "QualificationRequirements": hit.qualifications.clone().unwrap_or_else(|| json!([])),
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": 0,
        "NumberOfAssignmentsAvailable": counts.available,
        "NumberOfAssignmentsCompleted": counts.completed,
    }))
}

fn assignment_json(assignment: &Assignment, hit: &Hit) -> Value {
    let (approved, rejected) = match assignment.state {
        AssignmentState::Submitted => (None, None),
        AssignmentState::Approved { at } => (Some(at.timestamp()), None),
        AssignmentState::Rejected { at } => (None, Some(at.timestamp())),
    };
    without_nulls(json!({
        "AssignmentId": assignment.id,
        "WorkerId": assignment.worker_id,
        "HITId": assignment.hit_id,
        "AssignmentStatus": assignment.state.name(),
        "AutoApprovalTime": (assignment.submitted_at + hit.auto_approval).timestamp(),
        "AcceptTime": assignment.accepted_at.timestamp(),
        "SubmitTime": assignment.submitted_at.timestamp(),
        "Deadline": (assignment.accepted_at + hit.assignment_duration).timestamp(),
        "ApprovalTime": approved,
        "RejectionTime": rejected,
        "RequesterFeedback": assignment.feedback,
        "Answer": assignment.answer,
    }))
}

fn bonus_json(bonus: &Bonus) -> Value {
    json!({
        "WorkerId": bonus.worker_id,
        "BonusAmount": bonus.amount.to_string(),
        "AssignmentId": bonus.assignment_id,
        "Reason": bonus.reason,
        "GrantTime": bonus.granted_at.timestamp(),
    })
}

/// AWS leaves a member without a value out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}

/// An identifier as the requester API makes them: thirty capital letters and digits, beginning with a 3.
fn entity_id(bytes: [u8; 29]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let random = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    std::iter::once('3').chain(random).collect()
}
