-- How many entries each book has, and the attempts without an outcome. The first row of a book is also its lock: who
-- has counted an entry is alone in the book until the transaction ends.

create table ledger_book (
    book     text primary key,
    entries  bigint not null check (entries >= 0)
);

insert into ledger_book (book, entries) select book, max(seq) from ledger_entry group by book;

create table open_attempt (
    book     text not null,
    attempt  text not null,
    person   text not null,
    at       timestamptz not null,
    primary key (book, attempt)
);

create index open_attempt_by_age on open_attempt (at);

insert into open_attempt (book, attempt, person, at)
select begun.book, begun.attempt, begun.person, begun.at from ledger_entry as begun
where begun.kind = 'attempted' and not exists
    (select 1 from ledger_entry as ended where ended.attempt = begun.attempt and ended.kind <> 'attempted');
