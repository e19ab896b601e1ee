"""Object stores for tests of whole runs: moto, Ceph's radosgw, the scripted server of s3ckpt's tests, and a gate in front that may be shut."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path

import boto3
from harness import Folder, TestCase

TESTING = Path(__file__).resolve().parents[2] / "plugins/lib/s3/testing"
sys.path.insert(0, str(TESTING))
os.environ.pop("AWS_PROFILE", None)

from moto_server import Moto  # noqa: E402  (it lies beside the plugin)


class FaultServer:
    """The scripted store of the plugin's tests; ask() is one of its commands."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, str(TESTING / "fault_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


class Gate:
    """A port of its own that leads to a store; while it is shut nobody listens there, and what was under way is cut."""

    def __init__(self, url):
        host, port = url.removeprefix("http://").split(":")
        self.target, self.port, self.listener, self.open_sockets = (host, int(port)), 0, None, set()
        self.lock = threading.Lock()
        self.open()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shut()

    def open(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def shut(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for end in self.open_sockets:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                store = socket.create_connection(self.target)
                with self.lock:
                    self.open_sockets |= {client, store}
                for source, sink in ((client, store), (store, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self.lock:
            self.open_sockets.discard(source)
        source.close()


class BucketTestCase(TestCase):
    def use(self, url, access_key, secret_key):
        """The store's address and keys, as a user sets them; none of this machine's own settings."""
        for name in [name for name in self.environment if name.startswith("AWS_")]:
            del self.environment[name]
        self.environment |= {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(self.folder)}

    def kill_after(self, pattern, *arguments):
        process = self.start("run", *arguments)
        self.assertTrue(process.wait_for(pattern), "".join(process.lines))
        process.signal(signal.SIGKILL)
        self.assertEqual(process.end().code, -signal.SIGKILL)


class MotoTestCase(BucketTestCase):
    """One moto for all tests of a file; each has a prefix of its own."""

    moto = None

    @classmethod
    def setUpClass(cls):
        if not MotoTestCase.moto:
            MotoTestCase.moto = unittest.enterModuleContext(Moto())
        cls.s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=cls.moto.url, aws_access_key_id=cls.moto.access_key, aws_secret_access_key=cls.moto.secret_key)
        cls.s3.create_bucket(Bucket="bucket")

    def setUp(self):
        super().setUp()
        self.use(self.moto.url, self.moto.access_key, self.moto.secret_key)

    def keys(self, prefix):
        """What boto3 lists below the prefix, without it."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix=prefix + "/")
        return sorted(item["Key"][len(prefix) + 1:] for page in pages for item in page.get("Contents", []))

    def download(self, prefix):
        """What boto3 finds below the prefix, as a run folder."""
        folder = self.folder / "downloaded" / prefix
        for key in self.keys(prefix):
            path = folder / "checkpoints" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            self.s3.download_file("bucket", f"{prefix}/{key}", str(path))
        return Folder(folder)
