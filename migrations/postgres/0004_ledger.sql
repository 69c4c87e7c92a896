-- The ledger: one book for each lab, and the broker's own. `entry` is the canonical text; the columns beside it are
-- copies of what is in it, for finding it. No foreign key leaves this table: an entry outlives what it speaks of.

create table ledger_entry (
    book     text not null,
    seq      bigint not null check (seq > 0),
    at       timestamptz not null,
    kind     text not null,
    person   text not null,
    attempt  text not null,
    entry    text not null,
    primary key (book, seq)
);

-- An attempt begins once and ends at most once.
create unique index ledger_entry_attempted on ledger_entry (attempt) where kind = 'attempted';
create unique index ledger_entry_outcome on ledger_entry (attempt) where kind <> 'attempted';

create function ledger_entry_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is append-only';
end $$;

create trigger ledger_entry_is_never_changed before update on ledger_entry
for each row execute function ledger_entry_is_append_only();

create trigger ledger_entry_is_never_removed before delete on ledger_entry
for each row execute function ledger_entry_is_append_only();

create trigger ledger_entry_is_never_emptied before truncate on ledger_entry
for each statement execute function ledger_entry_is_append_only();

-- Places in a book follow one another: a gap would hide a removed entry.
create function ledger_entry_leaves_no_gap() returns trigger language plpgsql as $$
begin
    if new.seq <> (select coalesce(max(seq), 0) + 1 from ledger_entry where book = new.book) then
        raise exception 'the ledger has no gaps';
    end if;
    return new;
end $$;

create trigger ledger_entry_leaves_no_gap before insert on ledger_entry
for each row execute function ledger_entry_leaves_no_gap();
