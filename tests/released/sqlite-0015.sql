-- The schema with session lifetimes and limits (SQLite, migrations 1 to 15), with what sign-ins, attempts, refresh tokens,
-- limits, an edited mapping, a second PI and a change that waits for one left in it; and an attempt that a stop left without
-- an outcome. Made by that version's `lodged demo --data` and `lodge`, dumped by SQLite.
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
INSERT INTO "_sqlx_migrations" VALUES(1,'labs','2026-11-22 04:08:10',1,X'295719734F401469A24E824928A7D3793CA7D21DA5CC41363C853D5844C353DBF85EEBFFDE416C3EA254C67318B374FE',88872899);
INSERT INTO "_sqlx_migrations" VALUES(2,'people','2026-11-22 04:08:10',1,X'2082F517CA4DE3C38218623BC5B7227E3C2E44B1E68303C26254481BF6DD4906A4E51AEEC7F8CDF7E20575C38E32D62B',4547285);
INSERT INTO "_sqlx_migrations" VALUES(3,'sessions','2026-11-22 04:08:10',1,X'4AE351D6CE23F363C2EBDC285850463958F41D07367DA7F1649F49B031A8F3002106964F9F96E66C94918D01C47ECF15',5134578);
INSERT INTO "_sqlx_migrations" VALUES(4,'ledger','2026-11-22 04:08:10',1,X'93FC3B177353C8E8754C9A925831383EECABD7A1E6BBC4D1ABDCE38E5DAB645EBCE14459A805CAB11D61DC97AAD934DD',8766704);
INSERT INTO "_sqlx_migrations" VALUES(5,'mapping terms','2026-11-22 04:08:10',1,X'70C090D000992CA3154B81B6B71D54848228E72F9FD4F8B835D95135E004866B961037658E3DFE21D181DC72FDC23B0F',10258934);
INSERT INTO "_sqlx_migrations" VALUES(6,'suspension and archive','2026-11-22 04:08:10',1,X'57BE57B4B7A27642CDE287A38FFDDA9575A736164A8A4422114522E280ACB30D96289E905ADDE40B4B15B79E1E10E118',24630598);
INSERT INTO "_sqlx_migrations" VALUES(7,'invitations','2026-11-22 04:08:10',1,X'D9BC9612016CAA0FFA558C5B5A2667AC142152CBA8D8B41D9C426925CBD1A7EA451C11EA9FD38A0B62991057CB313733',350632923);
INSERT INTO "_sqlx_migrations" VALUES(8,'ledger books','2026-11-22 04:08:11',1,X'96C4A60AEAEBCB7955599AB9543C7AE03E09DFBFFA787E6C8C8D0A7616A652F31E6DF3D50CDE66A183138CA8D39EA9C7',84752380);
INSERT INTO "_sqlx_migrations" VALUES(9,'row security','2026-11-22 04:08:11',1,X'B3D78AE55DD4A916D42F7ECFB8A0F29484766820870774B4F2D4FBB4EB7AD5C9F542DB70801CF05E6EE32A1D1E535227',45463179);
INSERT INTO "_sqlx_migrations" VALUES(10,'no scans','2026-11-22 04:08:11',1,X'94802055222C3E813A4CBC8DDAF2DDD0070942704CE1744497B28DB27E1C768F050A8CE7CE9520EA33F920DA17BF1377',80038439);
INSERT INTO "_sqlx_migrations" VALUES(11,'gap check','2026-11-22 04:08:11',1,X'66E7E7F6F753EB240304E1F53F18BE40D6D22D3FC8A14E938C3C2619BBA5E53869EC3BF0E3A8567FEB59BD3C13980CF9',127788681);
INSERT INTO "_sqlx_migrations" VALUES(12,'sign in evidence','2026-11-22 04:08:11',1,X'E58B44A651D6DE89F6978B6B5FBE3FAAC4A4051419ED53CC4F3CC71DD3F041C9B487F0A126D247FB1926E88FB70097AB',11169733);
INSERT INTO "_sqlx_migrations" VALUES(13,'helper tokens','2026-11-22 04:08:11',1,X'1B73BA035501D97D262EEDF5F349F81ADAB40F11D958B000512D8A1138DD69502CCFEC63BFB35914EDFC877FABF00F88',4554851);
INSERT INTO "_sqlx_migrations" VALUES(14,'session origins','2026-11-22 04:08:11',1,X'04BA89ED9FF8459345187359F99DEC4FAE05DCEE38D6AA90ED09ED74FD75FB8AD66DDF9227076E249B7B0EF32B2C0745',17167705);
INSERT INTO "_sqlx_migrations" VALUES(15,'limits','2026-11-22 04:08:11',1,X'F1A0075820B7EE5C30D386B03BF8AB112548855786451095C2B514FF3D2A21D15C5E3B85DA69A7B009FE3E263BFD12EB',6116169);
CREATE TABLE authorization_code (
    code_hash       text primary key,
    person_id       text not null references person (id),
    sign_in_id      text not null references sign_in (id),
    redirect_uri    text not null,
    code_challenge  text not null,
    host            text not null,
    created_at      text not null,
    cli_session_id  text references cli_session (id)
, account text) strict;
INSERT INTO "authorization_code" VALUES('J814Zu0MPj72-1uAhptuC8DpB4KmthCz76TOu5VVyt8','p-2x0cgmar83v07qq4','si-ffsgpq3p2pcab286','http://127.0.0.1:34507/callback/Jg8ZCy05DkEYuW5Dsx5X7u7yNY56r0yXF26tkLO6S_k','_S38VMdp9xrtVi9QrFrTzJN45DnovRmkETDStDqmlm4','vm','2026-11-22T04:08:16.283904+00:00','cs-h5wdyxqqndzpacz4',NULL);
INSERT INTO "authorization_code" VALUES('59mZTMjhE6pagFm-z54GpEbHPy3Yj2pxh8KG3qskjGc','p-gr0pyf1q8w1j9nzj','si-an89emseeqscvrqm','http://127.0.0.1:45459/callback/2TWkT7KUJn4wRlqJ3b5YJ7QgaDUzwmHGEBNyzCuxH5s','k8TiOVcAgjg-IQGvi5kacRULIX6vlhIkdRbpUC6fr4M','vm','2026-11-22T04:08:16.844411+00:00','cs-hvqh5x9ferddb5sz',NULL);
INSERT INTO "authorization_code" VALUES('fH-iKUwJdmtK_0xn-TenzQe1up1u_7b4PJV0bRrLLIQ','p-6w1bded67trbrmb2','si-qqca555de7jaw94p','http://127.0.0.1:38741/callback/K-2tUSx0iuJTlw2fsUMFNJJMRaSJPzOgKyp4r0OgLIE','Z4LZEtJizohjHa6xMFahcqS9j1iKYYOoHck4kLmMT7k','vm','2026-11-22T04:08:17.120996+00:00','cs-t6j5x2t3t90rh59s',NULL);
INSERT INTO "authorization_code" VALUES('8sWjAWA8_b86hj--MAcSElYI79Vi9UpgEuWT2ll5WG0','p-n5cnqs02hjs4xe43','si-cbcdjhvhenzcyjet','http://127.0.0.1:45445/callback/I9BtgtAt450z3sM9TNQgajS56FheCJ9VLAQ_DieZ1cA','WP--K9Ep2PzQTeQoxw2VtbOzXzmIrmhl_eYuOVf-5Fk','vm','2026-11-22T04:08:17.414926+00:00','cs-12naam3r890q0q6m',NULL);
CREATE TABLE browser_session (
    id          text primary key,
    token_hash  text not null unique,
    person_id   text not null references person (id),
    sign_in_id  text not null references sign_in (id),
    created_at  text not null,
    expires_at  text not null,
    ended_at    text
, seen_at text, address text, agent text) strict;
INSERT INTO "browser_session" VALUES('bs-0k9azabxw8ze21sm','xDegtC7U0rcvn7a325WSB4j1Y1qcj-mn5bAuLbDVk4U','p-2x0cgmar83v07qq4','si-ffsgpq3p2pcab286','2026-11-22T04:08:16.263923+00:00','2026-11-22T12:08:16.263923+00:00',NULL,'2026-11-22T04:08:16.263923+00:00','127.0.0.1','Python-urllib/3.11');
INSERT INTO "browser_session" VALUES('bs-kv01wa9hf04bzhj3','nXzJ2faDC19x21IROF2_efSwU1Uz7XUe3b5A83nLA_A','p-gr0pyf1q8w1j9nzj','si-an89emseeqscvrqm','2026-11-22T04:08:16.826843+00:00','2026-11-22T12:08:16.826843+00:00',NULL,'2026-11-22T04:08:16.826843+00:00','127.0.0.1','Python-urllib/3.11');
INSERT INTO "browser_session" VALUES('bs-drxyn4cx660kp5sj','d4Vkq35LAKqSg6eORF_LPrk4CQQbgEwgZPdOf_QBfHo','p-6w1bded67trbrmb2','si-qqca555de7jaw94p','2026-11-22T04:08:17.112524+00:00','2026-11-22T12:08:17.112524+00:00',NULL,'2026-11-22T04:08:17.112524+00:00','127.0.0.1','Python-urllib/3.11');
INSERT INTO "browser_session" VALUES('bs-phv0175jyxcdwhmm','wFJrLUPh-frV9VkW1LVT6haNxOSdLbnt6SGFHlZYcSA','p-n5cnqs02hjs4xe43','si-cbcdjhvhenzcyjet','2026-11-22T04:08:17.405563+00:00','2026-11-22T12:08:17.405563+00:00',NULL,'2026-11-22T04:08:17.405563+00:00','127.0.0.1','Python-urllib/3.11');
CREATE TABLE cli_session (
    id          text primary key,
    token_hash  text not null unique,
    person_id   text not null references person (id),
    sign_in_id  text not null references sign_in (id),
    host        text not null,
    created_at  text not null,
    expires_at  text not null,
    ended_at    text
, seen_at text, address text, account text) strict;
INSERT INTO "cli_session" VALUES('cs-h5wdyxqqndzpacz4','cs-h5wdyxqqndzpacz4','p-2x0cgmar83v07qq4','si-ffsgpq3p2pcab286','vm','2026-11-22T04:08:16.331646+00:00','2026-11-22T16:08:16.262598+00:00',NULL,'2026-11-22T04:08:16.331646+00:00','127.0.0.1',NULL);
INSERT INTO "cli_session" VALUES('cs-hvqh5x9ferddb5sz','cs-hvqh5x9ferddb5sz','p-gr0pyf1q8w1j9nzj','si-an89emseeqscvrqm','vm','2026-11-22T04:08:16.869342+00:00','2026-11-22T16:08:16.825518+00:00','2026-11-22T04:08:17.952748+00:00','2026-11-22T04:08:16.869342+00:00','127.0.0.1',NULL);
INSERT INTO "cli_session" VALUES('cs-t6j5x2t3t90rh59s','cs-t6j5x2t3t90rh59s','p-6w1bded67trbrmb2','si-qqca555de7jaw94p','vm','2026-11-22T04:08:17.131993+00:00','2026-11-22T16:08:17.111581+00:00',NULL,'2026-11-22T04:08:17.131993+00:00','127.0.0.1',NULL);
INSERT INTO "cli_session" VALUES('cs-12naam3r890q0q6m','cs-12naam3r890q0q6m','p-n5cnqs02hjs4xe43','si-cbcdjhvhenzcyjet','vm','2026-11-22T04:08:17.430621+00:00','2026-11-22T16:08:17.404277+00:00',NULL,'2026-11-22T04:08:17.430621+00:00','127.0.0.1',NULL);
CREATE TABLE cli_token (
    refresh_hash        text primary key,
    access_hash         text not null unique,
    cli_session_id      text not null references cli_session (id),
    generation          integer not null check (generation > 0),
    created_at          text not null,
    access_expires_at   text not null,
    -- The session's own end: what is past it is forgotten.
    session_expires_at  text not null,
    -- When the refresh token was traded for the next generation.
    used_at             text,
    unique (cli_session_id, generation)
) strict;
INSERT INTO "cli_token" VALUES('MVFss8SnKZkNDhs-qI0IORwMDpOFWtL0kJH9LR5FZyA','iHy_NFG32uQzDUyPhKQ29LEiaqUQADL9SR2ec_mxzIc','cs-h5wdyxqqndzpacz4',1,'2026-11-22T04:08:16.331646+00:00','2026-11-22T04:23:16.331646+00:00','2026-11-22T16:08:16.262598+00:00',NULL);
INSERT INTO "cli_token" VALUES('ftm4Ojw6bRmhuuUH_HRzsSNsOedalG5aI6rrqOBWFmw','4W56f6F5wIoVaSYaEkEjdoORecaxh3oVE13T5f6B3GA','cs-hvqh5x9ferddb5sz',1,'2026-11-22T04:08:16.869342+00:00','2026-11-22T04:23:16.869342+00:00','2026-11-22T16:08:16.825518+00:00',NULL);
INSERT INTO "cli_token" VALUES('lt3LN0uV9nYKDyJOcHkBo9ziftY9UvR8_35ARu9uDkw','ira8dXXY1nkwIaWb3zGd3noECaBlZ6-ubL7Nvm5-Kr8','cs-t6j5x2t3t90rh59s',1,'2026-11-22T04:08:17.131993+00:00','2026-11-22T04:23:17.131993+00:00','2026-11-22T16:08:17.111581+00:00',NULL);
INSERT INTO "cli_token" VALUES('AuRdVAoqP1QKUtb7Cru1ju57qK9qORpC6nzFqnc_0Ng','eLmHDLgjoCl3zyBpLAq5_HezXNmgGzqIDzHbZC2g4-M','cs-12naam3r890q0q6m',1,'2026-11-22T04:08:17.430621+00:00','2026-11-22T04:23:17.430621+00:00','2026-11-22T16:08:17.404277+00:00',NULL);
CREATE TABLE invitation (
    lab_id       text not null references lab (id),
    id           text not null,
    token_hash   text not null unique,
    created_at   text not null,
    lapses_at    text not null,
    -- When it was used, withdrawn or replaced.
    ended_at     text,
    primary key (lab_id, id)
) strict;
CREATE TABLE lab (
    id            text primary key,
    name          text not null unique,
    title         text not null,
    session_role  text not null,
    external_id   text not null unique,
    created_at    text not null
, archived_at text, groups_max_age_seconds integer
    check (groups_max_age_seconds between 3600 and 2592000)) strict;
