"""The helper: what it costs an AWS tool to ask it, and five hundred processes that ask at once.

    tests/bench --case helper [--runs N] [--programs FOLDER]

It measures `lodge` as people install it, the release build with `--features cli` alone, over its file cache, against

  true     the start of /bin/true
  shell    a credential_process that is a shell script and prints a fixed answer: the least that any helper can cost
  aws      `aws configure export-credentials` over the same helper: what the AWS CLI takes to hand on what it was given
  aws-sso  `aws-sso-util credential-process` with credentials in its own cache, from PyPI: a helper of the same kind

The runs of all but the last two take turns, so that whatever else the machine does falls on all of them alike. Those two
take about a second each, and are run a tenth as often. Peak memory is what GNU time says of one run.

Then 500 helpers are started at once with nothing in the cache, five times over: how long until the last of them has
printed, and how many requests came to the broker, counted in its ledger.

The targets: in the median at most 5 ms above /bin/true, at most 12 MiB; 500 at once are one request, print the same, and
take less than 3 s. It ends with 1 when one is missed.

Needs Python 3.10 with venv, Rust and GNU time; aws-sso-util, and Debian's AWS CLI 2 where there is none, go into a
temporary folder.
"""

import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

CROWD = 500
ROUNDS = 5
ABOVE_TRUE_MS = 5.0
PEAK_KIB = 12 * 1024
CROWD_SECONDS = 3.0

# What would be in the cache of aws-sso-util after a sign-in, written by its own library.
SEED = """
import datetime, json, sys
from aws_sso_lib.sso import SSOCredentialFetcher, JSONFileCache, CREDENTIALS_CACHE_DIR
fetcher = SSOCredentialFetcher(start_url="https://example.awsapps.com/start", sso_region="us-east-1",
    role_name="read", account_id="111122223333", client_creator=None, cache=JSONFileCache(CREDENTIALS_CACHE_DIR),
    token_loader=None)
until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
keys = {"roleName": "read", "accountId": "111122223333", "accessKeyId": "ASIAEXAMPLE", "secretAccessKey": "s",
    "sessionToken": "t", "expiration": int(until.timestamp() * 1000)}
fetcher._cache[fetcher._create_cache_key()] = {"ProviderType": "sso", "Credentials": {"AccessKeyId": "ASIAEXAMPLE",
    "SecretAccessKey": "s", "SessionToken": "t", "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SUTC")}}
"""
AWS_NEEDS = ["awscrt", "colorama", "cryptography", "distro", "docutils", "jmespath", "prompt_toolkit<3.0.39",
             "python-dateutil", "ruamel.yaml", "urllib3<2"]
AWS_SSO = ["--start-url", "https://example.awsapps.com/start", "--region", "us-east-1", "--account-id", "111122223333",
           "--role-name", "read"]


def measure(programs, folder, bench, runs):
    time_program = next((path for path in ["/usr/bin/time", "/bin/time"] if os.path.exists(path)), None)
    if not time_program:
        sys.exit("bench: GNU time is missing; install the package time")
    lodge, role = programs / "lodge", bench.ROLE
    peers = install(folder)
    port = bench.free_ports()
    broker = subprocess.Popen(
        [programs / "lodged", "demo", "--port", str(port), "--data", folder / "data"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "LODGE_LOG": "error"},
    )
    try:
        bench.wait_for(port)
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LODGE_HOME": str(folder / "lodge")}
        bench.sign_in(lodge, f"http://127.0.0.1:{port}", environment)
        ask = [str(lodge), "credential-process", role]
        commands = fast(folder, ask), slow(folder, ask, peers, environment)
        results = {"times": timed(*commands, environment, runs)}
        results["peak_kib"] = {name: peak(time_program, command, environment) for name, command in commands[0].items()}
        results["crowd"] = crowds(ask, environment, folder)
        return results
    finally:
        broker.send_signal(signal.SIGINT)
        broker.wait(timeout=30)


def install(folder):
    """The two other helpers, as commands. The AWS CLI has `export-credentials` from version 2 on, which PyPI has not."""
    print("installing aws-sso-util and, where it is not there, the AWS CLI 2…", file=sys.stderr)
    aws_sso = virtual_environment(folder / "aws-sso", ["aws-sso-util==4.33.0"])
    own = shutil.which("aws")
    version = subprocess.run([own, "--version"], capture_output=True, text=True).stdout if own else ""
    aws = [own] if version.startswith("aws-cli/2") else unpacked_aws(folder / "aws")
    return {"aws": aws, "aws-sso": aws_sso}


def virtual_environment(folder, packages):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, *packages], check=True)
    return folder / "bin"


def unpacked_aws(folder):
    """Out of Debian's package, with what it needs from PyPI: nothing is installed on this machine."""
    programs = virtual_environment(folder, AWS_NEEDS)
    try:
        subprocess.run(["apt-get", "download", "-qq", "awscli"], cwd=folder, check=True, capture_output=True)
        subprocess.run(["dpkg", "-x", *[str(it) for it in folder.glob("awscli*.deb")], folder], check=True)
    except (OSError, subprocess.CalledProcessError):
        sys.exit("bench: the AWS CLI 2 is missing; install it, or run this where apt-get can download the package awscli")
    script = folder / "run"
    script.write_text(f"import sys; sys.path.insert(0, {str(folder / 'usr/lib/python3/dist-packages')!r})\n"
                      "import awscli.clidriver\nsys.exit(awscli.clidriver.main())\n")
    return [str(programs / "python"), str(script)]


