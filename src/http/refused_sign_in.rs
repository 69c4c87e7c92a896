//! What somebody is told whose sign-in came to nothing: what to do, by who can mend it. Why it did is in the log and in
//! the ledger, under the reference that the page shows; nothing of a provider's words is in any of the three.

use axum::http::StatusCode;

use super::problem::{Kind, Problem};
use super::{refused, sign_in};
use crate::app::SignInError;
use crate::domain::sign_in::SignInRefusal;

/// The answer to a refused sign-in.
pub(super) fn problem(error: &SignInError) -> Problem {
    let problem = what_to_do(error.refusal);
    let again = (error.refusal != SignInRefusal::Suspended)
        .then(|| error.again.as_ref().map_or_else(|| sign_in::link("/", false), sign_in::link_to));
    problem.with_reference(error.reference.to_string(), again)
}

fn what_to_do(refusal: SignInRefusal) -> Problem {
    use SignInRefusal as Why;
    let failed = |status, detail: &str| Problem::new(status, Kind::SignInFailed, "The sign-in did not work", detail);
    match refusal {
        Why::NotThisBrowser => failed(
            StatusCode::BAD_REQUEST,
            "This answer does not belong to a sign-in that this browser began, or it was used before. Begin again.",
        ),
        Why::TooLate => failed(StatusCode::BAD_REQUEST, "It took longer than ten minutes. Begin again."),
        Why::Declined => failed(
            StatusCode::FORBIDDEN,
            "Your university's sign-in did not let you in, or you left it. Begin again; if it stays so, ask your \
             university's help desk: “The sign-in turns me away from Lodge. May I use it?”",
        ),
        Why::OtherTenant => failed(
            StatusCode::FORBIDDEN,
            "You signed in with an account of another organisation. Begin again, and choose your account at this \
             university.",
        ),
        Why::OtherUniversity => failed(
            StatusCode::FORBIDDEN,
            "You signed in at a university that is not let in here. Begin again, and choose the one that your lab \
             belongs to.",
        ),
        Why::NotFresh => failed(
            StatusCode::FORBIDDEN,
            "A fresh sign-in was asked for, and your university's sign-in did not ask you anew. Sign out there, then \
             begin again. If it stays so, tell your university's help desk: “Lodge asks for `max_age`, and your \
             sign-in does not answer with `auth_time`.”",
        ),
        Why::NoSecondFactor => failed(
            StatusCode::FORBIDDEN,
            "A second factor was asked for, and your university's sign-in did not say that you used one. Begin again, \
             and sign in with your second factor. If you did, tell your university's help desk: “Your sign-in does not \
             tell Lodge of my second factor, in `acr` or `amr`.”",
        ),
        Why::Suspended => refused::suspended(),
        Why::ProviderAway => Problem::unavailable("Your university's sign-in did not answer. Try again in a moment."),
        Why::Groups => failed(
            StatusCode::BAD_GATEWAY,
            "Your university's sign-in sent your groups in a form that this broker cannot read. Tell your university's \
             help desk: “My groups must reach Lodge as a list of names.” Whoever runs this broker finds the rest under \
             the reference.",
        ),
        Why::Subject => failed(
            StatusCode::BAD_GATEWAY,
            "Your university's sign-in did not say who you are, or not in a way that this broker can keep. Tell your \
             university's help desk: “Lodge gets no usable identifier for me.” Whoever runs this broker finds the rest \
             under the reference.",
        ),
        Why::ForbiddenAddress | Why::ProviderMetadata | Why::TokenRefused => failed(
            StatusCode::BAD_GATEWAY,
            "Your university's sign-in and this broker are not set up to fit each other. Begin again; if it stays so, \
             tell whoever runs this broker, with the reference.",
        ),
        Why::WrongIssuer
        | Why::TokenAnswer
        | Why::IdTokenMissing
        | Why::IdTokenMalformed
        | Why::IdTokenType
        | Why::IdTokenAlgorithm
        | Why::IdTokenKey
        | Why::IdTokenSignature
        | Why::IdTokenIssuer
        | Why::IdTokenAudience
        | Why::IdTokenParty
        | Why::IdTokenExpired
        | Why::IdTokenTime
        | Why::IdTokenNonce
        | Why::UserInfoAnswer
        | Why::UserInfoSubject => failed(
            StatusCode::BAD_GATEWAY,
            "What your university's sign-in answered does not hold. Begin again; if it stays so, tell whoever runs this \
             broker, with the reference.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::SignInWish;
    use crate::domain::id::ActId;
    use axum::response::IntoResponse;

    async fn shown(refusal: SignInRefusal, again: Option<SignInWish>) -> (u16, String) {
        let error = SignInError { refusal, reference: ActId::from_entropy([1; 10]), again, source: None };
        let response = super::super::problem::render(problem(&error).into_response(), "req-x", true);
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 65_536).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn every_refusal_says_what_to_do_and_where_to_look() {
        for refusal in SignInRefusal::ALL {
            let (status, page) = shown(refusal, None).await;

            let can = ["egin again", "Try again", "Please ask them"].iter().any(|next| page.contains(next));
            assert!(can || page.contains("help desk"), "{refusal}: {page}");
            let reference = ActId::from_entropy([1; 10]);
            assert!(page.contains(&format!("Reference: <code>{reference}</code>")), "{refusal}: {page}");
            assert!(!page.contains("req-x"), "{refusal}: one reference is enough");
            assert!(
                !page.contains(refusal.as_str())
                    || refusal == SignInRefusal::Suspended
                    || matches!(refusal, SignInRefusal::Groups),
                "{refusal}: the page tells no reason"
            );
            assert!((400..=503).contains(&status), "{refusal}: {status}");
        }
    }

    #[tokio::test]
    async fn one_begins_again_where_one_was_going() {
        let wish = SignInWish { return_to: "/invitation".parse().unwrap(), mfa: true, ..SignInWish::default() };

        let (_, page) = shown(SignInRefusal::NoSecondFactor, Some(wish)).await;
        assert!(page.contains("/sign-in?return_to=%2Finvitation&#38;mfa=1"), "{page}");

        let (_, page) = shown(SignInRefusal::Suspended, None).await;
        assert!(!page.contains("/sign-in"), "{page}");
    }
}
