//! IAM over the query protocol: looking at a role and its policies, and writing its inline ones.
//!
//! Every call is about the account of its caller, and is authorised like any other: identity policies, boundary and
//! session policy of the caller's role. What is written here counts at the next call, unless a test wants it later or loses the call.

use std::fmt::Write as _;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::form_urlencoded;

use super::calls::{Call, Service};
use super::checks::{Checks, is_name_char};
use super::fault::{Fault, IAM_NAMESPACE, denial, malformed_policy};
use super::form::Form;
use super::principals::derived_id;
use super::role::{Managed, PolicyArn, Role, Written, is_version};
use super::session::{Session, timestamp};
use super::{Incoming, Inner, xml};
use crate::domain::policy::Context;

/// The only version of the API.
pub(super) const VERSION: &str = "2010-05-08";

/// What all inline policies of a role may have together, white space not counted. Source: IAM user guide, "IAM and STS
/// quotas".
const INLINE_CHARS: usize = 10_240;

/// The most entries of one page, and how many there are when the caller does not say. Source: IAM API reference,
/// `ListAttachedRolePolicies`.
const PAGE: (usize, usize) = (1_000, 100);

/// The characters of names, as the API reference writes them.
const NAME_PATTERN: &str = r"[\w+=,.@-]+";

/// What a call asks for, whoever makes it.
pub(super) fn action(body: &[u8]) -> Option<String> {
    form_urlencoded::parse(body).find(|(name, _)| name == "Action").map(|(_, action)| action.into_owned())
}

/// Answers one call.
pub(super) fn answer(aws: &Inner, incoming: &Incoming, call: &mut Call) -> Result<String, Fault> {
    let (session, region) = aws.authenticate(incoming, Service::Iam).map_err(|refusal| refusal.fault(Service::Iam))?;
    call.caller = Some(session.arn());
    let mut form = Form::parse(incoming)?;
    let action = form.take("Action").unwrap_or_default();
    let version = form.take("Version").unwrap_or_default();
    call.action.clone_from(&action);
    let asked = Asked { aws, incoming, session: &session, region: &region, action: &action, form };
    let result = match (action.as_str(), version.as_str()) {
        ("GetRole", VERSION) => Some(asked.get_role()?),
        ("ListRolePolicies", VERSION) => Some(asked.list_role_policies()?),
        ("GetRolePolicy", VERSION) => Some(asked.get_role_policy()?),
        ("PutRolePolicy", VERSION) => asked.put_role_policy().map(|()| None)?,
        ("DeleteRolePolicy", VERSION) => asked.delete_role_policy().map(|()| None)?,
        ("ListAttachedRolePolicies", VERSION) => Some(asked.list_attached_role_policies()?),
        ("GetPolicy", VERSION) => Some(asked.get_policy()?),
        ("GetPolicyVersion", VERSION) => Some(asked.get_policy_version()?),
        ("ListPolicyVersions", VERSION) => Some(asked.list_policy_versions()?),
        _ => {
            let message = format!("Could not find operation {action} for version {version}");
            return Err(Fault::new(StatusCode::BAD_REQUEST, "InvalidAction", message));
        }
    };
    let result = result.map(|result| xml::wrap(&format!("{action}Result"), &result)).unwrap_or_default();
    let metadata = xml::wrap("ResponseMetadata", &xml::element("RequestId", &incoming.request_id));
    Ok(format!("<{action}Response xmlns=\"{IAM_NAMESPACE}\">{result}{metadata}</{action}Response>"))
}

/// One authenticated call.
struct Asked<'a> {
    aws: &'a Inner,
    incoming: &'a Incoming,
    session: &'a Session,
    region: &'a str,
    action: &'a str,
    form: Form,
}

impl<'a> Asked<'a> {
    fn get_role(mut self) -> Result<String, Fault> {
        let [name] = self.parameters(["RoleName"], |checks, [name]| checks.iam_name("roleName", name, 64))?;
        let role = self.role(&name)?;
        Ok(xml::wrap("Role", &self.role_xml(role)))
    }

    fn list_role_policies(mut self) -> Result<String, Fault> {
        let page = self.take_page()?;
        let [name] = self.parameters(["RoleName"], |checks, [name]| checks.iam_name("roleName", name, 64))?;
        let role = self.role(&name)?;
        let names = role.inline.keys().map(|name| xml::element("member", name)).collect();
        page.of("PolicyNames", &name, names)
    }

