"""Whose checkpoints a run goes on from, who may still save, how often it saves, and what it refuses."""

import json
import math
import signal

from harness import GPT, MLP, Folder, TestCase, loop_state, main, make_newer_format

STEADY = MLP.replace('"cosine"', '"constant"')  # so that `max` changes no rate


class Refusals(TestCase):
    def test_a_newer_format_is_not_passed_over(self):
        self.write("mlp.toml", STEADY)
        self.trainhost("run", "mlp.toml", "max=10step")
        run = self.run_folder("mlp")
        make_newer_format(run.newest())
        before = sorted((str(path), path.stat().st_size) for path in (run.path / "checkpoints").rglob("*"))
        result = self.trainhost("run", "mlp.toml", "max=20step", code=14)
        self.assert_names(result.err, run.newest().name, "format 2", "reads format 1", "the trainhost that wrote it")
        self.assertEqual(sorted((str(path), path.stat().st_size) for path in (run.path / "checkpoints").rglob("*")), before)
        self.assertEqual(run.record()["status"], "finished")

    def test_a_checkpoint_of_another_model(self):
        self.write("mlp.toml", STEADY)
        self.write("gpt.toml", GPT)
        self.trainhost("run", "gpt.toml", "max=5step")
        uri = f"file:{self.run_folder('gpt').path}/checkpoints"
        refused = self.trainhost("run", "mlp.toml", "--resume", uri, code=2)
        self.assert_names(refused.err, "gpt: chosen in the checkpoint", "mlp: absent in the checkpoint", "--resume-without")
        self.assertFalse((self.folder / "runs/mlp/checkpoints").exists())
        self.trainhost("run", "mlp.toml", "--name", "wide", "mlp.widths=[32]", "max=5step")
        wide = f"file:{self.run_folder('wide').path}/checkpoints"
        refused = self.trainhost("run", "mlp.toml", "--resume", wide, "--resume-without", "mlp.widths", code=14)
        self.assert_names(refused.err, "layers.0.weight", "32", "16")


class ResumeFromOne(TestCase):
    def test_a_uri_names_one_checkpoint(self):
        self.write("mlp.toml", STEADY)
        self.trainhost("run", "mlp.toml", "max=20step", "checkpoint.keep_last=9")
        run = self.run_folder("mlp")
        second = run.checkpoints()[1]
        self.trainhost("run", "mlp.toml", "max=20step", "--name", "child", "--resume", f"file:{second}")
        child = self.run_folder("child")
        self.assertEqual(child.events("restored")[0]["key"], second.name)
        self.assert_same_state(run.newest(), child.newest())
        missing = str(second).replace("n000002", "n000077")
        self.assert_names(self.trainhost("run", "mlp.toml", "--name", "orphan", "--resume", f"file:{missing}", code=14).err, "n000077", "is not there")


class Retention(TestCase):
    def test_milestones_stay(self):
        self.write("mlp.toml", STEADY)
        self.trainhost("run", "mlp.toml", "max=40step", "checkpoint.keep_last=1", "checkpoint.keep_best=0", "checkpoint.keep_every=15", "checkpoint.good_after=3")
        run = self.run_folder("mlp")
        good = sorted(event["key"] for event in run.events("checkpoint_good"))[-2:]
        left = {path.name for path in run.checkpoints()}
        milestones = {int(name[5:17]) for name in left - set(good)}
        self.assertLessEqual({15, 30, 40}, milestones | {int(name[5:17]) for name in good})
        self.assertLessEqual(set(good), left)
        self.assertLessEqual(len(left), 6)


