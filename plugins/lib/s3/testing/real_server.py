"""A store that others wrote, and boto3 beside it: `real_server.py moto|radosgw`. Says "URL ACCESS_KEY SECRET_KEY", then does one command a line.

  bucket NAME         makes a bucket
  put KEY FILE        boto3 writes the file, in parts when it is large        get KEY FILE     boto3 reads it back into the file
  keys PREFIX         what boto3 lists                                        uploads PREFIX   how many uploads are unfinished
"""

import contextlib
import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config


@contextlib.contextmanager
def store(name):
    if name == "moto":
        from moto_server import Moto

        with Moto() as server:
            yield server.url, server.access_key, server.secret_key
    else:
        import radosgw

        with radosgw.Radosgw() as server:
            yield server.url, radosgw.ACCESS_KEY, radosgw.SECRET_KEY


def client(url, access_key, secret_key):
    config = Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required", response_checksum_validation="when_required")
    return boto3.client("s3", region_name="us-east-1", endpoint_url=url, aws_access_key_id=access_key, aws_secret_access_key=secret_key, config=config)


def command(s3, line):
    name, _, rest = line.partition(" ")
    first, _, second = rest.partition(" ")
    if name == "bucket":
        s3.create_bucket(Bucket=first)
    elif name == "put":
        s3.upload_file(second, "bucket", first, Config=TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=5 << 20))
    elif name == "get":
        s3.download_file("bucket", first, second)
    elif name == "keys":
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix=first)
        return " ".join(item["Key"] for page in pages for item in page.get("Contents", []))
    elif name == "uploads":
        return str(len(s3.list_multipart_uploads(Bucket="bucket", Prefix=first).get("Uploads", [])))
    else:
        return f"unknown command {name}"
    return "ok"


def main():
    with store(sys.argv[1]) as (url, access_key, secret_key):
        s3 = client(url, access_key, secret_key)
        s3.create_bucket(Bucket="bucket")
        print(url, access_key, secret_key, flush=True)
        for line in sys.stdin:
            try:
                print(command(s3, line.rstrip("\n")), flush=True)
            except Exception as failure:  # the test sees it as the answer
                print(f"{type(failure).__name__}: {failure}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
