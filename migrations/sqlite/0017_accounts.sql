-- The labs' AWS accounts: how each stands, what the last look at it found for each role, and every check of it.

-- `declared` has not proved itself, and nothing is issued from it. A lab that was there before this table was is in use,
-- so it counts as joined; until its account was read once (`read_at`), every role of it is issued, as before.
create table lab_account (
    lab_id           text not null primary key references lab (id),
    state            text not null check (state in ('declared', 'joined', 'broken', 'open')),
    joined_at        text,
    session_role_id  text,
    checked_at       text,
    read_at          text,
    check_due_at     text
) strict;

create index lab_account_by_due on lab_account (check_due_at);

insert into lab_account (lab_id, state, check_due_at) select id, 'joined', created_at from lab;

-- What the last look at an account found for a role: which session policy it was held against, by its SHA-256, which
-- actions of that the account does not allow (separated by spaces), and what the role's harmless call came to, as JSON.
create table lab_account_role (
    lab_id         text not null,
    role           text not null,
    policy_sha256  text not null,
    uncovered      text not null,
    probe          text,
    looked_at      text not null,
    primary key (lab_id, role),
    foreign key (lab_id, role) references lab_role (lab_id, name)
) strict;

-- Every check of an account. `person_id` is who wanted it; the broker did when it is null. `report` is JSON.
create table account_check (
    lab_id     text not null references lab (id),
    id         text not null,
    reason     text not null check (reason in ('join', 'demand', 'watch')),
    person_id  text references person (id),
    begun_at   text not null,
    ended_at   text,
    verdict    text check (verdict in ('proven', 'broken', 'open', 'unread', 'unclear', 'interrupted')),
    report     text not null,
    primary key (lab_id, id),
    check ((ended_at is null) = (verdict is null))
) strict;

create index account_check_by_time on account_check (lab_id, begun_at, id);
create index account_check_by_age on account_check (begun_at);
create index account_check_by_person on account_check (person_id);
