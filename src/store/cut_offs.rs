//! Sessions that were cut off, and the deny of them at each lab's session role.

use chrono::{DateTime, Utc};

use super::ledger::END_OF_TIME;
use super::sql::{run, run_across, run_in_lab, statements};
use super::{Error, LabTx, MaybeTime, Result, Tx, column};
use crate::domain::actor::Actor;
use crate::domain::cut_off::{
    CutOffCause, CutOffReason, CutOffSteps, DenialSeen, DenyEntry, DenyMoment, DenyTrouble, Whose,
};
use crate::domain::id::{CutOffId, LabName, MappingId, PersonId, RoleName};

statements! {
    platform {
        INSERT_PERSON_CUT_OFF = "insert into person_cut_off \
            (id, person_id, actor, cause, reason, stopped_at, denied_before_at) values ($1, $2, $3, $4, $5, $6, $7)";
        PERSON_CUT_OFF = "select id, person_id, actor, cause, reason, stopped_at, denied_before_at, spread_at \
            from person_cut_off where id = $1 and person_id = $2";
        /// What is not in every lab yet that it has to be in.
        CUT_OFFS_TO_SPREAD = "select id, person_id, actor, cause, reason, stopped_at, denied_before_at, spread_at \
            from person_cut_off where spread_at is null order by stopped_at, id limit $1";
        LATEST_PERSON_CUT_OFF = "select id, person_id, actor, cause, reason, stopped_at, denied_before_at, spread_at \
            from person_cut_off where person_id = $1 order by denied_before_at desc, id desc limit 1";
        SPREAD = "update person_cut_off set spread_at = $2 where id = $1 and spread_at is null";
        /// For the sweep: what nobody looks at any more.
        FORGET_PERSON_CUT_OFFS = "delete from person_cut_off where denied_before_at < $1";
    }
    lab {
        INSERT_CUT_OFF = "insert into cut_off (lab_id, id, person_id, role, everywhere_id, actor, cause, reason, sessions, \
            stopped_at, denied_before_at, over_at, dead_at, is_held, revision, denial) \
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'not-yet')";
        CUT_OFF = "select id, person_id, role, everywhere_id, actor, cause, reason, sessions, stopped_at, denied_before_at, \
            over_at, dead_at, is_held, lifted_at, revision, written_at, read_back_at, denial, denied_at from cut_off \
            where lab_id = $1 and id = $2";
        CUT_OFFS = "select id, person_id, role, everywhere_id, actor, cause, reason, sessions, stopped_at, denied_before_at, \
            over_at, dead_at, is_held, lifted_at, revision, written_at, read_back_at, denial, denied_at from cut_off \
            where lab_id = $1 and (stopped_at < $2 or (stopped_at = $2 and id < $3)) \
            order by stopped_at desc, id desc limit $4";
        /// Those by which sessions can still be denied.
        LIVE_CUT_OFFS = "select id, person_id, role, everywhere_id, actor, cause, reason, sessions, stopped_at, denied_before_at, \
            over_at, dead_at, is_held, lifted_at, revision, written_at, read_back_at, denial, denied_at from cut_off \
            where lab_id = $1 and over_at > $2 order by stopped_at desc, id desc";
        DENY_ENTRIES = "select person_id, role, denied_before_at from cut_off where lab_id = $1 and over_at > $2";
        /// Whom somebody keeps out.
        HOLDS = "select person_id, role from cut_off where lab_id = $1 and is_held and lifted_at is null";
        NEXT_OVER = "select min(over_at) as at from cut_off where lab_id = $1 and over_at > $2";
        NOTE_WRITTEN = "update cut_off set written_at = $3 where lab_id = $1 and revision <= $2 and written_at is null";
        NOTE_READ_BACK = "update cut_off set read_back_at = $3, written_at = coalesce(written_at, $3) \
            where lab_id = $1 and revision <= $2 and read_back_at is null";
        NOTE_DENIAL = "update cut_off set denial = $3, denied_at = $4 \
            where lab_id = $1 and revision <= $2 and denial = 'not-yet' and read_back_at is not null";
        LIFT = "update cut_off set lifted_at = $3 where lab_id = $1 and id = $2 and is_held and lifted_at is null";
        DENY = "select wanted, written, read_back, policy_sha256, written_at, overflow_at, room, due_at, tries, trouble, \
            lease, lease_ends_at from lab_deny where lab_id = $1";
        PUT_DENY = "insert into lab_deny (lab_id, wanted, written, read_back, policy_sha256, written_at, overflow_at, \
            room, due_at, tries, trouble, lease, lease_ends_at) \
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (lab_id) do update set \
            wanted = excluded.wanted, written = excluded.written, read_back = excluded.read_back, \
            policy_sha256 = excluded.policy_sha256, written_at = excluded.written_at, \
            overflow_at = excluded.overflow_at, room = excluded.room, due_at = excluded.due_at, \
            tries = excluded.tries, trouble = excluded.trouble, lease = excluded.lease, \
            lease_ends_at = excluded.lease_ends_at";
        /// How many sessions live that are somebody's, a role's or everybody's, and when the last of them dies.
        SESSIONS_TO_CUT = "select count(*) as sessions, max(expires_at) as last from role_session where lab_id = $1 and expires_at > $2 \
            and ($3 = '' or person_id = $3) and ($4 = '' or role = $4)";
        PEOPLE_OF_MAPPING = "select distinct person_id from role_session \
            where lab_id = $1 and mapping_id = $2 and expires_at > $3 order by person_id";
        CUT_OFF_OF_EVERYWHERE = "select id from cut_off where lab_id = $1 and everywhere_id = $2";
    }
    across {
        /// For whoever looks after the denies: the labs in which something is due, and nobody is at it.
        DENIES_DUE = "select lab.name from lab_deny join lab on lab.id = lab_deny.lab_id where lab_deny.due_at <= $1 \
            and (lab_deny.lease_ends_at is null or lab_deny.lease_ends_at <= $1) order by lab_deny.due_at limit $2";
        /// For the only broker of a database, when it starts: what it has left behind.
        DROP_LEASES = "update lab_deny set lease = null, lease_ends_at = null where lease is not null";
        /// For somebody who is cut off in all labs: the labs in which sessions of theirs live, or are about to. In one
        /// statement: an attempt ends in the transaction that its session begins in.
        LABS_WITH_SESSIONS = "select lab.name as name from role_session join lab on lab.id = role_session.lab_id \
            where role_session.person_id = $1 and role_session.expires_at > $2 \
            union select lab.name as name from open_attempt join lab on lab.id = open_attempt.book \
            where open_attempt.person = $1 order by name";
        /// Of a cut-off in all labs: where it has got to.
        CUT_OFFS_OF_EVERYWHERE = "select lab.name as lab, cut_off.id as id, cut_off.person_id as person_id, \
            cut_off.role as role, cut_off.everywhere_id as everywhere_id, cut_off.actor as actor, cut_off.cause as cause, \
            cut_off.reason as reason, cut_off.sessions as sessions, cut_off.stopped_at as stopped_at, \
            cut_off.denied_before_at as denied_before_at, cut_off.over_at as over_at, cut_off.dead_at as dead_at, \
            cut_off.is_held as is_held, cut_off.lifted_at as lifted_at, cut_off.revision as revision, \
            cut_off.written_at as written_at, cut_off.read_back_at as read_back_at, cut_off.denial as denial, \
            cut_off.denied_at as denied_at from cut_off join lab on lab.id = cut_off.lab_id \
            where cut_off.everywhere_id = $1 order by lab.name";
        /// For the sweep: what nobody looks at any more.
        FORGET_CUT_OFFS = "delete from cut_off where over_at < $1 and (not is_held or lifted_at is not null)";
    }
}

