-- The schema with many labs (PostgreSQL, migrations 1 to 11), with the same in it as sqlite-0011.sql. Dumped by pg_dump 15
-- as the owner of the tables, without owners and rights: `lodged migrate` sets those.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = on;
CREATE FUNCTION public.ledger_entry_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'the ledger is append-only';
end $$;
CREATE FUNCTION public.ledger_entry_leaves_no_gap() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
begin
    if (new.seq > 1 and not exists (select 1 from ledger_entry where book = new.book and seq = new.seq - 1))
        or exists (select 1 from ledger_entry where book = new.book and seq = new.seq)
    then
        raise exception 'the ledger has no gaps';
    end if;
    return new;
end $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
CREATE TABLE public.authorization_code (
    code_hash text NOT NULL,
    person_id text NOT NULL,
    sign_in_id text NOT NULL,
    redirect_uri text NOT NULL,
    code_challenge text NOT NULL,
    host text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    cli_session_id text
);
CREATE TABLE public.browser_session (
    id text NOT NULL,
    token_hash text NOT NULL,
    person_id text NOT NULL,
    sign_in_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);
CREATE TABLE public.cli_session (
    id text NOT NULL,
    token_hash text NOT NULL,
    person_id text NOT NULL,
    sign_in_id text NOT NULL,
    host text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);
CREATE TABLE public.invitation (
    lab_id text NOT NULL,
    id text NOT NULL,
    token_hash text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    lapses_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);
