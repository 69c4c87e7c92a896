//! What those who look after a lab send and get: its mappings, the changes that wait for a second PI, its people.

use serde::{Deserialize, Deserializer, Serialize};

/// A lab, as those who belong to it see it: `GET /api/v1/labs/{lab}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Lab {
    /// What people type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub name: String,
    /// What people read.
    pub title: String,
    /// The caller's own standing there: `member`, `manager` or `pi`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Standing))]
    pub standing: String,
    /// Its roles, by name.
    pub roles: Vec<LabRole>,
}

/// A role of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LabRole {
    /// What people type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub name: String,
    /// What it is for, in a few words.
    pub title: String,
    /// The longest session, in seconds.
    #[cfg_attr(feature = "server", schema(minimum = 900, maximum = 3600))]
    pub max_duration_seconds: u32,
}

/// One mapping: members of a group get a role. Its revision is also the `ETag` of the answer it comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Mapping {
    /// `map-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::MappingId))]
    pub id: String,
    /// The connection at which the person has to have signed in.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ConnectionName))]
    pub connection: String,
    /// What people call that connection.
    pub connection_title: String,
    /// The group, exactly as the provider writes it.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::GroupName))]
    pub group: String,
    /// The role that its members get.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub role: String,
    /// `live`, or `ended`: it gives nothing more.
    pub state: MappingState,
    /// Its conditions.
    #[serde(flatten)]
    pub terms: MappingTerms,
    /// Counts the changes, from 1. `If-Match: "3"` asks for a change of revision 3 and no other.
    #[cfg_attr(feature = "server", schema(minimum = 1))]
    pub revision: i64,
    /// When it was made.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub created_at: String,
    /// When it was last changed.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub changed_at: String,
}

/// Whether a mapping gives its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MappingState {
    /// It does.
    Live,
    /// It gives nothing more.
    Ended,
}

/// The conditions of a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MappingTerms {
    /// From when on it gives nothing more; `null`: it has no end.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub ends_at: Option<String>,
    /// The longest session it gives, 1800 to 3600 seconds; `null`: the role's own maximum.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(minimum = 1800, maximum = 3600, required))]
    pub max_duration_seconds: Option<u32>,
    /// Whether the sign-in must have used a second factor.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub needs_mfa: bool,
    /// Whether a PI must approve each person.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub needs_approval: bool,
}

/// One page of a lab's mappings: `GET /api/v1/labs/{lab}/mappings?after=map-…&limit=100`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Mappings {
    /// In the order of their ids, which is none that means anything.
    pub mappings: Vec<Mapping>,
    /// `after` for the next page; `null` on the last one.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::MappingId>, required))]
    pub next: Option<String>,
}

/// Somebody of a lab, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct NamedPerson {
    /// `p-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::PersonId))]
    pub id: String,
    /// What the university calls them, when it ever said.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub name: Option<String>,
    /// Whether the name of somebody else of the lab looks the same. Compare the ids.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub looks_like_another: bool,
}

/// A mapping's conditions at one of its revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MappingRevision {
    /// Counts the changes, from 1.
    #[cfg_attr(feature = "server", schema(minimum = 1))]
    pub revision: i64,
    /// What the conditions were.
    #[serde(flatten)]
    pub terms: MappingTerms,
    /// From when on.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub changed_at: String,
    /// Who set them; `null`: an operator, or somebody before that was kept.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub by: Option<NamedPerson>,
}

/// What became of a mapping: `GET /api/v1/labs/{lab}/mappings/{mapping}/revisions?after=3&limit=100`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MappingRevisions {
    /// The newest first.
    pub revisions: Vec<MappingRevision>,
    /// `after` for the next page; `null` on the last one.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::RevisionMark>, required))]
    pub next: Option<String>,
}

/// The other body of `POST /api/v1/labs/{lab}/mappings/{mapping}/preview`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingEnd {
    /// `true`: what ending it would do.
    pub end: bool,
}

/// What a change does to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// They get the role.
    Gains,
    /// They have it by nothing else.
    Loses,
    /// They have it on other conditions then.
    Changes,
    /// Another mapping gives it as well.
    Keeps,
}

/// Somebody of the lab who is in the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AffectedPerson {
    /// Who.
    #[serde(flatten)]
    pub person: NamedPerson,
    /// What it does to them.
    pub effect: Effect,
    /// For `changes`: on what conditions they have the role now, by whichever mapping asks for least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub before: Option<MappingTerms>,
    /// For `changes`: and then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub after: Option<MappingTerms>,
}

