//! Amazon S3: whether the keys under a prefix of a bucket can be listed, by `ListObjectsV2` with at most one key.
//!
//! A bucket is asked for at its own host, as AWS's SDKs do; one with a dot in its name in the path, since no certificate
//! fits its host. Nobody says in which region a bucket is before it is asked: S3 answers in `us-east-1` and says where else.
//! That is followed once, and to S3 in that region alone: of what the answer says only the region's name is taken.
//!
//! Source: Amazon S3 API reference, `ListObjectsV2` and "Error responses"; User Guide, "Making requests using virtual
//! hosting" and "Redirects". Nobody of us has seen these answers from Amazon itself: the small AWS and moto stand in for it.

use aws_sigv4::http_request::{PayloadChecksumKind, PercentEncodingMode, SigningSettings, UriPathNormalizationMode};
use aws_smithy_xml::decode::{Document, try_data};
use url::form_urlencoded::byte_serialize;

use super::{Call, Raw, Service, Words};
use crate::domain::policy::Probe;

pub(super) const SERVICE: Service =
    Service { prefix: "s3", signing_name: "s3", region: "us-east-1", settings, call, read: words, moved };

/// The only condition key that a call is made with.
const PREFIX: &str = "s3:prefix";

/// S3 signs a path as it is sent, and wants the hash of the body in a header.
fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings
}

fn call(probe: &Probe, region: &str) -> Option<Call> {
    let bucket = probe.resource.strip_prefix("arn:aws:s3:::").filter(|name| is_bucket(name))?;
    if probe.action != "s3:ListBucket" || probe.with.keys().any(|key| key != PREFIX) {
        return None;
    }
    let prefix = probe.with.get(PREFIX).map(|prefix| format!("&prefix={}", encoded(prefix))).unwrap_or_default();
    let query = format!("list-type=2&max-keys=1{prefix}");
    let host = format!("s3.{region}.amazonaws.com");
    let path_elsewhere = format!("/{bucket}?{query}");
    let (home, path) = if bucket.contains('.') {
        (format!("https://{host}"), path_elsewhere.clone())
    } else {
        (format!("https://{bucket}.{host}"), format!("/?{query}"))
    };
    Some(Call { method: "GET", home, path, path_elsewhere, headers: Vec::new(), body: "" })
}

/// As in a query: a plus sign would be read as a space by some.
fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Source: Amazon S3 User Guide, "General purpose bucket naming rules". What is none must not get into a host's name.
fn is_bucket(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends_well = |b: Option<u8>| b.is_some_and(is_plain);
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| is_plain(b) || b == b'-' || b == b'.')
        && ends_well(name.bytes().next())
        && ends_well(name.bytes().last())
        && !name.contains("..")
}

/// `eu-central-1`. What is none must not get into a host's name.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [rest @ .., number] = &parts[..] else { return false };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    text.len() <= 32 && rest.len() >= 2 && rest.iter().all(is_word) && is_number(number)
}

/// Where S3 has the bucket: said in a header or in the body.
fn moved(raw: &Raw) -> Option<String> {
    let is_elsewhere = matches!(raw.status, 301 | 307 | 400);
    let said = || raw.bucket_region.clone().or_else(|| Answer::read(&raw.body)?.region);
    is_elsewhere.then(said).flatten().filter(|region| is_region(region))
}

/// What S3 writes.
#[derive(Default)]
struct Answer {
    root: String,
    code: Option<String>,
    message: Option<String>,
    region: Option<String>,
}

impl Answer {
    /// `None` when it is no XML.
    fn read(body: &[u8]) -> Option<Self> {
        let mut document = Document::new(std::str::from_utf8(body).ok()?);
        let mut root = document.root_element().ok()?;
        let mut answer = Self { root: root.start_el().local().to_owned(), ..Self::default() };
        while let Some(mut tag) = root.next_tag() {
            let place = match tag.start_el().local() {
                "Code" => &mut answer.code,
                "Message" => &mut answer.message,
                "Region" => &mut answer.region,
                _ => continue,
            };
            *place = Some(try_data(&mut tag).ok()?.into_owned());
        }
        Some(answer)
    }
}

