//! The page that asks the person, and their answer.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::app::{AskedLogin, Broker, Error, Handover, HelperLogin, Lacking, SignInWish};
use crate::console;
use crate::http::extract::Browser;
use crate::http::problem::Problem;
use crate::http::sign_in;
use crate::http::visitor::Posted;
use crate::wire;

/// What a helper asks for, as it stands in the URL and again in the form that confirms it.
#[derive(Deserialize)]
pub(in crate::http) struct AuthorizeParameters {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
    #[serde(default)]
    host: String,
    #[serde(default)]
    account: String,
    max_age: Option<String>,
    acr_values: Option<String>,
}

impl AuthorizeParameters {
    fn login(&self, broker: &Broker) -> Result<HelperLogin, Problem> {
        if self.client_id != wire::HELPER_CLIENT_ID {
            return Err(Problem::malformed("This broker knows one client, the helper `lodge`."));
        }
        if self.response_type != "code" || self.code_challenge_method != "S256" {
            return Err(Problem::malformed("Only the code flow with an S256 challenge is offered."));
        }
        let asked = AskedLogin {
            redirect_uri: &self.redirect_uri,
            state: &self.state,
            code_challenge: &self.code_challenge,
            host: &self.host,
            account: &self.account,
            max_age: self.max_age.as_deref(),
            acr_values: self.acr_values.as_deref(),
        };
        broker.helper_login(&asked).map_err(|error| Error::HelperLogin(error).into())
    }
}

/// `GET /oauth/authorize`: asks the person, once they are signed in as the helper wants them to be. Nothing is stored
/// before they say yes.
pub(in crate::http) async fn authorize(
    State(broker): State<Broker>,
    uri: Uri,
    browser: Option<Browser>,
    parameters: Result<Query<AuthorizeParameters>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(parameters) = parameters.map_err(|_| incomplete())?;
    let login = parameters.login(&broker)?;
    let here = format!("/oauth/authorize?{}", uri.query().unwrap_or_default());
    let Some(browser) = browser else {
        let wanted = Lacking { fresh: login.wanted.max_age.is_some(), mfa: login.wanted.mfa };
        return Ok(Redirect::to(&stronger_sign_in(&here, wanted)).into_response());
    };
    let profile = broker.profile(&browser.caller).await?;
    let lacking = broker.lacking(&login, &profile.snapshot);
    if lacking.anything() {
        return Ok(Redirect::to(&stronger_sign_in(&here, lacking)).into_response());
    }
    let links = console::ConfirmLinks {
        as_another: sign_in::link(&here, true),
        fresh: stronger_sign_in(&here, Lacking { fresh: true, mfa: false }),
        with_mfa: stronger_sign_in(&here, Lacking { fresh: false, mfa: true }),
    };
    let form_token = broker.form_token(&browser.token);
    Ok(console::confirm(&broker, &login, &profile, form_token.expose_secret(), &links).into_response())
}

/// The address of our sign-in that comes back here with what was lacking.
fn stronger_sign_in(here: &str, lacking: Lacking) -> String {
    let return_to = here.parse().unwrap_or_default();
    sign_in::link_to(&SignInWish { return_to, fresh: lacking.fresh, mfa: lacking.mfa, ..SignInWish::default() })
}

/// The form on that page.
#[derive(Deserialize)]
pub(in crate::http) struct Confirmation {
    #[serde(flatten)]
    parameters: AuthorizeParameters,
    answer: String,
}

/// `POST /oauth/authorize`: the person's word. Answered with a page that leads on, not with a redirect: browsers apply
/// `form-action` to every redirect that follows a form, and the helper listens on an address that no policy can name.
/// A code that is to be pasted stands on that page and in no address.
pub(in crate::http) async fn confirm(
    State(broker): State<Broker>,
    Posted { browser, form }: Posted<Confirmation>,
) -> Result<Response, Problem> {
    let login = form.parameters.login(&broker)?;
    let confirmed = form.answer == "yes";
    let handover = if confirmed {
        broker.confirm_helper_login(&browser.caller, &login).await?
    } else {
        broker.decline_helper_login(&login)
    };
    Ok(match handover {
        Handover::Lead(url) => console::hand_over(&login, confirmed, url.as_str()),
        Handover::Paste(text) => console::paste(&login, Some(text.expose_secret())),
        Handover::Nothing => console::paste(&login, None),
    })
}

fn incomplete() -> Problem {
    Problem::malformed("Something is missing from this address. Run `lodge login` again.")
}