/// Sessions that were cut off in a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutOffRow {
    /// Which.
    pub id: CutOffId,
    /// Whose sessions.
    pub whose: Whose,
    /// The cut-off in all labs that it is a part of.
    pub everywhere: Option<CutOffId>,
    /// Who did it.
    pub by: Actor,
    /// What led to it.
    pub cause: CutOffCause,
    /// Why, in the words of whoever did it.
    pub reason: Option<CutOffReason>,
    /// How many sessions of these lived.
    pub sessions: u32,
    /// Sessions that AWS issued before this are denied.
    pub before: DenyMoment,
    /// When the last of these that is known dies by itself.
    pub dead_at: MaybeTime,
    /// Whether they are kept out until somebody lifts it.
    pub held: bool,
    /// When somebody did.
    pub lifted_at: MaybeTime,
    /// The first revision of the lab's deny that has it.
    pub revision: i64,
    /// How far it has got.
    pub steps: CutOffSteps,
}

/// The deny at a lab's session role: what is wanted, what AWS has, and when somebody has to see to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyRow {
    /// The revision that is wanted: one more with each cut-off.
    pub wanted: i64,
    /// The one that AWS has taken.
    pub written: i64,
    /// The one that AWS gave back.
    pub read_back: i64,
    /// SHA-256 of what AWS took last, `none` for no policy; nothing when that is not known.
    pub policy_sha256: Option<String>,
    /// When AWS took it.
    pub written_at: MaybeTime,
    /// Before when everybody's sessions are denied, because the rest did not fit.
    pub overflow: Option<DenyMoment>,
    /// How many characters the deny may have.
    pub room: u32,
    /// When somebody has to see to it; nothing when there is nothing to deny.
    pub due_at: MaybeTime,
    /// How often it was tried in vain since it last worked.
    pub tries: u32,
    /// What kept it from working.
    pub trouble: Option<DenyTrouble>,
    /// Who is at it, and until when nobody else is.
    pub lease: Option<(String, DateTime<Utc>)>,
}