class OtherMachines(TestCase):
    """One place, and a folder of run folders for each machine."""

    def setUp(self):
        super().setUp()
        self.write("mlp.toml", STEADY)
        self.options = ("mlp.toml", "checkpoint.uri=file:place", "--out")

    def machine(self, name):
        return Folder(self.folder / name / "mlp")

    def test_the_run_keeps_its_id(self):
        self.trainhost("run", *self.options, "one", "max=10step")
        self.trainhost("run", *self.options, "two", "max=20step")
        one, two = self.machine("one"), self.machine("two")
        self.assertEqual(two.events("restored")[0]["step"], 10)
        self.assertEqual(two.record()["run_id"], one.record()["run_id"])
        starts = one.events("run_start") + two.events("run_start")
        self.assertEqual([(start["run_id"], start["attempt"]) for start in starts], [(one.record()["run_id"], 1), (one.record()["run_id"], 2)])
        newest = sorted((self.folder / "place/mlp").glob("step-*"))[-1]
        self.assertEqual(self.trainhost("ckpt", "inspect", newest, "--json").json()["run_id"], one.record()["run_id"])

    def test_a_machine_that_was_replaced_saves_no_more(self):
        zombie = self.start("run", *self.options, "one", "max=100000000step", "evaluation.heldout.every=5step")
        self.assertTrue(zombie.wait_for("evaluation heldout at step 10:"))
        successor = self.start("run", *self.options, "two", "max=100000000step", "evaluation.heldout.every=5step")
        self.assertTrue(successor.wait_for("evaluation heldout at step"))
        result = zombie.end()
        self.assertEqual(result.code, 16, result.err)
        self.assert_names(result.err, "taken over by a newer process", "attempt 2", "attempt 1")
        successor.signal(signal.SIGINT)
        self.assertEqual(successor.end().code, 75)
        self.assertEqual(self.machine("one").record()["exit_code"], 16)
        checkpoints = self.trainhost("ckpt", "list", "place/mlp", "--json").json()["checkpoints"]
        self.assertEqual(checkpoints[-1]["attempt"], 2)
        self.trainhost("ckpt", "verify", "place/mlp")
        third = self.start("run", *self.options, "three", "max=100000000step", "evaluation.heldout.every=5step")
        self.assertTrue(third.wait_for("evaluation heldout at step"))
        third.signal(signal.SIGINT)
        self.assertEqual(third.end().code, 75)
        self.assertEqual(self.machine("three").events("restored")[0]["key"], checkpoints[-1]["id"])


class Intervals(TestCase):
    def test_auto_balances_what_saves_cost_and_what_interruptions_lose(self):
        self.write("mlp.toml", STEADY)
        self.trainhost("run", "mlp.toml", "max=20step", "price_per_hour=3")
        run = self.run_folder("mlp")
        measured = json.loads((run.newest() / "run_state.json").read_text())["save_cost"]
        self.assertEqual(measured["num_saves"], 3, "the save that holds it could not know its own")
        options = ("mlp.toml", "max=100000000step", "price_per_hour=3", "checkpoint.every=auto", "checkpoint.mean_time_between_interruptions=2s", "evaluation.heldout.every=20step")
        process = self.start("run", *options)
        while len(run.events("checkpoint_saved")) < 4 + 3:
            self.assertTrue(process.wait_for("evaluation heldout at step"), "".join(process.lines))
        process.signal(signal.SIGINT)
        result = process.end()
        self.assertEqual(result.code, 75, result.err)
        plan = run.events("plan")[-1]
        cost, total, mean = measured["blocking_seconds"], measured["total_seconds"], 2.0
        interval = max(math.sqrt(2 * cost * mean), 1.2 * total)
        self.assertAlmostEqual(plan["checkpoint_seconds"], interval)
        self.assertAlmostEqual(plan["loss_seconds_per_hour"], 3600 * (cost / interval + (interval / 2 + total) / mean))
        self.assertEqual(run.record()["checkpoints"]["hazard"], "given")
        self.assertAlmostEqual(plan["loss_cost_per_hour"], plan["loss_seconds_per_hour"] * 3 / 3600)
        self.assertRegex("".join(process.lines), r"checkpoints +auto, now every .* a save costs .* 2\.0s between interruptions, given: expected loss .* an hour, .* usd")
        self.assertRegex(result.out, r"checkpoints\n +auto, now every .* expected loss")

    def test_interruptions_are_seen(self):
        self.write("mlp.toml", STEADY)
        options = ("run", "mlp.toml", "evaluation.heldout.every=5step")
        process = self.start(*options, "max=100000000step")
        self.assertTrue(process.wait_for("evaluation heldout at step 10:"))
        process.signal(signal.SIGKILL)
        process.end()
        run = self.run_folder("mlp")
        steps = loop_state(run.newest())["windows"]
        self.trainhost(*options, f"max={steps + 10}step")
        self.assertEqual(run.events("ledger")[-1]["interruptions"], 1)
        found = run.record()["checkpoints"]
        self.assertEqual((found["hazard"], found["interruptions"]), ("observed", 1))
        self.assertTrue(43200 <= found["mean_seconds_between_interruptions"] < 43200 + 3600, found)  # a day and a little, twice
        self.trainhost(*options, f"max={steps + 20}step")
        self.assertEqual(run.events("ledger")[-1]["interruptions"], 1, "a run that was raised was not interrupted")

    def test_words_that_are_refused(self):
        self.write("mlp.toml", STEADY)
        self.assert_names(self.trainhost("run", "mlp.toml", "checkpoint.every=automatic", code=2).err, "checkpoint.every", "automatic")
        refused = self.trainhost("run", "mlp.toml", "checkpoint.mean_time_between_interruptions=100step", code=2)
        self.assert_names(refused.err, "checkpoint.mean_time_between_interruptions", "100step", "no time")


if __name__ == "__main__":
    main()
