-- People whom an operator has suspended, labs that one has put away, sign-ins with a second factor.

alter table person add column suspended_at timestamptz;
alter table lab add column archived_at timestamptz;
alter table sign_in add column mfa boolean not null default false;

create index standing_by_person on standing (person_id);
create index browser_session_by_person on browser_session (person_id);
create index cli_session_by_person on cli_session (person_id);
