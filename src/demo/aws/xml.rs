//! Just enough XML to answer the query protocol of STS and IAM, and S3.

use crate::demo::markup::escape;

/// An element that holds text.
pub(super) fn element(name: &str, text: &str) -> String {
    wrap(name, &escape(text))
}

/// An element that holds XML.
pub(super) fn wrap(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}
