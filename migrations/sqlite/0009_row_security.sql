-- PostgreSQL's row security. SQLite has none: there the statements and the keys stand alone, and the file belongs to one
-- broker. The file is here so that both folders hold the same names.
select 1;
