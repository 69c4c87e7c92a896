//! What is wrong with a policy template: with its document, and with what it says about itself.

use super::finding::{Code, Finding, Severity};
use super::lint;
use crate::domain::policy::PolicyTemplate;
use crate::domain::policy::json::Json;

/// Everything that there is to say about a template, when it is filled with its own examples.
#[must_use]
pub fn lint_template(template: &PolicyTemplate) -> Vec<Finding> {
    match template.fill(&template.examples()) {
        Ok(policy) => lint(policy.as_str()),
        Err(error) => vec![not_usable(&format!("filled with its own examples: {error}"))],
    }
}

/// The same of a template's file. Of one that is no template it says why, and what is wrong with its document.
#[must_use]
pub fn lint_template_text(text: &str) -> Vec<Finding> {
    match PolicyTemplate::parse(text) {
        Ok(template) => lint_template(&template),
        Err(error) => {
            let behind = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            let mut findings = vec![not_usable(&format!("{error}{behind}"))];
            let json = serde_json::from_str::<Json>(text).ok();
            let document = json.as_ref().and_then(|json| json.get("document"));
            findings.extend(document.map(|document| lint(&document.pretty())).unwrap_or_default());
            findings
        }
    }
}

fn not_usable(why: &str) -> Finding {
    let message = crate::domain::policy::look_alike::spelled(&format!("the template cannot be used: {why}"));
    Finding::whole(Code::NotUsable, Severity::Error, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn template() -> Value {
        json!({
            "title": "t", "description": "d", "cost": "c", "money": "none",
            "parameters": {"bucket": {"type": "s3-bucket", "title": "B", "description": "b", "example": "results"}},
            "probe": {"action": "s3:ListBucket", "resource": "arn:aws:s3:::{{bucket}}", "with": {"s3:prefix": "a/"}},
            "document": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "arn:aws:s3:::{{bucket}}",
                 "Condition": {"StringLike": {"s3:prefix": "a/*"}}},
            ]},
        })
    }

    fn said(template: &Value) -> String {
        lint_template_text(&template.to_string()).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_template_that_does_what_it_says_is_left_alone() {
        assert_eq!(said(&template()), "");
    }

    #[test]
    fn a_probe_on_another_resource_or_without_its_key_is_told() {
        let mut elsewhere = template();
        elsewhere["probe"]["resource"] = json!("arn:aws:s3:::other");
        let mut without = template();
        without["probe"]["with"] = json!({});

        insta::assert_snapshot!(said(&elsewhere), @"
        error[not-usable] the template cannot be used: /probe is `s3:ListBucket` on arn:aws:s3:::other, which the template itself does not allow
        ");
        insta::assert_snapshot!(said(&without), @"
        error[not-usable] the template cannot be used: /probe is `s3:ListBucket` on arn:aws:s3:::results, which the template itself does not allow
        ");
    }

    #[test]
    fn a_template_that_spends_more_than_it_says_is_told() {
        let mut spends = template();
        let pays = json!({"Effect": "Allow", "Action": ["mechanicalturk:SendBonus"], "Resource": "*"});
        spends["document"]["Statement"].as_array_mut().unwrap().push(pays);

        insta::assert_snapshot!(said(&spends), @"
        error[not-usable] the template cannot be used: /money is `none`, and it can call mechanicalturk:SendBonus on *, which pays at once
        ");
    }

    #[test]
    fn a_template_that_cannot_be_used_is_told_with_its_document() {
        let mut old = template();
        old["document"]["Statement"][0]["Action"] = json!(["s3:ListBucket", "mechanicalturk:SearchHITs"]);
        let mut long = template();
        long["document"]["Statement"][0]["Resource"] = json!(vec!["arn:aws:s3:::{{bucket}}"; 100]);
        let mut odd = template();
        odd["titel"] = json!("\u{202e}");

        for template in [old, long, odd] {
            let said = said(&template);
            assert!(said.starts_with("error[not-usable] the template cannot be used: "), "{said}");
            assert!(said.is_ascii(), "{said}");
        }
    }
}
