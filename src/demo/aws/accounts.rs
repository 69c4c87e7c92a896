//! Every role and managed policy of every account: what IAM knows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::principals::{derived_id, id_prefix, map_principals};
use super::role::{Managed, PolicyArn, Role, RoleArn, Written, is_account, is_version};
use super::session::Session;
use super::settings::{IamRole, ManagedPolicy, SettingsError};
use crate::domain::policy::{
    Access, Caller, Context, Document, DocumentError, Layers, PolicyKind, Request, TrustDocument, decide_access,
};

/// What IAM knows at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    /// By ARN.
    roles: BTreeMap<String, Role>,
    /// By ARN.
    policies: BTreeMap<String, Managed>,
    /// The ids of every role that there ever was: AWS gives none twice.
    ids: BTreeSet<String>,
    /// ARNs of roles and users that trust policies name and this AWS does not have, by the ids they have elsewhere.
    outsiders: BTreeMap<String, String>,
}

impl Accounts {
    /// Puts roles in, each in the place of one that has its ARN. A managed policy that they bring takes the place of one
    /// that has its ARN, wherever that is attached.
    ///
    /// Whom their trust policies name is settled now, as when IAM is given one.
    pub(super) fn put(&mut self, roles: &[IamRole], now: DateTime<Utc>) -> Result<(), SettingsError> {
        let mut brought = BTreeMap::new();
        for role in roles {
            self.take_in(role, &mut brought, now)?;
        }
        for role in roles {
            let unreadable = |source| SettingsError::Policy { arn: role.arn.clone(), source };
            let bound = self.bind(&role.trust).map_err(unreadable)?;
            if let Some(kept) = self.roles.get_mut(&role.arn) {
                kept.trust = bound;
            }
        }
        Ok(())
    }

    fn take_in(
        &mut self,
        role: &IamRole,
        brought: &mut BTreeMap<String, ManagedPolicy>,
        now: DateTime<Utc>,
    ) -> Result<(), SettingsError> {
        let arn = RoleArn::parse(&role.arn).ok_or_else(|| SettingsError::Arn(role.arn.clone()))?;
        if !is_role_id(&role.role_id) {
            return Err(SettingsError::RoleId(role.role_id.clone()));
        }
        for other in self.roles.values().filter(|other| other.arn != arn) {
            if other.id == role.role_id {
                return Err(SettingsError::RoleIdTaken(role.role_id.clone()));
            }
            if is_same_name(&other.arn, arn.account(), arn.name()) {
                return Err(SettingsError::NameTaken(role.arn.clone()));
            }
        }
        for policy in role.attached_policies.iter().chain(&role.boundary) {
            if brought.insert(policy.arn.clone(), policy.clone()).is_some_and(|other| other != *policy) {
                return Err(SettingsError::TwoPolicies(policy.arn.clone()));
            }
            self.put_policy(policy, &arn, now)?;
        }
        let read = |text: &String| {
            Written::read(text).map_err(|source| SettingsError::Policy { arn: role.arn.clone(), source })
        };
        let inline: Result<_, SettingsError> =
            role.inline_policies.iter().map(|(name, text)| Ok((name.clone(), read(text)?))).collect();
        let earlier = self.roles.get(&role.arn).filter(|earlier| earlier.id == role.role_id);
        let kept = Role {
            created_at: earlier.map_or(now, |earlier| earlier.created_at),
            id: role.role_id.clone(),
            trust: String::new(),
            inline: inline?,
            attached: role.attached_policies.iter().map(|policy| policy.arn.clone()).collect(),
            boundary: role.boundary.as_ref().map(|policy| policy.arn.clone()),
            max_session_seconds: role.max_session_seconds,
            arn,
        };
        self.ids.insert(role.role_id.clone());
        self.roles.insert(role.arn.clone(), kept);
        Ok(())
    }

    /// Whether a role had this id, now or before.
    pub(super) fn has_had(&self, role_id: &str) -> bool {
        self.ids.contains(role_id)
    }

    /// A managed policy with its version: the next one when it says something else than the one that is there.
    pub(super) fn next_version(&self, policy: &ManagedPolicy) -> ManagedPolicy {
        let version_id = match self.policies.get(&policy.arn) {
            None => policy.version_id.clone(),
            Some(kept) if kept.policy.text == policy.document => kept.version_id.clone(),
            Some(kept) => format!("v{}", kept.version_id[1..].parse().unwrap_or(0_u32) + 1),
        };
        ManagedPolicy { version_id, ..policy.clone() }
    }

    fn put_policy(&mut self, policy: &ManagedPolicy, of: &RoleArn, now: DateTime<Utc>) -> Result<(), SettingsError> {
        let arn = PolicyArn::parse(&policy.arn).ok_or_else(|| SettingsError::PolicyArn(policy.arn.clone()))?;
        if !arn.is_in(of.account()) {
            return Err(SettingsError::OtherAccount { arn: policy.arn.clone(), account: of.account().to_owned() });
        }
        if !is_version(&policy.version_id) {
            return Err(SettingsError::Version(policy.version_id.clone()));
        }
        let written =
            Written::read(&policy.document).map_err(|source| SettingsError::Policy { arn: of.to_string(), source })?;
        let earlier = self.policies.get(&policy.arn);
        let is_same = earlier.is_some_and(|old| old.version_id == policy.version_id && old.policy == written);
        let kept = Managed {
            arn,
            version_id: policy.version_id.clone(),
            policy: written,
            created_at: earlier.map_or(now, |old| old.created_at),
            updated_at: earlier.filter(|_| is_same).map_or(now, |old| old.updated_at),
        };
        self.policies.insert(policy.arn.clone(), kept);
        Ok(())
    }

