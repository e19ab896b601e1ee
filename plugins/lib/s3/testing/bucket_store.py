"""The bucket behind the scripted server: objects, uploads in parts, listings; strict about checksums and conditions."""

import base64
import hashlib
import itertools
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

import crc32c as crc32c_module
from signature import Refused


def crc32c_text(data):
    return base64.b64encode(crc32c_module.crc32c(data).to_bytes(4, "big")).decode()


class Answer:
    def __init__(self, status=200, body=b"", **headers):
        self.status, self.body = status, body if isinstance(body, bytes) else body.encode()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Object:
    def __init__(self, data, request=None, parts=0):
        self.data = data
        self.etag = f'"{hashlib.md5(data).hexdigest()}{f"-{parts}" if parts else ""}"'
        self.crc32c = crc32c_text(data) + (f"-{parts}" if parts else "")
        self.kept = {name: value for name, value in (request.headers if request else {}).items() if name.startswith("x-amz-meta-") or name == "content-type"}


class Upload:
    def __init__(self, key, request):
        self.key, self.request, self.parts, self.initiated = key, request, {}, time.time()


class Bucket:
    """Options: page (keys of a listing), conditions (on | ignored), checksums (on | refused), read_only, list_etags (yes | no)."""

    def __init__(self, name):
        self.name, self.objects, self.uploads, self.numbers = name, {}, {}, itertools.count(1)
        self.page, self.conditions, self.checksums, self.read_only, self.list_etags = 1000, "on", "on", "no", "yes"
        self.lock = threading.Lock()

    def answer(self, request, body):
        with self.lock:
            return self._answer(request, body)

    def _answer(self, request, body):
        if request.headers["host"].startswith(self.name + "."):  # virtual-hosted: the path is the key
            bucket, key = self.name, urllib.parse.unquote(request.path)[1:]
        else:
            bucket, _, key = urllib.parse.unquote(request.path).lstrip("/").partition("/")
        query = {name: values[0] for name, values in urllib.parse.parse_qs(request.query, keep_blank_values=True).items()}
        if bucket != self.name:
            raise Refused(404, "NoSuchBucket", "the specified bucket does not exist")
        if self.read_only == "yes" and request.method in ("PUT", "POST", "DELETE"):
            raise Refused(403, "AccessDenied", "Access Denied")
        self._check_body(request, body, query)
        if not key:
            return self._list_uploads(query) if "uploads" in query else self._list(query)
        return getattr(self, "_" + request.method.lower())(key, query, request, body)

    def _check_body(self, request, body, query):
        stated = request.headers.get("x-amz-checksum-crc32c")
        if self.checksums == "refused":
            if stated or "x-amz-checksum-algorithm" in request.headers:
                raise Refused(501, "NotImplemented", "a header you provided implies functionality that is not implemented")
        elif request.method == "PUT" and not stated:
            raise Refused(400, "InvalidRequest", "this server wants a checksum with every body")
        elif stated and stated != crc32c_text(body):
            raise Refused(400, "BadDigest", "the checksum is not that of the body")

    def _require_absent(self, key, request):
        if request.headers.get("if-none-match") == "*" and self.conditions == "on" and key in self.objects:
            raise Refused(412, "PreconditionFailed", "at least one of the preconditions did not hold")

    def _put(self, key, query, request, body):
        if "partNumber" in query:
            upload = self._upload(query)
            upload.parts[int(query["partNumber"])] = Object(body, request)
            return Answer(etag=upload.parts[int(query["partNumber"])].etag)
        self._require_absent(key, request)
        self.objects[key] = Object(body, request)
        return Answer(etag=self.objects[key].etag)

    def _upload(self, query):
        if query["uploadId"] not in self.uploads:
            raise Refused(404, "NoSuchUpload", "the specified upload does not exist")
        return self.uploads[query["uploadId"]]

    def _post(self, key, query, request, body):
        if "uploads" in query:
            upload_id = f"upload/{next(self.numbers)}+="
            self.uploads[upload_id] = Upload(key, request)
            return Answer(body=f"<InitiateMultipartUploadResult><Key>{key}</Key><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>")
        upload = self._upload(query)
        self._require_absent(key, request)
        listed = [{child.tag.partition("}")[2]: child.text for child in part} for part in ElementTree.fromstring(body)]
        numbers = [int(part["PartNumber"]) for part in listed]
        for part in listed:
            stored = upload.parts.get(int(part["PartNumber"]))
            if not stored or stored.etag != part["ETag"] or (self.checksums == "on" and part.get("ChecksumCRC32C") != stored.crc32c):
                raise Refused(400, "InvalidPart", f"part {part['PartNumber']} is another")
        if numbers != sorted(set(numbers)) or any(len(upload.parts[number].data) < 5 << 20 for number in numbers[:-1]):
            raise Refused(400, "EntityTooSmall", "a part before the last has less than 5 MiB, or the order is wrong")
        self.objects[key] = Object(b"".join(upload.parts[number].data for number in numbers), upload.request, len(numbers))
        del self.uploads[query["uploadId"]]
        return Answer(body=f"<CompleteMultipartUploadResult><ETag>{escape(self.objects[key].etag)}</ETag></CompleteMultipartUploadResult>")

    def _object(self, key):
        if key not in self.objects:
            raise Refused(404, "NoSuchKey", "the specified key does not exist")
        return self.objects[key]

    def _head(self, key, query, request, body):
        found = self._object(key)
        return Answer(200, found.data, etag=found.etag, **found.kept)

    def _get(self, key, query, request, body):
        found = self._object(key)
        if self.conditions == "on" and request.headers.get("if-match", found.etag) != found.etag:
            raise Refused(412, "PreconditionFailed", "at least one of the preconditions did not hold")
        first, _, last = request.headers["range"].partition("=")[2].partition("-")
        first, last = int(first), min(int(last), len(found.data) - 1)
        if first >= len(found.data):
            raise Refused(416, "InvalidRange", "the requested range is not satisfiable")
        checksum = {"x-amz-checksum-crc32c": found.crc32c} if request.headers.get("x-amz-checksum-mode") == "ENABLED" else {}
        return Answer(206, found.data[first:last + 1], etag=found.etag, content_range=f"bytes {first}-{last}/{len(found.data)}", **checksum)

    def _delete(self, key, query, request, body):
        if "uploadId" in query:
            self._upload(query)
            del self.uploads[query["uploadId"]]
        else:
            self.objects.pop(key, None)
        return Answer(204)

    def _list(self, query):
        keys = sorted(key for key in self.objects if key.startswith(query.get("prefix", "")) and key > query.get("continuation-token", ""))
        shown, size = keys[:min(self.page, int(query.get("max-keys", 1000)))], len(keys)
        text = "".join(f"<Contents><Key>{urllib.parse.quote_plus(key, safe='/')}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
                       f"<Size>{len(self.objects[key].data)}</Size>{self._listed_etag(key)}</Contents>" for key in shown)
        more = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if len(shown) < size else ""
        truncated = "true" if more else "false"
        return Answer(body=f"<?xml version='1.0'?><ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><EncodingType>url</EncodingType>"
                           f"<IsTruncated>{truncated}</IsTruncated>{text}{more}</ListBucketResult>")

    def _listed_etag(self, key):
        return f"<ETag>{escape(self.objects[key].etag)}</ETag>" if self.list_etags == "yes" else ""

    def _list_uploads(self, query):
        after = (query.get("key-marker", ""), query.get("upload-id-marker", ""))
        found = sorted((upload.key, upload_id) for upload_id, upload in self.uploads.items() if upload.key.startswith(query.get("prefix", "")) and (upload.key, upload_id) > after)
        shown = found[:self.page]
        text = "".join(f"<Upload><Key>{key}</Key><UploadId>{upload_id}</UploadId><Initiated>"
                       f"{time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime(self.uploads[upload_id].initiated))}</Initiated></Upload>" for key, upload_id in shown)
        more = f"<NextKeyMarker>{shown[-1][0]}</NextKeyMarker><NextUploadIdMarker>{shown[-1][1]}</NextUploadIdMarker>" if len(shown) < len(found) else ""
        return Answer(body=f"<ListMultipartUploadsResult><IsTruncated>{'true' if more else 'false'}</IsTruncated>{text}{more}</ListMultipartUploadsResult>")