/// Somebody who was cut off in all labs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonCutOffRow {
    /// Which.
    pub id: CutOffId,
    /// Who.
    pub person: PersonId,
    /// Who did it.
    pub by: Actor,
    /// What led to it.
    pub cause: CutOffCause,
    /// Why, in the words of whoever did it.
    pub reason: Option<CutOffReason>,
    /// When nothing was issued to them any more.
    pub stopped_at: DateTime<Utc>,
    /// Sessions that AWS issued before this are denied.
    pub before: DenyMoment,
    /// When it was in every lab that it had to be in.
    pub spread_at: MaybeTime,
}

impl From<&CutOffRow> for DenyEntry {
    fn from(row: &CutOffRow) -> Self {
        Self { whose: row.whose.clone(), before: row.before }
    }
}

#[derive(sqlx::FromRow)]
struct RawCutOff {
    id: String,
    person_id: Option<String>,
    role: Option<String>,
    everywhere_id: Option<String>,
    actor: String,
    cause: String,
    reason: Option<String>,
    sessions: i64,
    stopped_at: DateTime<Utc>,
    denied_before_at: DateTime<Utc>,
    dead_at: MaybeTime,
    is_held: bool,
    lifted_at: MaybeTime,
    revision: i64,
    written_at: MaybeTime,
    read_back_at: MaybeTime,
    denial: String,
    denied_at: MaybeTime,
}

#[derive(sqlx::FromRow)]
struct RawCutOffOfLab {
    lab: String,
    #[sqlx(flatten)]
    cut_off: RawCutOff,
}

#[derive(sqlx::FromRow)]
struct RawEntry {
    person_id: Option<String>,
    role: Option<String>,
    denied_before_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct RawDeny {
    wanted: i64,
    written: i64,
    read_back: i64,
    policy_sha256: Option<String>,
    written_at: MaybeTime,
    overflow_at: MaybeTime,
    room: i64,
    due_at: MaybeTime,
    tries: i64,
    trouble: Option<String>,
    lease: Option<String>,
    lease_ends_at: MaybeTime,
}

#[derive(sqlx::FromRow)]
struct RawPersonCutOff {
    id: String,
    person_id: String,
    actor: String,
    cause: String,
    reason: Option<String>,
    stopped_at: DateTime<Utc>,
    denied_before_at: DateTime<Utc>,
    spread_at: MaybeTime,
}

fn whose(person: Option<&str>, role: Option<&str>) -> Result<Whose> {
    match (person, role) {
        (Some(person), None) => Ok(Whose::Person(column(person, "cut_off", "person_id")?)),
        (None, Some(role)) => Ok(Whose::Role(column(role, "cut_off", "role")?)),
        (None, None) => Ok(Whose::Everyone),
        (Some(_), Some(_)) => Err(Error::Inconsistent { table: "cut_off", column: "role" }),
    }
}

fn actor(text: &str, table: &'static str) -> Result<Actor> {
    serde_json::from_str(text).map_err(|_| Error::Inconsistent { table, column: "actor" })
}

fn actor_text(by: &Actor, table: &'static str) -> Result<String> {
    serde_json::to_string(by).map_err(|_| Error::Inconsistent { table, column: "actor" })
}

fn whole<T: TryFrom<i64>>(number: i64, table: &'static str, column: &'static str) -> Result<T> {
    number.try_into().map_err(|_| Error::Inconsistent { table, column })
}

impl TryFrom<RawCutOff> for CutOffRow {
    type Error = Error;

