//! What the profile of a role is called.

use std::collections::BTreeSet;

use crate::domain::id::RoleAddress;

/// `LAB-ROLE`, which is what people would call it; `LAB.ROLE` where another of these roles would be called the same.
/// A name has hyphens, so `a-b` with `c` and `a` with `b-c` look alike; none has a dot.
pub(super) fn profile_name(role: &RoleAddress, roles: &BTreeSet<RoleAddress>) -> String {
    let usual = |role: &RoleAddress| format!("{}-{}", role.lab, role.role);
    let name = usual(role);
    if roles.iter().any(|other| other != role && usual(other) == name) {
        return format!("{}.{}", role.lab, role.role);
    }
    name
}
