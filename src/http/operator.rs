//! Somebody at the operator's desk, before a handler runs: for everybody else there is no such page.

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Path};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::extract::{Browser, Helper};
use super::problem::Problem;
use super::sign_in;
use super::visitor::Visitor;
use crate::app::desk::{Desk, DeskError};
use crate::app::{Broker, Caller, Error, OperatorLacks, SignInWish};
use crate::console::operator::Stronger;
use crate::domain::id::{ConnectionName, LabName, PersonId};

/// An operator in a browser, who may look. Who is not signed in is sent to sign in, by a page, and refused, by a form.
#[derive(Debug)]
pub(super) struct AtDesk {
    /// Who.
    pub(super) visitor: Visitor,
    /// The desk, for looking.
    pub(super) desk: Desk,
}

impl FromRequestParts<Broker> for AtDesk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Response> {
        let visitor = if parts.method == Method::GET || parts.method == Method::HEAD {
            <Visitor as FromRequestParts<Broker>>::from_request_parts(parts, broker).await?
        } else {
            let browser = <Browser as OptionalFromRequestParts<Broker>>::from_request_parts(parts, broker).await;
            let browser = browser.and_then(|browser| browser.ok_or_else(|| Error::SignInNeeded.into()));
            Visitor::of(broker, &browser.map_err(answered)?).await.map_err(answered)?
        };
        let desk = broker.desk(&visitor.caller).await.map_err(|error| answered(error.into()))?;
        Ok(Self { visitor, desk })
    }
}

fn answered(problem: Problem) -> Response {
    problem.into_response()
}

impl AtDesk {
    /// The desk, for changing something. A sign-in that is too weak for it leads through a stronger one to `page`, which
    /// shows the form as it was.
    pub(super) async fn to_change(&self, broker: &Broker, page: &str) -> Result<Desk, Problem> {
        broker.desk_to_change(&self.visitor.caller).await.map_err(|error| {
            let lacks = if let Error::Denied(denied) = &error { OperatorLacks::of(denied) } else { None };
            let problem = Problem::from(error);
            match lacks {
                Some(lacks) => problem.again_at(again(lacks, page)),
                None => problem,
            }
        })
    }

    /// What the sign-in lacks for the form on this page.
    pub(super) fn stronger(&self, broker: &Broker, page: &str) -> Option<Stronger> {
        let lacks = broker.operator_lacks(&self.visitor.caller, &self.visitor.profile)?;
        Some(Stronger::new(lacks, again(lacks, page)))
    }
}

/// The address of a sign-in that has what another one lacks, and leads to this page.
fn again(lacks: OperatorLacks, page: &str) -> String {
    let wish = SignInWish {
        return_to: page.parse().unwrap_or_default(),
        other_account: false,
        fresh: lacks != OperatorLacks::Mfa,
        mfa: lacks != OperatorLacks::Fresh,
    };
    sign_in::link_to(&wish)
}

/// An operator's helper, which may look.
#[derive(Debug)]
pub(super) struct OperatorHelper {
    caller: Caller,
    /// The desk, for looking.
    pub(super) desk: Desk,
}

impl FromRequestParts<Broker> for OperatorHelper {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Problem> {
        let Helper(caller) = <Helper as FromRequestParts<Broker>>::from_request_parts(parts, broker).await?;
        let desk = broker.desk(&caller).await?;
        Ok(Self { caller, desk })
    }
}

impl OperatorHelper {
    /// The desk, for changing something.
    pub(super) async fn to_change(&self, broker: &Broker) -> Result<Desk, Problem> {
        Ok(broker.desk_to_change(&self.caller).await?)
    }
}

/// `/…/labs/{lab}/…`: what cannot be a lab's name is no lab's.
#[derive(Debug)]
pub(super) struct TheLab(pub(super) LabName);

/// `/…/people/{person}/…`
#[derive(Debug)]
pub(super) struct ThePerson(pub(super) PersonId);

/// `/…/connections/{connection}/…`
#[derive(Debug)]
pub(super) struct TheConnection(pub(super) ConnectionName);

impl FromRequestParts<Broker> for TheLab {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Problem> {
        part(parts, broker).await.map(Self).ok_or_else(|| Error::from(DeskError::NoSuchLab).into())
    }
}

impl FromRequestParts<Broker> for ThePerson {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Problem> {
        part(parts, broker).await.map(Self).ok_or_else(|| Error::from(DeskError::NoSuchPerson).into())
    }
}

impl FromRequestParts<Broker> for TheConnection {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Problem> {
        part(parts, broker).await.map(Self).ok_or_else(|| Error::NoSuchConnection.into())
    }
}

async fn part<T: std::str::FromStr>(parts: &mut Parts, broker: &Broker) -> Option<T> {
    let Path(text) = <Path<String> as FromRequestParts<Broker>>::from_request_parts(parts, broker).await.ok()?;
    text.parse().ok()
}

/// What somebody looks for: without what no name has in it, and no longer than any.
pub(super) fn looked_for(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
