-- What a sign-in proves beside the groups: when somebody showed who they are, and by which session at the provider.

-- `authenticated_at` is the provider's `auth_time`, null when it did not say. `provider_subject` and `provider_session`
-- are its `sub` and `sid`: what a back-channel logout names. `group_limit` says that the groups are not all there.
alter table sign_in add column authenticated_at timestamptz;
alter table sign_in add column provider_subject text;
alter table sign_in add column provider_session text;
alter table sign_in add column group_limit text check (group_limit in ('overage', 'truncated'));

create index sign_in_by_provider_subject on sign_in (provider_subject);
create index sign_in_by_provider_session on sign_in (provider_session);

-- Sign-ins that were answered: each is answered once. What was begun is in the browser that began it, and nowhere here.
create table sign_in_answer (
    id           text primary key,
    answered_at  timestamptz not null
);

create index sign_in_answer_by_age on sign_in_answer (answered_at);

-- Logout tokens that were taken: each is taken once. `id` is the SHA-256 of its `jti`.
create table logout_token (
    connection  text not null,
    id          text not null,
    taken_at    timestamptz not null,
    primary key (connection, id)
);

create index logout_token_by_age on logout_token (taken_at);