def fast(folder, ask):
    shell = folder / "shell"
    shell.write_text('#!/bin/sh\nprintf \'{"Version":1}\\n\'\n')
    shell.chmod(0o755)
    return {"true": ["/bin/true"], "shell": [str(shell)], "lodge": ask}


def slow(folder, ask, peers, environment):
    config = folder / "config"
    config.write_text(f"[profile lodge]\ncredential_process = {' '.join(ask)}\n")
    environment.update(AWS_CONFIG_FILE=str(config), AWS_EC2_METADATA_DISABLED="true")
    subprocess.run([peers["aws-sso"] / "python", "-c", SEED], env=environment, check=True)
    export = [*peers["aws"], "configure", "export-credentials", "--profile", "lodge"]
    return {"aws": export, "aws-sso": [str(peers["aws-sso"] / "aws-sso-util"), "credential-process", *AWS_SSO]}


def timed(fast_commands, slow_commands, environment, runs):
    samples = {name: [] for name in [*fast_commands, *slow_commands]}
    for group, count in [(fast_commands, runs), (slow_commands, max(runs // 10, 1))]:
        for number in range(count + 2):
            for name, command in group.items():
                begin = time.perf_counter()
                ended = subprocess.run(command, env=environment, capture_output=True)
                took = time.perf_counter() - begin
                if ended.returncode != 0:
                    sys.exit(f"bench: {name} failed: {ended.stderr.decode()}")
                if number >= 2:
                    samples[name].append(took * 1000)
    return {name: line(own, statistics.median(samples["true"])) for name, own in samples.items()}


def line(samples, true_ms):
    samples.sort()
    median = statistics.median(samples)
    return {
        "p50_ms": round(median, 3),
        "p99_ms": round(samples[int(len(samples) * 0.99)], 3),
        "runs": len(samples),
        "above_true_ms": round(median - true_ms, 3),
        "ratio_to_true": round(median / true_ms, 2),
    }


def peak(time_program, command, environment):
    """In KiB. A process that Python starts itself would have Python's own peak for its beginning."""
    ended = subprocess.run([time_program, "-f", "%M", *command], env=environment, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, check=True)
    return int(ended.stderr.split()[-1])


def crowds(ask, environment, folder):
    return [crowd(ask, environment, folder) for _ in range(ROUNDS)]


def crowd(ask, environment, folder):
    for kept in (folder / "lodge" / "credentials").glob("*.json"):
        kept.unlink()
    before = attempts(folder)
    begin = time.perf_counter()
    helpers = [subprocess.Popen(ask, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for _ in range(CROWD)]
    printed = [helper.communicate() for helper in helpers]
    seconds = time.perf_counter() - begin
    failed = [err.decode() for helper, (_, err) in zip(helpers, printed) if helper.returncode != 0 or err]
    if failed:
        sys.exit(f"bench: {len(failed)} of {CROWD} helpers failed: {failed[0]}")
    same = len({out for out, _ in printed}) == 1 and json.loads(printed[0][0])["Version"] == 1
    return {"seconds": round(seconds, 3), "requests": attempts(folder) - before, "all_printed_the_same": same}


def attempts(folder):
    [file] = [path for path in Path(folder / "data").rglob("*.db") if path.is_file()]
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return database.execute("select count(*) from ledger_entry where kind = 'attempted'").fetchone()[0]
    finally:
        database.close()


def show(results):
    print(f"{'':8} {'p50 ms':>9} {'p99 ms':>9} {'runs':>6} {'above true':>11} {'x true':>8} {'peak KiB':>9}")
    for name, own in results["times"].items():
        memory = results["peak_kib"].get(name, "")
        print(f"{name:8} {own['p50_ms']:>9} {own['p99_ms']:>9} {own['runs']:>6} {own['above_true_ms']:>11} "
              f"{own['ratio_to_true']:>8} {memory:>9}")
    lodge = results["times"]["lodge"]["p50_ms"]
    for name in ["aws", "aws-sso"]:
        print(f"{name} takes {results['times'][name]['p50_ms'] / lodge:.0f} times as long as lodge")
    for own in results["crowd"]:
        same = "all printed the same" if own["all_printed_the_same"] else "NOT ALL PRINTED THE SAME"
        print(f"{CROWD} at once: {own['seconds']} s, {own['requests']} request(s), {same}")

    missed = []
    if results["times"]["lodge"]["above_true_ms"] > ABOVE_TRUE_MS:
        missed.append(f"more than {ABOVE_TRUE_MS} ms above /bin/true")
    if results["peak_kib"]["lodge"] > PEAK_KIB:
        missed.append(f"more than {PEAK_KIB} KiB")
    if any(own["requests"] != 1 or not own["all_printed_the_same"] for own in results["crowd"]):
        missed.append(f"{CROWD} at once were not one request with one answer")
    if any(own["seconds"] >= CROWD_SECONDS for own in results["crowd"]):
        missed.append(f"{CROWD} at once took {CROWD_SECONDS} s or more")
    for target in missed:
        print(f"MISSED: {target}")
    return not missed
