//! Labs: making them, looking at them, putting them away, and finding them a PI.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::super::keys;
use super::{Desk, DeskError, DeskResult};
use crate::domain::access::OperatorAccess;
use crate::domain::account::AccountState;
use crate::domain::id::{InvitationId, LabId, LabName};
use crate::domain::lab::{Invitation, Lab, Role};
use crate::domain::ledger::{Book, Event};
use crate::domain::person::is_invisible;
use crate::domain::role_session::{ExternalId, RoleArn, SessionDuration};
use crate::store::{LabAtAGlance, OfficeHolder, Tx};

/// How long an invitation's link is good.
const INVITATION_LIFETIME: TimeDelta = TimeDelta::days(7);

/// An invitation that lapses so soon is worth a word.
const LAPSES_SOON: TimeDelta = TimeDelta::days(2);

/// How many labs are looked at for what they need.
const LABS_LOOKED_AT: u32 = 1_000;

/// What every invitation's token starts with, for secret scanners.
const TOKEN_PREFIX: &str = "lodge_inv_";

/// A longer title is a mistake.
pub const LAB_TITLE_MAX_CHARS: usize = 120;

/// A lab's title without the space around it, when it can be one: 1 to [`LAB_TITLE_MAX_CHARS`] characters on one line, with
/// nothing in it that cannot be seen.
#[must_use]
pub fn lab_title(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = (1..=LAB_TITLE_MAX_CHARS).contains(&text.chars().count());
    let is_plain = !text.chars().any(|c| c.is_control() || is_invisible(c));
    (fits && is_plain).then(|| text.to_owned())
}

/// A lab to make.
#[derive(Clone, Debug)]
pub struct NewLab {
    /// What people will type.
    pub name: LabName,
    /// What people will read.
    pub title: String,
    /// The role in the lab's account that is to be assumed for people.
    pub session_role: RoleArn,
    /// The pack whose templates become the lab's roles, such as `mturk`; none makes a lab without roles.
    pub pack: Option<String>,
    /// What fills the templates: each takes what it has a parameter for.
    pub parameters: BTreeMap<String, String>,
}

/// A lab, and what the operator wants to know of it.
#[derive(Clone, Debug)]
pub struct LabDetails {
    /// The lab.
    pub lab: Lab,
    /// Its roles, by name.
    pub roles: Vec<Role>,
    /// Who looks after it.
    pub office_holders: Vec<OfficeHolder>,
    /// The invitation that can still be used, if there is one.
    pub invitation: Option<Invitation>,
    /// How its AWS account stands.
    pub account: AccountState,
}

/// Some of the labs, by name.
#[derive(Clone, Debug)]
pub struct LabsPage {
    /// Each with who answers for it.
    pub labs: Vec<LabAtAGlance>,
    /// Whether there are more after the last of these.
    pub more: bool,
}

/// Why a lab needs whoever runs the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabNeed {
    /// Somebody could get into its AWS account, or get more there than should.
    AccountOpen,
    /// Its AWS account gives no credentials that work.
    AccountBroken,
    /// Nobody answers for it, and nobody is invited to.
    NoPi,
    /// Nobody answers for it, and the invitation lapses soon: then.
    Invited(DateTime<Utc>),
    /// Whoever answers for it is suspended.
    PiSuspended,
}

impl LabNeed {
    /// What a lab needs, if anything.
    #[must_use]
    pub fn of(lab: &LabAtAGlance, now: DateTime<Utc>) -> Option<Self> {
        match (lab.pis.is_empty(), lab.invited_until) {
            _ if lab.lab.archived_at.is_some() => None,
            _ if lab.account == AccountState::Open => Some(Self::AccountOpen),
            _ if lab.account == AccountState::Broken => Some(Self::AccountBroken),
            (true, Some(until)) => (until - now < LAPSES_SOON).then_some(Self::Invited(until)),
            (true, None) => Some(Self::NoPi),
            (false, _) => lab.pis.iter().all(|pi| pi.is_suspended).then_some(Self::PiSuspended),
        }
    }
}

/// An invitation that was just made.
#[derive(Debug)]
pub struct NewInvitation {
    /// The lab.
    pub lab: Lab,
    /// The invitation.
    pub invitation: Invitation,
    /// The link, shown once, here.
    pub link: SecretString,
}

