-- Row security on every table that holds labs' data: a last line behind the statements themselves. A transaction sees
-- the lab it has entered (`lodge.lab`), all of them where it says so (`*`), and none otherwise. It is forced, so that
-- the owner is no exception by accident; the owner, who migrates and backs up, has a policy of its own. A superuser
-- and a login with BYPASSRLS pass it by, which is why the broker refuses to run as one.

do $$
declare
    scoped record;
begin
    for scoped in select * from (values
        ('lab', 'id'), ('lab_role', 'lab_id'), ('mapping', 'lab_id'), ('mapping_change', 'lab_id'),
        ('standing', 'lab_id'), ('invitation', 'lab_id'), ('ledger_entry', 'book'), ('ledger_book', 'book'),
        ('open_attempt', 'book')
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
