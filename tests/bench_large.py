"""The part of `tests/bench` with a large database: 10,000 labs with 100 mappings each, 100,000 people, and a ledger of
1,000,000 entries, half of them in the book of the lab that is measured. On SQLite and on PostgreSQL, each beside an empty
database of the same kind in the same run: the brokers take turns, so that whatever else this machine does hits both.

It also looks for whole tables that the way of a credential reads: on SQLite in the plans of its statements, on PostgreSQL
in what the server itself counts while credentials are issued.
"""

import base64
import contextlib
import datetime
import hashlib
import http.client
import http.server
import os
import pwd
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMPTY = {"labs": 1, "mappings": 1, "people": 1, "entries": 0, "cut_offs": 0}
LARGE = {"labs": 10_000, "mappings": 100, "people": 100_000, "entries": 1_000_000, "cut_offs": 5_000}
TOKEN = "lodge_at_of-the-bench"
LAB, ROLE = "b" + "1".zfill(16), "read-results"

# The statements on the way of a credential, by their names in `src/store`.
ISSUING = [
    "CLI_SESSION", "LAB_BY_NAME", "HOLD_BOOK", "LIVE_CLI_SESSION", "LATEST_SIGN_IN", "GROUPS_OF_SIGN_IN", "GATE_ROLE",
    "GATE_ACCOUNT", "GATE_MAPPINGS", "GATE_BARS", "GATE_OVERFLOW", "PERSON_BAR", "NEXT_SEQ", "APPEND", "OPEN_ATTEMPT",
    "CLOSE_ATTEMPT",
]

# Credentials that are issued at each broker before anything is measured.
WARM_UP = 20

# More rows of a table for one credential than any index gives, and far fewer than any large table has.
MANY_ROWS = 200


def measure(programs, folder, seconds, free_port):
    results = {}
    with standing_in_for_sts() as sts:
        for kind in (Sqlite, Postgres):
            with contextlib.ExitStack() as stack:
                database = stack.enter_context(kind(folder / kind.name, free_port()))
                loaded = {}
                for name, size in (("empty", EMPTY), ("large", LARGE)):
                    started = time.perf_counter()
                    database.load(name, size)
                    loaded[name] = round(time.perf_counter() - started, 1)
                ports = {
                    name: stack.enter_context(serving(programs, folder / kind.name, name, database, sts, free_port()))
                    for name in ("empty", "large")
                }
                # What a broker looks at when it starts is told by its session with the first of these.
                in_turns(ports, seconds / 5)
                before = database.rows_read()
                samples = in_turns(ports, seconds)
                scans = database.scans(before, len(samples["large"]) + WARM_UP)
            p50 = {name: statistics.median(values) * 1000 for name, values in samples.items()}
            results[kind.name] = {
                "empty_p50_ms": round(p50["empty"], 3),
                "large_p50_ms": round(p50["large"], 3),
                "ratio_p50": round(p50["large"] / p50["empty"], 2),
                "samples": len(samples["large"]),
                "loaded_in_s": loaded["large"],
                "whole_tables_read": scans,
            }
    return results


def show(results):
    print(f"{'':10} {'empty ms':>9} {'large ms':>9} {'ratio':>6} {'samples':>8} {'loaded':>8}   reads whole tables")
    for name, line in results.items():
        print(
            f"{name:10} {line['empty_p50_ms']:>9} {line['large_p50_ms']:>9} {line['ratio_p50']:>6} {line['samples']:>8} "
            f"{line['loaded_in_s']:>6} s   {'; '.join(line['whole_tables_read']) or 'no'}"
        )