    fn try_from(row: RawCutOff) -> Result<Self> {
        let denial = DenialSeen::of(&row.denial, row.denied_at);
        Ok(Self {
            id: column(&row.id, "cut_off", "id")?,
            whose: whose(row.person_id.as_deref(), row.role.as_deref())?,
            everywhere: row.everywhere_id.map(|id| column(&id, "cut_off", "everywhere_id")).transpose()?,
            by: actor(&row.actor, "cut_off")?,
            cause: column(&row.cause, "cut_off", "cause")?,
            reason: row.reason.map(|text| column(&text, "cut_off", "reason")).transpose()?,
            sessions: whole(row.sessions, "cut_off", "sessions")?,
            before: DenyMoment::of(row.denied_before_at),
            dead_at: row.dead_at,
            held: row.is_held,
            lifted_at: row.lifted_at,
            revision: row.revision,
            steps: CutOffSteps {
                stopped_at: row.stopped_at,
                written_at: row.written_at,
                read_back_at: row.read_back_at,
                denial: denial.map_err(|_| Error::Inconsistent { table: "cut_off", column: "denial" })?,
            },
        })
    }
}

impl TryFrom<RawDeny> for DenyRow {
    type Error = Error;

    fn try_from(row: RawDeny) -> Result<Self> {
        Ok(Self {
            wanted: row.wanted,
            written: row.written,
            read_back: row.read_back,
            policy_sha256: row.policy_sha256,
            written_at: row.written_at,
            overflow: row.overflow_at.map(DenyMoment::of),
            room: whole(row.room, "lab_deny", "room")?,
            due_at: row.due_at,
            tries: whole(row.tries, "lab_deny", "tries")?,
            trouble: row.trouble.map(|word| column(&word, "lab_deny", "trouble")).transpose()?,
            lease: row.lease.zip(row.lease_ends_at),
        })
    }
}

impl TryFrom<RawPersonCutOff> for PersonCutOffRow {
    type Error = Error;

    fn try_from(row: RawPersonCutOff) -> Result<Self> {
        Ok(Self {
            id: column(&row.id, "person_cut_off", "id")?,
            person: column(&row.person_id, "person_cut_off", "person_id")?,
            by: actor(&row.actor, "person_cut_off")?,
            cause: column(&row.cause, "person_cut_off", "cause")?,
            reason: row.reason.map(|text| column(&text, "person_cut_off", "reason")).transpose()?,
            stopped_at: row.stopped_at,
            before: DenyMoment::of(row.denied_before_at),
            spread_at: row.spread_at,
        })
    }
}

impl LabTx<'_> {
    /// Keeps a cut-off that begins.
    pub async fn insert_cut_off(&mut self, row: &CutOffRow) -> Result<()> {
        let by = actor_text(&row.by, "cut_off")?;
        run_in_lab!(
            self,
            execute INSERT_CUT_OFF,
            row.id.as_str(),
            row.whose.person().map(PersonId::as_str),
            row.whose.role().map(RoleName::as_str),
            row.everywhere.as_ref().map(CutOffId::as_str),
            by.as_str(),
            row.cause.as_str(),
            row.reason.as_ref().map(CutOffReason::as_str),
            i64::from(row.sessions),
            row.steps.stopped_at,
            row.before.at(),
            row.before.over_at(),
            row.dead_at,
            row.held,
            row.revision,
        )?;
        Ok(())
    }

    /// One cut-off.
    pub async fn cut_off(&mut self, id: &CutOffId) -> Result<Option<CutOffRow>> {
        let row: Option<RawCutOff> = run_in_lab!(self, fetch_optional RawCutOff: CUT_OFF, id.as_str())?;
        row.map(CutOffRow::try_from).transpose()
    }

    /// At most `limit` of them, the newest first, before the given one.
    pub async fn cut_offs(&mut self, before: Option<&CutOffRow>, limit: u32) -> Result<Vec<CutOffRow>> {
        let (at, id) = before.map_or((END_OF_TIME, ""), |row| (row.steps.stopped_at, row.id.as_str()));
        let rows: Vec<RawCutOff> = run_in_lab!(self, fetch_all RawCutOff: CUT_OFFS, at, id, i64::from(limit))?;
        rows.into_iter().map(CutOffRow::try_from).collect()
    }

    /// Those by which sessions can still be denied, the newest first.
    pub async fn live_cut_offs(&mut self, now: DateTime<Utc>) -> Result<Vec<CutOffRow>> {
        let rows: Vec<RawCutOff> = run_in_lab!(self, fetch_all RawCutOff: LIVE_CUT_OFFS, now)?;
        rows.into_iter().map(CutOffRow::try_from).collect()
    }

