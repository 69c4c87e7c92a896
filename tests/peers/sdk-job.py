"""boto3, as a script that runs for hours: for each line that it reads it asks STS who it is, with one client, and says how
often it has."""

import sys

import boto3

client = boto3.client("sts")
for number, _ in enumerate(sys.stdin, 1):
    client.get_caller_identity()
    print(f"done {number}.", flush=True)