def in_turns(ports, seconds):
    """How long each issuance took, a few at one broker, then a few at the other."""
    def issuing(port):
        connection = http.client.HTTPConnection("127.0.0.1", port)

        def call():
            began = time.perf_counter()
            connection.request("POST", f"/api/v1/labs/{LAB}/roles/{ROLE}/credentials", "{}",
                               {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise SystemExit(f"bench: the broker answered {answer.status}: {body.decode()}")
            return time.perf_counter() - began

        return call

    calls = {name: issuing(port) for name, port in ports.items()}
    for call in calls.values():
        for _ in range(WARM_UP):
            call()
    samples = {name: [] for name in ports}
    end = time.perf_counter() + 2 * seconds
    while time.perf_counter() < end:
        for name, call in calls.items():
            samples[name].extend(call() for _ in range(10))
    return samples


@contextlib.contextmanager
def serving(programs, folder, name, database, sts, port, more_settings=""):
    settings = folder / f"{name}.toml"
    key = folder / f"{name}.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    settings.write_text(
        f'[server]\nlisten = "127.0.0.1:{port}"\npublic_url = "http://127.0.0.1:{port}"\n[database]\n'
        f'{database.settings(name)}\n[secrets]\nkey_file = "{key}"\n[aws]\nsts_endpoint = "http://127.0.0.1:{sts}"\n'
        f"{more_settings}"
    )
    environment = {"PATH": os.environ["PATH"], "LODGE_LOG": "error", "AWS_ACCESS_KEY_ID": "ASIABENCH",
                   "AWS_SECRET_ACCESS_KEY": "bench", "AWS_SESSION_TOKEN": "bench", "AWS_EC2_METADATA_DISABLED": "true"}
    broker = subprocess.Popen([programs / "lodged", "serve", "--config", settings], env=environment)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    break
            if broker.poll() is not None:
                sys.exit("bench: the broker did not start")
            time.sleep(0.05)
        yield port
    finally:
        broker.send_signal(signal.SIGTERM)
        broker.wait(timeout=30)


@contextlib.contextmanager
def standing_in_for_sts():
    """Answers AssumeRole at once, without a look at the signature."""
    class Sts(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
            account, role = re.fullmatch(r"arn:aws:iam::(\d+):role/(?:.*/)?([^/]+)", form["RoleArn"]).groups()
            session = form["RoleSessionName"]
            until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=int(form["DurationSeconds"]))
            body = (
                '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>'
                f"<AssumedRoleId>AROABENCH:{session}</AssumedRoleId>"
                f"<Arn>arn:aws:sts::{account}:assumed-role/{role}/{session}</Arn></AssumedRoleUser><Credentials>"
                f"<AccessKeyId>ASIA{os.urandom(8).hex().upper()}</AccessKeyId><SecretAccessKey>bench</SecretAccessKey>"
                f"<SessionToken>bench</SessionToken><Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
                "</AssumeRoleResult><ResponseMetadata><RequestId>bench</RequestId></ResponseMetadata></AssumeRoleResponse>"
            ).encode()
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sts)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


def migrations(kind):
    """Each migration, and the statement with which `lodged migrate` notes that it was applied."""
    for number, file in enumerate(sorted((ROOT / "migrations" / kind).glob("*.sql")), start=1):
        sql = file.read_text()
        digest = hashlib.sha384(sql.encode()).hexdigest()
        yield sql, number, file.stem.split("_", 1)[1].replace("_", " "), digest


