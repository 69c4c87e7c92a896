"""`tests/bench --case flood`: what people who are signed in notice of thousands who are not.

Starts `lodged demo` (its provider and its small AWS are in the same process), signs two people in, and has them ask who
they are and for credentials at a steady rate: first alone, then while `tests/peers/flood.mjs` sends requests that no
session is needed for, half of them on new connections, from thousands of loopback addresses.

Each call's time counts from when it was due, so a broker that stands still is not measured by the few calls that it lets
through. What the load generator could not send is said: two cores run the broker, its provider and the flood.
"""

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

NODE = Path(__file__).resolve().parent / "peers" / "flood.mjs"
#: What the measurement is held to: growth of memory in MiB, and the 99th percentile of a signed-in call in milliseconds.
MOST_GROWTH_MIB, MOST_P99_MS = 64, 250
#: Calls of signed-in people, each second.
ME_PER_SECOND, CREDENTIALS_PER_SECOND = 20, 5


def measure(programs, folder, bench, rate, seconds, idle_seconds=10):
    port = bench.free_ports()
    url = f"http://127.0.0.1:{port}"
    log = open(folder / "broker.log", "wb")
    broker = subprocess.Popen(
        [programs / "lodged", "demo", "--port", str(port), "--data", folder / "data"], stdout=subprocess.DEVNULL, stderr=log
    )
    try:
        bench.wait_for(port)
        tokens = [signed_in(programs, folder / name, url, bench) for name in ("one", "two")]
        calls(port, tokens, 2)
        idle = calls(port, tokens, idle_seconds)
        before = memory(broker.pid)
        peak, watching = [before], threading.Event()
        watcher = threading.Thread(target=watch, args=(broker.pid, peak, watching))
        watcher.start()
        flood = subprocess.Popen(["node", NODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        asked = {"port": port, "rate": rate, "seconds": seconds, "addresses": 4_000, "kept": 200}
        flood.stdin.write(json.dumps(asked))
        flood.stdin.close()
        time.sleep(1.5)
        flooded = calls(port, tokens, seconds - 2)
        said = json.loads(flood.stdout.read())
        flood.wait(timeout=60)
        time.sleep(5)
        watching.set()
        watcher.join()
        after = memory(broker.pid)
    finally:
        broker.send_signal(signal.SIGINT)
        broker.wait(timeout=60)
        log.close()
    return result(said, idle, flooded, before, peak[0], after, folder)


def signed_in(programs, home, url, bench):
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LODGE_HOME": str(home / "lodge")}
    bench.sign_in(programs / "lodge", url, environment)
    return json.loads(next((home / "lodge").glob("session*.json")).read_text())["access_token"]


def calls(port, tokens, seconds):
    """The times of every call, by kind, and how many were answered with something else than 200."""
    times, wrong, lock = {"me": [], "credentials": []}, {}, threading.Lock()
    begin = time.perf_counter() + 0.05

    def work(kind, token, every, offset):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        number = 0
        while (due := begin + offset + number * every) < begin + seconds:
            number += 1
            time.sleep(max(0, due - time.perf_counter()))
            try:
                if kind == "me":
                    connection.request("GET", "/api/v1/me", headers=headers)
                else:
                    connection.request("POST", "/api/v1/labs/vision/roles/read-results/credentials", "{}", headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except OSError as error:
                status = type(error).__name__
                connection.close()
            took = time.perf_counter() - due
            with lock:
                times[kind].append(took)
                if status != 200:
                    wrong[str(status)] = wrong.get(str(status), 0) + 1

    # Several callers for each kind, so that one that waits keeps nobody else waiting.
    threads = []
    for kind, per_second in (("me", ME_PER_SECOND), ("credentials", CREDENTIALS_PER_SECOND)):
        callers = 5
        every = callers / per_second
        for caller in range(callers):
            arguments = (kind, tokens[caller % len(tokens)], every, every * caller / callers)
            threads.append(threading.Thread(target=work, args=arguments))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, wrong


def memory(pid):
    """Resident memory in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) * 1024


def watch(pid, peak, over):
    while not over.wait(0.1):
        peak[0] = max(peak[0], memory(pid))


def percentiles(times):
    ordered = sorted(times)
    at = lambda part: round(ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000, 2)
    return {"p50_ms": at(0.5), "p99_ms": at(0.99), "most_ms": at(1), "samples": len(ordered)}


def result(said, idle, flooded, before, peak, after, folder):
    sent = sum(said["sent"].values())
    statuses = {}
    for by_status in said["answered"].values():
        for status, number in by_status.items():
            statuses[status] = statuses.get(status, 0) + number
    mib = lambda size: round(size / 2**20, 1)
    people = {}
    for kind in ("me", "credentials"):
        alone, with_flood = percentiles(idle[0][kind]), percentiles(flooded[0][kind])
        people[kind] = {"alone": alone, "flooded": with_flood, "ratio_p99": round(with_flood["p99_ms"] / alone["p99_ms"], 1)}
    both = percentiles(flooded[0]["me"] + flooded[0]["credentials"])
    growth = mib(peak - before)
    return {
        "flood": {
            "sent": sent, "sent_per_second": round(sent / said["lasted_seconds"]), "by_address": said["sent"],
            "answered": said["answered"], "answered_by_status": statuses, "without_answer": said["failed"],
            "longest_pause_ms": said["longest_pause_ms"],
        },
        "memory_mib": {"before": mib(before), "peak": mib(peak), "after": mib(after), "growth": growth},
        "people": people | {"p99_ms_flooded": both["p99_ms"], "refused_alone": idle[1], "refused_flooded": flooded[1]},
        "log_lines": sum(1 for _ in open(folder / "broker.log", "rb")),
        "load_average": list(os.getloadavg()),
        "holds": growth < MOST_GROWTH_MIB and both["p99_ms"] < MOST_P99_MS and not flooded[1],
    }


def show(results):
    flood, memory, people = results["flood"], results["memory_mib"], results["people"]
    answered = ", ".join(f"{status}: {number}" for status, number in sorted(flood["answered_by_status"].items()))
    print(f"flood      {flood['sent']} requests, {flood['sent_per_second']} a second; answered {answered}", end="")
    print(f"; without an answer {flood['without_answer']}" if flood["without_answer"] else "")
    print(f"memory     {memory['before']} MiB before, {memory['peak']} at most, {memory['after']} after (grew {memory['growth']})")
    print(f"{'':22} {'p50 ms':>9} {'p99 ms':>9} {'most':>9}")
    for kind in ("me", "credentials"):
        for when in ("alone", "flooded"):
            line = people[kind][when]
            print(f"{kind:12} {when:9} {line['p50_ms']:>9} {line['p99_ms']:>9} {line['most_ms']:>9}")
    if people["refused_flooded"]:
        print(f"not answered with 200: {people['refused_flooded']}")
    print("holds" if results["holds"] else "DOES NOT HOLD", f"(grows < {MOST_GROWTH_MIB} MiB, p99 < {MOST_P99_MS} ms)")