    fn get_role_policy(mut self) -> Result<String, Fault> {
        let [name, policy_name] = self.parameters(["RoleName", "PolicyName"], role_and_policy)?;
        let role = self.role(&name)?;
        let policy = role.inline.get(&policy_name).ok_or_else(|| no_role_policy(&policy_name))?;
        Ok([
            xml::element("RoleName", role.arn.name()),
            xml::element("PolicyName", &policy_name),
            xml::element("PolicyDocument", &percent_encoded(&policy.text)),
        ]
        .concat())
    }

    fn put_role_policy(mut self) -> Result<(), Fault> {
        let names = ["RoleName", "PolicyName", "PolicyDocument"];
        let [name, policy_name, text] = self.parameters(names, |checks, [name, policy_name, text]| {
            role_and_policy(checks, [name, policy_name]);
            checks.required("policyDocument", text);
            if let Some(text) = text {
                checks.length("policyDocument", text, 1, 131_072);
                checks.policy_chars("policyDocument", text);
            }
        })?;
        let arn = self.role(&name)?.arn.to_string();
        let policy = Written::read(&text).map_err(|error| malformed_policy(&error))?;
        self.aws.register.change(|accounts| {
            let role = accounts.role_mut(&arn).ok_or_else(|| no_role(&name))?;
            let others = role.inline.iter().filter(|(other, _)| **other != policy_name);
            let used: usize = others.map(|(_, other)| other.counted_chars()).sum();
            if used + policy.counted_chars() > INLINE_CHARS {
                let message = format!("Maximum policy size of {INLINE_CHARS} bytes exceeded for role {name}");
                return Err(Fault::new(StatusCode::CONFLICT, "LimitExceeded", message));
            }
            role.inline.insert(policy_name, policy);
            Ok(())
        })
    }

    fn delete_role_policy(mut self) -> Result<(), Fault> {
        let [name, policy_name] = self.parameters(["RoleName", "PolicyName"], role_and_policy)?;
        let arn = self.role(&name)?.arn.to_string();
        self.aws.register.change(|accounts| {
            let role = accounts.role_mut(&arn).ok_or_else(|| no_role(&name))?;
            role.inline.remove(&policy_name).map(|_| ()).ok_or_else(|| no_role_policy(&policy_name))
        })
    }

    fn list_attached_role_policies(mut self) -> Result<String, Fault> {
        let page = self.take_page()?;
        let [name] = self.parameters(["RoleName"], |checks, [name]| checks.iam_name("roleName", name, 64))?;
        let role = self.role(&name)?;
        let attached = role.attached.iter().filter_map(|arn| self.incoming.accounts.policy(arn)).map(|policy| {
            let members =
                [xml::element("PolicyName", policy.arn.name()), xml::element("PolicyArn", policy.arn.as_str())];
            xml::wrap("member", &members.concat())
        });
        page.of("AttachedPolicies", &name, attached.collect())
    }

    fn get_policy(mut self) -> Result<String, Fault> {
        let [arn] = self.parameters(["PolicyArn"], |checks, [arn]| checks.policy_arn(arn))?;
        let policy = self.policy(&arn)?;
        let (attachments, boundaries) = self.incoming.accounts.uses_of(&arn, self.session.role_arn.account());
        let members = [
            xml::element("PolicyName", policy.arn.name()),
            xml::element("PolicyId", &derived_id("ANPA", &arn)),
            xml::element("Arn", &arn),
            xml::element("Path", policy.arn.path()),
            xml::element("DefaultVersionId", &policy.version_id),
            xml::element("AttachmentCount", &attachments.to_string()),
            xml::element("PermissionsBoundaryUsageCount", &boundaries.to_string()),
            xml::element("IsAttachable", "true"),
            xml::element("CreateDate", &timestamp(policy.created_at)),
            xml::element("UpdateDate", &timestamp(policy.updated_at)),
        ];
        Ok(xml::wrap("Policy", &members.concat()))
    }

