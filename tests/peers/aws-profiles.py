"""What AWS tools read in files such as ~/.aws/config.

    aws-profiles.py FILE...
        prints a list with an entry for each file: its profiles with their settings, and the command of each as botocore
        would run it; or null, when botocore cannot read the file
    aws-profiles.py --credentials PROFILE
        prints the access key id that boto3 gets for a profile
"""

import json
import sys

import boto3
import botocore.exceptions
import botocore.session
from botocore.compat import compat_shell_split


def profiles(file):
    session = botocore.session.Session()
    session.set_config_variable("config_file", file)
    try:
        found = {name: dict(session.full_config["profiles"][name]) for name in session.available_profiles}
    except botocore.exceptions.ConfigParseError:
        return None
    for settings in found.values():
        if "credential_process" in settings:
            settings["words"] = compat_shell_split(settings["credential_process"])
    return found


if sys.argv[1] == "--credentials":
    print(boto3.Session(profile_name=sys.argv[2]).get_credentials().get_frozen_credentials().access_key)
else:
    json.dump([profiles(file) for file in sys.argv[1:]], sys.stdout)
