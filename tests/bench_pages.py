"""`tests/bench --case pages`: how long the broker takes for each page of the console, and how large the page is.

The lab has 2,000 people who are known in it, 200 mappings, 500 live role sessions, 5,000 cut-offs within ninety days, 300 of
them within the hour, and a ledger of 100,000 entries; whoever looks is its PI and an operator, and was cut off, too. Each page is asked for again and again over one connection, in turns with `/healthz`,
whose median is taken off: what is left is what the page itself takes. On SQLite and on PostgreSQL.

The list of pages is that of src/http/routes.rs: a page that this file knows no address for fails by its name.
"""

import base64
import contextlib
import datetime
import hashlib
import http.client
import json
import re
import statistics
import sys
import time
import urllib.parse
from pathlib import Path

import bench_large

ROOT = Path(__file__).resolve().parent.parent
PEOPLE, MAPPINGS, SESSIONS, ENTRIES = 2_000, 200, 500, 100_000
CUT_OFFS, CUT_OFFS_NOW = 5_000, 300
#: What each page is held to: the median in milliseconds, and the size in bytes, head included.
MOST_MS, MOST_BYTES = 50, 100 * 1024
COOKIE, LAB, ROLES = "a-cookie-of-the-bench", "vision", ("read-results", "publish", "pay")
#: Of whoever looks, in all labs.
EVERYWHERE = "cut-9000000000000000"
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def id_of(kind, number):
    return f"{kind}-{number:016}"


def group_of(number):
    return f"urn:mace:example.edu:group:lab:vision:project-{number % MAPPINGS:03}"


def at(**ago):
    return (NOW - datetime.timedelta(**ago)).isoformat()


#: Where each page is. What varies is filled in as it is worst.
AT = {
    "/": ["/"],
    "/sessions": ["/sessions"],
    "/sessions/cut-off": ["/sessions/cut-off"],
    "/sessions/cut-offs/{cut_off}": ["/sessions/cut-offs/{everywhere}"],
    "/download": ["/download"],
    "/labs/{lab}": ["/labs/{lab}"],
    "/labs/{lab}/mappings": ["/labs/{lab}/mappings"],
    "/labs/{lab}/mappings/new": [
        "/labs/{lab}/mappings/new", "/labs/{lab}/mappings/new?look=1&connection=campus&group={group}&role=pay"],
    "/labs/{lab}/mappings/{mapping}": ["/labs/{lab}/mappings/{mapping}"],
    "/labs/{lab}/mappings/{mapping}/edit": ["/labs/{lab}/mappings/{mapping}/edit?look=1&mfa=1"],
    "/labs/{lab}/mappings/{mapping}/end": ["/labs/{lab}/mappings/{mapping}/end"],
    "/labs/{lab}/people": ["/labs/{lab}/people", "/labs/{lab}/people?q=Nowak+19"],
    "/labs/{lab}/people/appoint": ["/labs/{lab}/people/appoint?person={person}&standing=manager"],
    "/labs/{lab}/people/remove": ["/labs/{lab}/people/remove?person={person}"],
    "/labs/{lab}/ledger": [
        "/labs/{lab}/ledger", "/labs/{lab}/ledger?person=Nowak+1999", "/labs/{lab}/ledger?kind=mappings",
        "/labs/{lab}/ledger?q=there+is+no+such+thing"],
    "/labs/{lab}/sessions": ["/labs/{lab}/sessions", "/labs/{lab}/sessions?role=pay"],
    "/labs/{lab}/cut-off": ["/labs/{lab}/cut-off?person={person}", "/labs/{lab}/cut-off?everyone=1"],
    "/labs/{lab}/cut-offs": ["/labs/{lab}/cut-offs"],
    "/labs/{lab}/cut-offs/{cut_off}": ["/labs/{lab}/cut-offs/{cut_off}"],
    "/labs/{lab}/roles": ["/labs/{lab}/roles"],
    "/labs/{lab}/roles/new": ["/labs/{lab}/roles/new", "/labs/{lab}/roles/new?template=mturk%2Fpay"],
    "/labs/{lab}/roles/{role}/edit": ["/labs/{lab}/roles/pay/edit?look=1&longest=900"],
    "/labs/{lab}/roles/{role}/end": ["/labs/{lab}/roles/pay/end"],
    "/labs/{lab}/why": ["/labs/{lab}/why"],
    "/labs/{lab}/account": ["/labs/{lab}/account"],
    "/labs/{lab}/account/history": ["/labs/{lab}/account/history"],
    "/labs/{lab}/diagnosis": ["/labs/{lab}/diagnosis"],
    "/labs/{lab}/settings": ["/labs/{lab}/settings"],
    "/operator": ["/operator"],
    "/operator/labs": ["/operator/labs"],
    "/operator/labs/new": ["/operator/labs/new"],
    "/operator/labs/{lab}": ["/operator/labs/{lab}"],
    "/operator/labs/{lab}/archive": ["/operator/labs/{lab}/archive"],
    "/operator/labs/{lab}/restore": ["/operator/labs/archived/restore"],
    "/operator/people": ["/operator/people", "/operator/people?search=Nowak+19"],
    "/operator/people/{person}": ["/operator/people/{person}"],
    "/operator/people/{person}/suspend": ["/operator/people/{person}/suspend"],
    "/operator/people/{person}/cut-off": ["/operator/people/{person}/cut-off"],
    "/operator/people/{person}/restore": ["/operator/people/{suspended}/restore"],
    "/operator/connections": ["/operator/connections"],
    "/operator/versions": ["/operator/versions"],
}
#: What is answered to a browser and is no page of the console.
NOT_PAGES = [
    "/sign-in", "/auth/{connection}/start", "/auth/{connection}/callback", "/download/{file}", "/invitations/{token}", "/invitation", "/healthz",
    "/readyz", "/oauth/authorize", "/labs/{lab}/ledger/export.csv", "/labs/{lab}/ledger/export.jsonl",
    "/labs/{lab}/account/stack",
]


