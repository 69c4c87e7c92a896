"""Holds documents to a JSON Schema, with https://pypi.org/project/jsonschema.

Reads on standard input {"schema": {…}, "documents": [{…}, …]} and prints {"problems": [null | "…", …]}: for each document
the first thing that is wrong with it.
"""

import json
import sys

from jsonschema import Draft202012Validator

asked = json.load(sys.stdin)
Draft202012Validator.check_schema(asked["schema"])
validator = Draft202012Validator(asked["schema"])
problems = []
for document in asked["documents"]:
    error = next(validator.iter_errors(document), None)
    problems.append(None if error is None else f"{error.json_path}: {error.message}")
json.dump({"problems": problems}, sys.stdout)