    /// What the deny is made of.
    pub async fn deny_entries(&mut self, now: DateTime<Utc>) -> Result<Vec<DenyEntry>> {
        let rows: Vec<RawEntry> = run_in_lab!(self, fetch_all RawEntry: DENY_ENTRIES, now)?;
        rows.into_iter()
            .map(|row| {
                let whose = whose(row.person_id.as_deref(), row.role.as_deref())?;
                Ok(DenyEntry { whose, before: DenyMoment::of(row.denied_before_at) })
            })
            .collect()
    }

    /// Whom somebody keeps out.
    pub async fn holds(&mut self) -> Result<Vec<Whose>> {
        let rows: Vec<(Option<String>, Option<String>)> =
            run_in_lab!(self, fetch_all (Option<String>, Option<String>): HOLDS)?;
        rows.iter().map(|(person, role)| whose(person.as_deref(), role.as_deref())).collect()
    }

    /// When the next of these is not needed any more.
    pub async fn next_over(&mut self, now: DateTime<Utc>) -> Result<MaybeTime> {
        let (at,): (MaybeTime,) = run_in_lab!(self, fetch_one (MaybeTime,): NEXT_OVER, now)?;
        Ok(at)
    }

    /// Notes that AWS has taken this revision.
    pub async fn note_written(&mut self, revision: i64, at: DateTime<Utc>) -> Result<()> {
        run_in_lab!(self, execute NOTE_WRITTEN, revision, at)?;
        Ok(())
    }

    /// Notes that AWS gave this revision back as it was written.
    pub async fn note_read_back(&mut self, revision: i64, at: DateTime<Utc>) -> Result<()> {
        run_in_lab!(self, execute NOTE_READ_BACK, revision, at)?;
        Ok(())
    }

    /// Notes what came of trying whether this revision denies.
    pub async fn note_denial(&mut self, revision: i64, denial: DenialSeen) -> Result<()> {
        let at = if let DenialSeen::At(at) = denial { Some(at) } else { None };
        run_in_lab!(self, execute NOTE_DENIAL, revision, denial.as_str(), at)?;
        Ok(())
    }

    /// Lets credentials be issued again to who was kept out; false when nobody was by this one, or is any more.
    pub async fn lift_cut_off(&mut self, id: &CutOffId, at: DateTime<Utc>) -> Result<bool> {
        Ok(run_in_lab!(self, execute LIFT, id.as_str(), at)? == 1)
    }

    /// How the lab's deny stands; nothing when there never was one.
    pub async fn deny(&mut self) -> Result<Option<DenyRow>> {
        let row: Option<RawDeny> = run_in_lab!(self, fetch_optional RawDeny: DENY)?;
        row.map(DenyRow::try_from).transpose()
    }

    /// Writes how it stands.
    pub async fn put_deny(&mut self, row: &DenyRow) -> Result<()> {
        run_in_lab!(
            self,
            execute PUT_DENY,
            row.wanted,
            row.written,
            row.read_back,
            row.policy_sha256.as_deref(),
            row.written_at,
            row.overflow.map(DenyMoment::at),
            i64::from(row.room),
            row.due_at,
            i64::from(row.tries),
            row.trouble.map(DenyTrouble::as_str),
            row.lease.as_ref().map(|(lease, _)| lease.as_str()),
            row.lease.as_ref().map(|(_, until)| *until),
        )?;
        Ok(())
    }

    /// How many sessions live that these are, and when the last of them dies.
    pub async fn sessions_to_cut(&mut self, whose: &Whose, now: DateTime<Utc>) -> Result<(u32, MaybeTime)> {
        let person = whose.person().map_or("", PersonId::as_str);
        let role = whose.role().map_or("", RoleName::as_str);
        let (count, last): (i64, MaybeTime) =
            run_in_lab!(self, fetch_one (i64, MaybeTime): SESSIONS_TO_CUT, now, person, role)?;
        Ok((whole(count, "role_session", "id")?, last))
    }

    /// Everybody who has a live session by a mapping.
    pub async fn people_of_mapping(&mut self, mapping: &MappingId, now: DateTime<Utc>) -> Result<Vec<PersonId>> {
        let rows: Vec<(String,)> = run_in_lab!(self, fetch_all (String,): PEOPLE_OF_MAPPING, mapping.as_str(), now)?;
        rows.iter().map(|(id,)| column(id, "role_session", "person_id")).collect()
    }

