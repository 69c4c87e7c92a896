//! `lodge logout`: end the session at the broker and delete it here. The second happens whatever becomes of the first.

use super::Helper;
use super::client::Client;
use super::credentials::Cache;
use super::failure::Failure;
use super::output::Output;
use super::session::LOCK_PATIENCE;

pub(crate) fn run(helper: &Helper, output: &mut Output<'_>) -> Result<(), Failure> {
    let sessions = helper.sessions()?;
    let Some(broker) = helper.broker(&sessions)? else {
        output.say("You were not signed in to any broker.");
        return Ok(());
    };
    let session = match sessions.stored(&broker) {
        Ok(session) => session,
        Err(failure @ Failure::DamagedSession { .. }) => {
            sessions.delete(&broker)?;
            tracing::debug!(%failure, "deleted");
            output.say(&format!("The session file for {broker} was damaged; it is deleted."));
            return Ok(());
        }
        Err(Failure::NotSignedIn { .. }) => {
            output.say(&format!("You were not signed in to {broker}."));
            return Ok(());
        }
        Err(failure) => return Err(failure),
    };

    // A helper that renews the session at this moment would write it anew; what it wrote before is what is revoked.
    let _lock = sessions.lock(&broker, LOCK_PATIENCE, || Ok(false))?;
    let session = sessions.stored(&broker).unwrap_or(session);
    let revoked = Client::new(&broker).revoke(&session.revocation_endpoint, &session.revoking_token(&broker));
    let deleted = sessions.delete(&broker);
    if let Some(cache) = Cache::of(helper) {
        cache.clear(&broker);
    }
    deleted?;

    let told = revoked.map_err(|failure| Failure::LoggedOutHereOnly {
        broker: broker.to_string(),
        reason: match failure {
            Failure::Unreachable { reason, .. } => reason,
            Failure::Unavailable { status, .. } => format!("status {status}"),
            other => other.to_string(),
        },
    });
    if told.is_ok() {
        output.say(&format!("Signed out of {broker}."));
    }
    output.say("AWS credentials that were already handed out live on until they expire, an hour at most.");
    told
}