def filling(size, numbers, padded, false):
    """The statements that fill a database to this size, in words that both understand."""
    def rows(count, as_name="n"):
        return f"{numbers(count)} as {as_name}"

    long_ago, soon = "'2026-01-01T00:00:00+00:00'", datetime.datetime.now(datetime.timezone.utc)
    signed_in, ends = f"'{soon.isoformat()}'", f"'{(soon + datetime.timedelta(hours=12)).isoformat()}'"
    digest = base64.urlsafe_b64encode(hashlib.sha256(TOKEN.encode()).digest()).decode().rstrip("=")
    lab, person, id_ = f"'lab-' || {padded('n.i')}", f"'p-' || {padded('n.i')}", padded("n.i")
    roles = "(values ('read-results'), ('publish'), ('pay'))"
    own, spread = size["entries"] // 2, max(size["labs"] - 1, 1)
    other = padded(f"2 + (n.i - 1) % {spread}")
    filler = "x" * 300

    def entries(count, book, seq, attempts):
        kind = "case when n.i % 2 = 1 then 'attempted' else 'issued' end"
        attempt = padded(f"{attempts} + (n.i + 1) / 2")
        return (f"insert into ledger_entry select {book}, {seq}, {long_ago}, {kind}, 'p-' || {padded('1')}, "
                f"'rs-' || {attempt}, '{filler}' from {rows(count)}")

    yield (f"insert into lab (id, name, title, session_role, external_id, created_at) select {lab}, 'b' || {id_}, 'A lab', "
           f"'arn:aws:iam::111122223333:role/lodge/lodge-session', 'lodge-' || {id_}, {long_ago} from {rows(size['labs'])}")
    yield (f"insert into lab_account (lab_id, state, joined_at) select {lab}, 'joined', {long_ago} from {rows(size['labs'])}")
    yield (f"insert into lab_role (lab_id, name, template, parameters, max_duration_seconds, created_at) select {lab}, r.column1, "
           f"'mturk/' || r.column1, '{{}}', 3600, {long_ago} from {rows(size['labs'])} cross join {roles} as r")
    mapping = padded(f"n.i * {size['mappings']} + m.i")
    yield (f"insert into mapping (lab_id, id, connection, group_name, role, created_at, changed_at) select {lab}, 'map-' || "
           f"{mapping}, 'campus', case when m.i = 1 then 'students-' else 'group-' end || {id_}, case m.i % 3 when 1 then "
           f"'read-results' when 2 then 'publish' else 'pay' end, {long_ago}, {long_ago} "
           f"from {rows(size['labs'])} cross join {rows(size['mappings'], 'm')}")
    yield (f"insert into person (id, connection, issuer, subject, created_at) select {person}, 'campus', "
           f"'https://sso.example.edu', {id_}, {long_ago} from {rows(size['people'])}")
    yield (f"insert into sign_in (id, person_id, group_claim, signed_in_at) select 'si-' || {id_}, {person}, 'present', "
           f"{signed_in} from {rows(size['people'])}")
    yield f"insert into sign_in_group select 'si-' || {id_}, 'students-' || {id_} from {rows(size['people'])}"
    yield (f"insert into cli_session (id, token_hash, person_id, sign_in_id, host, created_at, expires_at) select 'cs-' || "
           f"{id_}, 'cs-' || {id_}, {person}, 'si-' || {id_}, 'bench', {signed_in}, {ends} from {rows(size['people'])}")
    yield (f"insert into cli_token (refresh_hash, access_hash, cli_session_id, generation, created_at, access_expires_at, "
           f"session_expires_at) select 'refresh-' || {id_}, case when n.i = 1 then '{digest}' else {id_} end, 'cs-' || {id_}, 1, "
           f"{signed_in}, {ends}, {ends} from {rows(size['people'])}")
    if own:
        yield entries(own, f"'lab-' || {padded('1')}", "n.i", 0)
        yield entries(own, f"'lab-' || {other}", f"1 + (n.i - 1) / {spread}", own)
        yield "insert into ledger_book select book, count(*) from ledger_entry group by book"
        # Of the lab that is asked, what was cut off and is long over.
        yield (f"insert into cut_off (lab_id, id, person_id, actor, cause, sessions, stopped_at, denied_before_at, over_at, "
               f"is_held, revision, denial) select 'lab-' || {padded('1')}, 'cut-' || {id_}, {person}, '\"broker\"', 'asked', 1, "
               f"{long_ago}, {long_ago}, {long_ago}, {false}, n.i, 'not-seen' from {rows(size['cut_offs'])}")
    yield "analyze"


