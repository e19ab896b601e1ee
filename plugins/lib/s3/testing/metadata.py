"""The metadata service of an instance and of a container: keys with a token that differ at each fetch, and expire."""

import json
import time

from bucket_store import Answer
from signature import Refused


class Metadata:
    def __init__(self):
        self.num_fetched, self.oldest_token, self.lifetime, self.session = 0, 1, 3600.0, "session-token"

    def secrets(self):
        return {f"ROLE{number}": f"role-secret-{number}" for number in range(1, self.num_fetched + 1)}

    def check_token(self, key_id, request):
        if not key_id.startswith("ROLE"):
            return
        number = int(key_id[4:])
        if request.headers.get("x-amz-security-token") != f"token-{number}":
            raise Refused(403, "InvalidToken", "the token does not belong to the key")
        if number < self.oldest_token:
            raise Refused(400, "ExpiredToken", "The provided token has expired.")

    def is_asked(self, request):
        return request.path.startswith(("/latest/", "/container/"))

    def answer(self, request):
        if request.path == "/latest/api/token":
            if request.method != "PUT" or not request.headers.get("x-aws-ec2-metadata-token-ttl-seconds"):
                raise Refused(400, "BadRequest")
            return Answer(200, self.session)
        if request.path == "/container/keys":
            if request.headers.get("authorization") != "container-secret":
                raise Refused(403, "Forbidden")
            return self._keys()
        if request.headers.get("x-aws-ec2-metadata-token") != self.session:
            raise Refused(401, "Unauthorized")
        place = request.path.partition("/latest/meta-data/iam/security-credentials/")[2]
        if not place:
            return Answer(200, "trainer-role\n")
        return self._keys() if place == "trainer-role" else Answer(404)

    def _keys(self):
        self.num_fetched += 1
        number, end = self.num_fetched, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.lifetime))
        return Answer(200, json.dumps({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": f"ROLE{number}", "SecretAccessKey": f"role-secret-{number}",
                                       "Token": f"token-{number}", "Expiration": end}))