/// How many people's latest sign-in here was with the group who are nobody in the lab. Who they are is never said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Others {
    /// `fewer-than-five` (nobody, or up to four), `count`, or `thousand-or-more`.
    pub kind: OthersKind,
    /// For `count`: so many.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub count: Option<u32>,
}

/// See [`Others::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OthersKind {
    /// Nobody, or up to four.
    FewerThanFive,
    /// 5 to 999.
    Count,
    /// More than anybody needs to know.
    ThousandOrMore,
}

/// What a change gives whoever would make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum GivesYourself {
    /// Nothing.
    Nothing,
    /// More than they have; the lab has no other PI.
    More,
    /// More than they have, so it would wait for another PI.
    MoreAndWaits,
}

/// What a change of a mapping would do: `POST /api/v1/labs/{lab}/mappings/preview` with a [`NewMapping`], and
/// `POST …/mappings/{mapping}/preview` with a [`MappingEdit`] or a [`MappingEnd`]. It changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MappingPreview {
    /// The mapping as it is; absent when it would be new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub mapping: Option<Mapping>,
    /// See [`Mapping::connection`].
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ConnectionName))]
    pub connection: String,
    /// See [`Mapping::connection_title`].
    pub connection_title: String,
    /// See [`Mapping::group`].
    #[cfg_attr(feature = "server", schema(value_type = super::texts::GroupName))]
    pub group: String,
    /// See [`Mapping::role`].
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub role: String,
    /// What the role is for, in a few words.
    pub role_title: String,
    /// What the conditions would be; `null`: it would end.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub after: Option<MappingTerms>,
    /// The lab's own people who were in the group when they signed in last, by id.
    pub people: Vec<AffectedPerson>,
    /// Everybody else who was.
    pub others: Others,
    /// What the role is for, in a few sentences.
    pub description: String,
    /// The AWS actions that it allows.
    pub actions: Vec<String>,
    /// What it can cost.
    pub cost: String,
    /// What to have read before giving it to anybody.
    pub beware: Vec<String>,
    /// What it would give the caller.
    pub gives_yourself: GivesYourself,
    /// Whether the caller has to sign in again before they can do it.
    pub needs_fresh_sign_in: bool,
}

/// A group that people of the lab were in when they signed in last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SeenGroup {
    /// At which connection.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ConnectionName))]
    pub connection: String,
    /// What people call it.
    pub connection_title: String,
    /// The group, exactly as the provider writes it.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::GroupName))]
    pub group: String,
    /// How many of the lab's people.
    pub people: u32,
}

/// The groups of a lab's own people: `GET /api/v1/labs/{lab}/groups`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SeenGroups {
    /// Those with the most people first.
    pub groups: Vec<SeenGroup>,
    /// `after` for the next page; `null` on the last one.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::GroupsPlace>, required))]
    pub next: Option<String>,
}

/// The body of `POST /api/v1/labs/{lab}/mappings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMapping {
    /// May be left out when the broker has only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::ConnectionName>))]
    pub connection: Option<String>,
    /// The group, exactly as the provider writes it.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::GroupName))]
    pub group: String,
    /// The role.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub role: String,
    /// RFC 3339, in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub ends_at: Option<String>,
    /// 1800 to 3600, and no more than the role's maximum.
    #[serde(default, deserialize_with = "super::whole", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(minimum = 1800, maximum = 3600))]
    pub max_duration_seconds: Option<u32>,
    /// Whether the sign-in must have used a second factor.
    #[serde(default)]
    pub needs_mfa: bool,
    /// Whether a PI must approve each person.
    #[serde(default)]
    pub needs_approval: bool,
}

/// The body of `PATCH /api/v1/labs/{lab}/mappings/{mapping}`, with `If-Match`: a field that is absent stays as it is,
/// and `null` takes an end or a maximum away (RFC 7396).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MappingEdit {
    /// See [`MappingTerms::ends_at`].
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>, format = DateTime))]
    pub ends_at: Option<Option<String>>,
    /// See [`MappingTerms::max_duration_seconds`].
    #[serde(default, deserialize_with = "given_whole", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<u32>, minimum = 1800, maximum = 3600))]
    pub max_duration_seconds: Option<Option<u32>>,
    /// See [`MappingTerms::needs_mfa`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_mfa: Option<bool>,
    /// See [`MappingTerms::needs_approval`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_approval: Option<bool>,
}

