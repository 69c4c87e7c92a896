-- The conditions of a mapping, its revisions, and the changes that wait for a second PI.

alter table mapping add column max_duration_seconds bigint check (max_duration_seconds between 1800 and 3600);
alter table mapping add column needs_mfa boolean not null default false;
alter table mapping add column needs_approval boolean not null default false;
alter table mapping add column revision bigint not null default 1 check (revision > 0);
-- Without a value only while this runs: a column cannot be added without one and be required.
alter table mapping add column changed_at timestamptz;
update mapping set changed_at = created_at;

create index mapping_by_role on mapping (lab_id, role);

-- The columns are those of a mapping. `mapping_id` is no foreign key: a new mapping is not there yet. `of_revision` is
-- what the change was made from, null for a new mapping.
create table mapping_change (
    lab_id                text not null,
    id                    text not null,
    mapping_id            text not null,
    of_revision           bigint,
    author                text not null references person (id),
    connection            text not null,
    group_name            text not null,
    role                  text not null,
    ends_at               timestamptz,
    max_duration_seconds  bigint check (max_duration_seconds between 1800 and 3600),
    needs_mfa             boolean not null,
    needs_approval        boolean not null,
    asked_at              timestamptz not null,
    lapses_at             timestamptz not null,
    primary key (lab_id, id),
    foreign key (lab_id, role) references lab_role (lab_id, name)
);
