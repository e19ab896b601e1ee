"""A run whose checkpoints are saved in its folder and followed to a bucket: the bucket goes down, the folder is lost, the process is killed."""

import shutil
import signal
import sys

from harness import GPT, MLP, Folder, main
from safetensors.numpy import load_file
from stores import BucketTestCase, Gate, MotoTestCase

ARRIVED = "is in the far place too"
ENDLESS = ("mlp.toml", "max=10000000step", "evaluation.heldout.every=50step", "checkpoint.every=50step")
MIRROR = ("--plugins", "localckpt,s3ckpt,mirrorckpt", "mirrorckpt.retry_seconds=0.2", "s3ckpt.tries=2")


class Mirrored(MotoTestCase):
    def setUp(self):
        super().setUp()
        self.gate = self.enterContext(Gate(self.moto.url))
        self.use(self.gate.url, self.moto.access_key, self.moto.secret_key)
        self.write("gpt.toml", GPT)
        self.write("mlp.toml", MLP)
        self.prefix = self.id().rsplit(".", 1)[1]
        self.bucket = (*MIRROR, f"checkpoint.uri=s3://bucket/{self.prefix}")

    def near_keys(self, run):
        return sorted(str(path.relative_to(run.path / "checkpoints")) for path in (run.path / "checkpoints").rglob("*") if path.is_file())

    def assert_mirrored(self, run):
        """Both places hold the same objects, byte for byte; the far one also the mark that s3ckpt keeps there."""
        far = [key for key in self.keys(f"{self.prefix}/{run.path.name}") if not key.startswith("~")]
        self.assertEqual(far, self.near_keys(run))
        downloaded = self.download(f"{self.prefix}/{run.path.name}")
        for key in far:
            self.assertEqual((downloaded.path / "checkpoints" / key).read_bytes(), (run.path / "checkpoints" / key).read_bytes(), key)

    def test_an_empty_folder_and_the_bucket_go_on_bit_for_bit(self):
        options = ("gpt.toml", "max=30step", "checkpoint.keep_last=2")
        self.trainhost("run", *options, "--name", "whole")
        self.kill_after(ARRIVED, *options, *self.bucket, "--name", "cut", "--out", "first")
        shutil.rmtree(self.folder / "first")
        self.kill_after("-a000002-.*" + ARRIVED, *options, *self.bucket, "--name", "cut", "--out", "second")
        self.trainhost("run", *options, *self.bucket, "--name", "cut", "--out", "third")
        third = Folder(self.folder / "third/cut")
        self.assertIn("-a000002-", third.events("restored")[0]["key"])
        self.assert_same_state(self.run_folder("whole").newest(), third.newest())
        self.assert_same_state(self.run_folder("whole").newest(), self.download(f"{self.prefix}/cut").newest())
        losses, whole = third.losses(), self.run_folder("whole").losses()
        self.assertEqual({step: whole[step] for step in losses}, losses)

    def test_damage_in_the_folder_is_read_from_the_bucket(self):
        self.trainhost("run", "mlp.toml", "max=20step", *self.bucket)
        run = self.run_folder("mlp")
        newest = run.newest()
        weights = newest / "weights.safetensors"
        content = bytearray(weights.read_bytes())
        content[-3] ^= 4
        weights.write_bytes(content)
        result = self.trainhost("run", "mlp.toml", "max=25step", *self.bucket)
        self.assert_names(result.err, newest.name, "read from another place, where it is whole")
        self.assertEqual(run.events("restored")[-1]["step"], 20)
        self.trainhost("run", "mlp.toml", "max=25step", "--name", "whole", "cosine.length=20step")
        self.assert_same_state(self.run_folder("whole").newest(), run.newest())

    def test_both_places_hold_the_same_after_retention(self):
        self.trainhost("run", "mlp.toml", "max=60step", "checkpoint.keep_last=1", "checkpoint.good_after=5", *self.bucket)
        self.assert_mirrored(self.run_folder("mlp"))

    def ckpt(self, *words, code=0):
        return self.trainhost("ckpt", *words, "--json", code=code).json()

    def test_ckpt_asks_both_places(self):
        self.trainhost("run", "mlp.toml", "max=15step", "checkpoint.keep_last=3", *self.bucket)
        run = self.run_folder("mlp")
        ids = [path.name for path in run.checkpoints()]
        verdicts = self.ckpt("verify", run.path)["checkpoints"]
        self.assertEqual([verdict["copies"] for verdict in verdicts], 3 * [2 * [{"is_there": True, "is_right": True}]])
        for name in ("weights.safetensors", "commit"):
            victim = run.newest() / name
            whole = victim.read_bytes()
            victim.write_bytes(whole[:-3] + bytes([whole[-3] ^ 4]) + whole[-2:])
            answer = self.trainhost("ckpt", "verify", run.path, code=14)
            self.assertRegex(answer.out, rf"{ids[2]} .*place 1: \w+: {name}: .*; place 2: right")
            verdict = self.ckpt("verify", run.path, code=14)["checkpoints"][2]
            self.assertEqual((verdict["is_right"], verdict["damage"]["object"], verdict["copies"][1]), (False, name, {"is_there": True, "is_right": True}))
            self.assertEqual(self.ckpt("inspect", run.path)["id"], ids[2], "the bucket has it whole")
            self.ckpt("export", run.path, f"{name}.out")
            self.ckpt("diff", run.path, f"s3://bucket/{self.prefix}/mlp")
            victim.write_bytes(whole)
        exported = self.download(f"{self.prefix}/mlp").newest() / "weights.safetensors"
        for name in ("weights.safetensors.out", "commit.out"):
            self.assertEqual({key: value.tobytes() for key, value in load_file(str(self.folder / name)).items()}, {key: value.tobytes() for key, value in load_file(str(exported)).items()})

    def test_a_folder_that_was_lost_is_looked_at_in_the_bucket(self):
        self.trainhost("run", "mlp.toml", "max=10step", *self.bucket)
        run = self.run_folder("mlp")
        newest = run.newest().name
        shutil.rmtree(run.path / "checkpoints")
        (run.path / "checkpoints").mkdir()
        self.assertEqual(self.ckpt("list", run.path)["checkpoints"][-1]["id"], newest)
        verdict = self.ckpt("verify", run.path)["checkpoints"][-1]
        self.assertEqual(verdict["copies"], [{"is_there": False, "is_right": False}, {"is_there": True, "is_right": True}])

    def test_prune_removes_in_both_places(self):
        self.trainhost("run", "mlp.toml", "max=25step", "checkpoint.keep_last=9", "checkpoint.good_after=8", *self.bucket)
        run = self.run_folder("mlp")
        oldest = run.checkpoints()[0].name
        self.assertEqual(self.ckpt("prune", run.path, "--keep-last", "1")["removed"], [oldest])
        self.assertFalse((run.path / "checkpoints" / oldest).exists())
        self.assert_mirrored(run)
        self.assertNotIn(oldest, [entry["id"] for entry in self.ckpt("list", run.path)["checkpoints"]])

    def interrupt(self, process):
        process.signal(signal.SIGINT)
        result = process.end()
        self.assertEqual(result.code, 75, result.err)
        return result

    def wait_for(self, process, *patterns):
        for pattern in patterns:
            self.assertTrue(process.wait_for(pattern), "".join(process.lines))

    def test_the_bucket_goes_down_and_training_goes_on_and_catches_up(self):
        process = self.start("run", *ENDLESS, *self.bucket)
        self.wait_for(process, ARRIVED)
        self.gate.shut()
        self.wait_for(process, "the far place fails; training goes on", *3 * ["evaluation heldout at step"])
        self.gate.open()
        self.wait_for(process, "the far place answers again")
        self.assertIn("everything " + ARRIVED, self.interrupt(process).err)
        run = self.run_folder("mlp")
        self.assert_mirrored(run)
        lags = [event["values"] for event in run.events("plugin") if event["topic"] == "lag"]
        self.assertTrue(any(lag["far_answers"] == 0 and lag["objects"] > 0 and lag["bytes"] > 0 for lag in lags), lags)
        self.assertTrue(any(lag["far_answers"] == 1 for lag in lags), lags)

    def test_what_is_missing_at_the_end_is_said_and_sent_by_the_next_start(self):
        hasty = (*ENDLESS, *self.bucket, "mirrorckpt.wait_at_end_seconds=0")
        process = self.start("run", *hasty)
        self.wait_for(process, ARRIVED)
        self.gate.shut()
        self.wait_for(process, "the far place fails", "evaluation heldout at step")
        result = self.interrupt(process)
        newest = self.run_folder("mlp").newest().name
        self.assertRegex(result.err, rf"objects \(.* bytes\) are not in the far place: .*{newest}.*; they are safe near")
        process = self.start("run", *hasty)  # down at the start too
        self.wait_for(process, "the far place does not answer; the run goes on", "evaluation heldout at step")
        self.assertIn("are not in the far place", self.interrupt(process).err)
        self.gate.open()
        process = self.start("run", *ENDLESS, *self.bucket)
        self.wait_for(process, ARRIVED)
        self.assertIn("everything " + ARRIVED, self.interrupt(process).err)
        self.assert_mirrored(self.run_folder("mlp"))

    def test_an_empty_folder_without_the_bucket_is_refused_before_training(self):
        self.gate.shut()
        result = self.trainhost("run", "mlp.toml", *self.bucket, code=16)
        self.assert_names(result.err, "the far place does not answer and the near one is empty", "start_without_far", self.gate.url)
        self.assertFalse((self.folder / "runs/mlp/run.json").exists())
        self.trainhost("run", "mlp.toml", *self.bucket, "mirrorckpt.start_without_far=true", "mirrorckpt.wait_at_end_seconds=0")
        self.assertEqual(self.run_folder("mlp").record()["status"], "finished")

    def test_a_bucket_that_refuses_is_refused_before_training(self):
        for uri, words, environment in ((f"s3://nowhere/{self.prefix}", ("NoSuchBucket",), {}), (f"s3://bucket/{self.prefix}", ("SignatureDoesNotMatch",), {"AWS_SECRET_ACCESS_KEY": "wrong"})):
            result = self.trainhost("run", "mlp.toml", *MIRROR, f"checkpoint.uri={uri}", code=16, **environment)
            self.assert_names(result.err, *words)
        self.assertFalse((self.folder / "runs/mlp/run.json").exists())

    def test_killed_in_the_middle_of_an_upload(self):
        slow = ("--plugins", "localckpt,s3ckpt,faultckpt,mirrorckpt", "faultckpt.bytes_per_second=20000", "s3ckpt.tries=2", f"checkpoint.uri=s3://bucket/{self.prefix}")
        self.kill_after("evaluation heldout at step 25:", "gpt.toml", "max=40step", *slow)
        run, far = self.run_folder("gpt"), self.keys(f"{self.prefix}/gpt")
        self.assertNotIn(f"{run.newest().name}/commit", far, "the line is too slow for that")
        for folder in {key.split("/")[0] for key in far if key.startswith("step-")}:
            if f"{folder}/commit" in far:
                self.assertTrue({f"{folder}/{name}" for name in ("weights.safetensors", "optimizer.safetensors", "manifest.json")} <= set(far), far)
        self.trainhost("run", "gpt.toml", "max=40step", *self.bucket)
        self.assert_mirrored(self.run_folder("gpt"))
        self.trainhost("run", "gpt.toml", "max=40step", "--name", "whole")
        self.assert_same_state(self.run_folder("whole").newest(), self.download(f"{self.prefix}/gpt").newest())

    def test_two_machines_with_one_bucket_do_not_mix(self):
        first = self.start("run", *ENDLESS, *self.bucket, "--out", "first")
        self.wait_for(first, ARRIVED)
        second = self.start("run", *ENDLESS, *self.bucket, "--out", "second")
        self.wait_for(second, "resumed at step", ARRIVED)
        result = first.end()
        self.assertEqual(result.code, 16, result.err)
        self.assertRegex(result.err, "taken over by a newer process|belongs to another run or a newer process")
        self.interrupt(second)
        newest = Folder(self.folder / "second/mlp").newest()
        self.assert_same_state(newest, self.download(f"{self.prefix}/mlp").path / "checkpoints" / newest.name)

    def test_a_smoke_test_and_a_dry_run_leave_nothing_in_the_bucket(self):
        self.trainhost("run", "mlp.toml", *self.bucket, "--dry-run")
        self.trainhost("smoke", "mlp.toml", *self.bucket)
        self.assertEqual(self.keys(self.prefix), [])


class Ceph(BucketTestCase):
    def test_a_gateway_of_ceph_is_a_far_place(self):
        import boto3
        import radosgw

        with radosgw.Radosgw() as store:
            self.use(store.url, radosgw.ACCESS_KEY, radosgw.SECRET_KEY)
            boto3.client("s3", region_name="us-east-1", endpoint_url=store.url, aws_access_key_id=radosgw.ACCESS_KEY, aws_secret_access_key=radosgw.SECRET_KEY).create_bucket(Bucket="bucket")
            self.write("gpt.toml", GPT)
            options = ("gpt.toml", "max=30step")
            self.trainhost("run", *options, "--name", "whole")
            bucket = (*options, *MIRROR, "checkpoint.uri=s3://bucket/runs", "--name", "cut")
            self.kill_after(ARRIVED, *bucket, "--out", "first")
            self.trainhost("run", *bucket, "--out", "second")
            second = Folder(self.folder / "second/cut")
            self.assertEqual(len(second.events("restored")), 1)
            self.assert_same_state(self.run_folder("whole").newest(), second.newest())


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