class Sqlite:
    name = "SQLite"

    def __init__(self, folder, _port):
        self.folder = folder
        folder.mkdir()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def settings(self, name):
        return f'file = "{self.folder / name}.db"'

    def load(self, name, size):
        def numbers(count):
            return f"(with recursive c(i) as (select 1 union all select i + 1 from c where i < {count}) select i from c)"

        with self.created(name) as database:
            for statement in filling(size, numbers, lambda number: f"printf('%016d', {number})", "0"):
                database.execute(statement)

    @contextlib.contextmanager
    def created(self, name):
        """An open database with the broker's tables, as `lodged migrate` leaves it."""
        database = sqlite3.connect(self.folder / f"{name}.db", isolation_level=None)
        database.executescript(
            "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -400000; create table _sqlx_migrations (version bigint primary key, "
            "description text not null, installed_on timestamp not null default current_timestamp, "
            "success boolean not null, checksum blob not null, execution_time bigint not null);"
        )
        for sql, number, title, digest in migrations("sqlite"):
            database.executescript(sql)
            database.execute("insert into _sqlx_migrations (version, description, success, checksum, execution_time) "
                             "values (?, ?, 1, ?, 0)", (number, title, bytes.fromhex(digest)))
        yield database
        database.execute("pragma journal_mode = wal")
        database.close()

    def fill(self, name, tables):
        """A database with these rows: of each table, its columns and what stands in them."""
        with self.created(name) as database:
            for table, columns, rows in tables:
                marks = ", ".join("?" * len(columns))
                database.executemany(f"insert into {table} ({', '.join(columns)}) values ({marks})", rows)
            database.execute("analyze")

    def rows_read(self):
        return None

    def scans(self, _before, _issued):
        """The steps of the plans that read a whole table. What triggers read, `tests/query_plans.rs` looks at."""
        sources = "".join(file.read_text() for file in sorted((ROOT / "src/store").rglob("*.rs")))
        database, found = sqlite3.connect(self.folder / "large.db"), []
        for name in ISSUING:
            text = re.search(rf'\b{name} = "((?:[^"\\]|\\.)*)"', sources, re.S).group(1).replace("\\\n", " ")
            values = [None] * max(map(int, re.findall(r"\$(\d+)", text)))
            for *_, step in database.execute(f"explain query plan {text}", values):
                if (step.startswith("SCAN ") and step != "SCAN CONSTANT ROW") or " AUTOMATIC " in step:
                    found.append(f"{name}: {step}")
        return found


