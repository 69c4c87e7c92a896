//! Of all that is assumed and signed here, no secret is in the log, in an address, or in what is printed.

use std::io::Write;
use std::sync::{Arc, Mutex};

use lodge::aws::{AssumeSteward, Unproved};
use lodge::domain::policy::Probe;
use lodge::domain::role_session::{ExternalId, RoleSessionName};
use lodge::telemetry;
use secrecy::ExposeSecret;
use tracing_subscriber::layer::SubscriberExt;

use super::{Stage, way};
use crate::support::canaries::Canaries;
use crate::support::proxy::{Answer, RecordingProxy};

/// What somebody asks for who wants to see everything.
const EVERYTHING: &str = "trace,aws_sigv4=trace,aws_smithy_runtime=trace,aws_smithy_http_client=trace,aws_runtime=trace,\
    aws_sdk_iam=trace,aws_sdk_sts=trace,aws_config=trace,hyper=trace,hyper_util=trace";

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Looks, proves and probes, and gives what was logged and what was printed of the values.
fn everything(stage: &Stage, proxy: &RecordingProxy, dispatch: &tracing::Dispatch) -> String {
    let session = stage.session("read-results");
    // One thread, so that everything that is said is said to this subscriber.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::dispatcher::with_default(dispatch, || {
        runtime.block_on(async {
            let aws = way(&proxy.url(), &stage.identity).await;
            let (external_id, other) = (stage.lab.external_id.of_steward(), ExternalId::from_entropy([9; 16]));
            let ask = AssumeSteward {
                role: stage.names().steward(),
                external_id: &external_id,
                policy: stage.names().look_policy(),
                session_name: &RoleSessionName::of_steward([4; 10]),
            };
            let proof = Unproved::Other(&other);
            let let_in = aws.assume_steward_unproved(&ask, proof).await;
            let steward = aws.assume_steward(&ask, Stage::now()).await.unwrap();
            let found = steward.look(stage.names()).await.unwrap();
            let probe = Probe::of("mechanicalturk:ListHITs");
            let answer = aws.probe(&session, &probe, Stage::now()).await;
            assert!(found.session_role.is_some() && let_in == Ok(false) && answer.code.is_none(), "{answer:?}");
            tracing::info!(target: "lodge::app", "all of it was done");
            format!("{aws:?} {steward:?} {ask:?} {proof:?} {answer:?} {let_in:?} {session:#?}")
        })
    })
}

#[test]
fn no_secret_of_a_look_or_a_probe_is_logged_or_printed() {
    let stage = Stage::new();
    let proxy = RecordingProxy::to(stage.url.trim_start_matches("http://").parse().unwrap());
    let logged = Captured::default();
    let writer = logged.clone();
    let layer = telemetry::layer(Some(EVERYTHING), move || writer.clone(), false).unwrap();

    let printed = everything(&stage, &proxy, &tracing::Dispatch::new(tracing_subscriber::registry().with(layer)));

    let mut canaries = Canaries::default();
    canaries.add("broker's secret key", stage.identity.secret_access_key.expose_secret());
    canaries.add("broker's session token", stage.identity.session_token.as_ref().unwrap().expose_secret());
    canaries.add("external id", stage.lab.external_id.as_str());
    for call in proxy.recorded() {
        if let Some(external_id) = call.form().get("ExternalId") {
            canaries.add("external id", external_id);
        }
        // The session's own, and that of whoever signed.
        canaries.add("signature", call.header("authorization").unwrap().rsplit('=').next().unwrap());
        canaries.add("session token", call.header("x-amz-security-token").unwrap());
        let answer = call.answer.as_ref().map(Answer::body).unwrap_or_default();
        if let Some((_, rest)) = answer.split_once("<SecretAccessKey>") {
            canaries.add("secret key", rest.split('<').next().unwrap());
        }
        assert_eq!(canaries.found_in("an address", call.target.as_bytes()), [""; 0]);
    }
    let kinds = canaries.kinds();
    for (kind, least) in [("external id", 3), ("secret key", 1), ("session token", 2), ("signature", 10)] {
        assert!(kinds.iter().any(|(known, count)| *known == kind && *count >= least), "{kind}: {kinds:?}");
    }
    let logged = std::mem::take(&mut *logged.0.lock().unwrap());
    assert!(String::from_utf8_lossy(&logged).contains("all of it was done"), "the log is that of this");
    assert_eq!(canaries.found_in("log", &logged), [""; 0]);
    assert_eq!(canaries.found_in("printed", printed.as_bytes()), [""; 0]);
    // The search finds what is there: the access key id stands beside the secret in the same value.
    let mut shown = Canaries::default();
    shown.add("access key id", printed.split_once("access_key_id: \"").unwrap().1.split('"').next().unwrap());
    assert!(!shown.found_in("printed", printed.as_bytes()).is_empty());
}