fn words(raw: &Raw) -> Words {
    let answer = Answer::read(&raw.body);
    let expected = if (200..300).contains(&raw.status) { "ListBucketResult" } else { "Error" };
    if let Some(Answer { code, message, .. }) = answer.filter(|answer| answer.root == expected && !raw.is_cut) {
        return Words { is_readable: true, code, detail: None, message };
    }
    let message = Some(String::from_utf8_lossy(&raw.body).into_owned());
    Words { is_readable: false, code: None, detail: None, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Answered, ProbeAnswer, ProbeOutcome};

    fn probe(bucket: &str, with: &[(&str, &str)]) -> Probe {
        Probe {
            action: "s3:ListBucket".to_owned(),
            resource: format!("arn:aws:s3:::{bucket}"),
            with: with.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        }
    }

    fn raw(status: u16, body: &str) -> Raw {
        Raw { status, body: body.as_bytes().to_owned(), ..Raw::default() }
    }

    fn error(code: &str, message: &str, more: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}\
             <RequestId>4442587FB7D0A2F9</RequestId><HostId>x/y=</HostId></Error>"
        )
    }

    #[test]
    fn a_bucket_is_asked_for_at_its_own_host_unless_no_certificate_fits_it() {
        for (bucket, region, url) in [
            ("vision-results", "us-east-1", "https://vision-results.s3.us-east-1.amazonaws.com/?"),
            ("vision-results", "eu-central-1", "https://vision-results.s3.eu-central-1.amazonaws.com/?"),
            ("vision.results", "us-east-1", "https://s3.us-east-1.amazonaws.com/vision.results?"),
        ] {
            let call = call(&probe(bucket, &[(PREFIX, "a b+ü&max-keys=9/")]), region).unwrap();

            let query = "list-type=2&max-keys=1&prefix=a%20b%2B%C3%BC%26max-keys%3D9%2F";
            assert_eq!(format!("{}{}", call.home, call.path), format!("{url}{query}"));
            assert_eq!(call.path_elsewhere, format!("/{bucket}?{query}"));
        }
    }

    #[test]
    fn nothing_is_called_that_is_no_list_of_a_bucket() {
        let whole = probe("vision-results", &[]);
        assert!(call(&whole, "us-east-1").is_some());
        assert!(call(&Probe { action: "s3:GetObject".to_owned(), ..whole.clone() }, "us-east-1").is_none());
        assert!(call(&Probe { resource: "*".to_owned(), ..whole }, "us-east-1").is_none());
        assert!(call(&probe("vision-results", &[("s3:delimiter", "/")]), "us-east-1").is_none());
        let long = "x".repeat(64);
        for bad in ["", "ab", &long, "Vision", "a/b", "evil.example#", "a..b", "-ab", "ab.", "a@b", "a:80", "a%2fb"] {
            assert!(call(&probe(bad, &[]), "us-east-1").is_none(), "{bad}");
        }
    }

    #[test]
    fn of_where_a_bucket_is_only_a_region_is_believed() {
        let header = |status, region: &str| Raw { bucket_region: Some(region.to_owned()), ..raw(status, "") };
        assert_eq!(moved(&header(301, "eu-central-1")).as_deref(), Some("eu-central-1"));
        assert_eq!(moved(&header(400, "ap-southeast-2")).as_deref(), Some("ap-southeast-2"));
        assert_eq!(moved(&header(200, "eu-central-1")), None);
        assert_eq!(moved(&header(403, "eu-central-1")), None);
        let said = error("AuthorizationHeaderMalformed", "wrong", "<Region>us-gov-west-1</Region>");
        assert_eq!(moved(&raw(400, &said)).as_deref(), Some("us-gov-west-1"));
        let host = error("PermanentRedirect", "elsewhere", "<Endpoint>evil.example</Endpoint>");
        assert_eq!(moved(&raw(301, &host)), None);
        for bad in ["", "evil.example/", "eu-central-1.evil.example", "eu", "eu-central", "EU-central-1", "a-1", "--1"]
        {
            assert_eq!(moved(&header(301, bad)), None, "{bad}");
        }
    }

    #[test]
    fn what_s3_says_is_told_apart() {
        use ProbeOutcome as Is;
        let denied = "User: arn:aws:sts::111122223333:assumed-role/lodge-session/rs-1 is not authorized to perform: \
                      s3:ListBucket on resource: &quot;arn:aws:s3:::vision-results&quot; because no session policy allows \
                      the s3:ListBucket action";
        let list =
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name></ListBucketResult>";
        for (status, body, outcome) in [
            (200, list.to_owned(), Is::Works),
            (200, "<html><body>Please sign in</body></html>".to_owned(), Is::Other),
            (200, "not XML".to_owned(), Is::Other),
            (403, error("AccessDenied", denied, ""), Is::DeniedBySessionPolicy),
            (403, error("AccessDenied", "Access Denied", ""), Is::Denied),
            (404, error("NoSuchBucket", "The specified bucket does not exist", ""), Is::NoSuchBucket),
            (404, "<html>NoSuchBucket</html>".to_owned(), Is::Other),
            (301, error("PermanentRedirect", "The bucket is in another region", ""), Is::Other),
            (403, error("InvalidAccessKeyId", "does not exist in our records", ""), Is::Identity),
            (400, error("InvalidToken", "malformed", ""), Is::Identity),
            (400, error("ExpiredToken", "The provided token has expired.", ""), Is::Identity),
            (403, error("RequestTimeTooSkewed", "too large", ""), Is::Identity),
            (503, error("SlowDown", "Please reduce your request rate.", ""), Is::Throttled),
            (500, error("InternalError", "We encountered an internal error.", ""), Is::Other),
        ] {
            let raw = raw(status, &body);
            let Words { is_readable, code, detail, message } = words(&raw);
            let (code, detail, message) = (code.as_deref(), detail.as_deref(), message.as_deref());
            let answer = ProbeAnswer::of(&Answered { status, is_readable, code, detail, message, request_id: None });
            assert_eq!(answer.outcome, outcome, "{body}");
        }
    }

    #[test]
    fn an_answer_that_is_hostile_is_only_words() {
        let deep = format!("{}x{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
        for body in ["", "<", "<Error>", "<Error><Code>", "<Error><Code><b/></Code></Error>", "\u{0}", deep.as_str()] {
            let told = words(&raw(400, body));
            assert!(told.code.as_deref().is_none_or(str::is_empty), "{:?}", told.code);
            assert_eq!(moved(&raw(301, body)), None);
            assert!(!words(&raw(200, body)).is_readable);
        }
    }
}
