"""boto3, making calls of Mechanical Turk and saying what became of each.

Reads [[profile, [[operation, parameters], …]], …] and prints, for each call in order, {"answer": …} or {"code": …,
"message": …}. Each profile is one session, as in a script that somebody wrote.
"""

import json
import sys

import boto3
from botocore.exceptions import ClientError


def call(client, operation, parameters):
    try:
        answer = getattr(client, operation)(**parameters)
    except ClientError as error:
        return {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
    answer.pop("ResponseMetadata")
    return {"answer": answer}


answers = []
for profile, calls in json.load(sys.stdin):
    client = boto3.Session(profile_name=profile).client("mturk")
    answers += [call(client, operation, parameters) for operation, parameters in calls]
print(json.dumps(answers, default=str))
