//! What the two labs of the demo have on Mechanical Turk when it starts. Made up, down to every worker.

use chrono::{DateTime, TimeDelta, Utc};

use super::marketplace::{Assignment, AssignmentState, Hit, Marketplace};
use super::money::Money;

/// The schema of a worker's answer. Source: requester API reference, `QuestionFormAnswers`.
const ANSWER_SCHEMA: &str =
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd";

/// The schema of a task that is a page elsewhere. Source: requester API reference, `ExternalQuestion`.
const QUESTION_SCHEMA: &str =
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd";

/// Which lab an account belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Labels images.
    Vision,
    /// Judges sentences.
    Language,
}

/// One task, and the work on it: worker, field, answer.
struct Seed {
    /// Two characters that make the identifiers of the task its own.
    key: &'static str,
    title: &'static str,
    description: &'static str,
    keywords: &'static str,
    reward_cents: u32,
    max_assignments: u32,
    /// Hours from now until the task expires; negative when it has.
    open_hours: i64,
    work: &'static [(&'static str, &'static str, &'static str)],
}

const VISION: &[Seed] = &[
    Seed {
        key: "V1",
        title: "Draw a box around every bicycle",
        description: "One street photograph. Draw boxes around all bicycles, parked ones too.",
        keywords: "image, bounding box, street",
        reward_cents: 12,
        max_assignments: 3,
        open_hours: -6,
        work: &[
            ("A1BICYCLE0QX7", "boxes", "[[102,44,188,131],[310,60,372,128]]"),
            ("A2KESTREL9LM4", "boxes", "[[100,42,190,133],[311,58,370,130]]"),
            ("A3MARLOW22PZ8", "boxes", "[[0,0,640,480]]"),
        ],
    },
    Seed {
        key: "V2",
        title: "Is this leaf healthy?",
        description: "One photograph of a tomato leaf. Say whether it looks healthy, blighted or mouldy.",
        keywords: "image, classification, plants",
        reward_cents: 5,
        max_assignments: 3,
        open_hours: -2,
        work: &[
            ("A1BICYCLE0QX7", "label", "blighted"),
            ("A4OSPREY71TT3", "label", "blighted"),
            ("A5QUILL880RW6", "label", "healthy"),
        ],
    },
    Seed {
        key: "V3",
        title: "Trace the outline of the instrument",
        description: "One frame of an operation video. Trace the surgical instrument nearest to the camera.",
        keywords: "image, segmentation, medical",
        reward_cents: 35,
        max_assignments: 5,
        open_hours: 72,
        work: &[
            ("A2KESTREL9LM4", "outline", "M12 40 L80 44 L84 60 L14 58 Z"),
            ("A6TAMARISK5C1", "outline", "M11 41 L81 43 L85 61 L13 59 Z"),
        ],
    },
    Seed {
        key: "V4",
        title: "Which of two captions fits the picture better?",
        description: "One picture and two captions. Choose the caption that says what is in the picture.",
        keywords: "image, caption, comparison",
        reward_cents: 4,
        max_assignments: 9,
        open_hours: 96,
        work: &[],
    },
];

const LANGUAGE: &[Seed] = &[
    Seed {
        key: "L1",
        title: "Is the answer supported by the passage?",
        description: "A short passage, a question and an answer. Say whether the passage supports the answer.",
        keywords: "text, reading, judgement",
        reward_cents: 15,
        max_assignments: 3,
        open_hours: -12,
        work: &[
            ("A7HERON34VVB2", "supported", "yes"),
            ("A8JUNIPER6D09", "supported", "yes"),
            ("A9LANTERN1KF5", "supported", "no"),
        ],
    },
    Seed {
        key: "L2",
        title: "Write a sentence in your own dialect",
        description: "We show a sentence in standard German. Write it as you would say it at home.",
        keywords: "text, writing, dialect, German",
        reward_cents: 40,
        max_assignments: 5,
        open_hours: 48,
        work: &[
            ("A8JUNIPER6D09", "sentence", "Mir gange hüt z Abig no go poschte."),
            ("AAMEADOW70XN4", "sentence", "Mia gengan heit auf d'Nocht nu eikaufn."),
        ],
    },
    Seed {
        key: "L3",
        title: "How polite is this message?",
        description: "One e-mail between colleagues. Rate how polite it sounds, from 1 to 7.",
        keywords: "text, rating, politeness",
        reward_cents: 6,
        max_assignments: 4,
        open_hours: 24,
        work: &[("A7HERON34VVB2", "rating", "5"), ("A9LANTERN1KF5", "rating", "6"), ("AAMEADOW70XN4", "rating", "2")],
    },
];

