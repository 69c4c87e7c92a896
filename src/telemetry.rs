//! Logs, on standard error. Never on standard output: a helper's standard output is a credential.
//!
//! Two filters, one after the other. What somebody asks for (`LODGE_LOG`) chooses among our own events. What other
//! crates say is capped at warnings, and no setting lifts that: below it the AWS SDK prints requests, and one variable
//! in the environment (`LOG_SENSITIVE_BODIES`) has it print answers too, the secret key and the session token among
//! them; and HTTP clients print headers.

use std::io::{IsTerminal, Write};

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, filter};

/// What is logged when nobody asks for anything.
const DEFAULT_FILTER: &str = "info";

/// The most that other crates may say.
const FOREIGN_CAP: LevelFilter = LevelFilter::WARN;

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "LODGE_LOG is not a filter: write a level (error, warn, info, debug, trace) or TARGET=LEVEL, with commas between"
)]
pub struct FilterError(#[source] filter::ParseError);

/// Starts logging to standard error. A second call changes nothing.
///
/// # Errors
///
/// When the filter cannot be read.
pub fn init(filter: Option<&str>) -> Result<(), FilterError> {
    init_in(filter, std::io::stderr().is_terminal())
}

/// The same, in colour or without.
///
/// # Errors
///
/// When the filter cannot be read.
pub fn init_in(filter: Option<&str>, colour: bool) -> Result<(), FilterError> {
    let layer = layer(filter, std::io::stderr, colour)?;
    let _ = tracing_subscriber::registry().with(layer).try_init();
    Ok(())
}

/// The one layer there is, for any writer.
///
/// # Errors
///
/// When the filter cannot be read.
pub fn layer<S, W>(wanted: Option<&str>, writer: W, colour: bool) -> Result<impl Layer<S> + use<S, W>, FilterError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let wanted = EnvFilter::try_new(wanted.unwrap_or(DEFAULT_FILTER)).map_err(FilterError)?;
    let cap = filter::filter_fn(may_be_logged);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colour).with_target(true);
    Ok(lines.with_filter(cap).with_filter(wanted))
}

fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    is_ours(metadata.target()) || *metadata.level() <= FOREIGN_CAP
}

fn is_ours(target: &str) -> bool {
    ["lodge", "lodged"]
        .iter()
        .any(|name| target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")))
}

/// Writes an error and everything behind it as one line, for people: `a: because b: because c`. An error that repeats
/// what is behind it, as some libraries' do, is not followed by it a second time.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let behind = source.to_string();
        if !text.ends_with(&behind) {
            text.push_str(": ");
            text.push_str(&behind);
        }
        next = source.source();
    }
    text
}

/// Says something to the person at the terminal, on standard error. A closed terminal is no error.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

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

    fn logged(filter: &str) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber =
            tracing_subscriber::registry().with(layer(Some(filter), move || writer.clone(), false).unwrap());
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "lodge::app", "ours-trace");
            tracing::trace!(target: "lodge", "ours-root");
            tracing::debug!(target: "aws_smithy_runtime::client", "foreign-debug");
            tracing::info!(target: "hyper::proto", "foreign-info");
            tracing::info!(target: "lodger", "foreign-lookalike");
            tracing::warn!(target: "sqlx::query", "foreign-warn");
        });
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn no_filter_lifts_the_cap_on_other_crates() {
        for filter in ["trace", "aws_smithy_runtime=trace,hyper=trace,lodger=trace,lodge=trace,sqlx=trace"] {
            let text = logged(filter);
            assert!(text.contains("ours-trace") && text.contains("ours-root"), "{filter}: {text}");
            assert!(text.contains("foreign-warn"), "{filter}: {text}");
            for capped in ["foreign-debug", "foreign-info", "foreign-lookalike"] {
                assert!(!text.contains(capped), "{filter}: {text}");
            }
        }
    }

    #[test]
    fn what_was_not_asked_for_is_not_logged() {
        assert_eq!(logged("error"), "");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_an_error() {
        assert!(layer::<tracing_subscriber::Registry, _>(Some("lodge=loud"), std::io::sink, false).is_err());
    }

    #[test]
    fn a_chain_is_one_line() {
        let inner = std::io::Error::other("disk full");
        let outer = FilterError(EnvFilter::try_new("a=b").unwrap_err());

        assert_eq!(chain(&inner), "disk full");
        assert!(chain(&outer).starts_with("LODGE_LOG is not a filter"));
        assert!(!chain(&outer).contains('\n'));
    }

    #[test]
    fn a_chain_says_nothing_twice() {
        #[derive(Debug, thiserror::Error)]
        #[error("the disk did not work: {0}")]
        struct Repeats(#[source] std::io::Error);

        assert_eq!(chain(&Repeats(std::io::Error::other("disk full"))), "the disk did not work: disk full");
    }
}
