-- What was looked up by reading a whole table gets an index to go by. (SQLite also gets a better trigger here; this
-- database needs none against `insert or replace`.)

-- Whatever points at a person is looked for when the person's row changes.
create index authorization_code_by_person on authorization_code (person_id);
create index mapping_change_by_author on mapping_change (author);
