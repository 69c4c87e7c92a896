//! The pack `s3-data` at work: AWS's own tools with credentials through the helper, a lab that joins with it, and what the
//! small AWS's S3 refuses. What the templates allow of every action is in `tests/s3_actions.rs`.

mod joining;
mod second_opinion;
mod strict;
mod tools;
