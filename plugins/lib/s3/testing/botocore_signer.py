"""Signs what it reads as botocore does: one request a line, its signature a line. Ends with its input."""

import sys
from datetime import datetime, timezone
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def signature(line):
    method, url, key_id, secret, token, region, time, payload_hash, *headers = line.split("\t")
    request = AWSRequest(method, url, headers=dict(zip(headers[::2], headers[1::2])))
    now = datetime.fromtimestamp(int(time), timezone.utc)
    signer = botocore.auth.S3SigV4Auth(Credentials(key_id, secret, token or None), "s3", region)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *a, **k: now), mock.patch.object(botocore.auth.S3SigV4Auth, "payload", lambda *a: payload_hash):
        signer.add_auth(request)
    return request.headers["Authorization"].rpartition("=")[2]


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        print(signature(line.rstrip("\n")), flush=True)


if __name__ == "__main__":
    main()
