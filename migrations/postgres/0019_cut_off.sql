-- Cutting off: sessions at AWS that were handed out, live, and are to be denied.

-- One person cut off in all labs. It is first this row, by which nothing is issued to them any more, and then one in each lab
-- in which they had a session; `spread_at` says when those were all there. `actor` is JSON, as in the ledger.
create table person_cut_off (
    id                text primary key,
    person_id         text not null references person (id),
    actor             text not null,
    cause             text not null check (cause in ('suspended', 'signed-out', 'everywhere')),
    reason            text,
    stopped_at        timestamptz not null,
    denied_before_at  timestamptz not null,
    spread_at         timestamptz
);

create index person_cut_off_by_person on person_cut_off (person_id, denied_before_at);
create index person_cut_off_to_spread on person_cut_off (spread_at, stopped_at);
create index person_cut_off_by_age on person_cut_off (denied_before_at);

-- Sessions of a lab that AWS issued before `denied_before_at` are denied: one person's, one role's, or everybody's where
-- neither is named. The deny is needed until `over_at`. `dead_at` is when the last of them that was known dies by itself. Who
-- `is_held` gets nothing until somebody lifts it. `revision` is the first one of the lab's deny that has it.
create table cut_off (
    lab_id            text not null references lab (id),
    id                text not null,
    person_id         text references person (id),
    role              text,
    everywhere_id     text references person_cut_off (id),
    actor             text not null,
    cause             text not null check (cause in ('asked', 'mapping-ended', 'suspended', 'signed-out', 'everywhere')),
    reason            text,
    sessions          bigint not null check (sessions >= 0),
    stopped_at        timestamptz not null,
    denied_before_at  timestamptz not null,
    over_at           timestamptz not null,
    dead_at           timestamptz,
    is_held           boolean not null,
    lifted_at         timestamptz,
    revision          bigint not null check (revision > 0),
    written_at        timestamptz,
    read_back_at      timestamptz,
    denial            text not null check (denial in ('not-yet', 'seen', 'cannot-tell', 'not-seen')),
    denied_at         timestamptz,
    primary key (lab_id, id),
    foreign key (lab_id, role) references lab_role (lab_id, name),
    check (person_id is null or role is null),
    check ((denial = 'seen') = (denied_at is not null))
);

create index open_attempt_by_person on open_attempt (person);

create index cut_off_by_time on cut_off (lab_id, stopped_at, id);
create index cut_off_by_end on cut_off (lab_id, over_at);
create index cut_off_by_age on cut_off (over_at);
create index cut_off_by_person on cut_off (person_id);
create index cut_off_held on cut_off (lab_id) where is_held;
create unique index cut_off_by_everywhere on cut_off (everywhere_id, lab_id);

-- The deny at a lab's session role, which follows from the rows above: which revision is wanted, which one AWS gave back, and
-- when somebody has to see to it next. One broker at a time does, for as long as its lease is good. `policy_sha256` is of what
-- AWS took last; null when that is not known. `overflow_at` is set where everybody's sessions of before then are denied,
-- because the rest did not fit into the room.
create table lab_deny (
    lab_id         text not null primary key references lab (id),
    wanted         bigint not null check (wanted > 0),
    written        bigint not null,
    read_back      bigint not null,
    policy_sha256  text,
    written_at     timestamptz,
    overflow_at    timestamptz,
    room           bigint not null check (room >= 0),
    due_at         timestamptz,
    tries          bigint not null,
    trouble        text,
    lease          text,
    lease_ends_at  timestamptz
);

create index lab_deny_by_due on lab_deny (due_at);

do $$
declare
    scoped record;
begin
    for scoped in select * from (values ('cut_off', 'lab_id'), ('lab_deny', 'lab_id')) as scoped (name, lab)
    loop
        execute format('alter table %I enable row level security', scoped.name);
        execute format('alter table %I force row level security', scoped.name);
        execute format(
            'create policy lab_entered on %I using (%I = current_setting(''lodge.lab'', true)) '
            'with check (%I = current_setting(''lodge.lab'', true))',
            scoped.name, scoped.lab, scoped.lab);
        execute format(
            'create policy all_labs on %I using (current_setting(''lodge.lab'', true) = ''*'') '
            'with check (current_setting(''lodge.lab'', true) = ''*'')',
            scoped.name);
        execute format('create policy owner on %I to current_user using (true) with check (true)', scoped.name);
    end loop;
end $$;
