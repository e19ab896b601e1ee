"""moto's S3 on 127.0.0.1, in this process, with every signature checked."""

import logging
import os

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "5"  # user, policy, access key; read when moto is imported

import boto3
from moto import settings
from moto.server import ThreadedMotoServer

POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


class Moto:
    """`url` is its address; `access_key` and `secret_key` are a user's who may do anything."""

    def __enter__(self):
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        self.url = "http://{}:{}".format(*self.server.get_host_and_port())
        iam = boto3.client("iam", region_name="us-east-1", endpoint_url=self.url, aws_access_key_id="any", aws_secret_access_key="any")
        iam.create_user(UserName="tester")
        iam.put_user_policy(UserName="tester", PolicyName="all", PolicyDocument=POLICY)
        key = iam.create_access_key(UserName="tester")["AccessKey"]
        self.access_key, self.secret_key = key["AccessKeyId"], key["SecretAccessKey"]
        settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
        return self

    def __exit__(self, *_):
        self.server.stop()
