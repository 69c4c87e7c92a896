-- People whom an operator has suspended, labs that one has put away, sign-ins with a second factor.

alter table person add column suspended_at text;
alter table lab add column archived_at text;
alter table sign_in add column mfa integer not null default 0 check (mfa in (0, 1));

create index standing_by_person on standing (person_id);
create index browser_session_by_person on browser_session (person_id);
create index cli_session_by_person on cli_session (person_id);
