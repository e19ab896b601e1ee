"""A run whose checkpoints lie in a bucket: it is killed, and another machine with an empty folder goes on; stores that fail or refuse."""

import json
import signal

from harness import GPT, MLP, Folder, crc32c, main
from safetensors.numpy import load_file
from stores import BucketTestCase, FaultServer, MotoTestCase


def evaluation_at(step):
    return rf"evaluation heldout at step {step}:"


class RealStore(MotoTestCase):
    def test_a_second_machine_with_an_empty_folder_goes_on_bit_for_bit(self):
        self.write("gpt.toml", GPT)
        options = ("gpt.toml", "max=30step", "checkpoint.keep_last=2")
        self.trainhost("run", *options, "--name", "whole")
        bucket = ("--plugins", "s3ckpt", "checkpoint.uri=s3://bucket/runs", "--name", "cut")
        self.kill_after(evaluation_at(10), *options, *bucket, "--out", "first")
        self.kill_after(evaluation_at(20), *options, *bucket, "--out", "second")
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
        self.kill_after(evaluation_at(10), *bucket, "--out", "first")
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

    def test_checkpoints_in_a_bucket_are_looked_at_and_pruned(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=15step", "checkpoint.keep_last=3", "--plugins", "s3ckpt", "checkpoint.uri=s3://bucket/looked")
        place = "s3://bucket/looked/mlp"
        ids = sorted({key.split("/")[0] for key in self.keys("looked/mlp") if key.startswith("step-")})
        self.assertEqual(len(ids), 3)
        for word in (place, "runs/mlp"):
            entries = self.trainhost("ckpt", "list", word, "--json").json()["checkpoints"]
            self.assertEqual([(entry["id"], entry["state"]) for entry in entries], [(name, "verified") for name in ids])
        self.assertEqual(self.trainhost("ckpt", "inspect", place, "--json").json()["id"], ids[-1])
        self.assertEqual(self.trainhost("ckpt", "verify", place, "--json").json()["num_damaged"], 0)
        self.assertFalse(self.trainhost("ckpt", "diff", f"{place}/{ids[0]}", f"{place}/{ids[1]}", "--json").json()["is_equal"])
        self.trainhost("ckpt", "export", place, "out.safetensors")
        downloaded = self.download("looked/mlp")
        self.assertEqual(load_file(str(self.folder / "out.safetensors")).keys(), load_file(str(downloaded.newest() / "weights.safetensors")).keys())
        for name, tensor in load_file(str(downloaded.newest() / "weights.safetensors")).items():
            self.assertEqual(load_file(str(self.folder / "out.safetensors"))[name].tobytes(), tensor.tobytes())
        self.damage(f"looked/mlp/{ids[1]}/optimizer.safetensors")
        verdicts = self.trainhost("ckpt", "verify", place, "--json", code=14).json()["checkpoints"]
        self.assertEqual([entry["is_right"] for entry in verdicts], [True, False, True])
        self.assertEqual(verdicts[1]["damage"]["object"], "optimizer.safetensors")
        self.trainhost("ckpt", "verify", f"{place}/{ids[0]}")
        self.assertEqual(self.trainhost("ckpt", "prune", place, "--keep-last", "1", "--json").json()["removed"], [ids[1]])  # ids[0] is the next to become good
        self.assertEqual(sorted({key.split("/")[0] for key in self.keys("looked/mlp") if key.startswith("step-")}), [ids[0], ids[2]])

    def damage(self, key):
        content = bytearray(self.s3.get_object(Bucket="bucket", Key=key)["Body"].read())
        content[-3] ^= 1
        self.s3.put_object(Bucket="bucket", Key=key, Body=bytes(content))

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

    def newest_announced(self, name):
        """The id of the newest checkpoint that the run's log calls verified."""
        return self.run_folder(name).events("checkpoint_verified")[-1]["key"]

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
        self.assert_names(result.err, "SlowDown", "s3://bucket/runs/mlp/", "503", f"checkpoint {self.newest_announced('mlp')} is safe")
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

    def test_a_key_that_may_only_read_lists_and_verifies(self):
        self.trainhost("run", *self.options)
        self.store.ask("set read_only yes")
        place = "s3://bucket/runs/mlp"
        entries = self.trainhost("ckpt", "list", place, "--json").json()["checkpoints"]
        self.assertEqual(entries[-1]["step"], 30)
        self.assertEqual(self.trainhost("ckpt", "verify", place, "--json").json()["num_damaged"], 0)
        self.assert_names(self.trainhost("ckpt", "prune", place, "--keep-last", "1", code=16).err, "AccessDenied", "s3:DeleteObject")

    def test_a_clock_that_is_an_hour_off_does_no_harm(self):
        self.store.ask("set clock_offset 3600")
        self.assertIn("clock", self.trainhost("run", *self.options).err)


    def test_a_wrong_region_is_refused_with_the_right_one(self):
        self.store.ask("set region eu-west-1")
        result = self.trainhost("run", *self.options, code=16, AWS_REGION="us-west-2")
        self.assert_names(result.err, "eu-west-1", "us-west-2", "[s3ckpt] region")
        self.assertFalse((self.folder / "runs/mlp/run.json").exists())

    def test_an_endpoint_that_goes_away_says_what_is_safe(self):
        process = self.start("run", *self.options, "evaluation.heldout.every=5step")
        self.assertTrue(process.wait_for(evaluation_at(10)))
        self.store.process.kill()
        result = process.end()
        self.assertEqual(result.code, 16, result.err)
        self.assert_names(result.err, self.store.url, "s3://bucket/runs/mlp/", "is the endpoint up", f"checkpoint {self.newest_announced('mlp')} is safe")
        self.assertEqual(self.run_folder("mlp").events("run_end")[-1]["exit_code"], 16)


class StrangeCheckpoints(MotoTestCase):
    """What lies in the bucket is not what this run would have written."""

    def setUp(self):
        super().setUp()
        self.write("mlp.toml", MLP)
        self.prefix = self.id().rsplit(".", 1)[1]
        self.options = ("mlp.toml", "--plugins", "s3ckpt", f"checkpoint.uri=s3://bucket/{self.prefix}")
        self.trainhost("run", *self.options, "max=10step", "--out", "first")

    def folders(self):
        """Of committed checkpoints, oldest first."""
        return sorted(key.split("/")[0] for key in self.keys(f"{self.prefix}/mlp") if key.endswith("/commit"))

    def read(self, key):
        return self.s3.get_object(Bucket="bucket", Key=f"{self.prefix}/mlp/{key}")["Body"].read()

    def write_sealed(self, key, record):
        line = json.dumps(record) + "\n"
        self.s3.put_object(Bucket="bucket", Key=f"{self.prefix}/mlp/{key}", Body=f"{line}{crc32c(line.encode()):08x}\n".encode())

    def change_manifest(self, folder, change):
        """As if it had been written so: the commit record vouches for it."""
        manifest = json.loads(self.read(f"{folder}/manifest.json"))
        change(manifest)
        text = json.dumps(manifest) + "\n"
        self.s3.put_object(Bucket="bucket", Key=f"{self.prefix}/mlp/{folder}/manifest.json", Body=text.encode())
        commit = json.loads(self.read(f"{folder}/commit").splitlines()[0])
        self.write_sealed(f"{folder}/commit", commit | {"manifest_bytes": len(text), "manifest_crc32c": crc32c(text.encode())})

    def assert_older_is_used(self, *words):
        folders = self.folders()
        result = self.trainhost("run", *self.options, "max=15step", "--out", "second")
        self.assert_names(result.err, folders[-1], "using an older one", *words)
        self.assertEqual(Folder(self.folder / "second/mlp").events("restored")[0]["key"], folders[-2])

    def test_a_manifest_that_names_files_outside_of_its_folder(self):
        def lead_elsewhere(manifest):
            manifest["objects"][0]["name"] = "../../other/weights.safetensors"

        self.change_manifest(self.folders()[-1], lead_elsewhere)
        self.assert_older_is_used("../../other/weights.safetensors", "within the checkpoint's folder")

    def test_a_newer_format(self):
        self.change_manifest(self.folders()[-1], lambda manifest: manifest.update(format=2))
        before = [key for key in self.keys(self.prefix) if "/step-" in key]
        result = self.trainhost("run", *self.options, "max=15step", "--out", "second", code=14)
        self.assert_names(result.err, self.folders()[-1], "format 2", "use the trainhost that wrote it")
        self.assertEqual([key for key in self.keys(self.prefix) if "/step-" in key], before)

    def test_a_commit_record_of_another_checkpoint(self):
        older, newest = self.folders()[-2:]
        self.s3.put_object(Bucket="bucket", Key=f"{self.prefix}/mlp/{newest}/commit", Body=self.read(f"{older}/commit"))
        self.assert_older_is_used(f"belongs to {older}")

    def test_another_model(self):
        result = self.trainhost("run", *self.options, "max=15step", "mlp.widths=[8]", "--out", "second", code=2)
        self.assert_names(result.err, "mlp.widths", "--name", self.folders()[-1])

    def test_another_data_set(self):
        result = self.trainhost("run", *self.options, "max=15step", "synthetic.samples=200", "--out", "second", code=2)
        self.assert_names(result.err, "synthetic.samples", "--name", self.folders()[-1])


if __name__ == "__main__":
    main()
