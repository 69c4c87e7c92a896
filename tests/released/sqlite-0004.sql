-- The first schema that ran anywhere (SQLite, migrations 1 to 4), with what four sign-ins and seven attempts left in it:
-- three credentials, four refusals, two of them at a lab that is none; and an attempt that a stop left without an outcome.
-- Made by that version's `lodged demo --data`, dumped by SQLite. Migrations run forward from here in tests/schema.rs.
pragma foreign_keys = off;
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'labs','2026-11-21 22:27:21',1,X'295719734F401469A24E824928A7D3793CA7D21DA5CC41363C853D5844C353DBF85EEBFFDE416C3EA254C67318B374FE',1040101);
INSERT INTO "_sqlx_migrations" VALUES(2,'people','2026-11-21 22:27:21',1,X'2082F517CA4DE3C38218623BC5B7227E3C2E44B1E68303C26254481BF6DD4906A4E51AEEC7F8CDF7E20575C38E32D62B',1047445);
INSERT INTO "_sqlx_migrations" VALUES(3,'sessions','2026-11-21 22:27:21',1,X'4AE351D6CE23F363C2EBDC285850463958F41D07367DA7F1649F49B031A8F3002106964F9F96E66C94918D01C47ECF15',1193067);
INSERT INTO "_sqlx_migrations" VALUES(4,'ledger','2026-11-21 22:27:21',1,X'93FC3B177353C8E8754C9A925831383EECABD7A1E6BBC4D1ABDCE38E5DAB645EBCE14459A805CAB11D61DC97AAD934DD',995284);
CREATE TABLE authorization_code (
    code_hash       text primary key,
    person_id       text not null references person (id),
    sign_in_id      text not null references sign_in (id),
    redirect_uri    text not null,
    code_challenge  text not null,
    host            text not null,
    created_at      text not null,
    cli_session_id  text references cli_session (id)
) strict;
INSERT INTO "authorization_code" VALUES('RYsTAiAnLefLKNNMS6bRhKM3_pRJkihpBjEZBeEPjKs','p-2ybqtqnmt53k5wd0','si-3atp8h5q43f9pjg2','http://127.0.0.1:49152/callback','E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM','laptop','2026-11-21T22:27:23.309886+00:00','cs-rhf6pj6pdfzpf0tp');
INSERT INTO "authorization_code" VALUES('ox-N7PxlLFpDxm5wtmWDpjVT9H0Ra9btxEBYbu1vJYI','p-dhpmxz426r2dyz85','si-wtm06k3z00gefpvf','http://127.0.0.1:49152/callback','E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM','laptop','2026-11-21T22:27:23.348326+00:00','cs-3tpxseyznappv604');
INSERT INTO "authorization_code" VALUES('H_P5CEbUCx97JFv5dzyw0U-zExEtl-OjZJnw11Jf1cY','p-9actcjvqa5v1vssb','si-xckyvexkddv9s65x','http://127.0.0.1:49152/callback','E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM','laptop','2026-11-21T22:27:23.383460+00:00','cs-4s4v5699nednqgf0');
INSERT INTO "authorization_code" VALUES('TPsOZUc3O0-9Ccow6hYdAt20-QRLV7xVizQ8MTck3YM','p-z2qb6dvjf2jeqee4','si-rzavpag5g72y6trn','http://127.0.0.1:49152/callback','E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM','laptop','2026-11-21T22:27:23.410191+00:00','cs-r3spbxrpqktnv7v4');
CREATE TABLE browser_session (
    id          text primary key,
    token_hash  text not null unique,
    person_id   text not null references person (id),
    sign_in_id  text not null references sign_in (id),
    created_at  text not null,
    expires_at  text not null,
    ended_at    text
) strict;
INSERT INTO "browser_session" VALUES('bs-0k80athhe152mmvj','3K9iTpO6hknWd-pIuYgfhoHbmG43cE90wsoY3_IG0Gg','p-2ybqtqnmt53k5wd0','si-3atp8h5q43f9pjg2','2026-11-21T22:27:23.302893+00:00','2026-11-22T06:27:23.302893+00:00',NULL);
INSERT INTO "browser_session" VALUES('bs-p0s65ts6qsqchdpw','jRUJdVt1putIIeei5F3O4wG_LLgQnSNfPGHpA1deTgk','p-dhpmxz426r2dyz85','si-wtm06k3z00gefpvf','2026-11-21T22:27:23.342332+00:00','2026-11-22T06:27:23.342332+00:00',NULL);
INSERT INTO "browser_session" VALUES('bs-x14q4mv4ja5yptn4','NDR3renfmhkWH6nwEdaSWP7JkFWx0WNs6ki6K8dJ2DM','p-9actcjvqa5v1vssb','si-xckyvexkddv9s65x','2026-11-21T22:27:23.378280+00:00','2026-11-22T06:27:23.378280+00:00',NULL);
INSERT INTO "browser_session" VALUES('bs-e69nst3j04cqcp1z','Sq23PBm6Ns6wWz_rH57jmK7j4QVUWyUQ0Q10OdPVXog','p-z2qb6dvjf2jeqee4','si-rzavpag5g72y6trn','2026-11-21T22:27:23.405123+00:00','2026-11-22T06:27:23.405123+00:00',NULL);
CREATE TABLE cli_session (
    id          text primary key,
    token_hash  text not null unique,
    person_id   text not null references person (id),
    sign_in_id  text not null references sign_in (id),
    host        text not null,
    created_at  text not null,
    expires_at  text not null,
    ended_at    text
) strict;
INSERT INTO "cli_session" VALUES('cs-rhf6pj6pdfzpf0tp','UB-y0t1qpQ2bq5ah1PzKs9J7wvgXMnJdBhKli6Jt0Kc','p-2ybqtqnmt53k5wd0','si-3atp8h5q43f9pjg2','laptop','2026-11-21T22:27:23.311758+00:00','2026-11-22T10:27:23.302194+00:00',NULL);
INSERT INTO "cli_session" VALUES('cs-3tpxseyznappv604','7qb0tHntF4HnM4WTnzHd1lT-fGqHpISCA1d9PUSefEs','p-dhpmxz426r2dyz85','si-wtm06k3z00gefpvf','laptop','2026-11-21T22:27:23.349989+00:00','2026-11-22T10:27:23.341889+00:00',NULL);
INSERT INTO "cli_session" VALUES('cs-4s4v5699nednqgf0','wQUrF0gKaGbTBplm9ohTu4Fn3R4SyeLVw6hRTpxZ2Ag','p-9actcjvqa5v1vssb','si-xckyvexkddv9s65x','laptop','2026-11-21T22:27:23.384964+00:00','2026-11-22T10:27:23.377872+00:00',NULL);
INSERT INTO "cli_session" VALUES('cs-r3spbxrpqktnv7v4','JgUaJLLpViefl5LPbT8vSNmr9r9fDa1N6fmtAWJWGG0','p-z2qb6dvjf2jeqee4','si-rzavpag5g72y6trn','laptop','2026-11-21T22:27:23.411713+00:00','2026-11-22T10:27:23.404709+00:00',NULL);
CREATE TABLE lab (
    id            text primary key,
    name          text not null unique,
    title         text not null,
    session_role  text not null,
    external_id   text not null unique,
    created_at    text not null
) strict;
INSERT INTO "lab" VALUES('lab-9c9fwf7kyh6natc1','vision','Vision Lab','arn:aws:iam::111122223333:role/lodge/lodge-session','lodge-553d870a7d931e467262ddb26b110644','2026-11-21T22:27:21.237623+00:00');
INSERT INTO "lab" VALUES('lab-2p21penkxy0enyq0','language','Language Lab','arn:aws:iam::444455556666:role/lodge/lodge-session','lodge-056c84388d7dc22301d69e33f9fbd6dd','2026-11-21T22:27:21.243344+00:00');
CREATE TABLE lab_role (
    lab_id                text not null references lab (id),
    name                  text not null,
    template              text not null,
    parameters            text not null,
    max_duration_seconds  integer not null check (max_duration_seconds between 900 and 3600),
    created_at            text not null,
    primary key (lab_id, name)
) strict;
INSERT INTO "lab_role" VALUES('lab-9c9fwf7kyh6natc1','read-results','mturk/read-results','{}',3600,'2026-11-21T22:27:21.238404+00:00');
INSERT INTO "lab_role" VALUES('lab-9c9fwf7kyh6natc1','publish','mturk/publish','{}',3600,'2026-11-21T22:27:21.239664+00:00');
INSERT INTO "lab_role" VALUES('lab-9c9fwf7kyh6natc1','pay','mturk/pay','{}',3600,'2026-11-21T22:27:21.240677+00:00');
INSERT INTO "lab_role" VALUES('lab-2p21penkxy0enyq0','read-results','mturk/read-results','{}',3600,'2026-11-21T22:27:21.243888+00:00');
INSERT INTO "lab_role" VALUES('lab-2p21penkxy0enyq0','publish','mturk/publish','{}',3600,'2026-11-21T22:27:21.244935+00:00');
INSERT INTO "lab_role" VALUES('lab-2p21penkxy0enyq0','pay','mturk/pay','{}',3600,'2026-11-21T22:27:21.246049+00:00');
CREATE TABLE ledger_entry (
    book     text not null,
    seq      integer not null check (seq > 0),
    at       text not null,
    kind     text not null,
    person   text not null,
    attempt  text not null,
    entry    text not null,
    primary key (book, seq)
) strict;
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',1,'2026-11-21T22:27:23.314240+00:00','attempted','p-2ybqtqnmt53k5wd0','rs-fpanshcxc0c09wb0','{"at":"2026-11-21T22:27:23.314240Z","attempt":"rs-fpanshcxc0c09wb0","book":"lab-9c9fwf7kyh6natc1","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-2ybqtqnmt53k5wd0","seq":1}');
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',2,'2026-11-21T22:27:23.319749+00:00','issued','p-2ybqtqnmt53k5wd0','rs-fpanshcxc0c09wb0','{"at":"2026-11-21T22:27:23.319749Z","attempt":"rs-fpanshcxc0c09wb0","book":"lab-9c9fwf7kyh6natc1","event":{"access-key-id":"ASIAY3MEDJ3DGNKUM7Y3","aws-request-id":"5f562536-fbd4-4003-3e97-00439ac05347","expires-at":"2026-11-21T23:27:23Z","kind":"issued","mapping":"map-qn9j5wmmts7k0e1w","policy-sha256":"e19b3c576fe04b97152627af3dcc6564278feb14b63ec9f01e331f54bc4fe164","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-fpanshcxc0c09wb0","template":"mturk/read-results"},"format":1,"person":"p-2ybqtqnmt53k5wd0","seq":2}');
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',3,'2026-11-21T22:27:23.321867+00:00','attempted','p-2ybqtqnmt53k5wd0','rs-zn08vtkcrydmgskp','{"at":"2026-11-21T22:27:23.321867Z","attempt":"rs-zn08vtkcrydmgskp","book":"lab-9c9fwf7kyh6natc1","event":{"kind":"attempted","lab":"vision","role":"pay"},"format":1,"person":"p-2ybqtqnmt53k5wd0","seq":3}');
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',4,'2026-11-21T22:27:23.321867+00:00','refused','p-2ybqtqnmt53k5wd0','rs-zn08vtkcrydmgskp','{"at":"2026-11-21T22:27:23.321867Z","attempt":"rs-zn08vtkcrydmgskp","book":"lab-9c9fwf7kyh6natc1","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-2ybqtqnmt53k5wd0","seq":4}');
INSERT INTO "ledger_entry" VALUES('lab-2p21penkxy0enyq0',1,'2026-11-21T22:27:23.324326+00:00','attempted','p-2ybqtqnmt53k5wd0','rs-7mkma9dge8w3y5bm','{"at":"2026-11-21T22:27:23.324326Z","attempt":"rs-7mkma9dge8w3y5bm","book":"lab-2p21penkxy0enyq0","event":{"kind":"attempted","lab":"language","role":"pay"},"format":1,"person":"p-2ybqtqnmt53k5wd0","seq":1}');
INSERT INTO "ledger_entry" VALUES('lab-2p21penkxy0enyq0',2,'2026-11-21T22:27:23.324326+00:00','refused','p-2ybqtqnmt53k5wd0','rs-7mkma9dge8w3y5bm','{"at":"2026-11-21T22:27:23.324326Z","attempt":"rs-7mkma9dge8w3y5bm","book":"lab-2p21penkxy0enyq0","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-2ybqtqnmt53k5wd0","seq":2}');
INSERT INTO "ledger_entry" VALUES('broker',1,'2026-11-21T22:27:23.326573+00:00','attempted','p-2ybqtqnmt53k5wd0','rs-nmf8x8vf0p04377v','{"at":"2026-11-21T22:27:23.326573Z","attempt":"rs-nmf8x8vf0p04377v","book":"broker","event":{"kind":"attempted","lab":"atlantis","role":"pay"},"format":1,"person":"p-2ybqtqnmt53k5wd0","seq":1}');
INSERT INTO "ledger_entry" VALUES('broker',2,'2026-11-21T22:27:23.326573+00:00','refused','p-2ybqtqnmt53k5wd0','rs-nmf8x8vf0p04377v','{"at":"2026-11-21T22:27:23.326573Z","attempt":"rs-nmf8x8vf0p04377v","book":"broker","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-2ybqtqnmt53k5wd0","seq":2}');
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',5,'2026-11-21T22:27:23.352167+00:00','attempted','p-dhpmxz426r2dyz85','rs-db24mfyqvcafvkxz','{"at":"2026-11-21T22:27:23.352167Z","attempt":"rs-db24mfyqvcafvkxz","book":"lab-9c9fwf7kyh6natc1","event":{"kind":"attempted","lab":"vision","role":"publish"},"format":1,"person":"p-dhpmxz426r2dyz85","seq":5}');
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',6,'2026-11-21T22:27:23.356242+00:00','issued','p-dhpmxz426r2dyz85','rs-db24mfyqvcafvkxz','{"at":"2026-11-21T22:27:23.356242Z","attempt":"rs-db24mfyqvcafvkxz","book":"lab-9c9fwf7kyh6natc1","event":{"access-key-id":"ASIAAY6SUUCZX4MBTSHW","aws-request-id":"d0ae3b8c-03cb-0551-ef28-0d041f5e660e","expires-at":"2026-11-21T23:27:23Z","kind":"issued","mapping":"map-576bbr154wcv7p2j","policy-sha256":"bec562f3af24b94cb3e3d81604edd34e6dd716fb5b9fbbda2cda3f1aa6bd43c3","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-db24mfyqvcafvkxz","template":"mturk/publish"},"format":1,"person":"p-dhpmxz426r2dyz85","seq":6}');
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',7,'2026-11-21T22:27:23.358459+00:00','attempted','p-dhpmxz426r2dyz85','rs-fgfm7sh3a1tx05gy','{"at":"2026-11-21T22:27:23.358459Z","attempt":"rs-fgfm7sh3a1tx05gy","book":"lab-9c9fwf7kyh6natc1","event":{"kind":"attempted","lab":"vision","role":"pay"},"format":1,"person":"p-dhpmxz426r2dyz85","seq":7}');
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',8,'2026-11-21T22:27:23.362176+00:00','issued','p-dhpmxz426r2dyz85','rs-fgfm7sh3a1tx05gy','{"at":"2026-11-21T22:27:23.362176Z","attempt":"rs-fgfm7sh3a1tx05gy","book":"lab-9c9fwf7kyh6natc1","event":{"access-key-id":"ASIAPGUMEK726752W463","aws-request-id":"d9606d65-a1b6-a27a-88a4-abe2e5215d06","expires-at":"2026-11-21T23:27:23Z","kind":"issued","mapping":"map-hn1dxrqmkvz428cv","policy-sha256":"a487ac06adbfa2e5dc48e1d002f57aeacd1b76a43060dfa61a4c66768206bb41","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-fgfm7sh3a1tx05gy","template":"mturk/pay"},"format":1,"person":"p-dhpmxz426r2dyz85","seq":8}');
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',9,'2026-11-21T22:27:23.387152+00:00','attempted','p-9actcjvqa5v1vssb','rs-9jm7e3es8xq3zdg2','{"at":"2026-11-21T22:27:23.387152Z","attempt":"rs-9jm7e3es8xq3zdg2","book":"lab-9c9fwf7kyh6natc1","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-9actcjvqa5v1vssb","seq":9}');
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',10,'2026-11-21T22:27:23.387152+00:00','refused','p-9actcjvqa5v1vssb','rs-9jm7e3es8xq3zdg2','{"at":"2026-11-21T22:27:23.387152Z","attempt":"rs-9jm7e3es8xq3zdg2","book":"lab-9c9fwf7kyh6natc1","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-9actcjvqa5v1vssb","seq":10}');
INSERT INTO "ledger_entry" VALUES('lab-9c9fwf7kyh6natc1',11,'2026-11-21T22:27:59.000001+00:00','attempted','p-9actcjvqa5v1vssb','rs-0123456789abcdef','{"at":"2026-11-21T22:27:59.000001Z","attempt":"rs-0123456789abcdef","book":"lab-9c9fwf7kyh6natc1","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-9actcjvqa5v1vssb","seq":11}');
CREATE TABLE mapping (
    lab_id      text not null,
    id          text not null,
    connection  text not null,
    group_name  text not null,
    role        text not null,
    ends_at     text,
    created_at  text not null,
    primary key (lab_id, id),
    foreign key (lab_id, role) references lab_role (lab_id, name)
) strict;
INSERT INTO "mapping" VALUES('lab-9c9fwf7kyh6natc1','map-qn9j5wmmts7k0e1w','campus','vision-students','read-results',NULL,'2026-11-21T22:27:21.239046+00:00');
INSERT INTO "mapping" VALUES('lab-9c9fwf7kyh6natc1','map-576bbr154wcv7p2j','campus','vision-publishers','publish',NULL,'2026-11-21T22:27:21.240149+00:00');
INSERT INTO "mapping" VALUES('lab-9c9fwf7kyh6natc1','map-hn1dxrqmkvz428cv','campus','vision-payers','pay',NULL,'2026-11-21T22:27:21.241194+00:00');
INSERT INTO "mapping" VALUES('lab-2p21penkxy0enyq0','map-0eppfraadxp48srk','campus','language-students','read-results',NULL,'2026-11-21T22:27:21.244372+00:00');
INSERT INTO "mapping" VALUES('lab-2p21penkxy0enyq0','map-52qtamt7tsqfa7zn','campus','language-publishers','publish',NULL,'2026-11-21T22:27:21.245497+00:00');
INSERT INTO "mapping" VALUES('lab-2p21penkxy0enyq0','map-fragqwjv302qhr3t','campus','language-payers','pay',NULL,'2026-11-21T22:27:21.246553+00:00');
CREATE TABLE person (
    id            text primary key,
    connection    text not null,
    issuer        text not null,
    subject       text not null,
    display_name  text,
    created_at    text not null,
    unique (connection, issuer, subject)
) strict;
INSERT INTO "person" VALUES('p-z2qb6dvjf2jeqee4','campus','http://127.0.0.1:21081','u-1001','Prof. Ada Marsh','2026-11-21T22:27:21.241518+00:00');
INSERT INTO "person" VALUES('p-2ybqtqnmt53k5wd0','campus','http://127.0.0.1:21081','u-1003','Kim Sørensen','2026-11-21T22:27:23.302194+00:00');
INSERT INTO "person" VALUES('p-dhpmxz426r2dyz85','campus','http://127.0.0.1:21081','u-1002','Dr. Noor Haddad','2026-11-21T22:27:23.341889+00:00');
INSERT INTO "person" VALUES('p-9actcjvqa5v1vssb','campus','http://127.0.0.1:21081','u-1004','Robin Vale','2026-11-21T22:27:23.377872+00:00');
CREATE TABLE sign_in (
    id            text primary key,
    person_id     text not null references person (id),
    group_claim   text not null check (group_claim in ('absent', 'present')),
    signed_in_at  text not null
) strict;
INSERT INTO "sign_in" VALUES('si-3atp8h5q43f9pjg2','p-2ybqtqnmt53k5wd0','present','2026-11-21T22:27:23.302194+00:00');
INSERT INTO "sign_in" VALUES('si-wtm06k3z00gefpvf','p-dhpmxz426r2dyz85','present','2026-11-21T22:27:23.341889+00:00');
INSERT INTO "sign_in" VALUES('si-xckyvexkddv9s65x','p-9actcjvqa5v1vssb','present','2026-11-21T22:27:23.377872+00:00');
INSERT INTO "sign_in" VALUES('si-rzavpag5g72y6trn','p-z2qb6dvjf2jeqee4','present','2026-11-21T22:27:23.404709+00:00');
CREATE TABLE sign_in_group (
    sign_in_id  text not null references sign_in (id),
    group_name  text not null,
    primary key (sign_in_id, group_name)
) strict;
INSERT INTO "sign_in_group" VALUES('si-3atp8h5q43f9pjg2','vision-students');
INSERT INTO "sign_in_group" VALUES('si-wtm06k3z00gefpvf','vision-payers');
INSERT INTO "sign_in_group" VALUES('si-wtm06k3z00gefpvf','vision-publishers');
INSERT INTO "sign_in_group" VALUES('si-rzavpag5g72y6trn','vision-pi');
CREATE TABLE sign_in_transaction (
    id            text primary key,
    state_hash    text not null unique,
    browser_hash  text not null,
    connection    text not null,
    return_to     text not null,
    begun_at      text not null
) strict;
CREATE TABLE standing (
    lab_id      text not null references lab (id),
    person_id   text not null references person (id),
    standing    text not null check (standing in ('manager', 'pi')),
    created_at  text not null,
    primary key (lab_id, person_id)
) strict;
INSERT INTO "standing" VALUES('lab-9c9fwf7kyh6natc1','p-z2qb6dvjf2jeqee4','pi','2026-11-21T22:27:21.241518+00:00');
CREATE INDEX mapping_by_group on mapping (connection, group_name);
CREATE INDEX sign_in_by_person on sign_in (person_id, signed_in_at);
CREATE INDEX sign_in_transaction_by_age on sign_in_transaction (begun_at);
CREATE INDEX authorization_code_by_age on authorization_code (created_at);
CREATE UNIQUE INDEX ledger_entry_attempted on ledger_entry (attempt) where kind = 'attempted';
CREATE UNIQUE INDEX ledger_entry_outcome on ledger_entry (attempt) where kind <> 'attempted';
CREATE TRIGGER ledger_entry_is_never_changed before update on ledger_entry
begin
    select raise(abort, 'the ledger is append-only');
end;
CREATE TRIGGER ledger_entry_is_never_removed before delete on ledger_entry
begin
    select raise(abort, 'the ledger is append-only');
end;
CREATE TRIGGER ledger_entry_is_never_replaced before insert on ledger_entry
when exists (
    select 1 from ledger_entry
    where (book = new.book and seq = new.seq)
       or (attempt = new.attempt and (kind = 'attempted') = (new.kind = 'attempted'))
)
begin
    select raise(abort, 'the ledger is append-only');
end;
CREATE TRIGGER ledger_entry_leaves_no_gap before insert on ledger_entry
when new.seq <> (select coalesce(max(seq), 0) + 1 from ledger_entry where book = new.book)
begin
    select raise(abort, 'the ledger has no gaps');
end;
COMMIT;
