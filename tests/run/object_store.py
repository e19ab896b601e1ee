"""A run whose checkpoints lie in a bucket: it is killed, and another machine with an empty folder goes on; stores that fail or refuse."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import boto3
from harness import GPT, MLP, Folder, TestCase, main

TESTING = Path(__file__).resolve().parents[2] / "plugins/checkpoint_backend/s3ckpt/testing"
sys.path.insert(0, str(TESTING))

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


class BucketTestCase(TestCase):
    def use(self, url, access_key, secret_key):
        """The store's address and keys, as a user sets them; none of this machine's own settings."""
        for name in [name for name in self.environment if name.startswith("AWS_")]:
            del self.environment[name]
        self.environment |= {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(self.folder)}

    def kill_after(self, steps, *arguments):
        process = self.start("run", *arguments)
        self.assertTrue(process.wait_for(rf"evaluation heldout at step {steps}:"), "".join(process.lines))
        process.signal(signal.SIGKILL)
        self.assertEqual(process.end().code, -signal.SIGKILL)


class RealStore(BucketTestCase):
    @classmethod
    def setUpClass(cls):
        cls.moto = cls.enterClassContext(Moto())
        cls.s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=cls.moto.url, aws_access_key_id=cls.moto.access_key, aws_secret_access_key=cls.moto.secret_key)
        cls.s3.create_bucket(Bucket="bucket")

    def setUp(self):
        super().setUp()
        self.use(self.moto.url, self.moto.access_key, self.moto.secret_key)

    def download(self, prefix):
        """What boto3 finds below the prefix, as a run folder."""
        folder = self.folder / "downloaded" / prefix
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix=prefix + "/"):
            for item in page.get("Contents", []):
                path = folder / "checkpoints" / item["Key"][len(prefix) + 1:]
                path.parent.mkdir(parents=True, exist_ok=True)
                self.s3.download_file("bucket", item["Key"], str(path))
        return Folder(folder)

    def test_a_second_machine_with_an_empty_folder_goes_on_bit_for_bit(self):
        self.write("gpt.toml", GPT)
        options = ("gpt.toml", "max=30step", "checkpoint.keep_last=2")
        self.trainhost("run", *options, "--name", "whole")
        bucket = ("--plugins", "s3ckpt", "checkpoint.uri=s3://bucket/runs", "--name", "cut")
        self.kill_after(10, *options, *bucket, "--out", "first")
        self.kill_after(20, *options, *bucket, "--out", "second")
        self.trainhost("run", *options, *bucket, "--out", "third")
        third = Folder(self.folder / "third" / "cut")
        self.assertEqual(len(third.events("restored")), 1)
        self.assertGreaterEqual(third.events("restored")[0]["step"], 15)
        self.assertFalse((third.path / "checkpoints").exists(), "everything is in the bucket")
        self.assert_same_state(self.run_folder("whole").newest(), self.download("runs/cut").newest())
        losses, whole = third.losses(), self.run_folder("whole").losses()
        self.assertEqual({step: whole[step] for step in losses}, losses)
        self.assertEqual(sorted(losses)[-1], 30)

    def test_mixed_precision_goes_on_too(self):
        self.write("gpt.toml", GPT.replace('"fp32"', '"amp"'))
        bucket = ("gpt.toml", "max=20step", "--plugins", "amp,accum,s3ckpt", "checkpoint.uri=s3://bucket/mixed/", "--name", "amp")
        self.kill_after(10, *bucket, "--out", "first")
        self.trainhost("run", *bucket, "--out", "second")
        self.assertGreaterEqual(Folder(self.folder / "second" / "amp").events("restored")[0]["step"], 5)
        self.assertTrue(self.download("mixed/amp").newest().name.startswith("step-000000000020-"))

    def test_a_dry_run_leaves_nothing_in_the_bucket_and_sees_what_is_there(self):
        self.write("mlp.toml", MLP)
        options = ("mlp.toml", "--plugins", "s3ckpt", "checkpoint.uri=s3://bucket/dry")
        self.trainhost("run", *options, "--dry-run")
        self.assertNotIn("Contents", self.s3.list_objects_v2(Bucket="bucket", Prefix="dry/"))
        self.trainhost("run", *options)
        before = self.s3.list_objects_v2(Bucket="bucket", Prefix="dry/")["Contents"]
        self.assertIn("mlp.widths", self.trainhost("run", *options, "--dry-run", "--out", "elsewhere", "mlp.widths=[8]", code=2).err)
        self.assertEqual(before, self.s3.list_objects_v2(Bucket="bucket", Prefix="dry/")["Contents"])

    def test_never_resuming_does_not_touch_what_another_machine_left(self):
        self.write("mlp.toml", MLP)
        options = ("mlp.toml", "max=10step", "--plugins", "s3ckpt", "checkpoint.uri=s3://bucket/never")
        self.trainhost("run", *options, "--out", "first")
        before = self.s3.list_objects_v2(Bucket="bucket", Prefix="never/")["Contents"]
        result = self.trainhost("run", *options, "--out", "second", "--resume", "never", code=2)
        self.assert_names(result.err, "s3://bucket/never/mlp", "--name")
        self.assertEqual(before, self.s3.list_objects_v2(Bucket="bucket", Prefix="never/")["Contents"])

    def test_a_smoke_test_leaves_nothing_in_the_bucket(self):
        self.write("mlp.toml", MLP)
        self.trainhost("smoke", "mlp.toml", "--plugins", "s3ckpt", "checkpoint.uri=s3://bucket/smoke")
        self.assertNotIn("Contents", self.s3.list_objects_v2(Bucket="bucket", Prefix="smoke/"))

    def test_another_uri_may_be_resumed_from(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=10step", "--plugins", "s3ckpt", "checkpoint.uri=s3://bucket/parent", "--name", "parent")
        self.trainhost("run", "mlp.toml", "max=15step", "--plugins", "s3ckpt", "checkpoint.uri=s3://bucket/child", "--name", "child", "--resume", "s3://bucket/parent/parent")
        self.assertEqual(self.run_folder("child").events("restored")[0]["step"], 10)

    def test_mistakes_are_refused_before_training(self):
        self.write("mlp.toml", MLP)
        options = ("mlp.toml", "--plugins", "s3ckpt")
        for uri, code, words in (("s3://nowhere/x", 16, ("NoSuchBucket", "s3://nowhere")), ("s3://bu cket/x", 2, ("uri", "BUCKET")), ("gs://bucket/x", 2, ("gs", "scheme"))):
            self.assert_names(self.trainhost("run", *options, f"checkpoint.uri={uri}", code=code).err, *words)
        self.assert_names(self.trainhost("run", *options, "checkpoint.uri=s3://bucket/x", code=16, AWS_SECRET_ACCESS_KEY="hunter2").err, "SignatureDoesNotMatch")
        result = self.trainhost("run", *options, "checkpoint.uri=s3://bucket/x", "s3ckpt.tries=2", code=16, AWS_ENDPOINT_URL="http://127.0.0.1:1")
        self.assert_names(result.err, "http://127.0.0.1:1", "endpoint")
        self.assertFalse((self.folder / "runs" / "mlp" / "run.json").exists())
        self.assertNotIn("hunter2", "".join(path.read_text() for path in self.folder.rglob("*.log")))


class FailingStore(BucketTestCase):
    def setUp(self):
        super().setUp()
        self.store = self.enterContext(FaultServer())
        self.use(self.store.url, "TESTKEY", "test/secret+key")
        self.write("mlp.toml", MLP)
        self.options = ("mlp.toml", "max=30step", "--plugins", "s3ckpt", "checkpoint.uri=s3://bucket/runs", "s3ckpt.tries=2")

    def test_a_store_that_ails_is_not_noticed(self):
        for fault in ("3 status=503,SlowDown weights", "2 reset manifest", "2 lost commit$", "2 cut ^GET .*weights", "1 lost ^PUT .*verified"):
            self.store.ask(f"fault {fault}")
        self.trainhost("run", *self.options)
        self.assertEqual(self.run_folder("mlp").record()["status"], "finished")

    def test_a_store_that_goes_away_ends_the_run_with_16_and_what_is_safe_goes_on(self):
        process = self.start("run", *self.options, "evaluation.heldout.every=5step")
        self.assertTrue(process.wait_for("evaluation heldout at step 10:"))
        self.store.ask("fault 99999 status=503,SlowDown ^PUT ")
        result = process.end()
        self.assertEqual(result.code, 16, result.err)
        self.assert_names(result.err, "SlowDown", "s3://bucket/runs/mlp/", "503")
        self.store.ask("forget")
        self.trainhost("run", *self.options, "evaluation.heldout.every=5step", "--out", "other")
        other = Folder(self.folder / "other" / "mlp")
        self.assertGreaterEqual(other.events("restored")[0]["step"], 5)
        self.assertEqual(other.record()["status"], "finished")

    def test_a_read_only_bucket_is_refused_before_training(self):
        self.store.ask("set read_only yes")
        result = self.trainhost("run", *self.options, code=16)
        self.assert_names(result.err, "AccessDenied", "s3:PutObject", "s3://bucket/runs/mlp/")
        self.assertNotIn("run_start", (self.folder / "runs/mlp/log.jsonl").read_text())

    def test_a_clock_that_is_an_hour_off_does_no_harm(self):
        self.store.ask("set clock_offset 3600")
        self.assertIn("clock", self.trainhost("run", *self.options).err)


if __name__ == "__main__":
    os.environ.pop("AWS_PROFILE", None)
    main()
