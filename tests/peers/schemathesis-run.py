"""schemathesis against a running broker, as one caller.

Reads what to do from standard input (tests/schemathesis.rs says what there is), prints what schemathesis prints and then,
on one line, how often each operation was answered with which status. Ends with 1 when anything was found.
"""

import json
import os
import sys
import tempfile
from collections import Counter, defaultdict

import requests
import schemathesis
from schemathesis import cli
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

TOLD = json.load(sys.stdin)
OWN, FOREIGN = TOLD["own"], TOLD["foreign"]

# Who cuts themself or everybody off is given nothing from there on, so these come when all else was asked for.
LAST = ["POST /api/v1/me/cut-off", "POST /api/v1/labs/{lab}/cut-offs"]

calls = Counter()
used = Counter()
answers = defaultdict(Counter)


def is_right(case, location):
    """Whether this part of a request is one that the description allows."""
    if case.meta and case.meta.phase.name == TestPhase.EXAMPLES:
        return True
    component = case.meta.components.get(location) if case.meta else None
    return component is not None and component.mode.is_positive


def pick(case, name, turn):
    """Mostly what the caller's own lab has, sometimes what is another lab's, sometimes what was made up."""
    # The two go round at different speeds, so that each id is tried under its own lab's address and under the other's.
    theirs, made_up = (4, 5) if name == "lab" else (2, 3)
    place = turn % (made_up + 1)
    if place == made_up:
        return None
    things = FOREIGN if place == theirs else OWN
    # What is used up has a supply of its own for each use; what is called alike and is not the same, for each path.
    path = case.operation.path
    known = things.get(f"{path} {name}") or things.get(f"{name}/{path.rsplit('/', 1)[-1]}") or things.get(name)
    if not known:
        return None
    used[case.operation.label, name] += 1
    return known[used[case.operation.label, name] % len(known)]


def etag_of(case):
    """The revision that the thing in the address has now, if it is there."""
    things = "mappings/{mapping}" if "mapping" in case.path_parameters else "roles/{role}"
    path = f"/api/v1/labs/{{lab}}/{things}".format(**case.path_parameters)
    answer = requests.get(TOLD["url"] + path, headers=dict(case.headers or {}) | authorization(), timeout=30)
    return answer.headers.get("etag")


def authorization():
    return {"Authorization": f"Bearer {TOLD['token']}"} if TOLD["token"] else {}


