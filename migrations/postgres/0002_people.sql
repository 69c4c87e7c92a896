-- People and what their sign-ins said. A person's name stands here alone, so that it can be forgotten.

create table person (
    id            text primary key,
    connection    text not null,
    issuer        text not null,
    subject       text not null,
    display_name  text,
    created_at    timestamptz not null,
    unique (connection, issuer, subject)
);

create table standing (
    lab_id      text not null references lab (id),
    person_id   text not null references person (id),
    standing    text not null check (standing in ('manager', 'pi')),
    created_at  timestamptz not null,
    primary key (lab_id, person_id)
);

-- A completed sign-in. `group_claim` tells an absent claim from an empty one.
create table sign_in (
    id            text primary key,
    person_id     text not null references person (id),
    group_claim   text not null check (group_claim in ('absent', 'present')),
    signed_in_at  timestamptz not null
);

create index sign_in_by_person on sign_in (person_id, signed_in_at);

create table sign_in_group (
    sign_in_id  text not null references sign_in (id),
    group_name  text not null,
    primary key (sign_in_id, group_name)
);
