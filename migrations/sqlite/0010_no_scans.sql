-- What was looked up by reading a whole table gets an index to go by.

-- The same refusals as `ledger_entry_is_never_replaced`, which looked for an attempt in a way that neither of the two
-- partial indexes answers, so every entry read the whole ledger. The new one is there before the old one goes.
create trigger ledger_entry_replaces_none before insert on ledger_entry
when exists (select 1 from ledger_entry where book = new.book and seq = new.seq)
    or (new.kind = 'attempted'
        and exists (select 1 from ledger_entry where kind = 'attempted' and attempt = new.attempt))
    or (new.kind <> 'attempted'
        and exists (select 1 from ledger_entry where kind <> 'attempted' and attempt = new.attempt))
begin
    select raise(abort, 'the ledger is append-only');
end;

drop trigger ledger_entry_is_never_replaced;

-- Whatever points at a person is looked for when the person's row changes.
create index authorization_code_by_person on authorization_code (person_id);
create index mapping_change_by_author on mapping_change (author);