impl Desk {
    /// Makes a lab. Its external id is made here and never taken from anybody.
    ///
    /// # Errors
    ///
    /// When there is a lab of that name or no such pack, or the database is away.
    pub async fn create_lab(&self, new: &NewLab) -> DeskResult<LabDetails> {
        let now = self.clock.now();
        let roles = new.pack.as_deref().map_or(Ok(Vec::new()), |pack| self.roles_of(pack, &new.parameters))?;
        let lab = Lab {
            id: LabId::from_entropy(self.random.bytes()),
            name: new.name.clone(),
            title: new.title.clone(),
            session_role: new.session_role.clone(),
            external_id: ExternalId::from_entropy(self.random.bytes()),
            created_at: now,
            archived_at: None,
            groups_age: None,
        };
        let mut tx = self.store.write().await?;
        tx.insert_lab(&self.operator, &lab).await.map_err(|error| match error {
            error if error.is_duplicate() => DeskError::NameTaken,
            error => error.into(),
        })?;
        let access = self.operator.access(lab.clone());
        let mut open = tx.lab_to_change(&access).await?;
        let session_role = lab.session_role.as_str().to_owned();
        open.append(self.act(Event::LabCreated { lab: lab.name.clone(), session_role })).await?;
        for role in &roles {
            open.insert_role(role, now).await?;
            open.append(self.act(Event::RoleAdded {
                role: role.name.clone(),
                template: role.template.to_string(),
                max_duration_seconds: role.max_duration.seconds(),
                parameters: role.parameters.clone(),
            }))
            .await?;
        }
        tx.commit().await?;
        let account = AccountState::Declared;
        Ok(LabDetails { lab, roles, office_holders: Vec::new(), invitation: None, account })
    }

    /// A role for each template of a pack, named like it and filled with what it has parameters for.
    fn roles_of(&self, pack: &str, values: &BTreeMap<String, String>) -> DeskResult<Vec<Role>> {
        let mut roles = Vec::new();
        let mut used = BTreeSet::new();
        for (template, policy) in self.policies.iter().filter(|(name, _)| name.pack() == pack) {
            let Ok(name) = template.name().parse() else { continue };
            let of_template = |(name, _): &(&String, &String)| policy.parameters().contains_key(*name);
            let parameters: BTreeMap<String, String> =
                values.iter().filter(of_template).map(|(name, value)| (name.clone(), value.clone())).collect();
            policy.fill(&parameters).map_err(|error| DeskError::Pack(template.clone(), error))?;
            used.extend(parameters.keys().cloned());
            let (template, max_duration) = (template.clone(), SessionDuration::MAX);
            roles.push(Role { name, template, parameters, max_duration, sign_in_age: None });
        }
        if roles.is_empty() {
            let packs: BTreeSet<&str> = self.policies.iter().map(|(name, _)| name.pack()).collect();
            return Err(DeskError::NoSuchPack(packs.into_iter().collect::<Vec<_>>().join(", ")));
        }
        match values.keys().find(|name| !used.contains(*name)) {
            Some(unknown) => Err(DeskError::NoSuchParameter(unknown.clone())),
            None => Ok(roles),
        }
    }

    /// The packs that a lab's roles can come from as they are. One that has to be filled in is for whoever knows with what.
    #[must_use]
    pub fn packs(&self) -> Vec<String> {
        let packs: BTreeSet<&str> = self.policies.iter().map(|(name, _)| name.pack()).collect();
        let is_ready = |pack: &&str| self.roles_of(pack, &BTreeMap::new()).is_ok();
        packs.into_iter().filter(is_ready).map(str::to_owned).collect()
    }

    /// What a lab of this pack would have: each role, and what it is for.
    ///
    /// # Errors
    ///
    /// When there is no such pack.
    pub fn pack(&self, pack: &str) -> DeskResult<Vec<(String, String)>> {
        let title = |role: &Role| self.policies.get(&role.template).map_or("", |it| it.title()).to_owned();
        Ok(self.roles_of(pack, &BTreeMap::new())?.iter().map(|role| (role.name.to_string(), title(role))).collect())
    }

