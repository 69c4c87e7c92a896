-- A lab makes its own roles, changes them and ends them. One that has ended stays for what points to it, and comes back under
-- the same name when the lab wants it again.
alter table lab_role add column ended_at timestamptz;