    /// A trust policy as IAM keeps it. An account's number becomes the ARN of its root.
    fn bind(&mut self, trust: &str) -> Result<String, DocumentError> {
        TrustDocument::parse(trust)?;
        let mut outsiders = BTreeMap::new();
        let bound = map_principals(trust, |principal| {
            if is_account(principal) {
                return Some(format!("arn:aws:iam::{principal}:root"));
            }
            if let Some(role) = self.roles.get(principal) {
                return Some(role.id.clone());
            }
            let id = derived_id(id_prefix(principal)?, principal);
            outsiders.insert(id.clone(), principal.to_owned());
            Some(id)
        });
        self.outsiders.extend(outsiders);
        Ok(bound)
    }

    /// The trust policy of a role as IAM shows it: with the ARNs of those who are there, and the ids of those who are
    /// not any more.
    pub(super) fn trust(&self, role: &Role) -> String {
        map_principals(&role.trust, |principal| {
            if let Some(role) = self.roles.values().find(|role| role.id == principal) {
                return Some(role.arn.to_string());
            }
            self.outsiders.get(principal).filter(|arn| !self.roles.contains_key(*arn)).cloned()
        })
    }

    /// The role with this ARN.
    pub(super) fn role(&self, arn: &str) -> Option<&Role> {
        self.roles.get(arn)
    }

    /// The role with this ARN, to be changed in what is not shared with others.
    pub(super) fn role_mut(&mut self, arn: &str) -> Option<&mut Role> {
        self.roles.get_mut(arn)
    }

    /// The role of this name in an account, whatever its path.
    pub(super) fn role_named(&self, account: &str, name: &str) -> Option<&Role> {
        self.roles.values().find(|role| is_same_name(&role.arn, account, name))
    }

    /// Every role of an account, by ARN.
    pub(super) fn of_account(&self, account: &str) -> Vec<IamRole> {
        let own = self.roles.iter().filter(|(_, role)| role.arn.account() == account);
        own.filter_map(|(arn, _)| self.as_given(arn)).collect()
    }

    /// The managed policy with this ARN.
    pub(super) fn policy(&self, arn: &str) -> Option<&Managed> {
        self.policies.get(arn)
    }

    /// To how many roles of an account a policy is attached, and of how many it is the boundary.
    pub(super) fn uses_of(&self, policy: &str, account: &str) -> (usize, usize) {
        let roles = || self.roles.values().filter(|role| role.arn.account() == account);
        let bounded = roles().filter(|role| role.boundary.as_deref() == Some(policy)).count();
        (roles().filter(|role| role.attached.contains(policy)).count(), bounded)
    }

    /// Takes a role away. Its managed policies stay.
    pub(super) fn remove(&mut self, arn: &str) -> bool {
        self.roles.remove(arn).is_some()
    }

    /// The role a session is of, as long as it is still the same role: one made anew has another id.
    pub(super) fn role_of(&self, session: &Session) -> Option<&Role> {
        self.roles.get(session.role_arn.as_str()).filter(|role| role.id == session.role_id)
    }

    /// A role as it would be given to [`Accounts::put`], its trust policy as IAM shows it.
    pub(super) fn as_given(&self, arn: &str) -> Option<IamRole> {
        let role = self.roles.get(arn)?;
        let managed = |arn: &String| {
            self.policies.get(arn).map(|managed| ManagedPolicy {
                arn: arn.clone(),
                version_id: managed.version_id.clone(),
                document: managed.policy.text.clone(),
            })
        };
        Some(IamRole {
            arn: role.arn.to_string(),
            role_id: role.id.clone(),
            trust: self.trust(role),
            inline_policies: role.inline.iter().map(|(name, policy)| (name.clone(), policy.text.clone())).collect(),
            attached_policies: role.attached.iter().filter_map(managed).collect(),
            boundary: role.boundary.as_ref().and_then(managed),
            max_session_seconds: role.max_session_seconds,
        })
    }

    /// Whether a session may do something, `trust` being the other side's word in it.
    pub(super) fn decide(
        &self,
        session: &Session,
        trust: Option<(&TrustDocument, &Caller)>,
        action: &str,
        resource: &str,
        context: &Context,
    ) -> Access {
        let Some(role) = self.role_of(session) else {
            return Access::Denied { by: PolicyKind::IdentityBased, explicit: false };
        };
        let session_policy = session.policy.as_deref().map(Document::parse).transpose();
        // It was read before it was sealed in; if it cannot be read now, the session may do nothing.
        let Ok(session_policy) = session_policy else {
            return Access::Denied { by: PolicyKind::SessionPolicy, explicit: true };
        };
        let document = |arn: &String| self.policies.get(arn).map(|managed| &managed.policy.document);
        let inline = role.inline.values().map(|policy| &policy.document);
        let identity: Vec<Document> = inline.chain(role.attached.iter().filter_map(document)).cloned().collect();
        let layers = Layers {
            identity: &identity,
            boundary: role.boundary.as_ref().and_then(document),
            session: session_policy.as_ref(),
            trust,
        };
        decide_access(&layers, &Request { action, resource, context })
    }
}

/// IAM tells the roles of an account apart by their names, without regard to path and case.
fn is_same_name(arn: &RoleArn, account: &str, name: &str) -> bool {
    arn.account() == account && arn.name().eq_ignore_ascii_case(name)
}

/// `AROA` and more, at least as much as the API reference wants.
fn is_role_id(text: &str) -> bool {
    (16..=128).contains(&text.len())
        && text.starts_with("AROA")
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
