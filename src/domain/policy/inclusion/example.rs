//! Resources that read like resources, for examples.
//!
//! They are suggestions: whether a call on one of them is what is looked for, is for whoever asks to say.

use super::problem::Problem;
use super::values::filled;
use crate::domain::policy::catalog;
use crate::domain::policy::context::Context;
use crate::domain::policy::glob::{Glob, Token};

/// The account that AWS uses in its documentation.
const ACCOUNT: &str = "111122223333";

/// What an action is called on.
pub(super) fn resources(action: &str) -> Vec<String> {
    let mut resources = Vec::new();
    if let Some(known) = catalog::action(action) {
        let service = known.name.split(':').next().unwrap_or_default();
        resources.extend(known.resources.iter().map(|kind| match (service, kind.as_str()) {
            ("s3", "object") => "arn:aws:s3:::bucket/key".to_owned(),
            ("s3", "bucket") => "arn:aws:s3:::bucket".to_owned(),
            ("iam" | "sts", kind) => format!("arn:aws:iam::{ACCOUNT}:{kind}/name"),
            (service, kind) => format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{kind}/name"),
        }));
        // A bucket or an object rather than an access point.
        resources.sort_by_key(|resource| !resource.starts_with("arn:aws:s3:::"));
    }
    resources.push("*".to_owned());
    resources
}

/// The resources that the policies name, with something in the place of each wildcard.
pub(super) fn filled_in(problem: &Problem<'_>, context: &Context) -> Vec<String> {
    let globs: Vec<Glob> = problem.resources().filter_map(|pattern| pattern.resolve(context)).collect();
    let texts = globs.iter().filter(|glob| glob.tokens() != [Token::AnyText]);
    let mut filled: Vec<String> =
        texts.flat_map(|glob| [filled(glob, "example"), filled(glob, ""), filled(glob, "example") + "/key"]).collect();
    filled.push("arn:aws:s3:::bucket/key".to_owned());
    filled
}

/// The service of a pattern of actions; `None` when it names none.
pub(super) fn service(glob: &Glob) -> Option<String> {
    let is_colon = |token: &&Token| **token != Token::Char(':');
    let service: Vec<Token> = glob.tokens().iter().take_while(is_colon).copied().collect();
    if service.contains(&Token::AnyText) {
        return None;
    }
    Some(filled(&service.into_iter().collect(), "").to_lowercase())
}