impl Marketplace {
    /// The account of a lab with $250.00: some tasks open, some ready to be reviewed, eight pieces of submitted work.
    #[must_use]
    pub fn seeded(theme: Theme, now: DateTime<Utc>) -> Self {
        let mut marketplace = Self::with_balance(Money::from_cents(25_000));
        for seed in match theme {
            Theme::Vision => VISION,
            Theme::Language => LANGUAGE,
        } {
            let hit = seed.hit(now);
            for (index, (worker, field, answer)) in seed.work.iter().enumerate() {
                marketplace.put_assignment(seed.assignment(index, worker, &answer_xml(field, answer), now));
            }
            marketplace.put_hit(hit);
        }
        marketplace
    }
}

impl Seed {
    fn id(&self, kind: &str) -> String {
        format!("3{kind}{}LODGEDEMO", self.key)
    }

    fn hit(&self, now: DateTime<Utc>) -> Hit {
        Hit {
            id: self.id("HIT"),
            type_id: self.id("TYPE"),
            group_id: self.id("GROUP"),
            layout_id: None,
            created_at: now - TimeDelta::days(2),
            expires_at: now + TimeDelta::hours(self.open_hours),
            title: self.title.to_owned(),
            description: self.description.to_owned(),
            question: question_xml(self.key),
            keywords: Some(self.keywords.to_owned()),
            annotation: Some(format!("batch {}", self.key)),
            qualifications: None,
            reward: Money::from_cents(self.reward_cents),
            max_assignments: self.max_assignments,
            auto_approval: TimeDelta::days(3),
            assignment_duration: TimeDelta::minutes(30),
        }
    }

    fn assignment(&self, index: usize, worker: &str, answer: &str, now: DateTime<Utc>) -> Assignment {
        let accepted_at = now - TimeDelta::hours(20) + TimeDelta::minutes(11 * i64::try_from(index).unwrap_or(0));
        Assignment {
            id: self.id(&format!("WORK{index}")),
            hit_id: self.id("HIT"),
            worker_id: worker.to_owned(),
            accepted_at,
            submitted_at: accepted_at + TimeDelta::minutes(4),
            answer: answer.to_owned(),
            state: AssignmentState::Submitted,
            feedback: None,
        }
    }
}

fn question_xml(key: &str) -> String {
    let page = format!("https://tasks.lab.example/{}", key.to_lowercase());
    format!(
        "<ExternalQuestion xmlns=\"{QUESTION_SCHEMA}\"><ExternalURL>{page}</ExternalURL>\
         <FrameHeight>600</FrameHeight></ExternalQuestion>"
    )
}

fn answer_xml(field: &str, answer: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><QuestionFormAnswers xmlns=\"{ANSWER_SCHEMA}\"><Answer>\
         <QuestionIdentifier>{field}</QuestionIdentifier><FreeText>{answer}</FreeText></Answer></QuestionFormAnswers>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_labs_have_work_to_review_and_tasks_that_are_open() {
        for theme in [Theme::Vision, Theme::Language] {
            let now = DateTime::UNIX_EPOCH;
            let marketplace = Marketplace::seeded(theme, now);
            let reviewable = |hit: &&Hit| marketplace.counts(hit, now).reviewable;

            assert_eq!(marketplace.balance().to_string(), "250.00");
            assert!(marketplace.hits().iter().any(|hit| reviewable(&hit)));
            assert!(marketplace.hits().iter().any(|hit| !reviewable(&hit)));
            let work: usize = marketplace.hits().iter().map(|hit| marketplace.assignments_of(&hit.id).count()).sum();
            assert_eq!(work, 8);
        }
    }

    #[test]
    fn identifiers_are_the_kind_that_clients_accept() {
        let marketplace = Marketplace::seeded(Theme::Vision, DateTime::UNIX_EPOCH);

        for hit in marketplace.hits() {
            assert!(hit.id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{}", hit.id);
            for assignment in marketplace.assignments_of(&hit.id) {
                assert!(assignment.worker_id.starts_with('A'), "{}", assignment.worker_id);
            }
        }
    }
}