def measure(programs, folder, seconds, bench):
    pages = addresses()
    results = {}
    for kind in (bench_large.Sqlite, bench_large.Postgres):
        with contextlib.ExitStack() as stack:
            database = stack.enter_context(kind(folder / kind.name, bench.free_ports()))
            started = time.perf_counter()
            database.fill("large", rows())
            loaded = round(time.perf_counter() - started, 1)
            port = stack.enter_context(serving(programs, folder, kind.name, database, bench.free_ports()))
            results[kind.name] = {"loaded_in_s": loaded, "pages": in_turns(port, pages, seconds)}
    return results


def show(results):
    """Prints the table; says whether every page keeps to what it is held to."""
    over = []
    for kind, measured in results.items():
        print(f"{kind:52} {'median ms':>9} {'p95 ms':>8} {'x healthz':>9} {'KiB':>7}")
        for page, line in measured["pages"].items():
            print(f"  {page[:50]:50} {line['p50_ms']:>9} {line['p95_ms']:>8} {line['ratio']:>9} {line['bytes'] / 1024:>7.1f}")
            if line["p50_ms"] > MOST_MS or line["bytes"] > MOST_BYTES:
                over.append(f"{kind} {page}")
    print(f"held to {MOST_MS} ms and {MOST_BYTES // 1024} KiB: " + ("; ".join(over) + " " + "over" if over else "kept by every page"))
    return not over


def addresses():
    table = (ROOT / "src/http/routes.rs").read_text()
    gets = re.findall(r'^\s*get "([^"]+)"', table, re.M)
    pages = [path for path in gets if not path.startswith("/api/") and path not in NOT_PAGES]
    unknown = [path for path in pages if path not in AT]
    if unknown:
        sys.exit(f"bench: tests/bench_pages.py knows no address for {', '.join(unknown)}")
    filled = {"lab": LAB, "mapping": id_of("map", 1), "cut_off": id_of("cut", CUT_OFFS), "everywhere": EVERYWHERE, "person": id_of("p", 5), "suspended": id_of("p", 3),
              "group": urllib.parse.quote(group_of(1))}
    return [address.format(**filled) for path in pages for address in AT[path]]


