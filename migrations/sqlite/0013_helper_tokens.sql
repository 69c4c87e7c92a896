-- The tokens of a helper's session, generation by generation: a refresh token is good once, and showing an old one ends
-- the session. Both tokens are kept as their SHA-256 only.

create table cli_token (
    refresh_hash        text primary key,
    access_hash         text not null unique,
    cli_session_id      text not null references cli_session (id),
    generation          integer not null check (generation > 0),
    created_at          text not null,
    access_expires_at   text not null,
    -- The session's own end: what is past it is forgotten.
    session_expires_at  text not null,
    -- When the refresh token was traded for the next generation.
    used_at             text,
    unique (cli_session_id, generation)
) strict;

create index cli_token_by_end on cli_token (session_expires_at);

-- Sessions of the release before have one token, which opens until they end and cannot be refreshed: no token hashes to
-- this. `cli_session.token_hash` is not read any more, and holds the session's id in sessions of this release.
insert into cli_token
    (refresh_hash, access_hash, cli_session_id, generation, created_at, access_expires_at, session_expires_at)
select 'none:' || id, token_hash, id, 1, created_at, expires_at, expires_at from cli_session where ended_at is null;
