//! A lab's ledger, as those who look after it read it.

use serde::{Deserialize, Serialize};

use super::labs::NamedPerson;

/// A part of a lab's ledger: `GET /api/v1/labs/{lab}/ledger?person=&kind=&role=&from=&to=&q=&after=&limit=`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Ledger {
    /// The newest first.
    pub entries: Vec<LedgerEntry>,
    /// The people of the lab whom the entries speak of. Somebody who is none stands in the entries by their id only.
    pub people: Vec<NamedPerson>,
    /// How far back this part looked; `null` when there was nothing to look at. One request looks at 10,000 entries at
    /// most, so a part can be short, or empty, and not the last.
    #[cfg_attr(feature = "server", schema(required))]
    pub looked_back_to: Option<LedgerPlace>,
    /// `after` for the next part; `null` when all was looked through.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::LedgerMark>, required))]
    pub next: Option<String>,
}

/// A place in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LedgerPlace {
    /// 1, 2, 3, without gaps.
    pub seq: i64,
    /// The time of the entry there.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub at: String,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LedgerEntry {
    /// Its place: 1, 2, 3, without gaps.
    pub seq: i64,
    /// When.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub at: String,
    /// The kind, such as `issued`.
    pub kind: String,
    /// What happened, in words.
    pub sentence: String,
    /// Who did it: `p-…`, `operator` or `broker`; `null` when that cannot be told any more.
    pub who: Option<String>,
    /// The role that it is about.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::RoleName>, required))]
    pub role: Option<String>,
    /// Whether it is not as it was written: somebody has changed the database.
    pub is_damaged: bool,
    /// The entry itself, as it is kept; `null` when it is damaged.
    #[cfg_attr(feature = "server", schema(required))]
    pub entry: Option<serde_json::Value>,
}
