//! Buckets and what is in them, in memory and in bounds.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::super::fault::Fault;
use super::super::settings::SettingsError;
use super::not_implemented;

/// The largest object. Tools of AWS cut what is larger into parts, which are not carried out.
pub(in super::super) const OBJECT_MAX_BYTES: usize = 8 * 1024 * 1024;

/// What all buckets hold together at most: a demo may run for weeks.
const ALL_MAX_BYTES: usize = 64 * 1024 * 1024;
const ALL_MAX_OBJECTS: usize = 10_000;

/// `us-east-1`, where S3 began.
pub(super) const FIRST_REGION: &str = "us-east-1";

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub(super) name: String,
    pub(super) region: String,
    /// By key.
    objects: BTreeMap<String, Object>,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: String,
    /// AWS promises no more of it than that it changes with the content.
    pub(super) etag: String,
    pub(super) modified_at: DateTime<Utc>,
}

impl Object {
    pub(super) fn new(bytes: Vec<u8>, content_type: Option<&str>, now: DateTime<Utc>) -> Self {
        let etag = format!("\"{}\"", &hex::encode(Sha256::digest(&bytes))[..32]);
        let content_type = content_type.unwrap_or("binary/octet-stream").to_owned();
        Self { bytes, content_type, etag, modified_at: now }
    }
}

impl Bucket {
    /// An empty one in `us-east-1`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), region: FIRST_REGION.to_owned(), objects: BTreeMap::new() }
    }

    /// The same in another region.
    #[must_use]
    pub fn in_region(self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self }
    }

    /// The same with an object.
    #[must_use]
    pub fn with(mut self, key: &str, text: &str) -> Self {
        let object = Object::new(text.as_bytes().to_owned(), Some("text/plain"), DateTime::UNIX_EPOCH);
        self.objects.insert(key.to_owned(), object);
        self
    }

    /// What is under a key.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.objects.get(key).and_then(|object| std::str::from_utf8(&object.bytes).ok())
    }

    pub(super) fn object(&self, key: &str) -> Option<&Object> {
        self.objects.get(key)
    }

    /// Objects whose keys begin so, by key.
    pub(super) fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a String, &'a Object)> {
        self.objects.range(prefix.to_owned()..).take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// Source: Amazon S3 User Guide, "General purpose bucket naming rules". `console` is a page of this AWS.
    fn is_named_well(&self) -> bool {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let (name, bytes) = (&self.name, self.name.as_bytes());
        (3..=63).contains(&name.len())
            && bytes.iter().all(|b| is_plain(*b) || matches!(b, b'-' | b'.'))
            && [bytes[0], bytes[bytes.len() - 1]].into_iter().all(is_plain)
            && !name.contains("..")
            && name != "console"
    }
}

/// A bucket and whose it is.
pub(in super::super) struct Kept {
    pub(super) account: String,
    pub(super) bucket: Bucket,
}

/// Every bucket of every account: their names are the world's.
#[derive(Default)]
pub(in super::super) struct Buckets(BTreeMap<String, Kept>);

impl Buckets {
    /// Opens an account's buckets, each in the place of one of its own with that name.
    pub(in super::super) fn put(
        &mut self,
        account: &str,
        buckets: Vec<Bucket>,
        now: DateTime<Utc>,
    ) -> Result<(), SettingsError> {
        for mut bucket in buckets {
            let is_taken = self.0.get(&bucket.name).is_some_and(|kept| kept.account != account);
            if is_taken || !bucket.is_named_well() {
                return Err(SettingsError::Bucket(bucket.name));
            }
            for object in bucket.objects.values_mut() {
                object.modified_at = now;
            }
            self.0.insert(bucket.name.clone(), Kept { account: account.to_owned(), bucket });
        }
        Ok(())
    }

    pub(in super::super) fn get(&self, name: &str) -> Option<&Kept> {
        self.0.get(name)
    }

    /// A bucket as it is now.
    pub(in super::super) fn bucket(&self, name: &str) -> Option<Bucket> {
        self.0.get(name).map(|kept| kept.bucket.clone())
    }

    pub(super) fn insert(&mut self, name: &str, key: &str, object: Object) -> Result<(), Fault> {
        let others = || {
            let all =
                self.0.values().flat_map(|kept| kept.bucket.objects.iter().map(|(own, it)| (&kept.bucket, own, it)));
            all.filter(|(bucket, own, _)| bucket.name != name || *own != key)
        };
        let bytes: usize = others().map(|(_, _, object)| object.bytes.len()).sum();
        if bytes + object.bytes.len() > ALL_MAX_BYTES || others().count() >= ALL_MAX_OBJECTS {
            return Err(not_implemented("putting more: it is full"));
        }
        if let Some(kept) = self.0.get_mut(name) {
            kept.bucket.objects.insert(key.to_owned(), object);
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, name: &str, key: &str) {
        if let Some(kept) = self.0.get_mut(name) {
            kept.bucket.objects.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(bytes: usize) -> Object {
        Object::new(vec![0; bytes], None, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn names_are_the_worlds_and_are_names() {
        let mut buckets = Buckets::default();
        let mut put = |account: &str, name: &str| buckets.put(account, vec![Bucket::new(name)], DateTime::UNIX_EPOCH);

        assert!(put("111122223333", "vision-results").is_ok() && put("111122223333", "vision-results").is_ok());
        for (account, name) in [
            ("444455556666", "vision-results"),
            ("111122223333", "Vision"),
            ("111122223333", "ab"),
            ("111122223333", "-ab"),
            ("111122223333", "a..b"),
            ("111122223333", "a/b"),
            ("111122223333", "console"),
        ] {
            assert!(matches!(put(account, name), Err(SettingsError::Bucket(_))), "{name}");
        }
    }

    #[test]
    fn a_bucket_that_is_full_takes_nothing_more_but_in_the_place_of_something() {
        let mut buckets = Buckets::default();
        buckets.put("111122223333", vec![Bucket::new("full")], DateTime::UNIX_EPOCH).unwrap();
        for number in 0..ALL_MAX_BYTES / OBJECT_MAX_BYTES {
            buckets.insert("full", &number.to_string(), object(OBJECT_MAX_BYTES)).unwrap();
        }

        assert!(buckets.insert("full", "more", object(1)).is_err());
        assert!(buckets.insert("full", "0", object(OBJECT_MAX_BYTES)).is_ok());
        buckets.delete("full", "0");
        assert!(buckets.insert("full", "more", object(1)).is_ok());
    }
}