def in_turns(port, pages, seconds):
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(path):
        began = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": f"lodge_session={COOKIE}", "Accept": "text/html"})
        answer = connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            sys.exit(f"bench: {path} is answered with {answer.status}: {body.decode()[:2_000]}")
        head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders()) + 19
        return took, head + len(body)

    results = {}
    for page in pages:
        for _ in range(3):
            ask(page)
        base, samples, size = [], [], 0
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(samples) < 20:
            base.append(ask("/healthz")[0])
            took, size = ask(page)
            samples.append(took)
        floor = statistics.median(base)
        samples.sort()
        results[page] = {
            "p50_ms": round(statistics.median(samples) - floor, 2),
            "p95_ms": round(samples[int(len(samples) * 0.95)] - floor, 2),
            "ratio": round(statistics.median(samples) / floor, 1),
            "bytes": size,
            "samples": len(samples),
        }
    return results


@contextlib.contextmanager
def serving(programs, folder, name, database, port):
    secret = folder / f"{name}.client"
    secret.write_text("a secret of the bench")
    secret.chmod(0o600)
    more = (
        f'[operators]\npeople = ["{id_of("p", 1)}"]\n[[connection]]\nname = "campus"\ntitle = "Example University"\nissuer = "https://sso.example.edu"\n'
        f'client_id = "lodge"\nclient_secret_file = "{secret}"\n'
    )
    # Nobody asks for a credential, so there is no STS.
    with bench_large.serving(programs, folder / name, "large", database, 1, port, more):
        yield port


def rows():
    """The tables, each with its columns and rows, what is pointed at first."""
    numbers = range(1, PEOPLE + 1)
    lab, long_ago = id_of("lab", 1), at(days=90)
    digest = base64.urlsafe_b64encode(hashlib.sha256(COOKIE.encode()).digest()).decode().rstrip("=")
    # Every hundredth name is that of the one before it, but for a letter that looks the same.
    name = lambda n: f"Anna Nowak {n - 1}".replace("a", "а") if n % 100 == 0 else f"Anna Nowak {n}"
    role = lambda n: ROLES[n % 3]

    yield "lab", ("id", "name", "title", "session_role", "external_id", "created_at", "archived_at"), [
        (id_of("lab", n), name, f"The {name} lab", "arn:aws:iam::111122223333:role/lodge/lodge-session", f"lodge-{n}",
         long_ago, archived) for n, name, archived in ((1, LAB, None), (2, "archived", long_ago))]
    yield "lab_role", ("lab_id", "name", "template", "parameters", "max_duration_seconds", "created_at"), [
        (lab, name, f"mturk/{name}", "{}", 3600, long_ago) for name in ROLES]
    yield "person", ("id", "connection", "issuer", "subject", "display_name", "created_at", "suspended_at"), [
        (id_of("p", n), "campus", "https://sso.example.edu", f"u-{n}", name(n), long_ago, long_ago if n == 3 else None)
        for n in numbers]
    yield "sign_in", ("id", "person_id", "group_claim", "signed_in_at", "authenticated_at"), [
        (id_of("si", n), id_of("p", n), "present", at(minutes=n % 60), at(minutes=n % 60)) for n in numbers]
    yield "sign_in_group", ("sign_in_id", "group_name"), [
        (id_of("si", n), group_of(g)) for n in numbers for g in ({n % 200, 7 * n % 200, 13 * n % 200})]
    yield "browser_session", ("id", "token_hash", "person_id", "sign_in_id", "created_at", "expires_at", "seen_at"), [
        (id_of("bs", 1), digest, id_of("p", 1), id_of("si", 1), at(), at(hours=-8), at())]
    yield "standing", ("lab_id", "person_id", "standing", "created_at"), [
        (lab, id_of("p", n), "pi" if n < 3 else "manager", long_ago) for n in range(1, 11)]
    yield "mapping", ("lab_id", "id", "connection", "group_name", "role", "created_at", "changed_at"), [
        (lab, id_of("map", n), "campus", group_of(n), role(n), long_ago, long_ago) for n in range(1, MAPPINGS + 1)]
    yield "mapping_revision", ("lab_id", "mapping_id", "revision", "needs_mfa", "needs_approval", "changed_at"), [
        (lab, id_of("map", n), 1, 0, 0, long_ago) for n in range(1, MAPPINGS + 1)]
    yield "lab_person", ("lab_id", "person_id", "first_asked_at", "last_asked_at"), [
        (lab, id_of("p", n), long_ago, at(minutes=n)) for n in numbers]
    yield "role_session", ("lab_id", "id", "person_id", "role", "mapping_id", "issued_at", "expires_at"), [
        (lab, id_of("rs", ENTRIES + n), id_of("p", n), role(n), id_of("map", n % MAPPINGS + 1), at(minutes=n % 50),
         at(minutes=n % 50 - 60)) for n in range(1, SESSIONS + 1)]
    yield "person_cut_off", ("id", "person_id", "actor", "cause", "stopped_at", "denied_before_at", "spread_at"), [
        (EVERYWHERE, id_of("p", 1), actor(1), "everywhere", at(minutes=2), at(minutes=1), at(minutes=2))]
    yield "cut_off", (
        "lab_id", "id", "person_id", "role", "everywhere_id", "actor", "cause", "reason", "sessions", "stopped_at", "denied_before_at",
        "over_at", "dead_at", "is_held", "revision", "written_at", "read_back_at", "denial"), [cut_off(lab, n) for n in range(1, CUT_OFFS + 1)]
    # Nothing is due: there is no AWS.
    yield "lab_deny", ("lab_id", "wanted", "written", "read_back", "policy_sha256", "written_at", "room", "due_at", "tries"), [
        (lab, CUT_OFFS, CUT_OFFS, CUT_OFFS, "0" * 64, at(minutes=1), 10_000, at(hours=-12), 0)]
    yield "ledger_entry", ("book", "seq", "at", "kind", "person", "attempt", "entry"), [entry(lab, n) for n in range(1, ENTRIES + 1)]
    yield "ledger_book", ("book", "entries"), [(lab, ENTRIES)]