    /// All labs by name, archived ones too.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn labs(&self) -> DeskResult<Vec<Lab>> {
        Ok(self.store.read().await?.labs(&self.operator).await?)
    }

    /// At most `limit` labs by name after the given one, archived ones too, each with who answers for it.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn labs_page(&self, after: Option<&LabName>, limit: u32) -> DeskResult<LabsPage> {
        let mut tx = self.store.read().await?;
        let mut labs = tx.labs_at_a_glance(&self.operator, after, limit.saturating_add(1), self.clock.now()).await?;
        let more = labs.len() > limit as usize;
        labs.truncate(limit as usize);
        Ok(LabsPage { labs, more })
    }

    /// The labs at a glance, a thousand at most.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn labs_at_a_glance(&self) -> DeskResult<LabsPage> {
        self.labs_page(None, LABS_LOOKED_AT).await
    }

    /// One lab.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or the database is away.
    pub async fn lab(&self, name: &LabName) -> DeskResult<LabDetails> {
        let mut tx = self.store.read().await?;
        let access = self.enter(&mut tx, name).await?;
        let mut open = tx.lab(&access).await?;
        Ok(LabDetails {
            lab: access.lab().clone(),
            roles: open.roles().await?,
            office_holders: open.office_holders().await?,
            invitation: open.open_invitations(self.clock.now()).await?.pop(),
            account: open.account().await?.state,
        })
    }

    /// Puts a lab away: from now on it gives nothing, and is there for nobody but the operator. Its ledger stays.
    ///
    /// # Errors
    ///
    /// When there is none of that name, it is archived already, or the database is away.
    pub async fn archive_lab(&self, name: &LabName) -> DeskResult<Lab> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        let access = self.enter_to_change(&mut tx, name).await?;
        if access.lab().archived_at.is_some() {
            return Err(DeskError::Already("the lab is archived already"));
        }
        let mut open = tx.lab(&access).await?;
        open.set_archived(Some(now)).await?;
        open.append(self.act(Event::LabArchived)).await?;
        tx.commit().await?;
        Ok(Lab { archived_at: Some(now), ..access.lab().clone() })
    }

    /// Brings an archived lab back as it was.
    ///
    /// # Errors
    ///
    /// When there is none of that name, it is not archived, or the database is away.
    pub async fn restore_lab(&self, name: &LabName) -> DeskResult<Lab> {
        let mut tx = self.store.write().await?;
        let access = self.enter_to_change(&mut tx, name).await?;
        if access.lab().archived_at.is_none() {
            return Err(DeskError::Already("the lab is not archived"));
        }
        let mut open = tx.lab(&access).await?;
        open.set_archived(None).await?;
        open.append(self.act(Event::LabRestored)).await?;
        tx.commit().await?;
        Ok(Lab { archived_at: None, ..access.lab().clone() })
    }

    /// Makes a link for whoever is to be a PI of the lab. One that was open before is good no more.
    ///
    /// # Errors
    ///
    /// When there is no lab of that name, it is archived, or the database is away.
    pub async fn invite_pi(&self, name: &LabName) -> DeskResult<NewInvitation> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        let access = self.enter_to_change(&mut tx, name).await?;
        if access.lab().archived_at.is_some() {
            return Err(DeskError::Already("the lab is archived; `lodged lab restore` brings it back"));
        }
        let token = keys::new_token(TOKEN_PREFIX, &self.random);
        let id = InvitationId::from_entropy(self.random.bytes());
        let invitation = Invitation { id, created_at: now, lapses_at: now + INVITATION_LIFETIME };
        let mut open = tx.lab(&access).await?;
        for earlier in open.open_invitations(now).await? {
            open.end_invitation(&earlier.id, now).await?;
        }
        open.insert_invitation(&self.operator, &keys::hash(token.expose_secret()), &invitation).await?;
        let lapses_at = invitation.lapses_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        open.append(self.act(Event::PiInvited { invitation: invitation.id.clone(), lapses_at })).await?;
        tx.commit().await?;
        let address = self.public_url.as_str().trim_end_matches('/');
        let link = format!("{address}/invitations/{}", token.expose_secret()).into();
        Ok(NewInvitation { lab: access.lab().clone(), invitation, link })
    }

    /// Ends the invitation that is open.
    ///
    /// # Errors
    ///
    /// When there is no lab of that name, none is open, or the database is away.
    pub async fn withdraw_invitation(&self, name: &LabName) -> DeskResult<Invitation> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        let access = self.enter_to_change(&mut tx, name).await?;
        let mut open = tx.lab(&access).await?;
        let invitation = open.open_invitations(now).await?.pop();
        let invitation = invitation.ok_or(DeskError::Already("no invitation of the lab is open"))?;
        open.end_invitation(&invitation.id, now).await?;
        open.append(self.act(Event::InvitationWithdrawn { invitation: invitation.id.clone() })).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    async fn enter(&self, tx: &mut Tx, name: &LabName) -> DeskResult<OperatorAccess> {
        let lab = tx.lab_for(&self.operator, name).await?.ok_or(DeskError::NoSuchLab)?;
        Ok(self.operator.access(lab))
    }

    /// Enters a lab that nobody else changes until the transaction ends.
    async fn enter_to_change(&self, tx: &mut Tx, name: &LabName) -> DeskResult<OperatorAccess> {
        let found = self.enter(tx, name).await?;
        tx.hold_book(&Book::Lab(found.lab().id.clone())).await?;
        self.enter(tx, name).await
    }
}
