"""`check.py PROGRAM PLUGIN_FILE`: what `trainhost plugins check` asks of a checkpoint backend, asked of s3ckpt in a bucket of the scripted server."""

import os
import subprocess
import sys
from pathlib import Path

TESTING = Path(__file__).resolve().parents[3] / "lib/s3/testing"


def main():
    program, plugin_file = sys.argv[1:]
    with subprocess.Popen([sys.executable, TESTING / "fault_server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        url = server.stdout.readline().strip()
        environment = os.environ | {"AWS_ACCESS_KEY_ID": "TESTKEY", "AWS_SECRET_ACCESS_KEY": "test/secret+key", "AWS_SESSION_TOKEN": ""}
        settings = ["s3ckpt.uri=s3://bucket/checked-{unique}", f"s3ckpt.endpoint={url}", "s3ckpt.region=us-east-1"]
        result = subprocess.run([program, "plugins", "check", plugin_file, "--reproduce", "1", *settings], env=environment)
        server.stdin.close()
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
