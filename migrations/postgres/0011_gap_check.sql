-- The same refusal as before. The greatest place of a book, which was asked for until now, is read from the end of an
-- index only by a plan that was made for many rows; one that was made while the book was short reads all of it, for every
-- entry, until somebody analyzes the table. The place before and the place itself are one row each, whatever the plan was
-- made for.
create or replace function ledger_entry_leaves_no_gap() returns trigger language plpgsql
set enable_seqscan = off as $$
begin
    if (new.seq > 1 and not exists (select 1 from ledger_entry where book = new.book and seq = new.seq - 1))
        or exists (select 1 from ledger_entry where book = new.book and seq = new.seq)
    then
        raise exception 'the ledger has no gaps';
    end if;
    return new;
end $$;
