"""A store on 127.0.0.1 that fails as it is told to: one command a line on standard input, one answer a line on standard output. Ends with its input.
With an argument it speaks TLS, under a certificate of its own that it writes to this file.

  fault TIMES ACTION PATTERN   the next TIMES requests that match fail; others before and after do not
                               status=N[,CODE[,RETRY_AFTER]]  reset (before anything is done)  lost (done, but no reply)  cut (half a body)  stall
                               error200[=CODE] (200 with an Error inside)  damage (a flipped bit in the body)  no_range (all of the object)
                               slow=SECONDS (the answer is right and takes that long)
  count PATTERN                how many requests matched; a request reads "PUT /bucket/key?query"
  header NAME PATTERN          what the last request that matched had in this header
  set NAME VALUE               clock_offset, region, lifetime, oldest_token, and the options of Bucket
  forget                       the faults
  storm SHARE                  each request of an object fails with 503 SlowDown with this probability, always drawn alike
  load KEY FILE                puts a file of this machine, or another one in its place
  served                       how many bytes of objects have been sent
  drop KEY | damage KEY | age_uploads SECONDS | uploads | objects
"""

import random
import re
import socket
import struct
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import escape

import signature
import tls
from bucket_store import Answer, Bucket, Object
from metadata import Metadata
from signature import Refused

KEYS = {"TESTKEY": "test/secret+key"}


class Request:
    def __init__(self, method, target, headers):
        self.method, self.headers = method, {name.lower(): value for name, value in headers.items()}
        self.path, _, self.query = target.partition("?")
        self.line = f"{method} {target}"


class Fault:
    def __init__(self, times, action, pattern):
        self.times, self.pattern = int(times), re.compile(pattern)
        self.name, _, self.argument = action.partition("=")


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, certificate_file=None):
        super().__init__(("127.0.0.1", 0), Handler)
        if certificate_file:
            self.socket = tls.context(certificate_file).wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if certificate_file else 'http'}://127.0.0.1:{self.server_address[1]}"
        self.bucket, self.metadata = Bucket("bucket"), Metadata()
        self.log, self.faults, self.clock_offset, self.region = [], [], 0, "us-east-1"
        self.storm, self.random, self.served = 0.0, random.Random(1), 0
        self.lock = threading.Lock()

    def note(self, request):
        """Keeps the request; returns the fault that is due."""
        with self.lock:
            self.log.append(request)
            for fault in self.faults:
                if fault.times > 0 and fault.pattern.search(request.line):
                    fault.times -= 1
                    return fault
            if self.storm and request.method == "GET" and "list-type" not in request.query and self.random.random() < self.storm:
                return Fault(1, "status=503,SlowDown", "")
        return None

    def now(self):
        return time.time() + self.clock_offset

    def answer(self, request, body):
        if self.metadata.is_asked(request):
            return self.metadata.answer(request)
        key_id = signature.check(request, body, KEYS | self.metadata.secrets(), self.region, self.now())
        self.metadata.check_token(key_id, request)
        return self.bucket.answer(request, body)

    def matching(self, pattern):
        with self.lock:
            return [request for request in self.log if re.search(pattern, request.line)]

    def command(self, line):
        name, _, rest = line.partition(" ")
        if name == "fault":
            self.faults.append(Fault(*rest.split(" ", 2)))
        elif name == "forget":
            self.faults.clear()
        elif name == "count":
            return str(len(self.matching(rest)))
        elif name == "header":
            header, pattern = rest.split(" ", 1)
            return self.matching(pattern)[-1].headers.get(header, "")
        elif name == "set":
            self.set(*rest.split(" ", 1))
        elif name == "storm":
            self.storm = float(rest)
        elif name == "load":
            key, path = rest.split(" ", 1)
            self.bucket.objects[key] = Object(Path(path).read_bytes())
        elif name == "served":
            return str(self.served)
        elif name == "drop":
            del self.bucket.objects[rest]
        elif name == "damage":
            data = bytearray(self.bucket.objects[rest].data)
            data[len(data) // 2] ^= 1
            self.bucket.objects[rest].data = bytes(data)
        elif name == "age_uploads":
            for upload in self.bucket.uploads.values():
                upload.initiated -= float(rest)
        elif name == "uploads":
            return str(len(self.bucket.uploads))
        elif name == "objects":
            return " ".join(sorted(self.bucket.objects))
        else:
            return f"unknown command {name}"
        return "ok"

    def set(self, name, value):
        owner = next(owner for owner in (self, self.metadata, self.bucket) if hasattr(owner, name))
        setattr(owner, name, type(getattr(owner, name))(value))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def handle_one(self):
        request = Request(self.command, self.path, self.headers)
        fault = self.server.note(request)
        if fault and fault.name == "reset":
            return self.hang_up()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault and fault.name == "stall":
            self.connection.recv(1)  # until the client has enough
            return self.hang_up()
        try:
            answer = self.faulty_answer(fault, request, body)
        except Refused as refused:
            answer = Answer(refused.status, f"<?xml version='1.0'?><Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message>"
                                            f"<Region>{refused.headers.get('region', '')}</Region></Error>", **{k: v for k, v in refused.headers.items() if k != "region"})
        if fault and fault.name == "lost":
            return self.hang_up()
        if fault and fault.name == "slow":
            time.sleep(float(fault.argument))
        return self.reply(answer, is_cut=fault is not None and fault.name == "cut")

    def faulty_answer(self, fault, request, body):
        if fault and fault.name == "status":
            status, code, retry_after = (fault.argument.split(",") + ["", ""])[:3]
            raise Refused(int(status), code or "Fault", "as the test wants it", **({"retry-after": retry_after} if retry_after else {}))
        if fault and fault.name == "error200":
            return Answer(200, f"<?xml version='1.0'?>\n\n<Error><Code>{fault.argument or 'InternalError'}</Code><Message>We encountered an internal error</Message></Error>")
        answer = self.server.answer(request, body)
        if fault and fault.name == "damage":
            answer.body = bytes([answer.body[0] ^ 1]) + answer.body[1:]
        if fault and fault.name == "no_range":
            answer = Answer(200, self.server.bucket.objects[request.path.split("/", 2)[2]].data)
        return answer

    def reply(self, answer, is_cut):
        self.send_response_only(answer.status)
        self.send_header("Date", formatdate(self.server.now(), usegmt=True))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if is_cut:
            self.wfile.write(answer.body[:len(answer.body) // 2])
            return self.hang_up()
        if self.command != "HEAD":
            if answer.status == 206:
                with self.server.lock:
                    self.server.served += len(answer.body)
            self.wfile.write(answer.body)

    def hang_up(self):
        """A reset, not a polite end."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.wfile = self.rfile = open("/dev/null", "r+b", buffering=0)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one


def main():
    server = Server(*sys.argv[1:])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.url, flush=True)
    for line in sys.stdin:
        print(server.command(line.rstrip("\n")), flush=True)


if __name__ == "__main__":
    main()
