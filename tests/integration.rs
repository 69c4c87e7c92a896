//! Every integration test, in one binary: linking two AWS clients and a database once per file would be most of the
//! compile time.
//!
//! Tests of real programs (the provider, moto, the AWS CLI, Chromium) ask [`support::peers`] for them. `tests/run` says
//! where they are; a plain `cargo test` skips those tests and says so. PostgreSQL is no such extra: tests that need it ask
//! [`support::postgres`], and only a plain `cargo test` on a machine without it skips them.

#[cfg(test)]
mod account_face;
#[cfg(test)]
mod account_stack;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod authorization_server;
#[cfg(test)]
mod aws_cli_iam;
#[cfg(test)]
mod backchannel;
#[cfg(test)]
mod broken_accounts;
#[cfg(test)]
mod broker_policy;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod canaries;
#[cfg(test)]
mod certified_provider;
#[cfg(test)]
mod colour;
#[cfg(test)]
mod config_check;
#[cfg(test)]
mod configure;
#[cfg(test)]
mod console_walk;
#[cfg(test)]
mod cut_off;
#[cfg(test)]
mod cut_off_pages;
#[cfg(test)]
mod cut_off_policy;
#[cfg(test)]
mod database_away;
#[cfg(test)]
mod demo_accounts;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod downloads;
#[cfg(test)]
mod exec;
#[cfg(test)]
mod first_credential;
#[cfg(test)]
mod front_door;
#[cfg(test)]
mod fuzz_targets;
#[cfg(test)]
mod group_shapes;
#[cfg(test)]
mod guarded_client;
#[cfg(test)]
mod hardening;
#[cfg(test)]
mod helper_cache;
#[cfg(test)]
mod helper_contract;
#[cfg(test)]
mod independent_client;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod joining;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod known;
#[cfg(test)]
mod lab_account;
#[cfg(test)]
mod ledger_down;
#[cfg(test)]
mod ledger_reading;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod machine_doctor;
#[cfg(test)]
mod mappings;
#[cfg(test)]
mod moto;
#[cfg(test)]
mod mturk_actions;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod operators;
#[cfg(test)]
mod own_roles;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod people;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod policies_check;
#[cfg(test)]
mod policy_differential;
#[cfg(test)]
mod postgres_cluster;
#[cfg(test)]
mod printed_commands;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod query_plans;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod refused_sign_ins;
#[cfg(test)]
mod remote_login;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod s3_actions;
#[cfg(test)]
mod s3_data;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod schemathesis;
#[cfg(test)]
mod sdk_jobs;
#[cfg(test)]
mod second_start;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shipped;
#[cfg(test)]
mod sign_in_refusals;
#[cfg(test)]
mod store_conformance;
#[cfg(test)]
mod sts_failures;
#[cfg(test)]
mod support;
#[cfg(test)]
mod template_schema;
#[cfg(test)]
mod threat_model;
#[cfg(test)]
mod tmux;
#[cfg(test)]
mod why;