INSERT INTO "lab" VALUES('lab-43f17g0ccyva3aa7','vision','Vision Lab','arn:aws:iam::111122223333:role/lodge/lodge-session','lodge-cd508e3d759f2bda26c0617eb3756e7a','2026-11-22T04:08:14.972989+00:00',NULL,604800);
INSERT INTO "lab" VALUES('lab-4b2qfhjms59r9v87','language','Language Lab','arn:aws:iam::444455556666:role/lodge/lodge-session','lodge-35df8ea77a00c60faf52b969f3436e32','2026-11-22T04:08:15.265430+00:00',NULL,NULL);
CREATE TABLE lab_role (
    lab_id                text not null references lab (id),
    name                  text not null,
    template              text not null,
    parameters            text not null,
    max_duration_seconds  integer not null check (max_duration_seconds between 900 and 3600),
    created_at            text not null, sign_in_max_age_seconds integer
    check (sign_in_max_age_seconds between 300 and 2592000),
    primary key (lab_id, name)
) strict;
INSERT INTO "lab_role" VALUES('lab-43f17g0ccyva3aa7','pay','mturk/pay','{}',3600,'2026-11-22T04:08:14.972989+00:00',NULL);
INSERT INTO "lab_role" VALUES('lab-43f17g0ccyva3aa7','publish','mturk/publish','{}',3600,'2026-11-22T04:08:14.972989+00:00',NULL);
INSERT INTO "lab_role" VALUES('lab-43f17g0ccyva3aa7','read-results','mturk/read-results','{}',3600,'2026-11-22T04:08:14.972989+00:00',2592000);
INSERT INTO "lab_role" VALUES('lab-4b2qfhjms59r9v87','pay','mturk/pay','{}',3600,'2026-11-22T04:08:15.265430+00:00',NULL);
INSERT INTO "lab_role" VALUES('lab-4b2qfhjms59r9v87','publish','mturk/publish','{}',3600,'2026-11-22T04:08:15.265430+00:00',NULL);
INSERT INTO "lab_role" VALUES('lab-4b2qfhjms59r9v87','read-results','mturk/read-results','{}',3600,'2026-11-22T04:08:15.265430+00:00',NULL);
CREATE TABLE ledger_book (
    book     text primary key,
    entries  integer not null check (entries >= 0)
) strict;
INSERT INTO "ledger_book" VALUES('lab-43f17g0ccyva3aa7',22);
INSERT INTO "ledger_book" VALUES('lab-4b2qfhjms59r9v87',7);
INSERT INTO "ledger_book" VALUES('broker',1);
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
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',1,'2026-11-22T04:08:14.975159+00:00','lab-created','operator','act-3xjabq6efh5m6d1v','{"act":"act-3xjabq6efh5m6d1v","at":"2026-11-22T04:08:14.975159Z","book":"lab-43f17g0ccyva3aa7","by":{"operator":"demo"},"event":{"kind":"lab-created","lab":"vision","session-role":"arn:aws:iam::111122223333:role/lodge/lodge-session"},"format":2,"seq":1}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',2,'2026-11-22T04:08:14.976703+00:00','role-added','operator','act-d6gd29jneaa6q0wb','{"act":"act-d6gd29jneaa6q0wb","at":"2026-11-22T04:08:14.976703Z","book":"lab-43f17g0ccyva3aa7","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"pay","template":"mturk/pay"},"format":2,"seq":2}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',3,'2026-11-22T04:08:14.978106+00:00','role-added','operator','act-raacw5c94k28q4b2','{"act":"act-raacw5c94k28q4b2","at":"2026-11-22T04:08:14.978106Z","book":"lab-43f17g0ccyva3aa7","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"publish","template":"mturk/publish"},"format":2,"seq":3}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',4,'2026-11-22T04:08:14.978430+00:00','role-added','operator','act-dfdyhrzg8d0ey6qb','{"act":"act-dfdyhrzg8d0ey6qb","at":"2026-11-22T04:08:14.978430Z","book":"lab-43f17g0ccyva3aa7","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"read-results","template":"mturk/read-results"},"format":2,"seq":4}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',5,'2026-11-22T04:08:14.988652+00:00','mapping-added','operator','act-a3nmzv8qrhkrz3ef','{"act":"act-a3nmzv8qrhkrz3ef","at":"2026-11-22T04:08:14.988652Z","book":"lab-43f17g0ccyva3aa7","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-gte9qt8rknag1vtv","target":{"connection":"campus","group":"vision-students","role":"read-results"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":5}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',6,'2026-11-22T04:08:14.997103+00:00','mapping-added','operator','act-pdpabqcts18hjceg','{"act":"act-pdpabqcts18hjceg","at":"2026-11-22T04:08:14.997103Z","book":"lab-43f17g0ccyva3aa7","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-ayssrdkgwqm8bmv8","target":{"connection":"campus","group":"vision-publishers","role":"publish"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":6}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',7,'2026-11-22T04:08:15.000742+00:00','mapping-added','operator','act-t6p9c7mgs3c0zk47','{"act":"act-t6p9c7mgs3c0zk47","at":"2026-11-22T04:08:15.000742Z","book":"lab-43f17g0ccyva3aa7","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-tvsdm48p3pn2x8cb","target":{"connection":"campus","group":"vision-payers","role":"pay"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":7}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',8,'2026-11-22T04:08:15.228223+00:00','standing-given','operator','act-1e0mxfdw8d44ghah','{"act":"act-1e0mxfdw8d44ghah","at":"2026-11-22T04:08:15.228223Z","book":"lab-43f17g0ccyva3aa7","by":{"operator":"demo"},"event":{"kind":"standing-given","person":"p-6w1bded67trbrmb2","standing":"pi"},"format":2,"seq":8}');
INSERT INTO "ledger_entry" VALUES('lab-4b2qfhjms59r9v87',1,'2026-11-22T04:08:15.266337+00:00','lab-created','operator','act-29qmvvmwfbm9gtac','{"act":"act-29qmvvmwfbm9gtac","at":"2026-11-22T04:08:15.266337Z","book":"lab-4b2qfhjms59r9v87","by":{"operator":"demo"},"event":{"kind":"lab-created","lab":"language","session-role":"arn:aws:iam::444455556666:role/lodge/lodge-session"},"format":2,"seq":1}');
INSERT INTO "ledger_entry" VALUES('lab-4b2qfhjms59r9v87',2,'2026-11-22T04:08:15.266838+00:00','role-added','operator','act-smc8p3pgmgpxaeqe','{"act":"act-smc8p3pgmgpxaeqe","at":"2026-11-22T04:08:15.266838Z","book":"lab-4b2qfhjms59r9v87","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"pay","template":"mturk/pay"},"format":2,"seq":2}');
INSERT INTO "ledger_entry" VALUES('lab-4b2qfhjms59r9v87',3,'2026-11-22T04:08:15.267126+00:00','role-added','operator','act-50ztme98wt8y0h06','{"act":"act-50ztme98wt8y0h06","at":"2026-11-22T04:08:15.267126Z","book":"lab-4b2qfhjms59r9v87","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"publish","template":"mturk/publish"},"format":2,"seq":3}');
INSERT INTO "ledger_entry" VALUES('lab-4b2qfhjms59r9v87',4,'2026-11-22T04:08:15.268361+00:00','role-added','operator','act-c43bjztsbnqxh3rd','{"act":"act-c43bjztsbnqxh3rd","at":"2026-11-22T04:08:15.268361Z","book":"lab-4b2qfhjms59r9v87","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"read-results","template":"mturk/read-results"},"format":2,"seq":4}');
INSERT INTO "ledger_entry" VALUES('lab-4b2qfhjms59r9v87',5,'2026-11-22T04:08:15.560867+00:00','mapping-added','operator','act-y9s1dfyfe5e73mtc','{"act":"act-y9s1dfyfe5e73mtc","at":"2026-11-22T04:08:15.560867Z","book":"lab-4b2qfhjms59r9v87","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-4j2gyqckx7azsx2y","target":{"connection":"campus","group":"language-students","role":"read-results"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":5}');
INSERT INTO "ledger_entry" VALUES('lab-4b2qfhjms59r9v87',6,'2026-11-22T04:08:15.621474+00:00','mapping-added','operator','act-rdppnh09gy8bpmva','{"act":"act-rdppnh09gy8bpmva","at":"2026-11-22T04:08:15.621474Z","book":"lab-4b2qfhjms59r9v87","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-1jaabkzxajc67sxf","target":{"connection":"campus","group":"language-publishers","role":"publish"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":6}');
INSERT INTO "ledger_entry" VALUES('lab-4b2qfhjms59r9v87',7,'2026-11-22T04:08:15.624314+00:00','mapping-added','operator','act-64gw549jq1mqfm99','{"act":"act-64gw549jq1mqfm99","at":"2026-11-22T04:08:15.624314Z","book":"lab-4b2qfhjms59r9v87","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-bqs3r3e98k3h6zf7","target":{"connection":"campus","group":"language-payers","role":"pay"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":7}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',9,'2026-11-22T04:08:17.484169+00:00','attempted','p-2x0cgmar83v07qq4','rs-g24q3zpg8rsnbz4z','{"at":"2026-11-22T04:08:17.484169Z","attempt":"rs-g24q3zpg8rsnbz4z","book":"lab-43f17g0ccyva3aa7","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-2x0cgmar83v07qq4","seq":9}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',10,'2026-11-22T04:08:17.495614+00:00','issued','p-2x0cgmar83v07qq4','rs-g24q3zpg8rsnbz4z','{"at":"2026-11-22T04:08:17.495614Z","attempt":"rs-g24q3zpg8rsnbz4z","book":"lab-43f17g0ccyva3aa7","event":{"access-key-id":"ASIA5TMSS5BVZ6HDSHV3","aws-request-id":"3a299419-4e63-66ef-f14e-e420d8adcc5a","expires-at":"2026-11-22T05:08:17Z","kind":"issued","mapping":"map-gte9qt8rknag1vtv","policy-sha256":"e19b3c576fe04b97152627af3dcc6564278feb14b63ec9f01e331f54bc4fe164","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-g24q3zpg8rsnbz4z","template":"mturk/read-results"},"format":1,"person":"p-2x0cgmar83v07qq4","seq":10}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',11,'2026-11-22T04:08:17.517962+00:00','attempted','p-gr0pyf1q8w1j9nzj','rs-95ypq6gefgmtb9s2','{"at":"2026-11-22T04:08:17.517962Z","attempt":"rs-95ypq6gefgmtb9s2","book":"lab-43f17g0ccyva3aa7","event":{"kind":"attempted","lab":"vision","role":"publish"},"format":1,"person":"p-gr0pyf1q8w1j9nzj","seq":11}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',12,'2026-11-22T04:08:17.528120+00:00','issued','p-gr0pyf1q8w1j9nzj','rs-95ypq6gefgmtb9s2','{"at":"2026-11-22T04:08:17.528120Z","attempt":"rs-95ypq6gefgmtb9s2","book":"lab-43f17g0ccyva3aa7","event":{"access-key-id":"ASIACSPH6F36HYHJLC3D","aws-request-id":"3c6ff71c-68a6-a138-560b-309a90f2fa8c","expires-at":"2026-11-22T05:08:17Z","kind":"issued","mapping":"map-ayssrdkgwqm8bmv8","policy-sha256":"bec562f3af24b94cb3e3d81604edd34e6dd716fb5b9fbbda2cda3f1aa6bd43c3","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-95ypq6gefgmtb9s2","template":"mturk/publish"},"format":1,"person":"p-gr0pyf1q8w1j9nzj","seq":12}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',13,'2026-11-22T04:08:17.549873+00:00','attempted','p-gr0pyf1q8w1j9nzj','rs-gf7bvxfxzqxzrxda','{"at":"2026-11-22T04:08:17.549873Z","attempt":"rs-gf7bvxfxzqxzrxda","book":"lab-43f17g0ccyva3aa7","event":{"kind":"attempted","lab":"vision","role":"pay"},"format":1,"person":"p-gr0pyf1q8w1j9nzj","seq":13}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',14,'2026-11-22T04:08:17.557665+00:00','issued','p-gr0pyf1q8w1j9nzj','rs-gf7bvxfxzqxzrxda','{"at":"2026-11-22T04:08:17.557665Z","attempt":"rs-gf7bvxfxzqxzrxda","book":"lab-43f17g0ccyva3aa7","event":{"access-key-id":"ASIASXHRGWIJZ7MMJ5XN","aws-request-id":"1cc60081-d2b0-a514-e500-2416eb96ce3f","expires-at":"2026-11-22T05:08:17Z","kind":"issued","mapping":"map-tvsdm48p3pn2x8cb","policy-sha256":"a487ac06adbfa2e5dc48e1d002f57aeacd1b76a43060dfa61a4c66768206bb41","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-gf7bvxfxzqxzrxda","template":"mturk/pay"},"format":1,"person":"p-gr0pyf1q8w1j9nzj","seq":14}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',15,'2026-11-22T04:08:17.572308+00:00','attempted','p-n5cnqs02hjs4xe43','rs-6beejfh06z5zcwza','{"at":"2026-11-22T04:08:17.572308Z","attempt":"rs-6beejfh06z5zcwza","book":"lab-43f17g0ccyva3aa7","event":{"kind":"attempted","lab":"vision","role":"pay"},"format":1,"person":"p-n5cnqs02hjs4xe43","seq":15}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',16,'2026-11-22T04:08:17.572308+00:00','refused','p-n5cnqs02hjs4xe43','rs-6beejfh06z5zcwza','{"at":"2026-11-22T04:08:17.572308Z","attempt":"rs-6beejfh06z5zcwza","book":"lab-43f17g0ccyva3aa7","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-n5cnqs02hjs4xe43","seq":16}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',17,'2026-11-22T04:08:17.591611+00:00','mapping-added','p-6w1bded67trbrmb2','act-7nnce2st00gzy6pn','{"act":"act-7nnce2st00gzy6pn","at":"2026-11-22T04:08:17.591611Z","book":"lab-43f17g0ccyva3aa7","by":{"person":"p-6w1bded67trbrmb2"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-kk873yd81y0jwdgv","target":{"connection":"campus","group":"vision-students","role":"publish"},"terms":{"ends-at":"2028-01-01T00:00:00.000000Z","needs-approval":false,"needs-mfa":false}},"format":2,"seq":17}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',18,'2026-11-22T04:08:17.612982+00:00','role-limit-changed','p-6w1bded67trbrmb2','act-yydgpyde3x0py91h','{"act":"act-yydgpyde3x0py91h","at":"2026-11-22T04:08:17.612982Z","book":"lab-43f17g0ccyva3aa7","by":{"person":"p-6w1bded67trbrmb2"},"event":{"after":2592000,"kind":"role-limit-changed","role":"read-results"},"format":2,"seq":18}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',19,'2026-11-22T04:08:17.633161+00:00','lab-limit-changed','p-6w1bded67trbrmb2','act-c48jvvw6skc1f8wg','{"act":"act-c48jvvw6skc1f8wg","at":"2026-11-22T04:08:17.633161Z","book":"lab-43f17g0ccyva3aa7","by":{"person":"p-6w1bded67trbrmb2"},"event":{"after":604800,"kind":"lab-limit-changed"},"format":2,"seq":19}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',20,'2026-11-22T04:08:17.927965+00:00','standing-given','p-6w1bded67trbrmb2','act-k9b6k3fcf9y53kt3','{"act":"act-k9b6k3fcf9y53kt3","at":"2026-11-22T04:08:17.927965Z","book":"lab-43f17g0ccyva3aa7","by":{"person":"p-6w1bded67trbrmb2"},"event":{"kind":"standing-given","person":"p-gr0pyf1q8w1j9nzj","standing":"pi"},"format":2,"seq":20}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',21,'2026-11-22T04:08:17.941867+00:00','mapping-change-asked','p-6w1bded67trbrmb2','act-tmy1fx463egsrkex','{"act":"act-tmy1fx463egsrkex","at":"2026-11-22T04:08:17.941867Z","book":"lab-43f17g0ccyva3aa7","by":{"person":"p-6w1bded67trbrmb2"},"event":{"change":"chg-vtayk5d8tg3z9dn5","kind":"mapping-change-asked","mapping":"map-5na6pxzyzr4bvg4q","target":{"connection":"campus","group":"vision-pi","role":"read-results"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":21}');
INSERT INTO "ledger_entry" VALUES('broker',1,'2026-11-22T04:08:18.079103+00:00','sign-in-refused','broker','act-zq7e7ns6ty5jwdzq','{"act":"act-zq7e7ns6ty5jwdzq","at":"2026-11-22T04:08:18.079103Z","book":"broker","by":"broker","event":{"connection":"campus","kind":"sign-in-refused","reason":"not-this-browser"},"format":2,"seq":1}');
INSERT INTO "ledger_entry" VALUES('lab-43f17g0ccyva3aa7',22,'2026-11-22T04:08:17.484169+00:00','attempted','p-2x0cgmar83v07qq4','rs-0123456789abcdef','{"at":"2026-11-22T04:08:17.484169Z","attempt":"rs-0123456789abcdef","book":"lab-43f17g0ccyva3aa7","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-2x0cgmar83v07qq4","seq":22}');
CREATE TABLE logout_token (
    connection  text not null,
    id          text not null,
    taken_at    text not null,
    primary key (connection, id)
) strict;
CREATE TABLE mapping (
    lab_id      text not null,
    id          text not null,
    connection  text not null,
    group_name  text not null,
    role        text not null,
    ends_at     text,
    created_at  text not null, max_duration_seconds integer check (max_duration_seconds between 1800 and 3600), needs_mfa integer not null default 0 check (needs_mfa in (0, 1)), needs_approval integer not null default 0 check (needs_approval in (0, 1)), revision integer not null default 1 check (revision > 0), changed_at text,
    primary key (lab_id, id),
    foreign key (lab_id, role) references lab_role (lab_id, name)
) strict;
INSERT INTO "mapping" VALUES('lab-43f17g0ccyva3aa7','map-gte9qt8rknag1vtv','campus','vision-students','read-results',NULL,'2026-11-22T04:08:14.987532+00:00',NULL,0,0,1,'2026-11-22T04:08:14.987532+00:00');
INSERT INTO "mapping" VALUES('lab-43f17g0ccyva3aa7','map-ayssrdkgwqm8bmv8','campus','vision-publishers','publish',NULL,'2026-11-22T04:08:14.995706+00:00',NULL,0,0,1,'2026-11-22T04:08:14.995706+00:00');
INSERT INTO "mapping" VALUES('lab-43f17g0ccyva3aa7','map-tvsdm48p3pn2x8cb','campus','vision-payers','pay',NULL,'2026-11-22T04:08:14.999470+00:00',NULL,0,0,1,'2026-11-22T04:08:14.999470+00:00');
INSERT INTO "mapping" VALUES('lab-4b2qfhjms59r9v87','map-4j2gyqckx7azsx2y','campus','language-students','read-results',NULL,'2026-11-22T04:08:15.340632+00:00',NULL,0,0,1,'2026-11-22T04:08:15.340632+00:00');
INSERT INTO "mapping" VALUES('lab-4b2qfhjms59r9v87','map-1jaabkzxajc67sxf','campus','language-publishers','publish',NULL,'2026-11-22T04:08:15.620824+00:00',NULL,0,0,1,'2026-11-22T04:08:15.620824+00:00');
INSERT INTO "mapping" VALUES('lab-4b2qfhjms59r9v87','map-bqs3r3e98k3h6zf7','campus','language-payers','pay',NULL,'2026-11-22T04:08:15.623722+00:00',NULL,0,0,1,'2026-11-22T04:08:15.623722+00:00');
INSERT INTO "mapping" VALUES('lab-43f17g0ccyva3aa7','map-kk873yd81y0jwdgv','campus','vision-students','publish','2028-01-01T00:00:00+00:00','2026-11-22T04:08:17.591611+00:00',NULL,0,0,1,'2026-11-22T04:08:17.591611+00:00');
CREATE TABLE mapping_change (
    lab_id                text not null,
    id                    text not null,
    mapping_id            text not null,
    of_revision           integer,
    author                text not null references person (id),
    connection            text not null,
    group_name            text not null,
    role                  text not null,
    ends_at               text,
    max_duration_seconds  integer check (max_duration_seconds between 1800 and 3600),
    needs_mfa             integer not null check (needs_mfa in (0, 1)),
    needs_approval        integer not null check (needs_approval in (0, 1)),
    asked_at              text not null,
    lapses_at             text not null,
    primary key (lab_id, id),
    foreign key (lab_id, role) references lab_role (lab_id, name)
) strict;
INSERT INTO "mapping_change" VALUES('lab-43f17g0ccyva3aa7','chg-vtayk5d8tg3z9dn5','map-5na6pxzyzr4bvg4q',NULL,'p-6w1bded67trbrmb2','campus','vision-pi','read-results',NULL,NULL,0,0,'2026-11-22T04:08:17.941867+00:00','2026-11-29T04:08:17.941867+00:00');
CREATE TABLE open_attempt (
    book     text not null,
    attempt  text not null,
    person   text not null,
    at       text not null,
    primary key (book, attempt)
) strict;
INSERT INTO "open_attempt" VALUES('lab-43f17g0ccyva3aa7','rs-0123456789abcdef','p-2x0cgmar83v07qq4','2026-11-22T04:08:17.484169+00:00');
CREATE TABLE person (
    id            text primary key,
    connection    text not null,
    issuer        text not null,
    subject       text not null,
    display_name  text,
    created_at    text not null, suspended_at text,
    unique (connection, issuer, subject)
) strict;
INSERT INTO "person" VALUES('p-6w1bded67trbrmb2','campus','http://127.0.0.1:18766','u-1001','Prof. Ada Marsh','2026-11-22T04:08:15.010492+00:00',NULL);
INSERT INTO "person" VALUES('p-2x0cgmar83v07qq4','campus','http://127.0.0.1:18766','u-1003','Kim Sørensen','2026-11-22T04:08:16.262598+00:00',NULL);
INSERT INTO "person" VALUES('p-gr0pyf1q8w1j9nzj','campus','http://127.0.0.1:18766','u-1002','Dr. Noor Haddad','2026-11-22T04:08:16.825518+00:00',NULL);
INSERT INTO "person" VALUES('p-n5cnqs02hjs4xe43','campus','http://127.0.0.1:18766','u-1004','Robin Vale','2026-11-22T04:08:17.404277+00:00',NULL);
CREATE TABLE sign_in (
    id            text primary key,
    person_id     text not null references person (id),
    group_claim   text not null check (group_claim in ('absent', 'present')),
    signed_in_at  text not null
, mfa integer not null default 0 check (mfa in (0, 1)), authenticated_at text, provider_subject text, provider_session text, group_limit text check (group_limit in ('overage', 'truncated'))) strict;
INSERT INTO "sign_in" VALUES('si-ffsgpq3p2pcab286','p-2x0cgmar83v07qq4','present','2026-11-22T04:08:16.262598+00:00',0,'2026-11-22T04:08:16+00:00','u-1003','fu7XaZoaDM9z6VRbFK5qbfzxQC4OR0hxNf3gDxbRNf0',NULL);
INSERT INTO "sign_in" VALUES('si-an89emseeqscvrqm','p-gr0pyf1q8w1j9nzj','present','2026-11-22T04:08:16.825518+00:00',0,'2026-11-22T04:08:16+00:00','u-1002','jbkpU91PjsQMhm957Ja103gSiVBC4bZM-qayqgF0FOA',NULL);
INSERT INTO "sign_in" VALUES('si-qqca555de7jaw94p','p-6w1bded67trbrmb2','present','2026-11-22T04:08:17.111581+00:00',0,'2026-11-22T04:08:17+00:00','u-1001','y0KqPxpMMddtd58kRyME9syromvHO9Dkt2e7PnesQko',NULL);
INSERT INTO "sign_in" VALUES('si-cbcdjhvhenzcyjet','p-n5cnqs02hjs4xe43','present','2026-11-22T04:08:17.404277+00:00',0,'2026-11-22T04:08:17+00:00','u-1004','KjZGsBaChLnmSJnivB5wySX9Eu3L_Z1UmTpz5TypCho',NULL);
CREATE TABLE sign_in_answer (
    id           text primary key,
    answered_at  text not null
) strict;
INSERT INTO "sign_in_answer" VALUES('tx-f46hxdxm76bsd8g5','2026-11-22T04:08:16.226092+00:00');
INSERT INTO "sign_in_answer" VALUES('tx-15bxc1rqz35vy2r6','2026-11-22T04:08:16.808425+00:00');
INSERT INTO "sign_in_answer" VALUES('tx-vz245h8jdan2j29t','2026-11-22T04:08:17.091876+00:00');
INSERT INTO "sign_in_answer" VALUES('tx-ghdt70n2fzdg309t','2026-11-22T04:08:17.355719+00:00');
CREATE TABLE sign_in_group (
    sign_in_id  text not null references sign_in (id),
    group_name  text not null,
    primary key (sign_in_id, group_name)
) strict;
INSERT INTO "sign_in_group" VALUES('si-ffsgpq3p2pcab286','vision-students');
INSERT INTO "sign_in_group" VALUES('si-an89emseeqscvrqm','vision-payers');
INSERT INTO "sign_in_group" VALUES('si-an89emseeqscvrqm','vision-publishers');
INSERT INTO "sign_in_group" VALUES('si-qqca555de7jaw94p','vision-pi');
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
INSERT INTO "standing" VALUES('lab-43f17g0ccyva3aa7','p-6w1bded67trbrmb2','pi','2026-11-22T04:08:15.010492+00:00');
INSERT INTO "standing" VALUES('lab-43f17g0ccyva3aa7','p-gr0pyf1q8w1j9nzj','pi','2026-11-22T04:08:17.926142+00:00');
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
CREATE TRIGGER ledger_entry_leaves_no_gap before insert on ledger_entry
when new.seq <> (select coalesce(max(seq), 0) + 1 from ledger_entry where book = new.book)
begin
    select raise(abort, 'the ledger has no gaps');
end;
CREATE INDEX mapping_by_role on mapping (lab_id, role);
CREATE INDEX standing_by_person on standing (person_id);
CREATE INDEX browser_session_by_person on browser_session (person_id);
CREATE INDEX cli_session_by_person on cli_session (person_id);
CREATE INDEX open_attempt_by_age on open_attempt (at);
CREATE TRIGGER ledger_entry_replaces_none before insert on ledger_entry
when exists (select 1 from ledger_entry where book = new.book and seq = new.seq)
    or (new.kind = 'attempted'
        and exists (select 1 from ledger_entry where kind = 'attempted' and attempt = new.attempt))
    or (new.kind <> 'attempted'
        and exists (select 1 from ledger_entry where kind <> 'attempted' and attempt = new.attempt))
begin
    select raise(abort, 'the ledger is append-only');
end;
CREATE INDEX authorization_code_by_person on authorization_code (person_id);
CREATE INDEX mapping_change_by_author on mapping_change (author);
CREATE INDEX sign_in_by_provider_subject on sign_in (provider_subject);
CREATE INDEX sign_in_by_provider_session on sign_in (provider_session);
CREATE INDEX sign_in_answer_by_age on sign_in_answer (answered_at);
CREATE INDEX logout_token_by_age on logout_token (taken_at);
CREATE INDEX cli_token_by_end on cli_token (session_expires_at);
CREATE INDEX browser_session_by_end on browser_session (expires_at);
CREATE INDEX cli_session_by_end on cli_session (expires_at);
CREATE INDEX browser_session_by_sign_in on browser_session (sign_in_id);
CREATE INDEX cli_session_by_sign_in on cli_session (sign_in_id);
CREATE INDEX sign_in_by_age on sign_in (signed_in_at);
CREATE INDEX authorization_code_by_sign_in on authorization_code (sign_in_id);
CREATE INDEX authorization_code_by_session on authorization_code (cli_session_id);
COMMIT;
