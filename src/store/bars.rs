//! What keeps somebody from a role because sessions were cut off: for the gate, and for them to see.

use chrono::{DateTime, Utc};

use super::sql::{run, run_across, statements};
use super::{MaybeTime, Result, Tx, column};
use crate::domain::cut_off::{Bar, CutOffMark, DenyMoment, REISSUE_MARGIN, RoleCutOff};
use crate::domain::id::{LabId, LabName, PersonId, RoleName, SignInId};

statements! {
    platform {
        /// For the gate: before when everything of a person's is denied, in all labs.
        PERSON_BAR = "select max(denied_before_at) as at from person_cut_off where person_id = $1";
    }
    across {
        /// For the gate: what keeps a person from a role of a lab.
        GATE_BARS = "select denied_before_at, false as is_held from cut_off where lab_id = $1 and over_at > $4 \
            and denied_before_at > $4 and (person_id = $2 or role = $3 or (person_id is null and role is null)) \
            union all select denied_before_at, true as is_held from cut_off where lab_id = $1 \
            and is_held and lifted_at is null and (person_id = $2 or role = $3 or (person_id is null and role is null))";
        /// For the gate: the same for everybody, because a deny is full.
        GATE_OVERFLOW = "select overflow_at from lab_deny where lab_id = $1 and overflow_at > $2";
        /// Of one's own: where one was cut off by name, and it is not over.
        CUT_OFFS_OF_PERSON = "select lab.name as lab, cut_off.role as role, \
            cut_off.denied_before_at as denied_before_at, \
            (cut_off.is_held and cut_off.lifted_at is null) as is_held from cut_off \
            join lab on lab.id = cut_off.lab_id where cut_off.person_id = $1 \
            and (cut_off.over_at > $2 or (cut_off.is_held and cut_off.lifted_at is null))";
        /// Of one's own: what was cut off of a role or of everybody, in the labs that one's groups are given something in.
        CUT_OFFS_OF_SIGN_IN = "select lab.name as lab, cut_off.role as role, \
            cut_off.denied_before_at as denied_before_at, \
            (cut_off.is_held and cut_off.lifted_at is null) as is_held from sign_in \
            join person on person.id = sign_in.person_id \
            join sign_in_group on sign_in_group.sign_in_id = sign_in.id \
            join mapping on mapping.connection = person.connection and mapping.group_name = sign_in_group.group_name \
            join lab on lab.id = mapping.lab_id \
            join cut_off on cut_off.lab_id = mapping.lab_id \
            where sign_in.id = $1 and cut_off.person_id is null and (cut_off.role is null or cut_off.role = mapping.role) \
            and (cut_off.over_at > $2 or (cut_off.is_held and cut_off.lifted_at is null))";
        /// Of one's own: before when everybody's sessions in these labs are denied, because a deny is full.
        OVERFLOWS_OF_SIGN_IN = "select lab.name as lab, lab_deny.overflow_at as overflow_at from sign_in \
            join person on person.id = sign_in.person_id \
            join sign_in_group on sign_in_group.sign_in_id = sign_in.id \
            join mapping on mapping.connection = person.connection and mapping.group_name = sign_in_group.group_name \
            join lab on lab.id = mapping.lab_id \
            join lab_deny on lab_deny.lab_id = mapping.lab_id \
            where sign_in.id = $1 and lab_deny.overflow_at is not null";
    }
}

/// Something that was cut off, as far as it is about one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCutOff {
    /// The lab; none for all labs.
    pub lab: Option<LabName>,
    /// The role; none for all roles.
    pub role: Option<RoleName>,
    /// What it means.
    pub mark: CutOffMark,
}

/// What was cut off that is about one person: by name wherever it was, and with others in the labs that a sign-in of theirs
/// is given something in.
#[derive(Clone, Debug, Default)]
pub struct OwnCutOffs(Vec<OwnCutOff>);

