-- The schema with many labs (SQLite, migrations 1 to 11), with what sign-ins, attempts, changes of mappings, one that waits
-- for a second PI, an archived lab, an open invitation and a suspended person left in it; and an attempt that a stop left
-- without an outcome. Made by that version's `lodged demo --data` and `lodged lab`, dumped by SQLite.
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
INSERT INTO "_sqlx_migrations" VALUES(1,'labs','2026-11-21 23:02:37',1,X'295719734F401469A24E824928A7D3793CA7D21DA5CC41363C853D5844C353DBF85EEBFFDE416C3EA254C67318B374FE',887077);
INSERT INTO "_sqlx_migrations" VALUES(2,'people','2026-11-21 23:02:37',1,X'2082F517CA4DE3C38218623BC5B7227E3C2E44B1E68303C26254481BF6DD4906A4E51AEEC7F8CDF7E20575C38E32D62B',938911);
INSERT INTO "_sqlx_migrations" VALUES(3,'sessions','2026-11-21 23:02:37',1,X'4AE351D6CE23F363C2EBDC285850463958F41D07367DA7F1649F49B031A8F3002106964F9F96E66C94918D01C47ECF15',1026379);
INSERT INTO "_sqlx_migrations" VALUES(4,'ledger','2026-11-21 23:02:37',1,X'93FC3B177353C8E8754C9A925831383EECABD7A1E6BBC4D1ABDCE38E5DAB645EBCE14459A805CAB11D61DC97AAD934DD',777561);
INSERT INTO "_sqlx_migrations" VALUES(5,'mapping terms','2026-11-21 23:02:37',1,X'70C090D000992CA3154B81B6B71D54848228E72F9FD4F8B835D95135E004866B961037658E3DFE21D181DC72FDC23B0F',2933952);
INSERT INTO "_sqlx_migrations" VALUES(6,'suspension and archive','2026-11-21 23:02:37',1,X'57BE57B4B7A27642CDE287A38FFDDA9575A736164A8A4422114522E280ACB30D96289E905ADDE40B4B15B79E1E10E118',1986077);
INSERT INTO "_sqlx_migrations" VALUES(7,'invitations','2026-11-21 23:02:37',1,X'D9BC9612016CAA0FFA558C5B5A2667AC142152CBA8D8B41D9C426925CBD1A7EA451C11EA9FD38A0B62991057CB313733',443798);
INSERT INTO "_sqlx_migrations" VALUES(8,'ledger books','2026-11-21 23:02:37',1,X'96C4A60AEAEBCB7955599AB9543C7AE03E09DFBFFA787E6C8C8D0A7616A652F31E6DF3D50CDE66A183138CA8D39EA9C7',700973);
INSERT INTO "_sqlx_migrations" VALUES(9,'row security','2026-11-21 23:02:37',1,X'B3D78AE55DD4A916D42F7ECFB8A0F29484766820870774B4F2D4FBB4EB7AD5C9F542DB70801CF05E6EE32A1D1E535227',277689);
INSERT INTO "_sqlx_migrations" VALUES(10,'no scans','2026-11-21 23:37:13',1,X'94802055222C3E813A4CBC8DDAF2DDD0070942704CE1744497B28DB27E1C768F050A8CE7CE9520EA33F920DA17BF1377',913357);
INSERT INTO "_sqlx_migrations" VALUES(11,'gap check','2026-11-21 23:51:11',1,X'66E7E7F6F753EB240304E1F53F18BE40D6D22D3FC8A14E938C3C2619BBA5E53869EC3BF0E3A8567FEB59BD3C13980CF9',2191887);
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
INSERT INTO "authorization_code" VALUES('n6rVwtN8seKZCYRqhYkTRg7A4kk7cBJkb6yjocpOuo4','p-wpm3jz4ega7j8dps','si-qpvj1448hpp9y23n','http://127.0.0.1:49152/callback','E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM','laptop','2026-11-21T23:02:39.321830+00:00','cs-fpzr4m1173g1yqtp');
INSERT INTO "authorization_code" VALUES('ue1Mzf0kDWiUtyjkf-MJsDkWA_WVcfLNZa2xmDrFBVU','p-0jab0tfx4yaar8xd','si-wh8by5jqwx0cv6n9','http://127.0.0.1:49152/callback','E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM','laptop','2026-11-21T23:02:39.390040+00:00','cs-mszf5bh540h6za1y');
INSERT INTO "authorization_code" VALUES('FSIPwLPjqDdrissST5ZaCqbZ821BT5ZFrJjO2t3gc_s','p-xbfw6xxsc7f0bv1a','si-9t93jjd0j605paf7','http://127.0.0.1:49152/callback','E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM','laptop','2026-11-21T23:02:39.429577+00:00','cs-dvcfc5sh8d662v09');
INSERT INTO "authorization_code" VALUES('MrXNEE-UQ_7LCFeULakb95LcBK9rsNC_G-0qM0yPDnA','p-ng9k5t6hfmr2038k','si-cvx8dxwr0d8w44xs','http://127.0.0.1:49152/callback','E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM','laptop','2026-11-21T23:02:39.495151+00:00','cs-rejc4hx4wqrwfs1b');
INSERT INTO "authorization_code" VALUES('mSaXzYDP2Zt-ir9JRZBGPoFQHmLCsYzror1hK8GQghc','p-ng9k5t6hfmr2038k','si-2szk93t6rqh2v2zt','http://127.0.0.1:39961/callback/hAkzEU_0SKY-ebtEXu2rM5gO772ptOxKnVP2wG_nN-w','NRbiU_QGQDVtZgg7qi-dHR_Uf0qrfS0GnjInh5HRAmM','vm','2026-11-21T23:02:39.836328+00:00','cs-p3eteb5z3dzdgg0e');
INSERT INTO "authorization_code" VALUES('p93XfJHmcwLsB9tcjyVl71V5e3BhfOh5UCYimfrb66g','p-0jab0tfx4yaar8xd','si-jw7y8n8ev63hqrv0','http://127.0.0.1:37701/callback/OUQjjjBAUCq_Lyym9UG4hA1-klNnzbnvIlvSi7tGGQM','yxWHKu4ReIvkCIWp-pfVq_d21UpMWLChDUqVvFrQLas','vm','2026-11-21T23:02:40.194882+00:00','cs-v7vwag5b327m3gvt');
CREATE TABLE browser_session (
    id          text primary key,
    token_hash  text not null unique,
    person_id   text not null references person (id),
    sign_in_id  text not null references sign_in (id),
    created_at  text not null,
    expires_at  text not null,
    ended_at    text
) strict;
INSERT INTO "browser_session" VALUES('bs-js6z9c0dwzg2qr7j','qaNaitN9pUKiW3bZoY9B-aR3RM0lNU9lAVl-62__Jac','p-wpm3jz4ega7j8dps','si-qpvj1448hpp9y23n','2026-11-21T23:02:39.306176+00:00','2026-11-22T07:02:39.306176+00:00',NULL);
INSERT INTO "browser_session" VALUES('bs-8a6ejqrn6009mnc6','Z9ICjXvqz1ToXtF0A9m0cCVdqbk5D-VmmTlqmR56if0','p-0jab0tfx4yaar8xd','si-wh8by5jqwx0cv6n9','2026-11-21T23:02:39.363060+00:00','2026-11-22T07:02:39.363060+00:00',NULL);
INSERT INTO "browser_session" VALUES('bs-mrff9wp0smqefnnr','fmPuQFvmIsTn42qwG2PmKI0S1CgpBLDTVb7G0BA-p3c','p-xbfw6xxsc7f0bv1a','si-9t93jjd0j605paf7','2026-11-21T23:02:39.423712+00:00','2026-11-22T07:02:39.423712+00:00','2026-11-21T23:02:41.807773+00:00');
INSERT INTO "browser_session" VALUES('bs-z1r37txsfhqxasgy','Q3ML77g6cCdiGefUsEWey4Kas-OT-0yjv7rb5T3K4kE','p-ng9k5t6hfmr2038k','si-cvx8dxwr0d8w44xs','2026-11-21T23:02:39.480274+00:00','2026-11-22T07:02:39.480274+00:00',NULL);
INSERT INTO "browser_session" VALUES('bs-cdb8q3ypyfbpnk4k','NzPdH2-MxTeC3OgVHcdnNsIciNaDQkvymnfOqOwKAOE','p-ng9k5t6hfmr2038k','si-2szk93t6rqh2v2zt','2026-11-21T23:02:39.822293+00:00','2026-11-22T07:02:39.822293+00:00',NULL);
INSERT INTO "browser_session" VALUES('bs-h9wgb81reevxaq1e','Vish4DFBYDYbdjL0x6HTiR7Eqoq2UY8jTQbcaStDXSY','p-0jab0tfx4yaar8xd','si-jw7y8n8ev63hqrv0','2026-11-21T23:02:40.183515+00:00','2026-11-22T07:02:40.183515+00:00',NULL);
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
INSERT INTO "cli_session" VALUES('cs-fpzr4m1173g1yqtp','jqM-rYRhvl86clW0rcqSvf9SngBdzoSq5FjB981vEwE','p-wpm3jz4ega7j8dps','si-qpvj1448hpp9y23n','laptop','2026-11-21T23:02:39.324048+00:00','2026-11-22T11:02:39.305332+00:00',NULL);
INSERT INTO "cli_session" VALUES('cs-mszf5bh540h6za1y','aXj-UC8CA2Ba9sxbznzWBfz3FsgZwBHU35QpEFdUvE8','p-0jab0tfx4yaar8xd','si-wh8by5jqwx0cv6n9','laptop','2026-11-21T23:02:39.392239+00:00','2026-11-22T11:02:39.362581+00:00',NULL);
INSERT INTO "cli_session" VALUES('cs-dvcfc5sh8d662v09','KAo1r3C1MdnVtc1kFo0BnddiTWatTV6LhZVhQk6uf7o','p-xbfw6xxsc7f0bv1a','si-9t93jjd0j605paf7','laptop','2026-11-21T23:02:39.431252+00:00','2026-11-22T11:02:39.423285+00:00','2026-11-21T23:02:41.807773+00:00');
INSERT INTO "cli_session" VALUES('cs-rejc4hx4wqrwfs1b','qiPbbOjRYRVLfD4BMcIxitezu6E1RHRcQiWz8xNYtM0','p-ng9k5t6hfmr2038k','si-cvx8dxwr0d8w44xs','laptop','2026-11-21T23:02:39.497050+00:00','2026-11-22T11:02:39.478301+00:00',NULL);
INSERT INTO "cli_session" VALUES('cs-p3eteb5z3dzdgg0e','oIP5jMrgLKxJIVV0BrweX1OAqlnpo6hOSuDaCVEr_UU','p-ng9k5t6hfmr2038k','si-2szk93t6rqh2v2zt','vm','2026-11-21T23:02:39.854530+00:00','2026-11-22T11:02:39.821651+00:00',NULL);
INSERT INTO "cli_session" VALUES('cs-v7vwag5b327m3gvt','XaXFNJx9OKDspKc5fS0HAKqhj2yEejYmeuqN69WHIGQ','p-0jab0tfx4yaar8xd','si-jw7y8n8ev63hqrv0','vm','2026-11-21T23:02:40.209882+00:00','2026-11-22T11:02:40.181650+00:00',NULL);
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
INSERT INTO "invitation" VALUES('lab-ck9e64y9t2db7zdk','inv-grp0qqc551v4hgyn','P0jEx6tZ-bKKO-ew49uLgy25cubns3lKuVaQY18daxE','2026-11-21T23:02:41.723286+00:00','2026-11-28T23:02:41.723286+00:00',NULL);
CREATE TABLE lab (
    id            text primary key,
    name          text not null unique,
    title         text not null,
    session_role  text not null,
    external_id   text not null unique,
    created_at    text not null
, archived_at text) strict;
INSERT INTO "lab" VALUES('lab-bcrb1syyazv9wvbx','vision','Vision Lab','arn:aws:iam::111122223333:role/lodge/lodge-session','lodge-0245fa7b92d2c4459bcbc1cf395e2b5f','2026-11-21T23:02:37.177355+00:00',NULL);
INSERT INTO "lab" VALUES('lab-65trtf1my5gez6v8','language','Language Lab','arn:aws:iam::444455556666:role/lodge/lodge-session','lodge-1ddee27e653d225e1d53b65822899d84','2026-11-21T23:02:37.183254+00:00',NULL);
INSERT INTO "lab" VALUES('lab-ck9e64y9t2db7zdk','attic','The attic','arn:aws:iam::222233334444:role/lodge-session','lodge-865daf7b51152117a4f647db1300d4b8','2026-11-21T23:02:41.685112+00:00','2026-11-21T23:02:41.757510+00:00');
CREATE TABLE lab_role (
    lab_id                text not null references lab (id),
    name                  text not null,
    template              text not null,
    parameters            text not null,
    max_duration_seconds  integer not null check (max_duration_seconds between 900 and 3600),
    created_at            text not null,
    primary key (lab_id, name)
) strict;
INSERT INTO "lab_role" VALUES('lab-bcrb1syyazv9wvbx','pay','mturk/pay','{}',3600,'2026-11-21T23:02:37.177355+00:00');
INSERT INTO "lab_role" VALUES('lab-bcrb1syyazv9wvbx','publish','mturk/publish','{}',3600,'2026-11-21T23:02:37.177355+00:00');
INSERT INTO "lab_role" VALUES('lab-bcrb1syyazv9wvbx','read-results','mturk/read-results','{}',3600,'2026-11-21T23:02:37.177355+00:00');
INSERT INTO "lab_role" VALUES('lab-65trtf1my5gez6v8','pay','mturk/pay','{}',3600,'2026-11-21T23:02:37.183254+00:00');
INSERT INTO "lab_role" VALUES('lab-65trtf1my5gez6v8','publish','mturk/publish','{}',3600,'2026-11-21T23:02:37.183254+00:00');
INSERT INTO "lab_role" VALUES('lab-65trtf1my5gez6v8','read-results','mturk/read-results','{}',3600,'2026-11-21T23:02:37.183254+00:00');
INSERT INTO "lab_role" VALUES('lab-ck9e64y9t2db7zdk','pay','mturk/pay','{}',3600,'2026-11-21T23:02:41.685112+00:00');
INSERT INTO "lab_role" VALUES('lab-ck9e64y9t2db7zdk','publish','mturk/publish','{}',3600,'2026-11-21T23:02:41.685112+00:00');
INSERT INTO "lab_role" VALUES('lab-ck9e64y9t2db7zdk','read-results','mturk/read-results','{}',3600,'2026-11-21T23:02:41.685112+00:00');
CREATE TABLE ledger_book (
    book     text primary key,
    entries  integer not null check (entries >= 0)
) strict;
INSERT INTO "ledger_book" VALUES('lab-bcrb1syyazv9wvbx',24);
INSERT INTO "ledger_book" VALUES('lab-65trtf1my5gez6v8',9);
INSERT INTO "ledger_book" VALUES('broker',3);
INSERT INTO "ledger_book" VALUES('lab-ck9e64y9t2db7zdk',6);
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
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',1,'2026-11-21T23:02:37.177809+00:00','lab-created','operator','act-hwgscdrhhzvhad09','{"act":"act-hwgscdrhhzvhad09","at":"2026-11-21T23:02:37.177809Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"kind":"lab-created","lab":"vision","session-role":"arn:aws:iam::111122223333:role/lodge/lodge-session"},"format":2,"seq":1}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',2,'2026-11-21T23:02:37.178366+00:00','role-added','operator','act-hxvhqe0rwjxd6dr5','{"act":"act-hxvhqe0rwjxd6dr5","at":"2026-11-21T23:02:37.178366Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"pay","template":"mturk/pay"},"format":2,"seq":2}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',3,'2026-11-21T23:02:37.178586+00:00','role-added','operator','act-mpa43j64x60exwbk','{"act":"act-mpa43j64x60exwbk","at":"2026-11-21T23:02:37.178586Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"publish","template":"mturk/publish"},"format":2,"seq":3}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',4,'2026-11-21T23:02:37.178758+00:00','role-added','operator','act-d7g5423edqs0s0bq','{"act":"act-d7g5423edqs0s0bq","at":"2026-11-21T23:02:37.178758Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"read-results","template":"mturk/read-results"},"format":2,"seq":4}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',5,'2026-11-21T23:02:37.179738+00:00','mapping-added','operator','act-tggcecycqaex0394','{"act":"act-tggcecycqaex0394","at":"2026-11-21T23:02:37.179738Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-5mejx3jtst4xf4xb","target":{"connection":"campus","group":"vision-students","role":"read-results"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":5}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',6,'2026-11-21T23:02:37.180387+00:00','mapping-added','operator','act-7rfwc312yd2d93cw','{"act":"act-7rfwc312yd2d93cw","at":"2026-11-21T23:02:37.180387Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-f53mz6k0p23d570v","target":{"connection":"campus","group":"vision-publishers","role":"publish"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":6}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',7,'2026-11-21T23:02:37.181237+00:00','mapping-added','operator','act-33f41waw5127mavt','{"act":"act-33f41waw5127mavt","at":"2026-11-21T23:02:37.181237Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-y2bshea862jxzzwa","target":{"connection":"campus","group":"vision-payers","role":"pay"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":7}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',8,'2026-11-21T23:02:37.182213+00:00','standing-given','operator','act-wjypej04y4q26hkd','{"act":"act-wjypej04y4q26hkd","at":"2026-11-21T23:02:37.182213Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"kind":"standing-given","person":"p-ng9k5t6hfmr2038k","standing":"pi"},"format":2,"seq":8}');
INSERT INTO "ledger_entry" VALUES('lab-65trtf1my5gez6v8',1,'2026-11-21T23:02:37.183454+00:00','lab-created','operator','act-hsza1hvr4wqv6hsa','{"act":"act-hsza1hvr4wqv6hsa","at":"2026-11-21T23:02:37.183454Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"kind":"lab-created","lab":"language","session-role":"arn:aws:iam::444455556666:role/lodge/lodge-session"},"format":2,"seq":1}');
INSERT INTO "ledger_entry" VALUES('lab-65trtf1my5gez6v8',2,'2026-11-21T23:02:37.183641+00:00','role-added','operator','act-d23c79h4vxz9mh2b','{"act":"act-d23c79h4vxz9mh2b","at":"2026-11-21T23:02:37.183641Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"pay","template":"mturk/pay"},"format":2,"seq":2}');
INSERT INTO "ledger_entry" VALUES('lab-65trtf1my5gez6v8',3,'2026-11-21T23:02:37.183804+00:00','role-added','operator','act-jcxcwn8frkxsqqck','{"act":"act-jcxcwn8frkxsqqck","at":"2026-11-21T23:02:37.183804Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"publish","template":"mturk/publish"},"format":2,"seq":3}');
INSERT INTO "ledger_entry" VALUES('lab-65trtf1my5gez6v8',4,'2026-11-21T23:02:37.183973+00:00','role-added','operator','act-ntfs1jb7y4phd1vy','{"act":"act-ntfs1jb7y4phd1vy","at":"2026-11-21T23:02:37.183973Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"read-results","template":"mturk/read-results"},"format":2,"seq":4}');
INSERT INTO "ledger_entry" VALUES('lab-65trtf1my5gez6v8',5,'2026-11-21T23:02:37.184609+00:00','mapping-added','operator','act-4pewysda77zng6mb','{"act":"act-4pewysda77zng6mb","at":"2026-11-21T23:02:37.184609Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-k0cgpvy25v2axng9","target":{"connection":"campus","group":"language-students","role":"read-results"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":5}');
INSERT INTO "ledger_entry" VALUES('lab-65trtf1my5gez6v8',6,'2026-11-21T23:02:37.185294+00:00','mapping-added','operator','act-kwh9v41gj8kxhdz8','{"act":"act-kwh9v41gj8kxhdz8","at":"2026-11-21T23:02:37.185294Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-j8q18p471d5vrfbf","target":{"connection":"campus","group":"language-publishers","role":"publish"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":6}');
INSERT INTO "ledger_entry" VALUES('lab-65trtf1my5gez6v8',7,'2026-11-21T23:02:37.197325+00:00','mapping-added','operator','act-j29637penjzkcstt','{"act":"act-j29637penjzkcstt","at":"2026-11-21T23:02:37.197325Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-y09m10zz5p4vk0dn","target":{"connection":"campus","group":"language-payers","role":"pay"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":7}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',9,'2026-11-21T23:02:39.327522+00:00','attempted','p-wpm3jz4ega7j8dps','rs-622j55zv939gb1fc','{"at":"2026-11-21T23:02:39.327522Z","attempt":"rs-622j55zv939gb1fc","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":9}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',10,'2026-11-21T23:02:39.333294+00:00','issued','p-wpm3jz4ega7j8dps','rs-622j55zv939gb1fc','{"at":"2026-11-21T23:02:39.333294Z","attempt":"rs-622j55zv939gb1fc","book":"lab-bcrb1syyazv9wvbx","event":{"access-key-id":"ASIAMGFQHBIQJMGNRHZS","aws-request-id":"68f7a0d0-3f3a-a63c-d92f-484e15fb6c65","expires-at":"2026-11-22T00:02:39Z","kind":"issued","mapping":"map-5mejx3jtst4xf4xb","policy-sha256":"e19b3c576fe04b97152627af3dcc6564278feb14b63ec9f01e331f54bc4fe164","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-622j55zv939gb1fc","template":"mturk/read-results"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":10}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',11,'2026-11-21T23:02:39.336566+00:00','attempted','p-wpm3jz4ega7j8dps','rs-mk7gnsmcx2rqbwq7','{"at":"2026-11-21T23:02:39.336566Z","attempt":"rs-mk7gnsmcx2rqbwq7","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"pay"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":11}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',12,'2026-11-21T23:02:39.336566+00:00','refused','p-wpm3jz4ega7j8dps','rs-mk7gnsmcx2rqbwq7','{"at":"2026-11-21T23:02:39.336566Z","attempt":"rs-mk7gnsmcx2rqbwq7","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":12}');
INSERT INTO "ledger_entry" VALUES('lab-65trtf1my5gez6v8',8,'2026-11-21T23:02:39.341569+00:00','attempted','p-wpm3jz4ega7j8dps','rs-yx63whw5tn5tdr7k','{"at":"2026-11-21T23:02:39.341569Z","attempt":"rs-yx63whw5tn5tdr7k","book":"lab-65trtf1my5gez6v8","event":{"kind":"attempted","lab":"language","role":"pay"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":8}');
INSERT INTO "ledger_entry" VALUES('lab-65trtf1my5gez6v8',9,'2026-11-21T23:02:39.341569+00:00','refused','p-wpm3jz4ega7j8dps','rs-yx63whw5tn5tdr7k','{"at":"2026-11-21T23:02:39.341569Z","attempt":"rs-yx63whw5tn5tdr7k","book":"lab-65trtf1my5gez6v8","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":9}');
INSERT INTO "ledger_entry" VALUES('broker',1,'2026-11-21T23:02:39.345275+00:00','attempted','p-wpm3jz4ega7j8dps','rs-vntk2ps79xm4qq54','{"at":"2026-11-21T23:02:39.345275Z","attempt":"rs-vntk2ps79xm4qq54","book":"broker","event":{"kind":"attempted","lab":"atlantis","role":"pay"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":1}');
INSERT INTO "ledger_entry" VALUES('broker',2,'2026-11-21T23:02:39.345275+00:00','refused','p-wpm3jz4ega7j8dps','rs-vntk2ps79xm4qq54','{"at":"2026-11-21T23:02:39.345275Z","attempt":"rs-vntk2ps79xm4qq54","book":"broker","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":2}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',13,'2026-11-21T23:02:39.395075+00:00','attempted','p-0jab0tfx4yaar8xd','rs-eked4mrfqfbnjy65','{"at":"2026-11-21T23:02:39.395075Z","attempt":"rs-eked4mrfqfbnjy65","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"publish"},"format":1,"person":"p-0jab0tfx4yaar8xd","seq":13}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',14,'2026-11-21T23:02:39.399307+00:00','issued','p-0jab0tfx4yaar8xd','rs-eked4mrfqfbnjy65','{"at":"2026-11-21T23:02:39.399307Z","attempt":"rs-eked4mrfqfbnjy65","book":"lab-bcrb1syyazv9wvbx","event":{"access-key-id":"ASIAT4MAI44FUUFY2MX3","aws-request-id":"3c857356-7d44-ebee-1c3e-7fae44734231","expires-at":"2026-11-22T00:02:39Z","kind":"issued","mapping":"map-f53mz6k0p23d570v","policy-sha256":"bec562f3af24b94cb3e3d81604edd34e6dd716fb5b9fbbda2cda3f1aa6bd43c3","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-eked4mrfqfbnjy65","template":"mturk/publish"},"format":1,"person":"p-0jab0tfx4yaar8xd","seq":14}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',15,'2026-11-21T23:02:39.402354+00:00','attempted','p-0jab0tfx4yaar8xd','rs-7nyzbdp1d97kcj1v','{"at":"2026-11-21T23:02:39.402354Z","attempt":"rs-7nyzbdp1d97kcj1v","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"pay"},"format":1,"person":"p-0jab0tfx4yaar8xd","seq":15}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',16,'2026-11-21T23:02:39.406338+00:00','issued','p-0jab0tfx4yaar8xd','rs-7nyzbdp1d97kcj1v','{"at":"2026-11-21T23:02:39.406338Z","attempt":"rs-7nyzbdp1d97kcj1v","book":"lab-bcrb1syyazv9wvbx","event":{"access-key-id":"ASIAUR4P47FQG5LEYGV7","aws-request-id":"24f93039-9147-c344-1060-637609cc320a","expires-at":"2026-11-22T00:02:39Z","kind":"issued","mapping":"map-y2bshea862jxzzwa","policy-sha256":"a487ac06adbfa2e5dc48e1d002f57aeacd1b76a43060dfa61a4c66768206bb41","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-7nyzbdp1d97kcj1v","template":"mturk/pay"},"format":1,"person":"p-0jab0tfx4yaar8xd","seq":16}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',17,'2026-11-21T23:02:39.443408+00:00','attempted','p-xbfw6xxsc7f0bv1a','rs-0bdd2zj9v9ek8cas','{"at":"2026-11-21T23:02:39.443408Z","attempt":"rs-0bdd2zj9v9ek8cas","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-xbfw6xxsc7f0bv1a","seq":17}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',18,'2026-11-21T23:02:39.443408+00:00','refused','p-xbfw6xxsc7f0bv1a','rs-0bdd2zj9v9ek8cas','{"at":"2026-11-21T23:02:39.443408Z","attempt":"rs-0bdd2zj9v9ek8cas","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-xbfw6xxsc7f0bv1a","seq":18}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',19,'2026-11-21T23:02:40.390626+00:00','standing-given','p-ng9k5t6hfmr2038k','act-9kx9f0hz3g0jm64d','{"act":"act-9kx9f0hz3g0jm64d","at":"2026-11-21T23:02:40.390626Z","book":"lab-bcrb1syyazv9wvbx","by":{"person":"p-ng9k5t6hfmr2038k"},"event":{"kind":"standing-given","person":"p-0jab0tfx4yaar8xd","standing":"pi"},"format":2,"seq":19}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',20,'2026-11-21T23:02:40.405150+00:00','mapping-added','p-ng9k5t6hfmr2038k','act-811cqtwg4h14he4n','{"act":"act-811cqtwg4h14he4n","at":"2026-11-21T23:02:40.405150Z","book":"lab-bcrb1syyazv9wvbx","by":{"person":"p-ng9k5t6hfmr2038k"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-vzzmt8zm4fjx9g5m","target":{"connection":"campus","group":"vision-students","role":"publish"},"terms":{"ends-at":"2027-01-01T00:00:00.000000Z","max-duration-seconds":1800,"needs-approval":false,"needs-mfa":true}},"format":2,"seq":20}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',21,'2026-11-21T23:02:40.417852+00:00','mapping-change-asked','p-ng9k5t6hfmr2038k','act-kaaaz2krxranwkr6','{"act":"act-kaaaz2krxranwkr6","at":"2026-11-21T23:02:40.417852Z","book":"lab-bcrb1syyazv9wvbx","by":{"person":"p-ng9k5t6hfmr2038k"},"event":{"change":"chg-kfxf41b8g16bjmgm","kind":"mapping-change-asked","mapping":"map-b2tfxxehwwttk15p","target":{"connection":"campus","group":"vision-pi","role":"pay"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":21}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',22,'2026-11-21T23:02:40.626449+00:00','mapping-edited','p-ng9k5t6hfmr2038k','act-rp5y3sxcbybrs8r2','{"act":"act-rp5y3sxcbybrs8r2","at":"2026-11-21T23:02:40.626449Z","book":"lab-bcrb1syyazv9wvbx","by":{"person":"p-ng9k5t6hfmr2038k"},"event":{"after":{"needs-approval":true,"needs-mfa":false},"before":{"needs-approval":false,"needs-mfa":false},"benefits-author":false,"kind":"mapping-edited","mapping":"map-f53mz6k0p23d570v","revision":2,"target":{"connection":"campus","group":"vision-publishers","role":"publish"}},"format":2,"seq":22}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',23,'2026-11-21T23:02:40.652438+00:00','mapping-ended','p-ng9k5t6hfmr2038k','act-6c65jrrrs2644ndd','{"act":"act-6c65jrrrs2644ndd","at":"2026-11-21T23:02:40.652438Z","book":"lab-bcrb1syyazv9wvbx","by":{"person":"p-ng9k5t6hfmr2038k"},"event":{"kind":"mapping-ended","mapping":"map-f53mz6k0p23d570v","revision":3,"target":{"connection":"campus","group":"vision-publishers","role":"publish"}},"format":2,"seq":23}');
INSERT INTO "ledger_entry" VALUES('lab-ck9e64y9t2db7zdk',1,'2026-11-21T23:02:41.685719+00:00','lab-created','operator','act-qewjnbtpaw07pqns','{"act":"act-qewjnbtpaw07pqns","at":"2026-11-21T23:02:41.685719Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"kind":"lab-created","lab":"attic","session-role":"arn:aws:iam::222233334444:role/lodge-session"},"format":2,"seq":1}');
INSERT INTO "ledger_entry" VALUES('lab-ck9e64y9t2db7zdk',2,'2026-11-21T23:02:41.686333+00:00','role-added','operator','act-bb0574khvrjpk662','{"act":"act-bb0574khvrjpk662","at":"2026-11-21T23:02:41.686333Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"pay","template":"mturk/pay"},"format":2,"seq":2}');
INSERT INTO "ledger_entry" VALUES('lab-ck9e64y9t2db7zdk',3,'2026-11-21T23:02:41.686560+00:00','role-added','operator','act-7m2ywd8mdbwkd3pm','{"act":"act-7m2ywd8mdbwkd3pm","at":"2026-11-21T23:02:41.686560Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"publish","template":"mturk/publish"},"format":2,"seq":3}');
INSERT INTO "ledger_entry" VALUES('lab-ck9e64y9t2db7zdk',4,'2026-11-21T23:02:41.686723+00:00','role-added','operator','act-59y4an57nxks0b5j','{"act":"act-59y4an57nxks0b5j","at":"2026-11-21T23:02:41.686723Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"read-results","template":"mturk/read-results"},"format":2,"seq":4}');
INSERT INTO "ledger_entry" VALUES('lab-ck9e64y9t2db7zdk',5,'2026-11-21T23:02:41.724097+00:00','pi-invited','operator','act-9zh0w6e4jbse29b2','{"act":"act-9zh0w6e4jbse29b2","at":"2026-11-21T23:02:41.724097Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"invitation":"inv-grp0qqc551v4hgyn","kind":"pi-invited","lapses-at":"2026-11-28T23:02:41.723286Z"},"format":2,"seq":5}');
INSERT INTO "ledger_entry" VALUES('lab-ck9e64y9t2db7zdk',6,'2026-11-21T23:02:41.758088+00:00','lab-archived','operator','act-6a8xr3jwhy23bk19','{"act":"act-6a8xr3jwhy23bk19","at":"2026-11-21T23:02:41.758088Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"kind":"lab-archived"},"format":2,"seq":6}');
INSERT INTO "ledger_entry" VALUES('broker',3,'2026-11-21T23:02:41.808345+00:00','person-suspended','operator','act-pqp2yv42n0s6ngah','{"act":"act-pqp2yv42n0s6ngah","at":"2026-11-21T23:02:41.808345Z","book":"broker","by":{"operator":"root"},"event":{"kind":"person-suspended","person":"p-xbfw6xxsc7f0bv1a"},"format":2,"seq":3}');
INSERT INTO "ledger_entry" VALUES('lab-bcrb1syyazv9wvbx',24,'2026-11-21T23:30:59.000001+00:00','attempted','p-xbfw6xxsc7f0bv1a','rs-0123456789abcdef','{"at":"2026-11-21T23:30:59.000001Z","attempt":"rs-0123456789abcdef","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-xbfw6xxsc7f0bv1a","seq":24}');
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
INSERT INTO "mapping" VALUES('lab-bcrb1syyazv9wvbx','map-5mejx3jtst4xf4xb','campus','vision-students','read-results',NULL,'2026-11-21T23:02:37.179436+00:00',NULL,0,0,1,'2026-11-21T23:02:37.179436+00:00');
INSERT INTO "mapping" VALUES('lab-bcrb1syyazv9wvbx','map-f53mz6k0p23d570v','campus','vision-publishers','publish','2026-11-21T23:02:40.652438+00:00','2026-11-21T23:02:37.180180+00:00',NULL,0,1,3,'2026-11-21T23:02:40.652438+00:00');
INSERT INTO "mapping" VALUES('lab-bcrb1syyazv9wvbx','map-y2bshea862jxzzwa','campus','vision-payers','pay',NULL,'2026-11-21T23:02:37.181029+00:00',NULL,0,0,1,'2026-11-21T23:02:37.181029+00:00');
INSERT INTO "mapping" VALUES('lab-65trtf1my5gez6v8','map-k0cgpvy25v2axng9','campus','language-students','read-results',NULL,'2026-11-21T23:02:37.184402+00:00',NULL,0,0,1,'2026-11-21T23:02:37.184402+00:00');
INSERT INTO "mapping" VALUES('lab-65trtf1my5gez6v8','map-j8q18p471d5vrfbf','campus','language-publishers','publish',NULL,'2026-11-21T23:02:37.185042+00:00',NULL,0,0,1,'2026-11-21T23:02:37.185042+00:00');
INSERT INTO "mapping" VALUES('lab-65trtf1my5gez6v8','map-y09m10zz5p4vk0dn','campus','language-payers','pay',NULL,'2026-11-21T23:02:37.196981+00:00',NULL,0,0,1,'2026-11-21T23:02:37.196981+00:00');
INSERT INTO "mapping" VALUES('lab-bcrb1syyazv9wvbx','map-vzzmt8zm4fjx9g5m','campus','vision-students','publish','2027-01-01T00:00:00+00:00','2026-11-21T23:02:40.405150+00:00',1800,1,0,1,'2026-11-21T23:02:40.405150+00:00');
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
INSERT INTO "mapping_change" VALUES('lab-bcrb1syyazv9wvbx','chg-kfxf41b8g16bjmgm','map-b2tfxxehwwttk15p',NULL,'p-ng9k5t6hfmr2038k','campus','vision-pi','pay',NULL,NULL,0,0,'2026-11-21T23:02:40.417852+00:00','2026-11-28T23:02:40.417852+00:00');
CREATE TABLE open_attempt (
    book     text not null,
    attempt  text not null,
    person   text not null,
    at       text not null,
    primary key (book, attempt)
) strict;
INSERT INTO "open_attempt" VALUES('lab-bcrb1syyazv9wvbx','rs-0123456789abcdef','p-xbfw6xxsc7f0bv1a','2026-11-21T23:30:59.000001+00:00');
CREATE TABLE person (
    id            text primary key,
    connection    text not null,
    issuer        text not null,
    subject       text not null,
    display_name  text,
    created_at    text not null, suspended_at text,
    unique (connection, issuer, subject)
) strict;
INSERT INTO "person" VALUES('p-ng9k5t6hfmr2038k','campus','http://127.0.0.1:21081','u-1001','Prof. Ada Marsh','2026-11-21T23:02:37.181627+00:00',NULL);
INSERT INTO "person" VALUES('p-wpm3jz4ega7j8dps','campus','http://127.0.0.1:21081','u-1003','Kim Sørensen','2026-11-21T23:02:39.305332+00:00',NULL);
INSERT INTO "person" VALUES('p-0jab0tfx4yaar8xd','campus','http://127.0.0.1:21081','u-1002','Dr. Noor Haddad','2026-11-21T23:02:39.362581+00:00',NULL);
INSERT INTO "person" VALUES('p-xbfw6xxsc7f0bv1a','campus','http://127.0.0.1:21081','u-1004','Robin Vale','2026-11-21T23:02:39.423285+00:00','2026-11-21T23:02:41.807773+00:00');
CREATE TABLE sign_in (
    id            text primary key,
    person_id     text not null references person (id),
    group_claim   text not null check (group_claim in ('absent', 'present')),
    signed_in_at  text not null
, mfa integer not null default 0 check (mfa in (0, 1))) strict;
INSERT INTO "sign_in" VALUES('si-qpvj1448hpp9y23n','p-wpm3jz4ega7j8dps','present','2026-11-21T23:02:39.305332+00:00',0);
INSERT INTO "sign_in" VALUES('si-wh8by5jqwx0cv6n9','p-0jab0tfx4yaar8xd','present','2026-11-21T23:02:39.362581+00:00',0);
INSERT INTO "sign_in" VALUES('si-9t93jjd0j605paf7','p-xbfw6xxsc7f0bv1a','present','2026-11-21T23:02:39.423285+00:00',0);
INSERT INTO "sign_in" VALUES('si-cvx8dxwr0d8w44xs','p-ng9k5t6hfmr2038k','present','2026-11-21T23:02:39.478301+00:00',0);
INSERT INTO "sign_in" VALUES('si-2szk93t6rqh2v2zt','p-ng9k5t6hfmr2038k','present','2026-11-21T23:02:39.821651+00:00',0);
INSERT INTO "sign_in" VALUES('si-jw7y8n8ev63hqrv0','p-0jab0tfx4yaar8xd','present','2026-11-21T23:02:40.181650+00:00',0);
CREATE TABLE sign_in_group (
    sign_in_id  text not null references sign_in (id),
    group_name  text not null,
    primary key (sign_in_id, group_name)
) strict;
INSERT INTO "sign_in_group" VALUES('si-qpvj1448hpp9y23n','vision-students');
INSERT INTO "sign_in_group" VALUES('si-wh8by5jqwx0cv6n9','vision-payers');
INSERT INTO "sign_in_group" VALUES('si-wh8by5jqwx0cv6n9','vision-publishers');
INSERT INTO "sign_in_group" VALUES('si-cvx8dxwr0d8w44xs','vision-pi');
INSERT INTO "sign_in_group" VALUES('si-2szk93t6rqh2v2zt','vision-pi');
INSERT INTO "sign_in_group" VALUES('si-jw7y8n8ev63hqrv0','vision-payers');
INSERT INTO "sign_in_group" VALUES('si-jw7y8n8ev63hqrv0','vision-publishers');
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
INSERT INTO "standing" VALUES('lab-bcrb1syyazv9wvbx','p-ng9k5t6hfmr2038k','pi','2026-11-21T23:02:37.181627+00:00');
INSERT INTO "standing" VALUES('lab-bcrb1syyazv9wvbx','p-0jab0tfx4yaar8xd','pi','2026-11-21T23:02:40.386858+00:00');
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
COMMIT;
