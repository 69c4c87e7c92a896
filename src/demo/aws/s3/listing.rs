//! `ListObjectsV2`: keys under a prefix, those behind a delimiter drawn together, in pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::SecondsFormat;
use url::form_urlencoded::byte_serialize;

use super::super::fault::Fault;
use super::super::xml::{element, wrap};
use super::bucket::{Bucket, Object};
use super::target::Target;
use super::{NAMESPACE, invalid};

/// The most keys of a page, and how many there are when the caller does not say.
const PAGE: usize = 1_000;

/// One entry of a page.
enum Entry<'a> {
    Key(&'a str, &'a Object),
    /// What all keys up to the delimiter begin with.
    Common(&'a str),
}

impl Entry<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Key(text, _) | Self::Common(text) => text,
        }
    }
}

/// The answer, as XML.
pub(super) fn list(bucket: &Bucket, target: &Target) -> Result<String, Fault> {
    let parameter = |name: &str| target.parameter(name).unwrap_or_default();
    if target.parameter("list-type") != Some("2") {
        return Err(invalid("Invalid List Type specified in Request"));
    }
    let is_encoded = match target.parameter("encoding-type") {
        None => false,
        Some("url") => true,
        Some(_) => return Err(invalid("Invalid Encoding Method specified in Request")),
    };
    let most = match target.parameter("max-keys") {
        None => PAGE,
        Some(text) => text.parse::<i32>().ok().and_then(|most| usize::try_from(most).ok()).ok_or_else(|| {
            invalid("Provided max-keys not an integer or within integer range").with("ArgumentName", "max-keys")
        })?,
    };
    let token = target.parameter("continuation-token");
    let after_page = token.map(read_token).transpose()?;
    let (prefix, delimiter, after_key) = (parameter("prefix"), parameter("delimiter"), parameter("start-after"));
    let page = page(bucket, prefix, delimiter, after_key, after_page.as_deref(), most.min(PAGE));
    let encoded = |text: &str| if is_encoded { url_encoded(text) } else { text.to_owned() };

    let mut inner = vec![
        element("Name", &bucket.name),
        element("Prefix", &encoded(prefix)),
        element("KeyCount", &page.entries.len().to_string()),
        element("MaxKeys", &most.min(PAGE).to_string()),
        element("IsTruncated", if page.next.is_some() { "true" } else { "false" }),
    ];
    let given = |name: &'static str, parameter: &str| {
        target.parameter(parameter).filter(|text| !text.is_empty()).map(|text| element(name, &encoded(text)))
    };
    inner.extend(given("Delimiter", "delimiter"));
    inner.extend(given("StartAfter", "start-after"));
    inner.extend(is_encoded.then(|| element("EncodingType", "url")));
    inner.extend(token.map(|token| element("ContinuationToken", token)));
    inner.extend(page.next.map(|last| element("NextContinuationToken", &URL_SAFE_NO_PAD.encode(last))));
    inner.extend(page.entries.iter().map(|entry| match entry {
        Entry::Common(text) => wrap("CommonPrefixes", &element("Prefix", &encoded(text))),
        Entry::Key(key, object) => {
            let modified = object.modified_at.to_rfc3339_opts(SecondsFormat::Millis, true);
            let of_object = [
                element("Key", &encoded(key)),
                element("LastModified", &modified),
                element("ETag", &object.etag),
                element("Size", &object.bytes.len().to_string()),
                element("StorageClass", "STANDARD"),
            ];
            wrap("Contents", &of_object.concat())
        }
    }));
    Ok(format!("<ListBucketResult xmlns=\"{NAMESPACE}\">{}</ListBucketResult>", inner.concat()))
}

struct Page<'a> {
    entries: Vec<Entry<'a>>,
    /// The last entry, when there are more.
    next: Option<&'a str>,
}

fn page<'a>(
    bucket: &'a Bucket,
    prefix: &'a str,
    delimiter: &str,
    after_key: &str,
    after_page: Option<&str>,
    most: usize,
) -> Page<'a> {
    let entries = bucket.under(prefix).filter(|(key, _)| after_key.is_empty() || key.as_str() > after_key);
    let entry = |(key, object): (&'a String, &'a Object)| {
        let rest = &key[prefix.len()..];
        let end = (!delimiter.is_empty()).then(|| rest.find(delimiter)).flatten();
        end.map_or(Entry::Key(key, object), |end| Entry::Common(&key[..prefix.len() + end + delimiter.len()]))
    };
    let mut page = Page { entries: Vec::new(), next: None };
    for entry in entries.map(entry) {
        let is_drawn_together = page.entries.last().is_some_and(|last| last.text() == entry.text());
        if is_drawn_together || after_page.is_some_and(|last| entry.text() <= last) {
            continue;
        }
        if page.entries.len() == most {
            page.next = page.entries.last().map(|last| match last {
                Entry::Key(text, _) | Entry::Common(text) => *text,
            });
            break;
        }
        page.entries.push(entry);
    }
    page
}

fn read_token(token: &str) -> Result<String, Fault> {
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| invalid("The continuation token provided is incorrect"))
}

/// As clients of `encoding-type=url` read it.
fn url_encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace("%2F", "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> Bucket {
        ["a", "r/1", "r/2/x", "r/2/y", "r/3", "r-secret/1", "s"]
            .into_iter()
            .fold(Bucket::new("results"), |bucket, key| bucket.with(key, "text"))
    }

    fn texts(bucket: &Bucket, prefix: &str, delimiter: &str, after_key: &str, most: usize) -> Vec<Vec<String>> {
        let (mut pages, mut last) = (Vec::new(), None);
        loop {
            let page = page(bucket, prefix, delimiter, after_key, last.as_deref(), most);
            assert!(pages.len() < 100, "the list does not come to its end: {pages:?}");
            pages.push(page.entries.iter().map(|entry| entry.text().to_owned()).collect());
            match page.next {
                Some(next) => last = Some(next.to_owned()),
                None => return pages,
            }
        }
    }

    #[test]
    fn keys_are_those_under_the_prefix_and_drawn_together_at_the_delimiter() {
        let bucket = bucket();

        assert_eq!(texts(&bucket, "r/", "", "", 9), [["r/1", "r/2/x", "r/2/y", "r/3"]]);
        assert_eq!(texts(&bucket, "r/", "/", "", 9), [["r/1", "r/2/", "r/3"]]);
        assert_eq!(texts(&bucket, "", "/", "", 9), [["a", "r-secret/", "r/", "s"]]);
        assert_eq!(texts(&bucket, "r/", "/", "r/2/x", 9), [["r/2/", "r/3"]]);
        assert_eq!(texts(&bucket, "none/", "/", "", 9), [Vec::<String>::new()]);
    }

    #[test]
    fn pages_have_everything_once() {
        let bucket = bucket();
        for (delimiter, expected) in [("", 4), ("/", 3)] {
            for most in 1..=5 {
                let pages = texts(&bucket, "r/", delimiter, "", most);
                assert_eq!(pages.len(), usize::div_ceil(expected, most), "{most}");
                assert_eq!(pages.concat(), texts(&bucket, "r/", delimiter, "", 9)[0], "{most}");
            }
        }
        assert_eq!(texts(&bucket, "r/", "", "", 0), [Vec::<String>::new()], "and nothing is never a page of many");
    }
}
