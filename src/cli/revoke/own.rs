//! What this machine keeps for whoever cuts off: it would hand out what is dead.

use super::RevokeArguments;
use crate::cli::Helper;
use crate::cli::credentials::Cache;
use crate::cli::failure::Failure;
use crate::cli::signed_in::SignedIn;
use crate::domain::id::RoleAddress;

/// What is true of other machines, and of programs that keep credentials by themselves.
pub(super) const WORDS: [&str; 3] = [
    "This machine no longer keeps AWS credentials of yours from this broker. Your other machines hand out dead ones until",
    "these are 16 minutes from their end, or until lodge status or lodge login is run there. A lodge serve that runs, and",
    "programs that hold credentials by themselves, have to be started again.",
];

/// Deletes what is kept here and is cut off.
pub(super) fn forget(helper: &Helper, person: &SignedIn, arguments: &RevokeArguments) -> Result<(), Failure> {
    let Some((cache, own)) = Cache::of(helper).zip(person.person()) else { return Ok(()) };
    let is_of_another = arguments.person.as_ref().is_some_and(|person| person.as_str() != own);
    if is_of_another {
        return Ok(());
    }
    let is_cut_off = |role: &RoleAddress, _| {
        arguments.lab.as_ref().is_none_or(|lab| role.lab == *lab)
            && arguments.role.as_ref().is_none_or(|name| role.role == *name)
    };
    cache.forget(person.broker(), &own, is_cut_off).map(drop)
}
