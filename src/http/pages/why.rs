//! Why AWS said no, as a page: a form to paste an error or choose an action, and the answer.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::app::Broker;
use crate::console::{self, WhyForm};
use crate::http::address::InLab;
use crate::http::api::why::read_question;
use crate::http::problem::Problem;
use crate::http::visitor::{Posted, Visitor};

/// What the form sends. The text is read, and is not on the page that answers.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    error: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    role: String,
    #[serde(default, rename = "for")]
    person: String,
}

/// `GET /labs/{lab}/why`
pub(crate) async fn show(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
) -> Result<Response, Problem> {
    let roles = broker.roles(&visitor.caller, &lab).await?;
    Ok(console::why(&broker, &visitor.shell, &roles, &WhyForm::default(), None))
}

/// `POST /labs/{lab}/why`: changes nothing, and is a form so that what is pasted stands in no address.
pub(crate) async fn ask(
    State(broker): State<Broker>,
    InLab(lab): InLab,
    posted: Posted<Asked>,
) -> Result<Response, Problem> {
    let visitor = Visitor::of(&broker, &posted.browser).await?;
    let shell = visitor.shell.at(&format!("/labs/{lab}/why"));
    let roles = broker.roles(&visitor.caller, &lab).await?;
    let asked = posted.form;
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let (error, action) = (given(&asked.error), given(&asked.action));
    let mut form = WhyForm {
        action: asked.action.trim().to_owned(),
        resource: asked.resource.trim().to_owned(),
        role: asked.role.clone(),
        person: asked.person.trim().to_owned(),
        wrong: None,
    };
    let person = given(&asked.person);
    let question = read_question(
        error.as_deref(),
        // What was pasted wins: an action that is there from before is what it is about anyway.
        action.as_deref().filter(|_| error.is_none()),
        given(&asked.resource),
        given(&asked.role).as_deref(),
        person.as_deref(),
    );
    let question = match question {
        Ok(question) => question,
        Err(problem) => {
            form.wrong = Some(problem.detail().to_owned());
            let page = console::why(&broker, &shell, &roles, &form, None);
            return Ok((StatusCode::BAD_REQUEST, page).into_response());
        }
    };
    let why = broker.why(&visitor.caller, &lab, question).await?;
    Ok(console::why(&broker, &shell, &roles, &form, Some(&why)))
}
