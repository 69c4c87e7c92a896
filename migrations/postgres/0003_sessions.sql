-- Sign-ins under way, and the sessions that come of them. Every token is kept as its SHA-256 only.

-- A sign-in that was begun. The PKCE verifier and the nonce are not here: they are derived from the key file and the id.
create table sign_in_transaction (
    id            text primary key,
    state_hash    text not null unique,
    browser_hash  text not null,
    connection    text not null,
    return_to     text not null,
    begun_at      timestamptz not null
);

create index sign_in_transaction_by_age on sign_in_transaction (begun_at);

create table browser_session (
    id          text primary key,
    token_hash  text not null unique,
    person_id   text not null references person (id),
    sign_in_id  text not null references sign_in (id),
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    ended_at    timestamptz
);

create table cli_session (
    id          text primary key,
    token_hash  text not null unique,
    person_id   text not null references person (id),
    sign_in_id  text not null references sign_in (id),
    host        text not null,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    ended_at    timestamptz
);

-- A code that a helper trades for its session. Kept until it is old, so that a second use is recognised.
create table authorization_code (
    code_hash       text primary key,
    person_id       text not null references person (id),
    sign_in_id      text not null references sign_in (id),
    redirect_uri    text not null,
    code_challenge  text not null,
    host            text not null,
    created_at      timestamptz not null,
    cli_session_id  text references cli_session (id)
);

create index authorization_code_by_age on authorization_code (created_at);
