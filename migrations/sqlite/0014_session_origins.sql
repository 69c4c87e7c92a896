-- Where a session came from and when it was last used, for whoever looks at their sessions.

alter table browser_session add column seen_at text;
alter table browser_session add column address text;
alter table browser_session add column agent text;

-- `account` is the account on the machine, by the helper's own word, like `host`.
alter table cli_session add column seen_at text;
alter table cli_session add column address text;
alter table cli_session add column account text;
alter table authorization_code add column account text;

create index browser_session_by_end on browser_session (expires_at);
create index cli_session_by_end on cli_session (expires_at);
create index browser_session_by_sign_in on browser_session (sign_in_id);
create index cli_session_by_sign_in on cli_session (sign_in_id);

-- What is old is looked for by its age.
create index sign_in_by_age on sign_in (signed_in_at);
create index authorization_code_by_sign_in on authorization_code (sign_in_id);
create index authorization_code_by_session on authorization_code (cli_session_id);
