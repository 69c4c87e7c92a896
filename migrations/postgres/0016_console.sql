-- What the console looks at: who has made themselves known in a lab, the role sessions that live, every revision of a
-- mapping; and which requests were done already, so that one that comes twice is done once.

-- Groups are listed in the order of their bytes, wherever the cluster was made; so no new C library puts an index of them
-- out of order either.
alter table sign_in_group alter column group_name type text collate "C";
alter table mapping alter column group_name type text collate "C";
alter table mapping_change alter column group_name type text collate "C";

-- Who has asked for a role that the lab gave them. Nobody is known here for being in a group.
create table lab_person (
    lab_id          text not null references lab (id),
    person_id       text not null references person (id),
    first_asked_at  timestamptz not null,
    last_asked_at   timestamptz not null,
    primary key (lab_id, person_id)
);

create index lab_person_by_time on lab_person (lab_id, last_asked_at);
create index lab_person_by_person on lab_person (person_id);

-- No key leaves the ledger, so whoever and whatever it speaks of is looked for.
insert into lab_person (lab_id, person_id, first_asked_at, last_asked_at)
select lab.id, person.id, min(ledger_entry.at), max(ledger_entry.at) from ledger_entry
join lab on lab.id = ledger_entry.book join person on person.id = ledger_entry.person
where ledger_entry.kind = 'issued' group by lab.id, person.id;

-- Sessions at AWS that were handed out. What is over is forgotten; the ledger has it for ever.
create table role_session (
    lab_id      text not null,
    id          text not null,
    person_id   text not null references person (id),
    role        text not null,
    mapping_id  text not null,
    issued_at   timestamptz not null,
    expires_at  timestamptz not null,
    primary key (lab_id, id),
    foreign key (lab_id, role) references lab_role (lab_id, name),
    foreign key (lab_id, mapping_id) references mapping (lab_id, id)
);

create index role_session_by_end on role_session (lab_id, expires_at);
create index role_session_by_age on role_session (expires_at);
create index role_session_by_person on role_session (person_id);
create index role_session_by_role on role_session (lab_id, role);
create index role_session_by_mapping on role_session (lab_id, mapping_id);

-- The conditions of a mapping at each of its revisions. `person_id` is who set them; an operator when it is null, or
-- somebody who did so before this table was there.
create table mapping_revision (
    lab_id                text not null,
    mapping_id            text not null,
    revision              bigint not null check (revision > 0),
    ends_at               timestamptz,
    max_duration_seconds  bigint check (max_duration_seconds between 1800 and 3600),
    needs_mfa             boolean not null,
    needs_approval        boolean not null,
    changed_at            timestamptz not null,
    person_id             text references person (id),
    primary key (lab_id, mapping_id, revision),
    foreign key (lab_id, mapping_id) references mapping (lab_id, id)
);

create index mapping_revision_by_person on mapping_revision (person_id);

insert into mapping_revision
    (lab_id, mapping_id, revision, ends_at, max_duration_seconds, needs_mfa, needs_approval, changed_at)
select lab_id, id, revision, ends_at, max_duration_seconds, needs_mfa, needs_approval, changed_at from mapping;

-- Requests with a key of the caller's own choosing (Idempotency-Key), for a day. Key and request are kept as their
-- SHA-256 only; `subject` is the id of what came of it.
create table idempotent_request (
    lab_id        text not null references lab (id),
    person_id     text not null references person (id),
    key_hash      text not null,
    request_hash  text not null,
    outcome       text not null,
    subject       text,
    done_at       timestamptz not null,
    primary key (lab_id, person_id, key_hash)
);

create index idempotent_request_by_age on idempotent_request (done_at);
create index idempotent_request_by_person on idempotent_request (person_id);

-- Looked for when somebody asks who is in a group, and when a day of the ledger is opened.
create index sign_in_group_by_name on sign_in_group (group_name, sign_in_id);
create index ledger_entry_by_time on ledger_entry (book, at);

-- The same refusal as before. Two indexes begin with the book now, and a plan that was made while the book was short takes
-- either for one place of it: by the time it would read all of it, for every entry. Only the key gives the places in
-- order, so what asks for the last one goes by the key, whatever the plan was made for. It reads one row.
create or replace function ledger_entry_leaves_no_gap() returns trigger language plpgsql
set enable_seqscan = off as $$
begin
    if new.seq - 1 <> coalesce(
        (select seq from ledger_entry where book = new.book and seq >= new.seq - 1 order by seq desc limit 1), 0)
    then
        raise exception 'the ledger has no gaps';
    end if;
    return new;
end $$;

do $$
declare
    scoped record;
begin
    for scoped in select * from (values
        ('lab_person', 'lab_id'), ('role_session', 'lab_id'), ('mapping_revision', 'lab_id'),
        ('idempotent_request', 'lab_id')
    ) as scoped (name, lab)
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