    fn get_policy_version(mut self) -> Result<String, Fault> {
        let [arn, version_id] = self.parameters(["PolicyArn", "VersionId"], |checks, [arn, version_id]| {
            checks.policy_arn(arn);
            checks.required("versionId", version_id);
            if let Some(text) = version_id.filter(|text| !is_version(text)) {
                checks.fails("versionId", text, &format!("satisfy regular expression pattern: {VERSION_PATTERN}"));
            }
        })?;
        let policy = self.policy(&arn)?;
        if version_id != policy.version_id {
            let message = format!("Policy {arn} version {version_id} does not exist or is not attachable.");
            return Err(no_such_entity(message));
        }
        let document = xml::element("Document", &percent_encoded(&policy.policy.text));
        Ok(xml::wrap("PolicyVersion", &(document + &version_xml(policy))))
    }

    fn list_policy_versions(mut self) -> Result<String, Fault> {
        let page = self.take_page()?;
        let [arn] = self.parameters(["PolicyArn"], |checks, [arn]| checks.policy_arn(arn))?;
        let policy = self.policy(&arn)?;
        page.of("Versions", &arn, vec![xml::wrap("member", &version_xml(policy))])
    }

    /// Takes these parameters, which the call must have, and no others.
    fn parameters<const N: usize>(
        &mut self,
        names: [&str; N],
        check: impl FnOnce(&mut Checks, [Option<&str>; N]),
    ) -> Result<[String; N], Fault> {
        let given = names.map(|name| self.form.take(name));
        if let Some(name) = self.form.left_over() {
            return Err(Fault::validation(format!("The small AWS does not carry out the parameter '{name}'")));
        }
        let mut checks = Checks::default();
        check(&mut checks, given.each_ref().map(Option::as_deref));
        checks.finish()?;
        Ok(given.map(Option::unwrap_or_default))
    }

    /// The role of this name in the caller's account, when the caller may do to it what the call asks for.
    ///
    /// IAM knows no path of a role that is not there, so permission for an ARN with a path is none for such a name. That
    /// AWS answers so was not observed; it is the narrower of the two answers it could give.
    fn role(&self, name: &str) -> Result<&'a Role, Fault> {
        let account = self.session.role_arn.account();
        let role = self.incoming.accounts.role_named(account, name);
        let arn = role.map_or_else(|| format!("arn:aws:iam::{account}:role/{name}"), |role| role.arn.to_string());
        let boundary = role.and_then(|role| role.boundary.as_ref());
        // These three know the key; the others do not. Source: service authorization reference, IAM.
        let knows_boundary = matches!(self.action, "GetRole" | "PutRolePolicy" | "DeleteRolePolicy");
        let context = self.session.context(self.incoming.now, self.region);
        let context = match boundary.filter(|_| knows_boundary) {
            Some(boundary) => context.with("iam:PermissionsBoundary", boundary),
            None => context,
        };
        self.authorize(&arn, &format!("role {name}"), &context)?;
        role.ok_or_else(|| no_role(name))
    }

    /// The managed policy with this ARN, when the caller may do to it what the call asks for.
    fn policy(&self, arn: &str) -> Result<&'a Managed, Fault> {
        let context = self.session.context(self.incoming.now, self.region);
        self.authorize(arn, &format!("policy {arn}"), &context)?;
        let account = self.session.role_arn.account();
        let policy = self.incoming.accounts.policy(arn).filter(|policy| policy.arn.is_in(account));
        policy.ok_or_else(|| no_such_entity(format!("Policy {arn} was not found.")))
    }

    fn authorize(&self, resource: &str, spoken: &str, context: &Context) -> Result<(), Fault> {
        let action = format!("iam:{}", self.action);
        let access = self.incoming.accounts.decide(self.session, None, &action, resource, context);
        match denial(access, &self.session.arn(), &action, Some(spoken)) {
            Some(message) => Err(Fault::new(StatusCode::FORBIDDEN, "AccessDenied", message)),
            None => Ok(()),
        }
    }

    fn role_xml(&self, role: &Role) -> String {
        let boundary = role.boundary.as_ref().map(|arn| {
            // The API reference names another word for the type; `Policy` is what the AWS CLI's own examples show.
            let members =
                [xml::element("PermissionsBoundaryType", "Policy"), xml::element("PermissionsBoundaryArn", arn)];
            xml::wrap("PermissionsBoundary", &members.concat())
        });
        [
            xml::element("Path", role.arn.path()),
            xml::element("RoleName", role.arn.name()),
            xml::element("RoleId", &role.id),
            xml::element("Arn", role.arn.as_str()),
            xml::element("CreateDate", &timestamp(role.created_at)),
            xml::element("AssumeRolePolicyDocument", &percent_encoded(&self.incoming.accounts.trust(role))),
            xml::element("MaxSessionDuration", &role.max_session_seconds.to_string()),
            boundary.unwrap_or_default(),
        ]
        .concat()
    }

    fn take_page(&mut self) -> Result<Page, Fault> {
        let (most, usual) = PAGE;
        let mut checks = Checks::default();
        let size = match self.form.take("MaxItems") {
            None => usual,
            Some(text) => match text.parse::<usize>() {
                Ok(0) => {
                    checks.fails("maxItems", &text, "have value greater than or equal to 1");
                    usual
                }
                Ok(size) if size <= most => size,
                Ok(_) => {
                    checks.fails("maxItems", &text, "have value less than or equal to 1000");
                    usual
                }
                Err(_) => {
                    checks.fails("maxItems", &text, "be a whole number");
                    usual
                }
            },
        };
        checks.finish()?;
        let size = self.aws.troubles.page().map_or(size, |most| size.min(most));
        Ok(Page { marker: self.form.take("Marker"), size })
    }
}