def sessions():
    """The caller's live sessions, by whether they are the one that asks."""
    answer = requests.get(TOLD["url"] + "/api/v1/me/sessions", headers=authorization(), timeout=30)
    found = defaultdict(list)
    for session in answer.json() if answer.ok else []:
        found[session["is_this"]].append(session["id"])
    return found


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts what exists into requests that are right otherwise: what is made up alone would never get further than 404."""
    turn = calls[case.operation.label]
    calls[case.operation.label] += 1
    if case.path_parameters and is_right(case, ParameterLocation.PATH):
        for name in case.path_parameters:
            # Whoever knows somebody's id may make them a manager, and then they are no stranger any more.
            if name == "person" and case.method.upper() == "PUT" and turn % 4 == 2:
                continue
            known = pick(case, name, turn)
            if known is not None:
                case.path_parameters[name] = known
    if case.path_parameters and "session" in case.path_parameters:
        live = sessions()
        if turn % 2 == 0 and live[False] and is_right(case, ParameterLocation.PATH):
            case.path_parameters["session"] = live[False][0]
        # Who ends the session that asks gets nothing but 401 from there on.
        elif case.path_parameters["session"] in live[True]:
            case.path_parameters["session"] = "cs-0000000000000000"
    if isinstance(case.body, dict) and is_right(case, ParameterLocation.BODY):
        for name in ("role", "person", "connection", "group", "ends_at", "max_duration_seconds"):
            known = pick(case, name, turn) if name in case.body else None
            if known is not None:
                case.body[name] = known
    if case.headers and "Idempotency-Key" in case.headers and is_right(case, ParameterLocation.HEADER) and turn % 4:
        # Made-up keys are often the same one, and then nothing new is done.
        case.headers["Idempotency-Key"] = f"key-{turn}-of-{case.operation.path}"
    if case.headers and "If-Match" in case.headers and is_right(case, ParameterLocation.HEADER):
        if turn % 4 < 3 and {"mapping", "role"} & set(case.path_parameters or {}):
            case.headers["If-Match"] = etag_of(case) or case.headers["If-Match"]


@schemathesis.hook
def after_call(context, case, response):
    plant(case, response)
    answers[case.operation.label][response.status_code] += 1


def plant(case, response):
    """Makes good answers into bad ones, so that a test can see them noticed."""
    planted = TOLD.get("planted", {}).get(case.operation.label)
    if planted and response.status_code == 200:
        response.status_code = planted.get("status", 200)
        if "replace" in planted:
            response.content = response.content.replace(*(text.encode() for text in planted["replace"]))


def kind_of(response):
    try:
        return response.json().get("type")
    except (ValueError, AttributeError):
        return None


@schemathesis.check
def what_is_right_is_not_called_malformed(ctx, response, case):
    """`positive_data_acceptance` alone cannot tell: 400 is also the answer to a role that the lab does not have."""
    if case.meta and case.meta.generation.mode.is_positive:
        assert kind_of(response) != "urn:lodge:problem:malformed-request", "the description allows this request"


@schemathesis.check
def nothing_of_another_lab(ctx, response, case):
    text = response.text + "\n" + "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    for canary in TOLD["canaries"]:
        assert canary not in text, f"the answer has {canary!r} in it, which is another lab's"


@schemathesis.check
def closed_is_closed(ctx, response, case):
    label = f"{case.method.lower()} {case.operation.path}"
    if label in TOLD["closed"]:
        assert response.status_code >= 400, f"this caller is not let in to {label}"


SETTINGS = """
[checks]
# 400 is also for what no mapping can be, 412 for a revision that is not the latest, 422 for a key that was used for another
# request, 424 for a lab's account: all of them to requests that are right. See `what_is_right_is_not_called_malformed`.
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409", "412", "422", "424"]
# Who sends no revision is told so by its own status (RFC 6585); who may not look is told that first.
missing_required_header.expected-statuses = ["400", "401", "403", "404", "428"]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "412", "422", "428"]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx"]
"""


# What a caller is never let in to is asked for, and no more: what is wrong with such a request is not looked at.
CLOSED = """
[[operations]]
include-name = {names}
phases.coverage.enabled = false
generation.max-examples = 3
"""


def settings():
    names = []
    for label in TOLD["closed"]:
        method, path = label.split(" ")
        names.append(f"{method.upper()} {path}")
    return SETTINGS + (CLOSED.format(names=json.dumps(names)) if names else "")


def run(file_name, chosen):
    """Runs schemathesis on the chosen operations, and answers with what it exits with."""
    arguments = [
        "run",
        TOLD["url"] + "/api/v1/openapi.json",
        f"--phases={TOLD['phases']}",
        "--checks=all",
        "--workers=1",
        "--continue-on-failure",
        "--no-color",
        f"--seed={TOLD['seed']}",
        "--generation-deterministic",
        "--no-shrink",
        f"--max-examples={TOLD['examples']}",
        "--suppress-health-check=all",
        "--request-timeout=30",
        "--warnings=off",
    ]
    for name, value in authorization().items():
        arguments += ["--header", f"{name}: {value}"]
    try:
        cli.schemathesis(["--config-file", file_name, *arguments, *chosen], standalone_mode=True)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def main():
    if "planted" in TOLD:
        turns = [[f"--include-name={label}" for label in TOLD["planted"]]]
    else:
        turns = [[f"--{choice}-name={label}" for label in LAST] for choice in ("exclude", "include")]
    with tempfile.TemporaryDirectory() as folder:
        file_name = os.path.join(folder, "schemathesis.toml")
        with open(file_name, "w", encoding="utf-8") as file:
            file.write(settings())
        os.chdir(folder)
        code = max([run(file_name, chosen) for chosen in turns])
    print("answers " + json.dumps({label: dict(statuses) for label, statuses in answers.items()}))
    sys.exit(code)


main()
