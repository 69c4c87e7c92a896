-- Invitations to be a lab's PI. The token in the link is kept as its SHA-256 only.

create table invitation (
    lab_id       text not null references lab (id),
    id           text not null,
    token_hash   text not null unique,
    created_at   text not null,
    lapses_at    text not null,
    -- When it was used, withdrawn or replaced.
    ended_at     text,
    primary key (lab_id, id)
) strict;
