-- Labs, their roles, and the mappings that give a role to a group.

create table lab (
    id            text primary key,
    name          text not null unique,
    title         text not null,
    session_role  text not null,
    external_id   text not null unique,
    created_at    timestamptz not null
);

create table lab_role (
    lab_id                text not null references lab (id),
    name                  text not null,
    template              text not null,
    parameters            text not null,
    max_duration_seconds  bigint not null check (max_duration_seconds between 900 and 3600),
    created_at            timestamptz not null,
    primary key (lab_id, name)
);

create table mapping (
    lab_id      text not null,
    id          text not null,
    connection  text not null,
    group_name  text not null,
    role        text not null,
    ends_at     timestamptz,
    created_at  timestamptz not null,
    primary key (lab_id, id),
    foreign key (lab_id, role) references lab_role (lab_id, name)
);

create index mapping_by_group on mapping (connection, group_name);