ALTER TABLE ONLY public.invitation FORCE ROW LEVEL SECURITY;
CREATE TABLE public.lab (
    id text NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    session_role text NOT NULL,
    external_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    archived_at timestamp with time zone
);
ALTER TABLE ONLY public.lab FORCE ROW LEVEL SECURITY;
CREATE TABLE public.lab_role (
    lab_id text NOT NULL,
    name text NOT NULL,
    template text NOT NULL,
    parameters text NOT NULL,
    max_duration_seconds bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT lab_role_max_duration_seconds_check CHECK (((max_duration_seconds >= 900) AND (max_duration_seconds <= 3600)))
);
ALTER TABLE ONLY public.lab_role FORCE ROW LEVEL SECURITY;
CREATE TABLE public.ledger_book (
    book text NOT NULL,
    entries bigint NOT NULL,
    CONSTRAINT ledger_book_entries_check CHECK ((entries >= 0))
);
ALTER TABLE ONLY public.ledger_book FORCE ROW LEVEL SECURITY;
CREATE TABLE public.ledger_entry (
    book text NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    person text NOT NULL,
    attempt text NOT NULL,
    entry text NOT NULL,
    CONSTRAINT ledger_entry_seq_check CHECK ((seq > 0))
);
ALTER TABLE ONLY public.ledger_entry FORCE ROW LEVEL SECURITY;
CREATE TABLE public.mapping (
    lab_id text NOT NULL,
    id text NOT NULL,
    connection text NOT NULL,
    group_name text NOT NULL,
    role text NOT NULL,
    ends_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    max_duration_seconds bigint,
    needs_mfa boolean DEFAULT false NOT NULL,
    needs_approval boolean DEFAULT false NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    changed_at timestamp with time zone,
    CONSTRAINT mapping_max_duration_seconds_check CHECK (((max_duration_seconds >= 1800) AND (max_duration_seconds <= 3600))),
    CONSTRAINT mapping_revision_check CHECK ((revision > 0))
);
ALTER TABLE ONLY public.mapping FORCE ROW LEVEL SECURITY;
CREATE TABLE public.mapping_change (
    lab_id text NOT NULL,
    id text NOT NULL,
    mapping_id text NOT NULL,
    of_revision bigint,
    author text NOT NULL,
    connection text NOT NULL,
    group_name text NOT NULL,
    role text NOT NULL,
    ends_at timestamp with time zone,
    max_duration_seconds bigint,
    needs_mfa boolean NOT NULL,
    needs_approval boolean NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    lapses_at timestamp with time zone NOT NULL,
    CONSTRAINT mapping_change_max_duration_seconds_check CHECK (((max_duration_seconds >= 1800) AND (max_duration_seconds <= 3600)))
);
ALTER TABLE ONLY public.mapping_change FORCE ROW LEVEL SECURITY;
CREATE TABLE public.open_attempt (
    book text NOT NULL,
    attempt text NOT NULL,
    person text NOT NULL,
    at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.open_attempt FORCE ROW LEVEL SECURITY;
CREATE TABLE public.person (
    id text NOT NULL,
    connection text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    display_name text,
    created_at timestamp with time zone NOT NULL,
    suspended_at timestamp with time zone
);
CREATE TABLE public.sign_in (
    id text NOT NULL,
    person_id text NOT NULL,
    group_claim text NOT NULL,
    signed_in_at timestamp with time zone NOT NULL,
    mfa boolean DEFAULT false NOT NULL,
    CONSTRAINT sign_in_group_claim_check CHECK ((group_claim = ANY (ARRAY['absent'::text, 'present'::text])))
);
CREATE TABLE public.sign_in_group (
    sign_in_id text NOT NULL,
    group_name text NOT NULL
);
CREATE TABLE public.sign_in_transaction (
    id text NOT NULL,
    state_hash text NOT NULL,
    browser_hash text NOT NULL,
    connection text NOT NULL,
    return_to text NOT NULL,
    begun_at timestamp with time zone NOT NULL
);
CREATE TABLE public.standing (
    lab_id text NOT NULL,
    person_id text NOT NULL,
    standing text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT standing_standing_check CHECK ((standing = ANY (ARRAY['manager'::text, 'pi'::text])))
);
ALTER TABLE ONLY public.standing FORCE ROW LEVEL SECURITY;
INSERT INTO public._sqlx_migrations VALUES (1, 'labs', '2026-11-21 23:03:56.235284+00', true, '\x86446d4dd4b8b75c0ed9476b0fe8e121ccf6ef3bd4a795e7830c0454f7fe506485e7cde128b3015c30e2bf84807cccca', 6166990);
INSERT INTO public._sqlx_migrations VALUES (2, 'people', '2026-11-21 23:03:56.241959+00', true, '\x612e5fdddc363d7e1630737f8e5eebea527daf4a0d6f1df694af4789f96e7c61d5c9ef9c244a76419bc1258036c8d283', 6928718);
INSERT INTO public._sqlx_migrations VALUES (3, 'sessions', '2026-11-21 23:03:56.249257+00', true, '\x042595b80f8406149362a9b2701deeb77fa1ec46f9f9b307199132dd1e188d4e19b833704e1b2dd29a649cf5a7c3829d', 8458731);
INSERT INTO public._sqlx_migrations VALUES (4, 'ledger', '2026-11-21 23:03:56.258114+00', true, '\xe5bf4f5045c13e4030aa94d8d12ad2e60bf332337f4fbdbb8d9e97d92778004a614b16ca466ee0be860f9bb913e824df', 4709500);
INSERT INTO public._sqlx_migrations VALUES (5, 'mapping terms', '2026-11-21 23:03:56.263209+00', true, '\x831c0a853823d1de0b8439ad733a93abb87b6facea9508589f7fe4365896249ed9aaf6cd8c6dd4568fd0b00ae3a1bb28', 4037242);
INSERT INTO public._sqlx_migrations VALUES (6, 'suspension and archive', '2026-11-21 23:03:56.267603+00', true, '\x9da1214e592b0b53bff5ccaa4138ac65333d5ed082f60077ef266d5333a9c93bbc53c2a4019db3624f1e77db861f8bf5', 2727187);
INSERT INTO public._sqlx_migrations VALUES (7, 'invitations', '2026-11-21 23:03:56.270696+00', true, '\xe7ca3c1d5787a96bc672709ab931c984e69ce35a4bb27bcbc59406356591e96b9a71f3a6406524c7a42b4348f7709ae8', 3608742);
INSERT INTO public._sqlx_migrations VALUES (8, 'ledger books', '2026-11-21 23:03:56.27458+00', true, '\x4dda7a084a5dc7403da5eb9c92c15b5915a811f31db29598d749f00a29ce99f76c7a346c8d5b10ad00a047503ea4b28a', 4275871);
INSERT INTO public._sqlx_migrations VALUES (9, 'row security', '2026-11-21 23:03:56.27908+00', true, '\x2b100fa7b90ddfaf1de16620648174cb0700159be5157d872f11a7346dc04bcf37b87f8969b5dac34d43bf68d138dda2', 3265229);
INSERT INTO public._sqlx_migrations VALUES (10, 'no scans', '2026-11-21 23:37:18.146686+00', true, '\x7ed53c6ad3f6d34d6fc740c85d46885873366ad219f1bc9350aeb70dfd89468cdf4f54e2fe55c8e14a53cf6c9ee0365f', 2100890);
INSERT INTO public._sqlx_migrations VALUES (11, 'gap check', '2026-11-21 23:51:20.734138+00', true, '\xea5ec3707c71f6343addb252b06e920b5ad33d1881173242eaff9404f2824fb8e5f4296e8bdd35e59e6b5fdc7ffee8f8', 6872247);
INSERT INTO public.authorization_code VALUES ('n6rVwtN8seKZCYRqhYkTRg7A4kk7cBJkb6yjocpOuo4', 'p-wpm3jz4ega7j8dps', 'si-qpvj1448hpp9y23n', 'http://127.0.0.1:49152/callback', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'laptop', '2026-11-21 23:02:39.32183+00', 'cs-fpzr4m1173g1yqtp');
INSERT INTO public.authorization_code VALUES ('ue1Mzf0kDWiUtyjkf-MJsDkWA_WVcfLNZa2xmDrFBVU', 'p-0jab0tfx4yaar8xd', 'si-wh8by5jqwx0cv6n9', 'http://127.0.0.1:49152/callback', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'laptop', '2026-11-21 23:02:39.39004+00', 'cs-mszf5bh540h6za1y');
INSERT INTO public.authorization_code VALUES ('FSIPwLPjqDdrissST5ZaCqbZ821BT5ZFrJjO2t3gc_s', 'p-xbfw6xxsc7f0bv1a', 'si-9t93jjd0j605paf7', 'http://127.0.0.1:49152/callback', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'laptop', '2026-11-21 23:02:39.429577+00', 'cs-dvcfc5sh8d662v09');
INSERT INTO public.authorization_code VALUES ('MrXNEE-UQ_7LCFeULakb95LcBK9rsNC_G-0qM0yPDnA', 'p-ng9k5t6hfmr2038k', 'si-cvx8dxwr0d8w44xs', 'http://127.0.0.1:49152/callback', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'laptop', '2026-11-21 23:02:39.495151+00', 'cs-rejc4hx4wqrwfs1b');
INSERT INTO public.authorization_code VALUES ('mSaXzYDP2Zt-ir9JRZBGPoFQHmLCsYzror1hK8GQghc', 'p-ng9k5t6hfmr2038k', 'si-2szk93t6rqh2v2zt', 'http://127.0.0.1:39961/callback/hAkzEU_0SKY-ebtEXu2rM5gO772ptOxKnVP2wG_nN-w', 'NRbiU_QGQDVtZgg7qi-dHR_Uf0qrfS0GnjInh5HRAmM', 'vm', '2026-11-21 23:02:39.836328+00', 'cs-p3eteb5z3dzdgg0e');
INSERT INTO public.authorization_code VALUES ('p93XfJHmcwLsB9tcjyVl71V5e3BhfOh5UCYimfrb66g', 'p-0jab0tfx4yaar8xd', 'si-jw7y8n8ev63hqrv0', 'http://127.0.0.1:37701/callback/OUQjjjBAUCq_Lyym9UG4hA1-klNnzbnvIlvSi7tGGQM', 'yxWHKu4ReIvkCIWp-pfVq_d21UpMWLChDUqVvFrQLas', 'vm', '2026-11-21 23:02:40.194882+00', 'cs-v7vwag5b327m3gvt');
INSERT INTO public.browser_session VALUES ('bs-js6z9c0dwzg2qr7j', 'qaNaitN9pUKiW3bZoY9B-aR3RM0lNU9lAVl-62__Jac', 'p-wpm3jz4ega7j8dps', 'si-qpvj1448hpp9y23n', '2026-11-21 23:02:39.306176+00', '2026-11-22 07:02:39.306176+00', NULL);
INSERT INTO public.browser_session VALUES ('bs-8a6ejqrn6009mnc6', 'Z9ICjXvqz1ToXtF0A9m0cCVdqbk5D-VmmTlqmR56if0', 'p-0jab0tfx4yaar8xd', 'si-wh8by5jqwx0cv6n9', '2026-11-21 23:02:39.36306+00', '2026-11-22 07:02:39.36306+00', NULL);
INSERT INTO public.browser_session VALUES ('bs-mrff9wp0smqefnnr', 'fmPuQFvmIsTn42qwG2PmKI0S1CgpBLDTVb7G0BA-p3c', 'p-xbfw6xxsc7f0bv1a', 'si-9t93jjd0j605paf7', '2026-11-21 23:02:39.423712+00', '2026-11-22 07:02:39.423712+00', '2026-11-21 23:02:41.807773+00');
INSERT INTO public.browser_session VALUES ('bs-z1r37txsfhqxasgy', 'Q3ML77g6cCdiGefUsEWey4Kas-OT-0yjv7rb5T3K4kE', 'p-ng9k5t6hfmr2038k', 'si-cvx8dxwr0d8w44xs', '2026-11-21 23:02:39.480274+00', '2026-11-22 07:02:39.480274+00', NULL);
INSERT INTO public.browser_session VALUES ('bs-cdb8q3ypyfbpnk4k', 'NzPdH2-MxTeC3OgVHcdnNsIciNaDQkvymnfOqOwKAOE', 'p-ng9k5t6hfmr2038k', 'si-2szk93t6rqh2v2zt', '2026-11-21 23:02:39.822293+00', '2026-11-22 07:02:39.822293+00', NULL);
INSERT INTO public.browser_session VALUES ('bs-h9wgb81reevxaq1e', 'Vish4DFBYDYbdjL0x6HTiR7Eqoq2UY8jTQbcaStDXSY', 'p-0jab0tfx4yaar8xd', 'si-jw7y8n8ev63hqrv0', '2026-11-21 23:02:40.183515+00', '2026-11-22 07:02:40.183515+00', NULL);
INSERT INTO public.cli_session VALUES ('cs-fpzr4m1173g1yqtp', 'jqM-rYRhvl86clW0rcqSvf9SngBdzoSq5FjB981vEwE', 'p-wpm3jz4ega7j8dps', 'si-qpvj1448hpp9y23n', 'laptop', '2026-11-21 23:02:39.324048+00', '2026-11-22 11:02:39.305332+00', NULL);
INSERT INTO public.cli_session VALUES ('cs-mszf5bh540h6za1y', 'aXj-UC8CA2Ba9sxbznzWBfz3FsgZwBHU35QpEFdUvE8', 'p-0jab0tfx4yaar8xd', 'si-wh8by5jqwx0cv6n9', 'laptop', '2026-11-21 23:02:39.392239+00', '2026-11-22 11:02:39.362581+00', NULL);
INSERT INTO public.cli_session VALUES ('cs-dvcfc5sh8d662v09', 'KAo1r3C1MdnVtc1kFo0BnddiTWatTV6LhZVhQk6uf7o', 'p-xbfw6xxsc7f0bv1a', 'si-9t93jjd0j605paf7', 'laptop', '2026-11-21 23:02:39.431252+00', '2026-11-22 11:02:39.423285+00', '2026-11-21 23:02:41.807773+00');
INSERT INTO public.cli_session VALUES ('cs-rejc4hx4wqrwfs1b', 'qiPbbOjRYRVLfD4BMcIxitezu6E1RHRcQiWz8xNYtM0', 'p-ng9k5t6hfmr2038k', 'si-cvx8dxwr0d8w44xs', 'laptop', '2026-11-21 23:02:39.49705+00', '2026-11-22 11:02:39.478301+00', NULL);
INSERT INTO public.cli_session VALUES ('cs-p3eteb5z3dzdgg0e', 'oIP5jMrgLKxJIVV0BrweX1OAqlnpo6hOSuDaCVEr_UU', 'p-ng9k5t6hfmr2038k', 'si-2szk93t6rqh2v2zt', 'vm', '2026-11-21 23:02:39.85453+00', '2026-11-22 11:02:39.821651+00', NULL);
INSERT INTO public.cli_session VALUES ('cs-v7vwag5b327m3gvt', 'XaXFNJx9OKDspKc5fS0HAKqhj2yEejYmeuqN69WHIGQ', 'p-0jab0tfx4yaar8xd', 'si-jw7y8n8ev63hqrv0', 'vm', '2026-11-21 23:02:40.209882+00', '2026-11-22 11:02:40.18165+00', NULL);
INSERT INTO public.invitation VALUES ('lab-ck9e64y9t2db7zdk', 'inv-grp0qqc551v4hgyn', 'P0jEx6tZ-bKKO-ew49uLgy25cubns3lKuVaQY18daxE', '2026-11-21 23:02:41.723286+00', '2026-11-28 23:02:41.723286+00', NULL);
INSERT INTO public.lab VALUES ('lab-bcrb1syyazv9wvbx', 'vision', 'Vision Lab', 'arn:aws:iam::111122223333:role/lodge/lodge-session', 'lodge-0245fa7b92d2c4459bcbc1cf395e2b5f', '2026-11-21 23:02:37.177355+00', NULL);
INSERT INTO public.lab VALUES ('lab-65trtf1my5gez6v8', 'language', 'Language Lab', 'arn:aws:iam::444455556666:role/lodge/lodge-session', 'lodge-1ddee27e653d225e1d53b65822899d84', '2026-11-21 23:02:37.183254+00', NULL);
INSERT INTO public.lab VALUES ('lab-ck9e64y9t2db7zdk', 'attic', 'The attic', 'arn:aws:iam::222233334444:role/lodge-session', 'lodge-865daf7b51152117a4f647db1300d4b8', '2026-11-21 23:02:41.685112+00', '2026-11-21 23:02:41.75751+00');
INSERT INTO public.lab_role VALUES ('lab-bcrb1syyazv9wvbx', 'pay', 'mturk/pay', '{}', 3600, '2026-11-21 23:02:37.177355+00');
INSERT INTO public.lab_role VALUES ('lab-bcrb1syyazv9wvbx', 'publish', 'mturk/publish', '{}', 3600, '2026-11-21 23:02:37.177355+00');
INSERT INTO public.lab_role VALUES ('lab-bcrb1syyazv9wvbx', 'read-results', 'mturk/read-results', '{}', 3600, '2026-11-21 23:02:37.177355+00');
INSERT INTO public.lab_role VALUES ('lab-65trtf1my5gez6v8', 'pay', 'mturk/pay', '{}', 3600, '2026-11-21 23:02:37.183254+00');
INSERT INTO public.lab_role VALUES ('lab-65trtf1my5gez6v8', 'publish', 'mturk/publish', '{}', 3600, '2026-11-21 23:02:37.183254+00');
INSERT INTO public.lab_role VALUES ('lab-65trtf1my5gez6v8', 'read-results', 'mturk/read-results', '{}', 3600, '2026-11-21 23:02:37.183254+00');
INSERT INTO public.lab_role VALUES ('lab-ck9e64y9t2db7zdk', 'pay', 'mturk/pay', '{}', 3600, '2026-11-21 23:02:41.685112+00');
INSERT INTO public.lab_role VALUES ('lab-ck9e64y9t2db7zdk', 'publish', 'mturk/publish', '{}', 3600, '2026-11-21 23:02:41.685112+00');
INSERT INTO public.lab_role VALUES ('lab-ck9e64y9t2db7zdk', 'read-results', 'mturk/read-results', '{}', 3600, '2026-11-21 23:02:41.685112+00');
INSERT INTO public.ledger_book VALUES ('lab-bcrb1syyazv9wvbx', 24);
INSERT INTO public.ledger_book VALUES ('lab-65trtf1my5gez6v8', 9);
INSERT INTO public.ledger_book VALUES ('broker', 3);
INSERT INTO public.ledger_book VALUES ('lab-ck9e64y9t2db7zdk', 6);
INSERT INTO public.ledger_entry VALUES ('broker', 1, '2026-11-21 23:02:39.345275+00', 'attempted', 'p-wpm3jz4ega7j8dps', 'rs-vntk2ps79xm4qq54', '{"at":"2026-11-21T23:02:39.345275Z","attempt":"rs-vntk2ps79xm4qq54","book":"broker","event":{"kind":"attempted","lab":"atlantis","role":"pay"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":1}');
INSERT INTO public.ledger_entry VALUES ('broker', 2, '2026-11-21 23:02:39.345275+00', 'refused', 'p-wpm3jz4ega7j8dps', 'rs-vntk2ps79xm4qq54', '{"at":"2026-11-21T23:02:39.345275Z","attempt":"rs-vntk2ps79xm4qq54","book":"broker","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":2}');
INSERT INTO public.ledger_entry VALUES ('broker', 3, '2026-11-21 23:02:41.808345+00', 'person-suspended', 'operator', 'act-pqp2yv42n0s6ngah', '{"act":"act-pqp2yv42n0s6ngah","at":"2026-11-21T23:02:41.808345Z","book":"broker","by":{"operator":"root"},"event":{"kind":"person-suspended","person":"p-xbfw6xxsc7f0bv1a"},"format":2,"seq":3}');
INSERT INTO public.ledger_entry VALUES ('lab-65trtf1my5gez6v8', 1, '2026-11-21 23:02:37.183454+00', 'lab-created', 'operator', 'act-hsza1hvr4wqv6hsa', '{"act":"act-hsza1hvr4wqv6hsa","at":"2026-11-21T23:02:37.183454Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"kind":"lab-created","lab":"language","session-role":"arn:aws:iam::444455556666:role/lodge/lodge-session"},"format":2,"seq":1}');
INSERT INTO public.ledger_entry VALUES ('lab-65trtf1my5gez6v8', 2, '2026-11-21 23:02:37.183641+00', 'role-added', 'operator', 'act-d23c79h4vxz9mh2b', '{"act":"act-d23c79h4vxz9mh2b","at":"2026-11-21T23:02:37.183641Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"pay","template":"mturk/pay"},"format":2,"seq":2}');
INSERT INTO public.ledger_entry VALUES ('lab-65trtf1my5gez6v8', 3, '2026-11-21 23:02:37.183804+00', 'role-added', 'operator', 'act-jcxcwn8frkxsqqck', '{"act":"act-jcxcwn8frkxsqqck","at":"2026-11-21T23:02:37.183804Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"publish","template":"mturk/publish"},"format":2,"seq":3}');
INSERT INTO public.ledger_entry VALUES ('lab-65trtf1my5gez6v8', 4, '2026-11-21 23:02:37.183973+00', 'role-added', 'operator', 'act-ntfs1jb7y4phd1vy', '{"act":"act-ntfs1jb7y4phd1vy","at":"2026-11-21T23:02:37.183973Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"read-results","template":"mturk/read-results"},"format":2,"seq":4}');
INSERT INTO public.ledger_entry VALUES ('lab-65trtf1my5gez6v8', 5, '2026-11-21 23:02:37.184609+00', 'mapping-added', 'operator', 'act-4pewysda77zng6mb', '{"act":"act-4pewysda77zng6mb","at":"2026-11-21T23:02:37.184609Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-k0cgpvy25v2axng9","target":{"connection":"campus","group":"language-students","role":"read-results"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":5}');
INSERT INTO public.ledger_entry VALUES ('lab-65trtf1my5gez6v8', 6, '2026-11-21 23:02:37.185294+00', 'mapping-added', 'operator', 'act-kwh9v41gj8kxhdz8', '{"act":"act-kwh9v41gj8kxhdz8","at":"2026-11-21T23:02:37.185294Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-j8q18p471d5vrfbf","target":{"connection":"campus","group":"language-publishers","role":"publish"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":6}');
INSERT INTO public.ledger_entry VALUES ('lab-65trtf1my5gez6v8', 7, '2026-11-21 23:02:37.197325+00', 'mapping-added', 'operator', 'act-j29637penjzkcstt', '{"act":"act-j29637penjzkcstt","at":"2026-11-21T23:02:37.197325Z","book":"lab-65trtf1my5gez6v8","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-y09m10zz5p4vk0dn","target":{"connection":"campus","group":"language-payers","role":"pay"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":7}');
INSERT INTO public.ledger_entry VALUES ('lab-65trtf1my5gez6v8', 8, '2026-11-21 23:02:39.341569+00', 'attempted', 'p-wpm3jz4ega7j8dps', 'rs-yx63whw5tn5tdr7k', '{"at":"2026-11-21T23:02:39.341569Z","attempt":"rs-yx63whw5tn5tdr7k","book":"lab-65trtf1my5gez6v8","event":{"kind":"attempted","lab":"language","role":"pay"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":8}');
INSERT INTO public.ledger_entry VALUES ('lab-65trtf1my5gez6v8', 9, '2026-11-21 23:02:39.341569+00', 'refused', 'p-wpm3jz4ega7j8dps', 'rs-yx63whw5tn5tdr7k', '{"at":"2026-11-21T23:02:39.341569Z","attempt":"rs-yx63whw5tn5tdr7k","book":"lab-65trtf1my5gez6v8","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":9}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 1, '2026-11-21 23:02:37.177809+00', 'lab-created', 'operator', 'act-hwgscdrhhzvhad09', '{"act":"act-hwgscdrhhzvhad09","at":"2026-11-21T23:02:37.177809Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"kind":"lab-created","lab":"vision","session-role":"arn:aws:iam::111122223333:role/lodge/lodge-session"},"format":2,"seq":1}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 2, '2026-11-21 23:02:37.178366+00', 'role-added', 'operator', 'act-hxvhqe0rwjxd6dr5', '{"act":"act-hxvhqe0rwjxd6dr5","at":"2026-11-21T23:02:37.178366Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"pay","template":"mturk/pay"},"format":2,"seq":2}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 3, '2026-11-21 23:02:37.178586+00', 'role-added', 'operator', 'act-mpa43j64x60exwbk', '{"act":"act-mpa43j64x60exwbk","at":"2026-11-21T23:02:37.178586Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"publish","template":"mturk/publish"},"format":2,"seq":3}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 4, '2026-11-21 23:02:37.178758+00', 'role-added', 'operator', 'act-d7g5423edqs0s0bq', '{"act":"act-d7g5423edqs0s0bq","at":"2026-11-21T23:02:37.178758Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"read-results","template":"mturk/read-results"},"format":2,"seq":4}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 5, '2026-11-21 23:02:37.179738+00', 'mapping-added', 'operator', 'act-tggcecycqaex0394', '{"act":"act-tggcecycqaex0394","at":"2026-11-21T23:02:37.179738Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-5mejx3jtst4xf4xb","target":{"connection":"campus","group":"vision-students","role":"read-results"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":5}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 6, '2026-11-21 23:02:37.180387+00', 'mapping-added', 'operator', 'act-7rfwc312yd2d93cw', '{"act":"act-7rfwc312yd2d93cw","at":"2026-11-21T23:02:37.180387Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-f53mz6k0p23d570v","target":{"connection":"campus","group":"vision-publishers","role":"publish"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":6}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 7, '2026-11-21 23:02:37.181237+00', 'mapping-added', 'operator', 'act-33f41waw5127mavt', '{"act":"act-33f41waw5127mavt","at":"2026-11-21T23:02:37.181237Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-y2bshea862jxzzwa","target":{"connection":"campus","group":"vision-payers","role":"pay"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":7}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 8, '2026-11-21 23:02:37.182213+00', 'standing-given', 'operator', 'act-wjypej04y4q26hkd', '{"act":"act-wjypej04y4q26hkd","at":"2026-11-21T23:02:37.182213Z","book":"lab-bcrb1syyazv9wvbx","by":{"operator":"demo"},"event":{"kind":"standing-given","person":"p-ng9k5t6hfmr2038k","standing":"pi"},"format":2,"seq":8}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 9, '2026-11-21 23:02:39.327522+00', 'attempted', 'p-wpm3jz4ega7j8dps', 'rs-622j55zv939gb1fc', '{"at":"2026-11-21T23:02:39.327522Z","attempt":"rs-622j55zv939gb1fc","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":9}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 10, '2026-11-21 23:02:39.333294+00', 'issued', 'p-wpm3jz4ega7j8dps', 'rs-622j55zv939gb1fc', '{"at":"2026-11-21T23:02:39.333294Z","attempt":"rs-622j55zv939gb1fc","book":"lab-bcrb1syyazv9wvbx","event":{"access-key-id":"ASIAMGFQHBIQJMGNRHZS","aws-request-id":"68f7a0d0-3f3a-a63c-d92f-484e15fb6c65","expires-at":"2026-11-22T00:02:39Z","kind":"issued","mapping":"map-5mejx3jtst4xf4xb","policy-sha256":"e19b3c576fe04b97152627af3dcc6564278feb14b63ec9f01e331f54bc4fe164","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-622j55zv939gb1fc","template":"mturk/read-results"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":10}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 11, '2026-11-21 23:02:39.336566+00', 'attempted', 'p-wpm3jz4ega7j8dps', 'rs-mk7gnsmcx2rqbwq7', '{"at":"2026-11-21T23:02:39.336566Z","attempt":"rs-mk7gnsmcx2rqbwq7","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"pay"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":11}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 12, '2026-11-21 23:02:39.336566+00', 'refused', 'p-wpm3jz4ega7j8dps', 'rs-mk7gnsmcx2rqbwq7', '{"at":"2026-11-21T23:02:39.336566Z","attempt":"rs-mk7gnsmcx2rqbwq7","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-wpm3jz4ega7j8dps","seq":12}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 13, '2026-11-21 23:02:39.395075+00', 'attempted', 'p-0jab0tfx4yaar8xd', 'rs-eked4mrfqfbnjy65', '{"at":"2026-11-21T23:02:39.395075Z","attempt":"rs-eked4mrfqfbnjy65","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"publish"},"format":1,"person":"p-0jab0tfx4yaar8xd","seq":13}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 14, '2026-11-21 23:02:39.399307+00', 'issued', 'p-0jab0tfx4yaar8xd', 'rs-eked4mrfqfbnjy65', '{"at":"2026-11-21T23:02:39.399307Z","attempt":"rs-eked4mrfqfbnjy65","book":"lab-bcrb1syyazv9wvbx","event":{"access-key-id":"ASIAT4MAI44FUUFY2MX3","aws-request-id":"3c857356-7d44-ebee-1c3e-7fae44734231","expires-at":"2026-11-22T00:02:39Z","kind":"issued","mapping":"map-f53mz6k0p23d570v","policy-sha256":"bec562f3af24b94cb3e3d81604edd34e6dd716fb5b9fbbda2cda3f1aa6bd43c3","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-eked4mrfqfbnjy65","template":"mturk/publish"},"format":1,"person":"p-0jab0tfx4yaar8xd","seq":14}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 15, '2026-11-21 23:02:39.402354+00', 'attempted', 'p-0jab0tfx4yaar8xd', 'rs-7nyzbdp1d97kcj1v', '{"at":"2026-11-21T23:02:39.402354Z","attempt":"rs-7nyzbdp1d97kcj1v","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"pay"},"format":1,"person":"p-0jab0tfx4yaar8xd","seq":15}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 16, '2026-11-21 23:02:39.406338+00', 'issued', 'p-0jab0tfx4yaar8xd', 'rs-7nyzbdp1d97kcj1v', '{"at":"2026-11-21T23:02:39.406338Z","attempt":"rs-7nyzbdp1d97kcj1v","book":"lab-bcrb1syyazv9wvbx","event":{"access-key-id":"ASIAUR4P47FQG5LEYGV7","aws-request-id":"24f93039-9147-c344-1060-637609cc320a","expires-at":"2026-11-22T00:02:39Z","kind":"issued","mapping":"map-y2bshea862jxzzwa","policy-sha256":"a487ac06adbfa2e5dc48e1d002f57aeacd1b76a43060dfa61a4c66768206bb41","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-7nyzbdp1d97kcj1v","template":"mturk/pay"},"format":1,"person":"p-0jab0tfx4yaar8xd","seq":16}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 17, '2026-11-21 23:02:39.443408+00', 'attempted', 'p-xbfw6xxsc7f0bv1a', 'rs-0bdd2zj9v9ek8cas', '{"at":"2026-11-21T23:02:39.443408Z","attempt":"rs-0bdd2zj9v9ek8cas","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-xbfw6xxsc7f0bv1a","seq":17}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 18, '2026-11-21 23:02:39.443408+00', 'refused', 'p-xbfw6xxsc7f0bv1a', 'rs-0bdd2zj9v9ek8cas', '{"at":"2026-11-21T23:02:39.443408Z","attempt":"rs-0bdd2zj9v9ek8cas","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"refused","reason":"no-mapping"},"format":1,"person":"p-xbfw6xxsc7f0bv1a","seq":18}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 19, '2026-11-21 23:02:40.390626+00', 'standing-given', 'p-ng9k5t6hfmr2038k', 'act-9kx9f0hz3g0jm64d', '{"act":"act-9kx9f0hz3g0jm64d","at":"2026-11-21T23:02:40.390626Z","book":"lab-bcrb1syyazv9wvbx","by":{"person":"p-ng9k5t6hfmr2038k"},"event":{"kind":"standing-given","person":"p-0jab0tfx4yaar8xd","standing":"pi"},"format":2,"seq":19}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 20, '2026-11-21 23:02:40.40515+00', 'mapping-added', 'p-ng9k5t6hfmr2038k', 'act-811cqtwg4h14he4n', '{"act":"act-811cqtwg4h14he4n","at":"2026-11-21T23:02:40.405150Z","book":"lab-bcrb1syyazv9wvbx","by":{"person":"p-ng9k5t6hfmr2038k"},"event":{"benefits-author":false,"kind":"mapping-added","mapping":"map-vzzmt8zm4fjx9g5m","target":{"connection":"campus","group":"vision-students","role":"publish"},"terms":{"ends-at":"2027-01-01T00:00:00.000000Z","max-duration-seconds":1800,"needs-approval":false,"needs-mfa":true}},"format":2,"seq":20}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 21, '2026-11-21 23:02:40.417852+00', 'mapping-change-asked', 'p-ng9k5t6hfmr2038k', 'act-kaaaz2krxranwkr6', '{"act":"act-kaaaz2krxranwkr6","at":"2026-11-21T23:02:40.417852Z","book":"lab-bcrb1syyazv9wvbx","by":{"person":"p-ng9k5t6hfmr2038k"},"event":{"change":"chg-kfxf41b8g16bjmgm","kind":"mapping-change-asked","mapping":"map-b2tfxxehwwttk15p","target":{"connection":"campus","group":"vision-pi","role":"pay"},"terms":{"needs-approval":false,"needs-mfa":false}},"format":2,"seq":21}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 22, '2026-11-21 23:02:40.626449+00', 'mapping-edited', 'p-ng9k5t6hfmr2038k', 'act-rp5y3sxcbybrs8r2', '{"act":"act-rp5y3sxcbybrs8r2","at":"2026-11-21T23:02:40.626449Z","book":"lab-bcrb1syyazv9wvbx","by":{"person":"p-ng9k5t6hfmr2038k"},"event":{"after":{"needs-approval":true,"needs-mfa":false},"before":{"needs-approval":false,"needs-mfa":false},"benefits-author":false,"kind":"mapping-edited","mapping":"map-f53mz6k0p23d570v","revision":2,"target":{"connection":"campus","group":"vision-publishers","role":"publish"}},"format":2,"seq":22}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 23, '2026-11-21 23:02:40.652438+00', 'mapping-ended', 'p-ng9k5t6hfmr2038k', 'act-6c65jrrrs2644ndd', '{"act":"act-6c65jrrrs2644ndd","at":"2026-11-21T23:02:40.652438Z","book":"lab-bcrb1syyazv9wvbx","by":{"person":"p-ng9k5t6hfmr2038k"},"event":{"kind":"mapping-ended","mapping":"map-f53mz6k0p23d570v","revision":3,"target":{"connection":"campus","group":"vision-publishers","role":"publish"}},"format":2,"seq":23}');
INSERT INTO public.ledger_entry VALUES ('lab-bcrb1syyazv9wvbx', 24, '2026-11-21 23:30:59.000001+00', 'attempted', 'p-xbfw6xxsc7f0bv1a', 'rs-0123456789abcdef', '{"at":"2026-11-21T23:30:59.000001Z","attempt":"rs-0123456789abcdef","book":"lab-bcrb1syyazv9wvbx","event":{"kind":"attempted","lab":"vision","role":"read-results"},"format":1,"person":"p-xbfw6xxsc7f0bv1a","seq":24}');
INSERT INTO public.ledger_entry VALUES ('lab-ck9e64y9t2db7zdk', 1, '2026-11-21 23:02:41.685719+00', 'lab-created', 'operator', 'act-qewjnbtpaw07pqns', '{"act":"act-qewjnbtpaw07pqns","at":"2026-11-21T23:02:41.685719Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"kind":"lab-created","lab":"attic","session-role":"arn:aws:iam::222233334444:role/lodge-session"},"format":2,"seq":1}');
INSERT INTO public.ledger_entry VALUES ('lab-ck9e64y9t2db7zdk', 2, '2026-11-21 23:02:41.686333+00', 'role-added', 'operator', 'act-bb0574khvrjpk662', '{"act":"act-bb0574khvrjpk662","at":"2026-11-21T23:02:41.686333Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"pay","template":"mturk/pay"},"format":2,"seq":2}');
INSERT INTO public.ledger_entry VALUES ('lab-ck9e64y9t2db7zdk', 3, '2026-11-21 23:02:41.68656+00', 'role-added', 'operator', 'act-7m2ywd8mdbwkd3pm', '{"act":"act-7m2ywd8mdbwkd3pm","at":"2026-11-21T23:02:41.686560Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"publish","template":"mturk/publish"},"format":2,"seq":3}');
INSERT INTO public.ledger_entry VALUES ('lab-ck9e64y9t2db7zdk', 4, '2026-11-21 23:02:41.686723+00', 'role-added', 'operator', 'act-59y4an57nxks0b5j', '{"act":"act-59y4an57nxks0b5j","at":"2026-11-21T23:02:41.686723Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"kind":"role-added","max-duration-seconds":3600,"role":"read-results","template":"mturk/read-results"},"format":2,"seq":4}');
INSERT INTO public.ledger_entry VALUES ('lab-ck9e64y9t2db7zdk', 5, '2026-11-21 23:02:41.724097+00', 'pi-invited', 'operator', 'act-9zh0w6e4jbse29b2', '{"act":"act-9zh0w6e4jbse29b2","at":"2026-11-21T23:02:41.724097Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"invitation":"inv-grp0qqc551v4hgyn","kind":"pi-invited","lapses-at":"2026-11-28T23:02:41.723286Z"},"format":2,"seq":5}');
INSERT INTO public.ledger_entry VALUES ('lab-ck9e64y9t2db7zdk', 6, '2026-11-21 23:02:41.758088+00', 'lab-archived', 'operator', 'act-6a8xr3jwhy23bk19', '{"act":"act-6a8xr3jwhy23bk19","at":"2026-11-21T23:02:41.758088Z","book":"lab-ck9e64y9t2db7zdk","by":{"operator":"root"},"event":{"kind":"lab-archived"},"format":2,"seq":6}');
INSERT INTO public.mapping VALUES ('lab-bcrb1syyazv9wvbx', 'map-5mejx3jtst4xf4xb', 'campus', 'vision-students', 'read-results', NULL, '2026-11-21 23:02:37.179436+00', NULL, false, false, 1, '2026-11-21 23:02:37.179436+00');
INSERT INTO public.mapping VALUES ('lab-bcrb1syyazv9wvbx', 'map-f53mz6k0p23d570v', 'campus', 'vision-publishers', 'publish', '2026-11-21 23:02:40.652438+00', '2026-11-21 23:02:37.18018+00', NULL, false, true, 3, '2026-11-21 23:02:40.652438+00');
INSERT INTO public.mapping VALUES ('lab-bcrb1syyazv9wvbx', 'map-y2bshea862jxzzwa', 'campus', 'vision-payers', 'pay', NULL, '2026-11-21 23:02:37.181029+00', NULL, false, false, 1, '2026-11-21 23:02:37.181029+00');
INSERT INTO public.mapping VALUES ('lab-65trtf1my5gez6v8', 'map-k0cgpvy25v2axng9', 'campus', 'language-students', 'read-results', NULL, '2026-11-21 23:02:37.184402+00', NULL, false, false, 1, '2026-11-21 23:02:37.184402+00');
INSERT INTO public.mapping VALUES ('lab-65trtf1my5gez6v8', 'map-j8q18p471d5vrfbf', 'campus', 'language-publishers', 'publish', NULL, '2026-11-21 23:02:37.185042+00', NULL, false, false, 1, '2026-11-21 23:02:37.185042+00');
INSERT INTO public.mapping VALUES ('lab-65trtf1my5gez6v8', 'map-y09m10zz5p4vk0dn', 'campus', 'language-payers', 'pay', NULL, '2026-11-21 23:02:37.196981+00', NULL, false, false, 1, '2026-11-21 23:02:37.196981+00');
INSERT INTO public.mapping VALUES ('lab-bcrb1syyazv9wvbx', 'map-vzzmt8zm4fjx9g5m', 'campus', 'vision-students', 'publish', '2027-01-01 00:00:00+00', '2026-11-21 23:02:40.40515+00', 1800, true, false, 1, '2026-11-21 23:02:40.40515+00');
INSERT INTO public.mapping_change VALUES ('lab-bcrb1syyazv9wvbx', 'chg-kfxf41b8g16bjmgm', 'map-b2tfxxehwwttk15p', NULL, 'p-ng9k5t6hfmr2038k', 'campus', 'vision-pi', 'pay', NULL, NULL, false, false, '2026-11-21 23:02:40.417852+00', '2026-11-28 23:02:40.417852+00');
INSERT INTO public.open_attempt VALUES ('lab-bcrb1syyazv9wvbx', 'rs-0123456789abcdef', 'p-xbfw6xxsc7f0bv1a', '2026-11-21 23:30:59.000001+00');
INSERT INTO public.person VALUES ('p-ng9k5t6hfmr2038k', 'campus', 'http://127.0.0.1:21081', 'u-1001', 'Prof. Ada Marsh', '2026-11-21 23:02:37.181627+00', NULL);
INSERT INTO public.person VALUES ('p-wpm3jz4ega7j8dps', 'campus', 'http://127.0.0.1:21081', 'u-1003', 'Kim Sørensen', '2026-11-21 23:02:39.305332+00', NULL);
INSERT INTO public.person VALUES ('p-0jab0tfx4yaar8xd', 'campus', 'http://127.0.0.1:21081', 'u-1002', 'Dr. Noor Haddad', '2026-11-21 23:02:39.362581+00', NULL);
INSERT INTO public.person VALUES ('p-xbfw6xxsc7f0bv1a', 'campus', 'http://127.0.0.1:21081', 'u-1004', 'Robin Vale', '2026-11-21 23:02:39.423285+00', '2026-11-21 23:02:41.807773+00');
INSERT INTO public.sign_in VALUES ('si-qpvj1448hpp9y23n', 'p-wpm3jz4ega7j8dps', 'present', '2026-11-21 23:02:39.305332+00', false);
INSERT INTO public.sign_in VALUES ('si-wh8by5jqwx0cv6n9', 'p-0jab0tfx4yaar8xd', 'present', '2026-11-21 23:02:39.362581+00', false);
INSERT INTO public.sign_in VALUES ('si-9t93jjd0j605paf7', 'p-xbfw6xxsc7f0bv1a', 'present', '2026-11-21 23:02:39.423285+00', false);
INSERT INTO public.sign_in VALUES ('si-cvx8dxwr0d8w44xs', 'p-ng9k5t6hfmr2038k', 'present', '2026-11-21 23:02:39.478301+00', false);
INSERT INTO public.sign_in VALUES ('si-2szk93t6rqh2v2zt', 'p-ng9k5t6hfmr2038k', 'present', '2026-11-21 23:02:39.821651+00', false);
INSERT INTO public.sign_in VALUES ('si-jw7y8n8ev63hqrv0', 'p-0jab0tfx4yaar8xd', 'present', '2026-11-21 23:02:40.18165+00', false);
INSERT INTO public.sign_in_group VALUES ('si-qpvj1448hpp9y23n', 'vision-students');
INSERT INTO public.sign_in_group VALUES ('si-wh8by5jqwx0cv6n9', 'vision-payers');
INSERT INTO public.sign_in_group VALUES ('si-wh8by5jqwx0cv6n9', 'vision-publishers');
INSERT INTO public.sign_in_group VALUES ('si-cvx8dxwr0d8w44xs', 'vision-pi');
INSERT INTO public.sign_in_group VALUES ('si-2szk93t6rqh2v2zt', 'vision-pi');
INSERT INTO public.sign_in_group VALUES ('si-jw7y8n8ev63hqrv0', 'vision-payers');
INSERT INTO public.sign_in_group VALUES ('si-jw7y8n8ev63hqrv0', 'vision-publishers');
INSERT INTO public.standing VALUES ('lab-bcrb1syyazv9wvbx', 'p-ng9k5t6hfmr2038k', 'pi', '2026-11-21 23:02:37.181627+00');
INSERT INTO public.standing VALUES ('lab-bcrb1syyazv9wvbx', 'p-0jab0tfx4yaar8xd', 'pi', '2026-11-21 23:02:40.386858+00');
ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.authorization_code
    ADD CONSTRAINT authorization_code_pkey PRIMARY KEY (code_hash);
ALTER TABLE ONLY public.browser_session
    ADD CONSTRAINT browser_session_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.browser_session
    ADD CONSTRAINT browser_session_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.cli_session
    ADD CONSTRAINT cli_session_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.cli_session
    ADD CONSTRAINT cli_session_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_pkey PRIMARY KEY (lab_id, id);
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.lab
    ADD CONSTRAINT lab_external_id_key UNIQUE (external_id);
ALTER TABLE ONLY public.lab
    ADD CONSTRAINT lab_name_key UNIQUE (name);
ALTER TABLE ONLY public.lab
    ADD CONSTRAINT lab_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.lab_role
    ADD CONSTRAINT lab_role_pkey PRIMARY KEY (lab_id, name);
ALTER TABLE ONLY public.ledger_book
    ADD CONSTRAINT ledger_book_pkey PRIMARY KEY (book);
ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_pkey PRIMARY KEY (book, seq);
ALTER TABLE ONLY public.mapping_change
    ADD CONSTRAINT mapping_change_pkey PRIMARY KEY (lab_id, id);
ALTER TABLE ONLY public.mapping
    ADD CONSTRAINT mapping_pkey PRIMARY KEY (lab_id, id);
ALTER TABLE ONLY public.open_attempt
    ADD CONSTRAINT open_attempt_pkey PRIMARY KEY (book, attempt);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_connection_issuer_subject_key UNIQUE (connection, issuer, subject);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sign_in_group
    ADD CONSTRAINT sign_in_group_pkey PRIMARY KEY (sign_in_id, group_name);
ALTER TABLE ONLY public.sign_in
    ADD CONSTRAINT sign_in_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sign_in_transaction
    ADD CONSTRAINT sign_in_transaction_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sign_in_transaction
    ADD CONSTRAINT sign_in_transaction_state_hash_key UNIQUE (state_hash);
ALTER TABLE ONLY public.standing
    ADD CONSTRAINT standing_pkey PRIMARY KEY (lab_id, person_id);
CREATE INDEX authorization_code_by_age ON public.authorization_code USING btree (created_at);
CREATE INDEX authorization_code_by_person ON public.authorization_code USING btree (person_id);
CREATE INDEX browser_session_by_person ON public.browser_session USING btree (person_id);
CREATE INDEX cli_session_by_person ON public.cli_session USING btree (person_id);
CREATE UNIQUE INDEX ledger_entry_attempted ON public.ledger_entry USING btree (attempt) WHERE (kind = 'attempted'::text);
CREATE UNIQUE INDEX ledger_entry_outcome ON public.ledger_entry USING btree (attempt) WHERE (kind <> 'attempted'::text);
CREATE INDEX mapping_by_group ON public.mapping USING btree (connection, group_name);
CREATE INDEX mapping_by_role ON public.mapping USING btree (lab_id, role);
CREATE INDEX mapping_change_by_author ON public.mapping_change USING btree (author);
CREATE INDEX open_attempt_by_age ON public.open_attempt USING btree (at);
CREATE INDEX sign_in_by_person ON public.sign_in USING btree (person_id, signed_in_at);
CREATE INDEX sign_in_transaction_by_age ON public.sign_in_transaction USING btree (begun_at);
CREATE INDEX standing_by_person ON public.standing USING btree (person_id);
CREATE TRIGGER ledger_entry_is_never_changed BEFORE UPDATE ON public.ledger_entry FOR EACH ROW EXECUTE FUNCTION public.ledger_entry_is_append_only();
CREATE TRIGGER ledger_entry_is_never_emptied BEFORE TRUNCATE ON public.ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_entry_is_append_only();
CREATE TRIGGER ledger_entry_is_never_removed BEFORE DELETE ON public.ledger_entry FOR EACH ROW EXECUTE FUNCTION public.ledger_entry_is_append_only();
CREATE TRIGGER ledger_entry_leaves_no_gap BEFORE INSERT ON public.ledger_entry FOR EACH ROW EXECUTE FUNCTION public.ledger_entry_leaves_no_gap();
ALTER TABLE ONLY public.authorization_code
    ADD CONSTRAINT authorization_code_cli_session_id_fkey FOREIGN KEY (cli_session_id) REFERENCES public.cli_session(id);
ALTER TABLE ONLY public.authorization_code
    ADD CONSTRAINT authorization_code_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.authorization_code
    ADD CONSTRAINT authorization_code_sign_in_id_fkey FOREIGN KEY (sign_in_id) REFERENCES public.sign_in(id);
ALTER TABLE ONLY public.browser_session
    ADD CONSTRAINT browser_session_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.browser_session
    ADD CONSTRAINT browser_session_sign_in_id_fkey FOREIGN KEY (sign_in_id) REFERENCES public.sign_in(id);
ALTER TABLE ONLY public.cli_session
    ADD CONSTRAINT cli_session_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.cli_session
    ADD CONSTRAINT cli_session_sign_in_id_fkey FOREIGN KEY (sign_in_id) REFERENCES public.sign_in(id);
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_lab_id_fkey FOREIGN KEY (lab_id) REFERENCES public.lab(id);
ALTER TABLE ONLY public.lab_role
    ADD CONSTRAINT lab_role_lab_id_fkey FOREIGN KEY (lab_id) REFERENCES public.lab(id);
ALTER TABLE ONLY public.mapping_change
    ADD CONSTRAINT mapping_change_author_fkey FOREIGN KEY (author) REFERENCES public.person(id);
ALTER TABLE ONLY public.mapping_change
    ADD CONSTRAINT mapping_change_lab_id_role_fkey FOREIGN KEY (lab_id, role) REFERENCES public.lab_role(lab_id, name);
ALTER TABLE ONLY public.mapping
    ADD CONSTRAINT mapping_lab_id_role_fkey FOREIGN KEY (lab_id, role) REFERENCES public.lab_role(lab_id, name);
ALTER TABLE ONLY public.sign_in_group
    ADD CONSTRAINT sign_in_group_sign_in_id_fkey FOREIGN KEY (sign_in_id) REFERENCES public.sign_in(id);
ALTER TABLE ONLY public.sign_in
    ADD CONSTRAINT sign_in_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
ALTER TABLE ONLY public.standing
    ADD CONSTRAINT standing_lab_id_fkey FOREIGN KEY (lab_id) REFERENCES public.lab(id);
ALTER TABLE ONLY public.standing
    ADD CONSTRAINT standing_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id);
CREATE POLICY all_labs ON public.invitation USING ((current_setting('lodge.lab'::text, true) = '*'::text)) WITH CHECK ((current_setting('lodge.lab'::text, true) = '*'::text));
CREATE POLICY all_labs ON public.lab USING ((current_setting('lodge.lab'::text, true) = '*'::text)) WITH CHECK ((current_setting('lodge.lab'::text, true) = '*'::text));
CREATE POLICY all_labs ON public.lab_role USING ((current_setting('lodge.lab'::text, true) = '*'::text)) WITH CHECK ((current_setting('lodge.lab'::text, true) = '*'::text));
CREATE POLICY all_labs ON public.ledger_book USING ((current_setting('lodge.lab'::text, true) = '*'::text)) WITH CHECK ((current_setting('lodge.lab'::text, true) = '*'::text));
CREATE POLICY all_labs ON public.ledger_entry USING ((current_setting('lodge.lab'::text, true) = '*'::text)) WITH CHECK ((current_setting('lodge.lab'::text, true) = '*'::text));
CREATE POLICY all_labs ON public.mapping USING ((current_setting('lodge.lab'::text, true) = '*'::text)) WITH CHECK ((current_setting('lodge.lab'::text, true) = '*'::text));
CREATE POLICY all_labs ON public.mapping_change USING ((current_setting('lodge.lab'::text, true) = '*'::text)) WITH CHECK ((current_setting('lodge.lab'::text, true) = '*'::text));
CREATE POLICY all_labs ON public.open_attempt USING ((current_setting('lodge.lab'::text, true) = '*'::text)) WITH CHECK ((current_setting('lodge.lab'::text, true) = '*'::text));
CREATE POLICY all_labs ON public.standing USING ((current_setting('lodge.lab'::text, true) = '*'::text)) WITH CHECK ((current_setting('lodge.lab'::text, true) = '*'::text));
ALTER TABLE public.invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.lab ENABLE ROW LEVEL SECURITY;
CREATE POLICY lab_entered ON public.invitation USING ((lab_id = current_setting('lodge.lab'::text, true))) WITH CHECK ((lab_id = current_setting('lodge.lab'::text, true)));
CREATE POLICY lab_entered ON public.lab USING ((id = current_setting('lodge.lab'::text, true))) WITH CHECK ((id = current_setting('lodge.lab'::text, true)));
CREATE POLICY lab_entered ON public.lab_role USING ((lab_id = current_setting('lodge.lab'::text, true))) WITH CHECK ((lab_id = current_setting('lodge.lab'::text, true)));
CREATE POLICY lab_entered ON public.ledger_book USING ((book = current_setting('lodge.lab'::text, true))) WITH CHECK ((book = current_setting('lodge.lab'::text, true)));
CREATE POLICY lab_entered ON public.ledger_entry USING ((book = current_setting('lodge.lab'::text, true))) WITH CHECK ((book = current_setting('lodge.lab'::text, true)));
CREATE POLICY lab_entered ON public.mapping USING ((lab_id = current_setting('lodge.lab'::text, true))) WITH CHECK ((lab_id = current_setting('lodge.lab'::text, true)));
CREATE POLICY lab_entered ON public.mapping_change USING ((lab_id = current_setting('lodge.lab'::text, true))) WITH CHECK ((lab_id = current_setting('lodge.lab'::text, true)));
CREATE POLICY lab_entered ON public.open_attempt USING ((book = current_setting('lodge.lab'::text, true))) WITH CHECK ((book = current_setting('lodge.lab'::text, true)));
CREATE POLICY lab_entered ON public.standing USING ((lab_id = current_setting('lodge.lab'::text, true))) WITH CHECK ((lab_id = current_setting('lodge.lab'::text, true)));
ALTER TABLE public.lab_role ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ledger_book ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ledger_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.mapping ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.mapping_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.open_attempt ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON public.invitation TO lodge_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.lab TO lodge_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.lab_role TO lodge_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.ledger_book TO lodge_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.ledger_entry TO lodge_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.mapping TO lodge_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.mapping_change TO lodge_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.open_attempt TO lodge_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.standing TO lodge_owner USING (true) WITH CHECK (true);
ALTER TABLE public.standing ENABLE ROW LEVEL SECURITY;