class Postgres:
    """A server of the bench's own, run by a user without rights where this is run by root."""
    name = "PostgreSQL"

    def __init__(self, folder, port):
        folder.mkdir()
        self.port, self.folder, self.secret = port, folder, os.urandom(16).hex()
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda bin: int(bin.parent.name))
        on_path = shutil.which("postgres")
        found = [os.environ.get("LODGE_TEST_POSTGRES"), *reversed(installed), on_path and Path(on_path).resolve().parent]
        self.programs = next((Path(bin) for bin in found if bin and (Path(bin) / "initdb").exists()), None)
        if self.programs is None:
            sys.exit("bench: PostgreSQL is missing: install the packages postgresql and postgresql-client")
        self.user = {}
        if os.getuid() == 0:
            account = next(a for name in ("postgres", "nobody") for a in pwd.getpwall() if a.pw_name == name)
            self.user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def __enter__(self):
        self.data = Path(tempfile.mkdtemp(prefix="lodge-bench-"))
        self.server = None
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        secret = self.data / "secret"
        secret.write_text(self.secret)
        for path in (self.data, secret):
            path.chmod(0o700)
            if self.user:
                os.chown(path, self.user["user"], self.user["group"])
        quiet = {"stdout": subprocess.DEVNULL, "cwd": self.data, **self.user}
        subprocess.run([self.programs / "initdb", "-D", "data", "-U", "postgres", "--pwfile", "secret", "-A",
                        "scram-sha-256", "-E", "UTF8", "--locale", "C"], check=True, **quiet)
        # What is measured is durable; the memory is a small server's.
        self.server = subprocess.Popen(
            [self.programs / "postgres", "-D", "data", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c",
             "unix_socket_directories=", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"],
            stderr=(self.folder / "log").open("w"), **quiet)
        for _ in range(200):
            with contextlib.suppress(subprocess.CalledProcessError):
                self.psql("postgres", "postgres", "select 1", quietly=True)
                break
            time.sleep(0.05)
        self.psql("postgres", "postgres", f"create role lodge_owner login; create role lodge login password '{self.secret}'")
        password = self.folder / "password"
        password.write_text(self.secret)
        password.chmod(0o600)

    def __exit__(self, *_):
        if self.server:
            self.server.send_signal(signal.SIGINT)
            try:
                self.server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.server.send_signal(signal.SIGQUIT)
                self.server.wait()
        shutil.rmtree(self.data, ignore_errors=True)

    def psql(self, login, database, script, quietly=False):
        environment = {"PATH": os.environ["PATH"], "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": login,
                       "PGPASSWORD": self.secret, "PGDATABASE": database}
        done = subprocess.run([self.programs / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"], input=script,
                              text=True, check=True, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL if quietly else None)
        return done.stdout.splitlines()

    def settings(self, name):
        return f'url = "postgres://lodge@127.0.0.1:{self.port}/{name}"\npassword_file = "{self.folder / "password"}"'

    def load(self, name, size):
        def numbers(count):
            return f"(select generate_series(1, {count}) as i)"

        self.create(name)
        filled = filling(size, numbers, lambda number: f"lpad(({number})::text, 16, '0')", "false")
        # Neither keys nor triggers are asked: every row is right.
        self.psql("postgres", name, "set session_replication_role = replica;" + ";\n".join(filled) + "; checkpoint;")

    def create(self, name):
        """A database with the broker's tables, as `lodged migrate` leaves it."""
        self.psql("postgres", "postgres", f"create database {name} owner lodge_owner")
        # As the owner: the policies that the migrations make name whoever runs them.
        script = ("set role lodge_owner; create table _sqlx_migrations (version bigint primary key, description text not "
                  "null, installed_on timestamptz not null default now(), success boolean not null, checksum bytea not "
                  "null, execution_time bigint not null);")
        for sql, number, title, digest in migrations("postgres"):
            script += (f"{sql};\ninsert into _sqlx_migrations (version, description, success, checksum, execution_time) "
                       f"values ({number}, '{title}', true, decode('{digest}', 'hex'), 0);\n")
        script += ("grant select, insert, update, delete on all tables in schema public to lodge; "
                   "revoke all on _sqlx_migrations, ledger_entry, ledger_book from lodge; grant select on _sqlx_migrations "
                   "to lodge; grant select, insert on ledger_entry to lodge; grant select, insert, update on ledger_book to "
                   "lodge;")
        self.psql("postgres", name, f"alter schema public owner to lodge_owner; {script}")

    def fill(self, name, tables):
        """A database with these rows: of each table, its columns and what stands in them."""
        def field(value):
            return r"\N" if value is None else str(value).replace("\\", "\\\\").replace("\t", r"\t")

        self.create(name)
        script = "set session_replication_role = replica;\n"
        for table, columns, rows in tables:
            lines = "".join("\t".join(map(field, row)) + "\n" for row in rows)
            script += f"copy {table} ({', '.join(columns)}) from stdin;\n{lines}\\.\n"
        self.psql("postgres", name, script + "analyze;\ncheckpoint;\n")

    def rows_read(self):
        time.sleep(1.5)  # A session tells its numbers once a second.
        rows = {}
        for database in ("empty", "large"):
            for row in self.psql("postgres", database, "select relname, seq_tup_read + coalesce(idx_tup_fetch, 0) from "
                                                       "pg_stat_user_tables"):
                table, read = row.split("|")
                rows[f"{table} ({database})"] = int(read)
        return rows

    def scans(self, before, issued):
        """The tables of which more was read than any index gives; of the empty database, too, since a plan that was made
        while it was empty is kept."""
        each = {table: (after - before[table]) / issued for table, after in self.rows_read().items()}
        return [f"{table}: {rows:.0f} rows for each credential" for table, rows in each.items() if rows > MANY_ROWS]
