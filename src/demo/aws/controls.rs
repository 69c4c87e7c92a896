//! What a test can do to the small AWS while it runs, as the people who own the accounts can to theirs.

use chrono::TimeDelta;

use super::calls::Service;
use super::principals::id;
use super::propagation::Delay;
use super::s3::Bucket;
use super::settings::{Account, IamRole, SettingsError};
use super::troubles::{Lost, Requester};
use super::{SmallAws, locked};

impl SmallAws {
    /// Opens an account, or puts another in its place. Roles and buckets that the account had and that are not in this one
    /// stay.
    ///
    /// # Errors
    ///
    /// When an ARN, an id or a policy in it is not one.
    pub fn put_account(&self, account: Account) -> Result<(), SettingsError> {
        account.check()?;
        self.put_roles(&account.roles)?;
        locked(&self.0.buckets).put(&account.id, account.buckets, self.0.clock.now())?;
        locked(&self.0.marketplaces).insert(account.id, account.marketplace);
        Ok(())
    }

    /// A bucket as it is now.
    #[must_use]
    pub fn bucket(&self, name: &str) -> Option<Bucket> {
        locked(&self.0.buckets).bucket(name)
    }

    /// Makes roles, each in the place of one with its ARN. Trust policies mean whom they name at this moment; a managed
    /// policy takes the place of one with its ARN in every role that has it.
    ///
    /// # Errors
    ///
    /// When an ARN, an id or a policy in them is not one. None of them is made then.
    pub fn put_roles(&self, roles: &[IamRole]) -> Result<(), SettingsError> {
        let now = self.0.clock.now();
        self.0.register.change(|accounts| accounts.put(roles, now))
    }

    /// Deletes a role. Its sessions end with it, and trust policies that name it show its id.
    ///
    /// # Errors
    ///
    /// When there is no such role.
    pub fn remove_role(&self, arn: &str) -> Result<(), SettingsError> {
        self.0.register.change(
            |accounts| {
                if accounts.remove(arn) { Ok(()) } else { Err(SettingsError::NoRole(arn.to_owned())) }
            },
        )
    }

    /// Deletes a role and makes it again, the same in everything but its id, which is the answer. The broker, if the role
    /// is its own, gets a session of the new one, as a machine does.
    ///
    /// # Errors
    ///
    /// When there is no such role.
    pub fn recreate_role(&self, arn: &str) -> Result<String, SettingsError> {
        let role_id = id("AROA", &self.0.random.bytes::<17>());
        self.change_role(arn, |role| role.role_id.clone_from(&role_id))?;
        Ok(role_id)
    }

    /// A role as it was last written, seen by calls or not. Its trust policy is as IAM shows it.
    #[must_use]
    pub fn role(&self, arn: &str) -> Option<IamRole> {
        self.0.register.written().as_given(arn)
    }

    /// Changes anything about a role but its ARN.
    ///
    /// # Errors
    ///
    /// When there is no such role, or what it is changed to is none.
    pub fn change_role(&self, arn: &str, change: impl FnOnce(&mut IamRole)) -> Result<(), SettingsError> {
        let now = self.0.clock.now();
        self.0.register.change(|accounts| {
            let mut role = accounts.as_given(arn).ok_or_else(|| SettingsError::NoRole(arn.to_owned()))?;
            change(&mut role);
            arn.clone_into(&mut role.arn);
            accounts.put(&[role], now)
        })
    }

    /// How many calls, to whichever service, do not see a change to IAM that is made from now on, by a test or by a call.
    /// None at first. AWS says of IAM that it is eventually consistent, and not how soon. Takes the place of
    /// [`SmallAws::apply_changes_after`].
    pub fn delay_changes(&self, calls: u32) {
        self.0.register.delay(Delay::Calls(calls));
    }

    /// How long a change to IAM that is made from now on, by a test or by a call, is not seen by calls, those that read it
    /// back included: by the clock that this AWS was given, whatever it is skewed by. Takes the place of
    /// [`SmallAws::delay_changes`].
    pub fn apply_changes_after(&self, delay: TimeDelta) {
        self.0.register.delay(Delay::Time(delay));
    }

    /// How many changes to IAM a call that is made now would not see.
    #[must_use]
    pub fn pending_changes(&self) -> usize {
        self.0.register.pending()
    }

    /// Switches STS off in a region for an account, as its administrators can in their account settings: its roles cannot
    /// be assumed there, and STS says so before it looks at the role. AWS lets nobody switch `us-east-1` off; a test that
    /// knows no other region may have it here all the same.
    pub fn disable_region(&self, account: &str, region: &str) {
        self.0.troubles.disable(account, region);
    }

    /// Switches STS on again.
    pub fn enable_region(&self, account: &str, region: &str) {
        self.0.troubles.enable(account, region);
    }

    /// Refuses the next calls of a service as too many, whoever makes them.
    pub fn throttle(&self, service: Service, calls: u32) {
        self.0.troubles.throttle(service, calls);
    }

    /// Loses the next calls of an action of IAM, whoever makes them. The AWS SDK makes a call up to three times before it
    /// says that nobody answered.
    pub fn lose(&self, action: &str, times: u32, how: Lost) {
        self.0.troubles.lose(action, times, how);
    }

    /// Sets AWS's clock so far from the one it was given, which is that of its callers; zero sets it right. More than five
    /// minutes either way, and no signature holds.
    pub fn skew_clock(&self, skew: TimeDelta) {
        self.0.troubles.set_skew(skew);
    }

    /// Says how an account stands with Mechanical Turk.
    pub fn set_requester(&self, account: &str, requester: Requester) {
        self.0.troubles.set_requester(account, requester);
    }

    /// Makes IAM's pages at most so long, whatever is asked for, as AWS reserves itself; `None` is as long as asked. A
    /// page of nothing would never end, so the least is one.
    pub fn shorten_pages(&self, most: Option<usize>) {
        self.0.troubles.set_page(most.map(|most| most.max(1)));
    }
}