/// How the versions of managed policies are called, as the API reference writes it.
const VERSION_PATTERN: &str = r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?";

/// Which part of a list is wanted.
struct Page {
    marker: Option<String>,
    size: usize,
}

impl Page {
    /// This page of a list; the marker of the next one says where it begins, and of which list.
    fn of(&self, list: &str, whose: &str, all: Vec<String>) -> Result<String, Fault> {
        let prefix = format!("{list}:{whose}:");
        let begin = match &self.marker {
            None => 0,
            Some(marker) => {
                page_begin(&prefix, marker).filter(|begin| *begin < all.len()).ok_or_else(invalid_marker)?
            }
        };
        let (total, end) = (all.len(), (begin + self.size).min(all.len()));
        let entries: String = all.into_iter().skip(begin).take(end - begin).collect();
        let more = if end < total {
            xml::element("IsTruncated", "true")
                + &xml::element("Marker", &URL_SAFE_NO_PAD.encode(format!("{prefix}{end}")))
        } else {
            xml::element("IsTruncated", "false")
        };
        Ok(xml::wrap(list, &entries) + &more)
    }
}

fn page_begin(prefix: &str, marker: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(marker).ok()?).ok()?;
    text.strip_prefix(prefix)?.parse().ok()
}

fn invalid_marker() -> Fault {
    Fault::validation("Invalid Marker.")
}

fn role_and_policy(checks: &mut Checks, [role, policy]: [Option<&str>; 2]) {
    checks.iam_name("roleName", role, 64);
    checks.iam_name("policyName", policy, 128);
}

impl Checks {
    /// The name of something in IAM.
    fn iam_name(&mut self, member: &str, text: Option<&str>, most: usize) {
        self.required(member, text);
        if let Some(text) = text {
            self.length(member, text, 1, most);
            self.pattern(member, text, NAME_PATTERN, is_name_char);
        }
    }

    fn policy_arn(&mut self, text: Option<&str>) {
        self.required("policyArn", text);
        if let Some(text) = text {
            self.length("policyArn", text, 20, 2_048);
            if PolicyArn::parse(text).is_none() {
                self.fails("policyArn", text, "be the ARN of a policy");
            }
        }
    }
}

fn version_xml(policy: &Managed) -> String {
    [
        xml::element("VersionId", &policy.version_id),
        xml::element("IsDefaultVersion", "true"),
        xml::element("CreateDate", &timestamp(policy.updated_at)),
    ]
    .concat()
}

fn no_such_entity(message: impl Into<String>) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "NoSuchEntity", message)
}

fn no_role(name: &str) -> Fault {
    no_such_entity(format!("The role with name {name} cannot be found."))
}

fn no_role_policy(name: &str) -> Fault {
    no_such_entity(format!("The role policy with name {name} cannot be found."))
}

/// A policy as IAM gives it: everything but letters, digits and `-._~` is encoded. Source: RFC 3986, section 2.3.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_encoded_as_in_a_path_and_not_as_in_a_form() {
        assert_eq!(percent_encoded("{\"a b\": \"é~*+/\"}"), "%7B%22a%20b%22%3A%20%22%C3%A9~%2A%2B%2F%22%7D");
    }
}