/// Tells `null` (given) from absent.
#[expect(clippy::option_option, reason = "absent and null are two things in a merge patch")]
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The same for a whole number.
#[expect(clippy::option_option, reason = "absent and null are two things in a merge patch")]
fn given_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
    super::whole(deserializer).map(Some)
}

/// The answer to a change of a mapping: 200 or 201 when it holds, 202 when it waits for a second PI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum MappingOutcome {
    /// The change holds.
    Done {
        /// The mapping as it is now.
        mapping: Mapping,
    },
    /// The change benefits its author, so another PI of the lab has to confirm it. Nothing has changed yet.
    Waiting {
        /// What waits.
        change: MappingChange,
    },
}

/// A change that waits for a second PI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MappingChange {
    /// `chg-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::MappingChangeId))]
    pub id: String,
    /// The mapping that would change; absent when a new one would be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = super::texts::MappingId, required = false))]
    pub mapping: Option<String>,
    /// Who asked for it.
    pub author: LabPerson,
    /// See [`Mapping::connection`].
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ConnectionName))]
    pub connection: String,
    /// See [`Mapping::connection_title`].
    pub connection_title: String,
    /// See [`Mapping::group`].
    #[cfg_attr(feature = "server", schema(value_type = super::texts::GroupName))]
    pub group: String,
    /// See [`Mapping::role`].
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub role: String,
    /// What the conditions would be.
    #[serde(flatten)]
    pub terms: MappingTerms,
    /// When it was asked for.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub asked_at: String,
    /// When it lapses by itself.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub lapses_at: String,
}

/// The changes that wait: `GET /api/v1/labs/{lab}/mapping-changes`. `POST …/{change}/confirm` makes one hold (another PI
/// than its author), `POST …/{change}/decline` drops it (any PI, or its author).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MappingChanges {
    /// The oldest first.
    pub changes: Vec<MappingChange>,
    /// `after` for the next page; `null` on the last one.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::MappingChangePlace>, required))]
    pub next: Option<String>,
}

/// A person of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LabPerson {
    /// `p-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::PersonId))]
    pub id: String,
    /// What the university calls them, when it ever said.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub name: Option<String>,
    /// Whether the name of somebody else of the lab looks the same. Compare the ids.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub looks_like_another: bool,
    /// What people call the connection they sign in at.
    pub connection_title: String,
    /// `manager` or `pi`; absent for somebody who has neither (any more).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Office, required = false))]
    pub standing: Option<String>,
}

/// Who has a standing in the lab: `GET /api/v1/labs/{lab}/people`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LabPeople {
    /// PIs first, then managers, each by id.
    pub people: Vec<LabPerson>,
}

/// The body of `PUT /api/v1/labs/{lab}/people/{person}`, answered with the [`LabPerson`]. `DELETE` takes the standing
/// away; one's own, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Appointment {
    /// `manager` or `pi`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Office))]
    pub standing: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_tells_null_from_absent() {
        let read = |text| serde_json::from_str::<MappingEdit>(text).unwrap();

        assert_eq!(read("{}"), MappingEdit::default());
        assert_eq!(read(r#"{"ends_at":null}"#).ends_at, Some(None));
        assert_eq!(read(r#"{"max_duration_seconds":1800}"#).max_duration_seconds, Some(Some(1_800)));
        let taken_away = MappingEdit { ends_at: Some(None), ..MappingEdit::default() };
        assert_eq!(serde_json::to_string(&taken_away).unwrap(), r#"{"ends_at":null}"#);
        assert!(serde_json::from_str::<MappingEdit>(r#"{"role":"pay"}"#).is_err());
    }

    #[test]
    fn terms_stand_in_the_mapping_itself() {
        let text = r#"{"outcome":"done","mapping":{"id":"map-1","connection":"campus","connection_title":"C","group":"g",
            "role":"pay","state":"live","ends_at":null,"max_duration_seconds":1800,"needs_mfa":true,
            "needs_approval":false,"revision":2,"created_at":"a","changed_at":"b"}}"#;

        let MappingOutcome::Done { mapping } = serde_json::from_str(text).unwrap() else { panic!("not done") };

        assert_eq!((mapping.terms.max_duration_seconds, mapping.terms.needs_mfa), (Some(1_800), true));
    }
}
