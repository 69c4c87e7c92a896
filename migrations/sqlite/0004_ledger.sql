-- The ledger: one book for each lab, and the broker's own. `entry` is the canonical text; the columns beside it are
-- copies of what is in it, for finding it. No foreign key leaves this table: an entry outlives what it speaks of.

create table ledger_entry (
    book     text not null,
    seq      integer not null check (seq > 0),
    at       text not null,
    kind     text not null,
    person   text not null,
    attempt  text not null,
    entry    text not null,
    primary key (book, seq)
) strict;

-- An attempt begins once and ends at most once.
create unique index ledger_entry_attempted on ledger_entry (attempt) where kind = 'attempted';
create unique index ledger_entry_outcome on ledger_entry (attempt) where kind <> 'attempted';

create trigger ledger_entry_is_never_changed before update on ledger_entry
begin
    select raise(abort, 'the ledger is append-only');
end;

create trigger ledger_entry_is_never_removed before delete on ledger_entry
begin
    select raise(abort, 'the ledger is append-only');
end;

-- `insert or replace` removes a row without firing the trigger above (unless recursive triggers are on).
create trigger ledger_entry_is_never_replaced before insert on ledger_entry
when exists (
    select 1 from ledger_entry
    where (book = new.book and seq = new.seq)
       or (attempt = new.attempt and (kind = 'attempted') = (new.kind = 'attempted'))
)
begin
    select raise(abort, 'the ledger is append-only');
end;

-- Places in a book follow one another: a gap would hide a removed entry.
create trigger ledger_entry_leaves_no_gap before insert on ledger_entry
when new.seq <> (select coalesce(max(seq), 0) + 1 from ledger_entry where book = new.book)
begin
    select raise(abort, 'the ledger has no gaps');
end;
