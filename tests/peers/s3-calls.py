"""boto3, making calls of S3 and saying what became of each.

Reads [[profile, [[operation, parameters], …]], …] and prints, for each call in order, {"answer": …} or {"code": …,
"message": …}. A body is text; `list_all` is a list in pages, and its answer all keys.
"""

import json
import sys

import boto3
from botocore.exceptions import ClientError


def list_all(client, **parameters):
    pages = client.get_paginator("list_objects_v2").paginate(**parameters)
    return {"Keys": [entry["Key"] for page in pages for entry in page.get("Contents", [])]}


def call(client, operation, parameters):
    try:
        if operation == "list_all":
            return {"answer": list_all(client, **parameters)}
        answer = getattr(client, operation)(**parameters)
        if "Body" in answer:
            # To its end: the checksum of the answer is compared there.
            answer["Body"] = answer["Body"].read().decode()
    except ClientError as error:
        return {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
    answer.pop("ResponseMetadata")
    return {"answer": answer}


answers = []
for profile, calls in json.load(sys.stdin):
    client = boto3.Session(profile_name=profile).client("s3")
    answers += [call(client, operation, parameters) for operation, parameters in calls]
print(json.dumps(answers, default=str))
