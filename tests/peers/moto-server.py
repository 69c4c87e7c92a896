"""Starts moto, a large stand-in for AWS, on a free port of 127.0.0.1.

Prints one line of JSON when it is ready, {"url": ..., "port": ...}, and ends when its standard input closes, so that it
cannot outlive the test that started it. moto enforces nothing: it is here for what it receives and how it answers.
"""

import json
import logging
import sys

from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.WARNING)

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(json.dumps({"url": f"http://{host}:{port}", "port": port}), flush=True)

sys.stdin.read()
server.stop()