impl OwnCutOffs {
    /// What of it is about a role.
    #[must_use]
    pub fn of(&self, lab: &LabName, role: &RoleName, now: DateTime<Utc>) -> RoleCutOff {
        let is_here = |one: &&OwnCutOff| {
            one.lab.as_ref().is_none_or(|only| only == lab) && one.role.as_ref().is_none_or(|only| only == role)
        };
        RoleCutOff::of(self.0.iter().filter(is_here).map(|one| one.mark), now)
    }

    /// What of it there could be credentials for that are not over by themselves.
    pub fn dead(&self, now: DateTime<Utc>) -> impl Iterator<Item = &OwnCutOff> {
        self.0.iter().filter(move |one| now < one.mark.before.over_at())
    }
}

impl Tx {
    /// For the gate: what keeps a person from a role of a lab, because they were cut off.
    pub async fn bar(
        &mut self,
        lab: &LabId,
        person: &PersonId,
        role: &RoleName,
        now: DateTime<Utc>,
    ) -> Result<Option<Bar>> {
        let since = now - REISSUE_MARGIN;
        let rows: Vec<(DateTime<Utc>, bool)> = run_across!(
            self, fetch_all (DateTime<Utc>, bool): GATE_BARS, lab.as_str(), person.as_str(), role.as_str(), since)?;
        let of_lab = rows.into_iter().map(|(before, held)| CutOffMark { before: DenyMoment::of(before), held });
        let overflow: Option<(MaybeTime,)> =
            run_across!(self, fetch_optional (MaybeTime,): GATE_OVERFLOW, lab.as_str(), since)?;
        let overflow = overflow.and_then(|(before,)| before).map(DenyMoment::of).map(CutOffMark::passing);
        Ok(RoleCutOff::of(of_lab.chain(overflow).chain(self.bar_everywhere(person).await?), now).bar)
    }

    /// What was cut off that is about this person, whose sign-in this is.
    pub async fn own_cut_offs(
        &mut self,
        person: &PersonId,
        sign_in: &SignInId,
        now: DateTime<Utc>,
    ) -> Result<OwnCutOffs> {
        let mut rows: Vec<(String, Option<String>, DateTime<Utc>, bool)> = run_across!(
            self, fetch_all (String, Option<String>, DateTime<Utc>, bool): CUT_OFFS_OF_PERSON, person.as_str(), now)?;
        rows.extend(run_across!(
            self, fetch_all (String, Option<String>, DateTime<Utc>, bool): CUT_OFFS_OF_SIGN_IN, sign_in.as_str(), now)?);
        let overflows: Vec<(String, MaybeTime)> =
            run_across!(self, fetch_all (String, MaybeTime): OVERFLOWS_OF_SIGN_IN, sign_in.as_str())?;
        let mut own = Vec::new();
        for (lab, role, before, held) in rows {
            let role = role.map(|role| column(&role, "cut_off", "role")).transpose()?;
            let mark = CutOffMark { before: DenyMoment::of(before), held };
            own.push(OwnCutOff { lab: Some(column(&lab, "lab", "name")?), role, mark });
        }
        for (lab, before) in overflows {
            let lab = Some(column(&lab, "lab", "name")?);
            let mark = before.map(DenyMoment::of).map(CutOffMark::passing);
            own.extend(mark.map(|mark| OwnCutOff { lab, role: None, mark }));
        }
        let everywhere = self.bar_everywhere(person).await?;
        own.extend(everywhere.map(|mark| OwnCutOff { lab: None, role: None, mark }));
        // A row comes once for each mapping that it was found by.
        own.sort_by(|one, other| (&one.lab, &one.role, one.mark).cmp(&(&other.lab, &other.role, other.mark)));
        own.dedup();
        Ok(OwnCutOffs(own))
    }

    async fn bar_everywhere(&mut self, person: &PersonId) -> Result<Option<CutOffMark>> {
        let (before,): (MaybeTime,) = run!(self, fetch_one (MaybeTime,): PERSON_BAR, person.as_str())?;
        Ok(before.map(DenyMoment::of).map(CutOffMark::passing))
    }
}
