"""Checks the signature of a request as a store does: written from AWS's description, and shares nothing with the plugin's signer."""

import hashlib
import hmac
import re
import urllib.parse


class Refused(Exception):
    """The store's answer: an HTTP status, a code and words."""

    def __init__(self, status, code, message="", **headers):
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message, headers


def _keyed(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _canonical_query(query):
    pairs = [part.split("=", 1) for part in query.split("&")] if query else []
    decoded = [(urllib.parse.unquote(name), urllib.parse.unquote(value)) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted((_escape(name), _escape(value)) for name, value in decoded))


def _escape(text):
    return urllib.parse.quote(text, safe="-_.~")


def check(request, body, secrets, region, now):
    """`request` has method, path, query and headers (names in lower case). Returns the access key id; throws Refused."""
    header = request.headers.get("authorization", "")
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", header)
    if not found:
        raise Refused(403, "AccessDenied", "the request is not signed")
    key_id, day, signed_region, names, signature = found.groups()
    if key_id not in secrets:
        raise Refused(403, "InvalidAccessKeyId", "the access key id does not exist", )
    if signed_region != region:
        raise Refused(400, "AuthorizationHeaderMalformed", f"the region '{signed_region}' is wrong; expecting '{region}'", region=region)
    date = request.headers.get("x-amz-date", "")
    _check_body_and_headers(request, body, names.split(";"), date, day)
    canonical = "\n".join([request.method, urllib.parse.quote(urllib.parse.unquote(request.path), safe="/-_.~"), _canonical_query(request.query),
                           "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names.split(";")), names, request.headers["x-amz-content-sha256"]])
    text = "\n".join(["AWS4-HMAC-SHA256", date, f"{day}/{region}/s3/aws4_request", hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secrets[key_id]).encode()
    for step in (day, region, "s3", "aws4_request"):
        key = _keyed(key, step)
    if not hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), signature):
        raise Refused(403, "SignatureDoesNotMatch", "the signature that was calculated here is another")
    if abs(now - _seconds(date)) > 900:
        raise Refused(403, "RequestTimeTooSkewed", "the difference between the request time and the current time is too large")
    return key_id


def _check_body_and_headers(request, body, names, date, day):
    if not date.startswith(day):
        raise Refused(403, "SignatureDoesNotMatch", "the date of the scope is another")
    for name in request.headers:
        if (name.startswith("x-amz-") or name == "host") and name not in names:
            raise Refused(403, "AccessDenied", f"header {name} is not signed")
    stated = request.headers.get("x-amz-content-sha256", "")
    if stated != "UNSIGNED-PAYLOAD" and stated != hashlib.sha256(body).hexdigest():
        raise Refused(400, "XAmzContentSHA256Mismatch", "the body has another hash")


def _seconds(date):
    import calendar
    import time

    return calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
