"""`tests/bench --case cut-off`: how long it takes from the click until AWS has given the deny back.

Starts `lodged demo` (its small AWS applies a change at once: what AWS itself takes is not in these numbers), signs the lab's PI
in, and cuts off people of the lab over the API: one after the other, and fifty at once. The time of each counts from sending
the request until its third step, `deny-read-back`, is seen to be done, looked at every 10 ms; of fifty, each every 100 ms, so that it
is not the looking that is measured.

The baseline is `commits`: two transactions on SQLite with the same durability, in the same run. A cut-off has
about ten transactions and five calls of AWS; fifty at once share what they write.

Needs Python 3.10 and Rust. It fails when a cut-off does not get there within a minute.
"""

import concurrent.futures
import http.client
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import threading
import time

PEOPLE = 50
ROUNDS = 4
ALONE = 200
PATIENCE_SECONDS = 60
LOOK_SECONDS, LOOK_SECONDS_IN_A_CROWD = 0.01, 0.1
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


def measure(programs, folder, bench):
    port = bench.free_ports()
    data = folder / "data"
    broker = subprocess.Popen(
        [programs / "lodged", "demo", "--port", str(port), "--data", data],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "LODGE_LOG": "error"},
    )
    try:
        bench.wait_for(port)
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LODGE_HOME": str(folder / "lodge")}
        bench.sign_in(programs / "lodge", f"http://127.0.0.1:{port}", environment, person="u-1001")
        token = json.loads(next((folder / "lodge").glob("session*.json")).read_text())["access_token"]
        people = known_people(next(data.glob("*.db")))
        cut_off(port, token, people[0])
        commits, _ = bench.sampled(lambda: bench.committing(folder / "baseline.db"), 3)
        alone = [cut_off(port, token, people[turn % PEOPLE]) for turn in range(ALONE)]
        crowd = [took for _ in range(ROUNDS) for took in at_once(port, token, people)]
    finally:
        broker.send_signal(signal.SIGINT)
        broker.wait(timeout=60)
    base = statistics.median(commits)
    return {
        "commits": line(commits, None),
        "cut-off": line(alone, base),
        "cut-off x50": line(crowd, base),
    }


def line(samples, base):
    cuts = statistics.quantiles(samples, n=100, method="inclusive")
    found = {"samples": len(samples), "p50_ms": round(1_000 * statistics.median(samples), 2), "p99_ms": round(1_000 * cuts[98], 2)}
    if base is not None:
        found |= {"baseline": "commits", "ratio_p50": round(statistics.median(samples) / base, 1)}
    return found


def known_people(file):
    """Fifty people who are known in the lab, beside those of the demo."""
    database = sqlite3.connect(file, timeout=30)
    (lab, at), = database.execute("select id, created_at from lab where name = 'vision'")
    ids = ["p-" + "".join(LETTERS[(number * 7 + place * place) % 32] for place in range(14)) + f"{number:02}" for number in range(PEOPLE)]
    for number, person in enumerate(ids):
        database.execute(
            "insert into person (id, connection, issuer, subject, created_at) values (?, 'bench', 'https://bench/', ?, ?)",
            (person, f"s-{number}", at))
        database.execute(
            "insert into lab_person (lab_id, person_id, first_asked_at, last_asked_at) values (?, ?, ?, ?)", (lab, person, at, at))
    database.commit()
    database.close()
    return ids


def cut_off(port, token, person, pause=LOOK_SECONDS):
    """How long it took until AWS had given the deny back."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    begun = time.perf_counter()
    answer = ask(connection, "POST", "/api/v1/labs/vision/cut-offs", headers, json.dumps({"person": person}), 202)
    while answer["steps"][2]["at"] is None:
        if time.perf_counter() - begun > PATIENCE_SECONDS:
            sys.exit(f"bench: a cut-off did not get to AWS: {answer}")
        time.sleep(pause)
        answer = ask(connection, "GET", f"/api/v1/labs/vision/cut-offs/{answer['id']}", headers, None, 200)
    took = time.perf_counter() - begun
    connection.close()
    return took


def ask(connection, method, path, headers, body, wanted):
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != wanted:
        sys.exit(f"bench: {method} {path} answered {answer.status}: {said.decode()}")
    return json.loads(said)


def at_once(port, token, people):
    gate = threading.Barrier(len(people))

    def work(person):
        gate.wait()
        return cut_off(port, token, person, LOOK_SECONDS_IN_A_CROWD)

    with concurrent.futures.ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(work, people))


def show(results):
    print(f"{'':12} {'samples':>8} {'p50 ms':>9} {'p99 ms':>9}   against its baseline")
    for name, found in results.items():
        ratio = f"{found['ratio_p50']} x {found['baseline']}" if "baseline" in found else "(baseline)"
        print(f"{name:12} {found['samples']:>8} {found['p50_ms']:>9} {found['p99_ms']:>9}   {ratio}")
