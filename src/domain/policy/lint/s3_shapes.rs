//! What the ARNs of S3's resources look like.
//!
//! Source: Service Authorization Reference, "Resource types defined by Amazon S3". The name of a bucket holds no slash,
//! and that is all that tells a bucket from an object.

/// The types and their ARNs. `#` stands for a text without a slash or a colon, `*` for any text.
const SHAPES: [(&str, &str); 13] = [
    ("accessgrant", "arn:#:s3:#:#:access-grants/default/grant/*"),
    ("accessgrantsinstance", "arn:#:s3:#:#:access-grants/default"),
    ("accessgrantslocation", "arn:#:s3:#:#:access-grants/default/location/*"),
    ("accesspoint", "arn:#:s3:#:#:accesspoint/#"),
    ("accesspointobject", "arn:#:s3:#:#:accesspoint/#/object/*"),
    ("bucket", "arn:#:s3:::#"),
    ("job", "arn:#:s3:#:#:job/*"),
    ("multiregionaccesspoint", "arn:#:s3::#:accesspoint/#"),
    ("multiregionaccesspointrequestarn", "arn:#:s3:#:#:async-request/mrap/*"),
    ("object", "arn:#:s3:::#/*"),
    ("objectlambdaaccesspoint", "arn:#:s3-object-lambda:#:#:accesspoint/#"),
    ("storagelensconfiguration", "arn:#:s3:#:#:storage-lens/*"),
    ("storagelensgroup", "arn:#:s3:#:#:storage-lens-group/*"),
];

/// The types of which a resource in a policy, with its wildcards and variables, can be one.
pub(super) fn kinds(resource: &str) -> Vec<&'static str> {
    let pattern = pattern(resource);
    SHAPES.iter().filter(|(_, shape)| overlap(&symbols(shape), &pattern)).map(|(kind, _)| *kind).collect()
}

/// One element of a shape or of a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Char(char),
    /// Any one character.
    One,
    /// Any text without slash and colon.
    Name,
    /// Any text.
    Text,
}

impl Symbol {
    const fn is_open(self) -> bool {
        matches!(self, Self::Name | Self::Text)
    }

    /// Whether there is a character that both stand for.
    const fn meets(self, other: Self) -> bool {
        const fn is_apart(c: char) -> bool {
            matches!(c, '/' | ':')
        }
        match (self, other) {
            (Self::Char(one), Self::Char(other)) => one as u32 == other as u32,
            (Self::Char(c), Self::Name) | (Self::Name, Self::Char(c)) => !is_apart(c),
            _ => true,
        }
    }
}

fn symbols(shape: &str) -> Vec<Symbol> {
    let symbol = |c| match c {
        '#' => Symbol::Name,
        '*' => Symbol::Text,
        c => Symbol::Char(c),
    };
    shape.chars().map(symbol).collect()
}

/// A variable can stand for anything.
fn pattern(resource: &str) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    let mut rest = resource.chars();
    while let Some(c) = rest.next() {
        match c {
            '$' if rest.as_str().starts_with('{') => {
                symbols.push(Symbol::Text);
                rest.by_ref().find(|c| *c == '}');
            }
            '*' => symbols.push(Symbol::Text),
            '?' => symbols.push(Symbol::One),
            c => symbols.push(Symbol::Char(c)),
        }
    }
    symbols
}

/// Whether there is a text that fits both: for each beginning of the one, which beginnings of the other fit it.
fn overlap(one: &[Symbol], other: &[Symbol]) -> bool {
    let mut row = vec![false; other.len() + 1];
    row[0] = true;
    for column in 0..other.len() {
        row[column + 1] = row[column] && other[column].is_open();
    }
    for symbol in one {
        let mut next = vec![false; other.len() + 1];
        next[0] = row[0] && symbol.is_open();
        for column in 0..other.len() {
            let mine = other[column];
            let meets = symbol.meets(mine);
            // Either open text may be empty, or take one character more of what the other stands for.
            next[column + 1] = (row[column] && meets)
                || (row[column + 1] && (symbol.is_open() || mine.is_open() && meets))
                || (next[column] && (mine.is_open() || symbol.is_open() && meets));
        }
        row = next;
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::catalog;

    #[test]
    fn every_type_of_resource_has_a_shape() {
        let known: std::collections::BTreeSet<_> =
            catalog::actions_of("s3").flat_map(|action| &action.resources).map(String::as_str).collect();

        assert!(known.iter().eq(SHAPES.iter().map(|(name, _)| name)));
    }

    fn can_be(kind: &str, resource: &str) -> bool {
        kinds(resource).contains(&kind)
    }

    #[test]
    fn a_slash_tells_an_object_from_a_bucket() {
        for (resource, bucket, object) in [
            ("arn:aws:s3:::results", true, false),
            ("arn:aws:s3:::results/*", false, true),
            ("arn:aws:s3:::results/2026/a", false, true),
            ("arn:aws:s3:::results*", true, true),
            ("arn:aws:s3:::*", true, true),
            ("arn:aws:s3:::*/*", false, true),
            ("arn:aws:s3:::res?lts", true, true),
            ("arn:aws:s3:::${aws:username}", true, true),
            ("arn:aws:s3:::${aws:username}/x", false, true),
            ("arn:aws:s3:eu-west-1:111122223333:accesspoint/a", false, false),
            ("arn:aws-cn:s3:::results", true, false),
            ("arn:*:*:*:*:*", true, true),
            ("arn:aws:sqs:::results", false, false),
        ] {
            assert_eq!((can_be("bucket", resource), can_be("object", resource)), (bucket, object), "{resource}");
        }
        assert!(can_be("accesspoint", "arn:aws:s3:eu-west-1:111122223333:accesspoint/a"));
        assert!(!can_be("accesspoint", "arn:aws:s3:eu-west-1:111122223333:accesspoint/a/object/b"));
        assert!(can_be("accesspointobject", "arn:aws:s3:eu-west-1:111122223333:accesspoint/a/object/b"));
    }
}