    /// Whether a cut-off in all labs has come to this one.
    pub async fn has_cut_off_of(&mut self, everywhere: &CutOffId) -> Result<bool> {
        let row: Option<(String,)> =
            run_in_lab!(self, fetch_optional (String,): CUT_OFF_OF_EVERYWHERE, everywhere.as_str())?;
        Ok(row.is_some())
    }
}

impl Tx {
    /// At most `limit` labs whose deny somebody has to see to, and nobody is at.
    pub async fn denies_due(&mut self, now: DateTime<Utc>, limit: u32) -> Result<Vec<LabName>> {
        let rows: Vec<(String,)> = run_across!(self, fetch_all (String,): DENIES_DUE, now, i64::from(limit))?;
        rows.iter().map(|(name,)| column(name, "lab", "name")).collect()
    }

    /// Nobody is at any deny: for a broker that starts and is the only one.
    pub async fn drop_leases(&mut self) -> Result<u64> {
        run_across!(self, execute DROP_LEASES)
    }

    /// Keeps somebody's cut-off in all labs: from now on nothing is issued to them.
    pub async fn insert_person_cut_off(&mut self, row: &PersonCutOffRow) -> Result<()> {
        let by = actor_text(&row.by, "person_cut_off")?;
        run!(
            self,
            execute INSERT_PERSON_CUT_OFF,
            row.id.as_str(),
            row.person.as_str(),
            by.as_str(),
            row.cause.as_str(),
            row.reason.as_ref().map(CutOffReason::as_str),
            row.stopped_at,
            row.before.at(),
        )?;
        Ok(())
    }

    /// One cut-off of this person in all labs.
    pub async fn person_cut_off(&mut self, id: &CutOffId, person: &PersonId) -> Result<Option<PersonCutOffRow>> {
        let row: Option<RawPersonCutOff> =
            run!(self, fetch_optional RawPersonCutOff: PERSON_CUT_OFF, id.as_str(), person.as_str())?;
        row.map(PersonCutOffRow::try_from).transpose()
    }

    /// The latest one of this person.
    pub async fn latest_person_cut_off(&mut self, person: &PersonId) -> Result<Option<PersonCutOffRow>> {
        let row: Option<RawPersonCutOff> =
            run!(self, fetch_optional RawPersonCutOff: LATEST_PERSON_CUT_OFF, person.as_str())?;
        row.map(PersonCutOffRow::try_from).transpose()
    }

    /// At most `limit` of them that are not in every lab yet, the oldest first.
    pub async fn cut_offs_to_spread(&mut self, limit: u32) -> Result<Vec<PersonCutOffRow>> {
        let rows: Vec<RawPersonCutOff> = run!(self, fetch_all RawPersonCutOff: CUT_OFFS_TO_SPREAD, i64::from(limit))?;
        rows.into_iter().map(PersonCutOffRow::try_from).collect()
    }

    /// Notes that one is in every lab; false when somebody else has.
    pub async fn note_spread(&mut self, id: &CutOffId, at: DateTime<Utc>) -> Result<bool> {
        Ok(run!(self, execute SPREAD, id.as_str(), at)? == 1)
    }

    /// The labs in which sessions of a person live, or in which they are asking for one.
    pub async fn labs_with_sessions_of(&mut self, person: &PersonId, now: DateTime<Utc>) -> Result<Vec<LabName>> {
        let rows: Vec<(String,)> = run_across!(self, fetch_all (String,): LABS_WITH_SESSIONS, person.as_str(), now)?;
        rows.iter().map(|(name,)| column(name, "lab", "name")).collect()
    }

    /// A person's cut-off in all labs: where it has got to, by lab.
    pub async fn cut_offs_of(&mut self, everywhere: &PersonCutOffRow) -> Result<Vec<(LabName, CutOffRow)>> {
        let rows: Vec<RawCutOffOfLab> =
            run_across!(self, fetch_all RawCutOffOfLab: CUT_OFFS_OF_EVERYWHERE, everywhere.id.as_str())?;
        rows.into_iter().map(|row| Ok((column(&row.lab, "lab", "name")?, row.cut_off.try_into()?))).collect()
    }

    /// Forgets what was over before this moment.
    pub async fn forget_cut_offs(&mut self, before: DateTime<Utc>) -> Result<()> {
        run_across!(self, execute FORGET_CUT_OFFS, before)?;
        // What is in a lab of one is over as long after its moment, and so it has gone just now.
        let longest = DenyMoment::of(before).over_at() - before;
        run!(self, execute FORGET_PERSON_CUT_OFFS, before - longest)?;
        Ok(())
    }
}