def actor(number):
    return json.dumps({"person": id_of("p", number)})


def cut_off(lab, number):
    """People one after the other, a role now and then; the last ones within the hour, and the very last the PI's own."""
    left = CUT_OFFS - number
    ago = datetime.timedelta(minutes=left / CUT_OFFS_NOW * 50 + 2)
    if left >= CUT_OFFS_NOW:
        ago = datetime.timedelta(hours=2) + datetime.timedelta(days=88) * (left / CUT_OFFS)
    stopped = NOW - ago
    role = ROLES[number % 3] if number % 50 == 0 and left else None
    person = None if role else id_of("p", number % PEOPLE + 1 if left else 1)
    then = lambda **after: (stopped + datetime.timedelta(**after)).isoformat()
    return (lab, id_of("cut", number), person, role, None if left else EVERYWHERE, actor(1), "everywhere" if left == 0 else "asked",
            "a lost laptop", 1, then(), then(minutes=1), then(minutes=66), then(minutes=50), 0, number, then(seconds=1), then(seconds=2),
            "not-seen")


def entry(lab, seq):
    """Attempts and what came of them, a refusal now and then, over ninety days."""
    attempt, person = id_of("rs", (seq + 1) // 2), id_of("p", (seq + 1) // 2 * 7919 % PEOPLE + 1)
    then = NOW - datetime.timedelta(days=90) * (1 - seq / ENTRIES)
    if seq % 2 == 1:
        event = {"kind": "attempted", "lab": LAB, "role": ROLES[seq // 2 % 3]}
    elif seq % 20 == 0:
        event = {"kind": "refused", "reason": "no-mapping"}
    else:
        event = {
            "kind": "issued", "mapping": id_of("map", seq % MAPPINGS + 1), "access-key-id": f"ASIA{seq:016}",
            "session-arn": f"arn:aws:sts::111122223333:assumed-role/lodge-session/{attempt}",
            "expires-at": f"{then + datetime.timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}", "template": "mturk/read-results",
            "policy-sha256": hashlib.sha256(b"a policy").hexdigest(), "aws-request-id": f"{seq:036}",
        }
    text = {"format": 1, "book": lab, "seq": seq, "at": f"{then:%Y-%m-%dT%H:%M:%S.%f}Z", "person": person,
            "attempt": attempt, "event": event}
    return (lab, seq, then.isoformat(timespec="microseconds"), event["kind"], person, attempt,
            json.dumps(text, sort_keys=True, separators=(",", ":")))
