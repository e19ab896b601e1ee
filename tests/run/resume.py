"""A run that was killed, interrupted or raised goes on as if nothing had happened; a resume with other values is refused."""

import signal

import numpy

from harness import GPT, MLP, TestCase, add_tensor, loop_state, main


class KilledRuns(TestCase):
    def kill_after(self, steps, *arguments):
        process = self.start("run", *arguments)
        self.assertTrue(process.wait_for(rf"evaluation heldout at step {steps}:"), "".join(process.lines))
        process.signal(signal.SIGKILL)
        self.assertEqual(process.end().code, -signal.SIGKILL)

    def assert_same_run(self, a, b):
        a, b = self.run_folder(a), self.run_folder(b)
        self.assert_same_state(a.newest(), b.newest())
        whole, losses = a.losses(), b.losses()
        self.assertEqual(sorted(whole), list(range(1, len(whole) + 1)), "every step is logged")
        self.assertEqual(whole.keys(), losses.keys())
        for step, loss in whole.items():
            self.assertEqual(loss, losses[step], f"loss of step {step}")
        self.assertEqual(a.evaluations(), b.evaluations())
        self.assertEqual(a.record()["trajectory_hash"], b.record()["trajectory_hash"])

    def test_killed_twice_with_dropout_and_other_numbers_of_data_threads(self):
        self.write("gpt.toml", GPT)
        self.trainhost("run", "gpt.toml", "--name", "whole", "max=40step")
        self.kill_after(10, "gpt.toml", "--name", "cut", "max=40step", "data.threads=4")
        self.kill_after(25, "gpt.toml", "--name", "cut", "max=40step", "data.threads=1")
        self.trainhost("run", "gpt.toml", "--name", "cut", "max=40step", "data.threads=3")
        self.assert_same_run("whole", "cut")
        cut = self.run_folder("cut")
        self.assertEqual([event["attempt"] for event in cut.events("run_start")], [1, 2, 3])
        self.assertEqual(len(cut.events("restored")), 2)
        self.assertEqual(cut.record()["attempts"], 3)
        self.assertEqual(cut.record()["status"], "finished")

    def test_killed_while_saves_overlap_training(self):
        self.write("gpt.toml", GPT)
        options = ("gpt.toml", "max=40step", "checkpoint.every=1step", "checkpoint.mode=overlap")
        self.trainhost("run", *options, "--name", "whole")
        for steps in (10, 20, 30):
            self.kill_after(steps, *options, "--name", "cut")
        self.trainhost("run", *options, "--name", "cut")
        self.assert_same_run("whole", "cut")
        saved = self.run_folder("whole").events("checkpoint_saved")
        self.assertTrue(all(event["copy_seconds"] > 0 for event in saved[:-1]), saved)

    def test_killed_while_saves_wait_for_their_copies(self):
        self.write("gpt.toml", GPT)
        options = ("gpt.toml", "max=25step", "checkpoint.every=1step", "checkpoint.mode=wait")
        self.trainhost("run", *options, "--name", "whole")
        self.kill_after(10, *options, "--name", "cut")
        self.trainhost("run", *options, "--name", "cut")
        self.assert_same_run("whole", "cut")
        saved = self.run_folder("whole").events("checkpoint_saved")
        self.assertTrue(all(event["copy_seconds"] > 0 for event in saved[:-1]), saved)

    def test_half_then_raised_equals_whole(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "--name", "whole", "max=24step", "cosine.length=24step")
        self.trainhost("run", "mlp.toml", "--name", "half", "max=12step", "cosine.length=24step")
        self.trainhost("run", "mlp.toml", "--name", "half", "max=24step", "cosine.length=24step")
        self.assert_same_state(self.run_folder("whole").newest(), self.run_folder("half").newest())

    def test_killed_before_the_first_checkpoint(self):
        self.write("gpt.toml", GPT)
        options = ("gpt.toml", "max=10step", "checkpoint.every=1000step")
        self.trainhost("run", *options, "--name", "whole")
        self.kill_after(5, *options, "--name", "cut")
        result = self.trainhost("run", *options, "--name", "cut")
        self.assertIn("stopped before its first checkpoint", result.err)
        self.assert_same_run("whole", "cut")

    def test_a_finished_run_keeps_its_schedule_when_max_is_raised(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=8step")
        self.trainhost("run", "mlp.toml", "max=16step")
        run = self.run_folder("mlp")
        self.assertEqual(run.record()["schedule_length"], "8step")
        self.assertEqual(loop_state(run.newest())["schedule_length"], 8)
        self.assertEqual(loop_state(run.newest())["windows"], 16)


    def test_the_length_that_a_schedule_has_anyway_may_be_stated(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=10step", "--name", "plain")
        self.trainhost("run", "mlp.toml", "max=20step", "cosine.length=20step", "--name", "plain", code=2)
        self.trainhost("run", "mlp.toml", "max=20step", "cosine.length=10step", "--name", "plain")
        self.trainhost("run", "mlp.toml", "max=20step", "cosine.length=10step", "--name", "stated")
        self.assert_same_state(self.run_folder("plain").newest(), self.run_folder("stated").newest())


class Interrupts(TestCase):
    def test_once_saves_and_the_same_command_goes_on(self):
        self.write("gpt.toml", GPT)
        self.trainhost("run", "gpt.toml", "--name", "whole", "max=30step")
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("run", "gpt.toml", "--name", "cut", "max=30step")
            self.assertTrue(process.wait_for("evaluation heldout at step"))
            process.signal(number)
            result = process.end()
            self.assertEqual(result.code, 75, result.err)
            self.assertIn("finishing the step and saving", result.err)
            run = self.run_folder("cut")
            self.assertEqual(run.record()["status"], "preempted")
            self.assertEqual(run.events("preempted")[-1]["signal"], number.name)
            self.assertEqual(run.events("run_end")[-1]["exit_code"], 75)
            self.assertEqual(run.events("run_end")[-1]["step"], loop_state(run.newest())["windows"])
        self.trainhost("run", "gpt.toml", "--name", "cut", "max=30step")
        self.assert_same_state(self.run_folder("whole").newest(), self.run_folder("cut").newest())
        self.assertEqual(self.run_folder("whole").evaluations(), self.run_folder("cut").evaluations())


class TwoProcesses(TestCase):
    def test_one_folder_takes_one(self):
        self.write("mlp.toml", MLP)
        process = self.start("run", "mlp.toml", "max=10000000step", "evaluation.heldout.every=50step")
        self.assertTrue(process.wait_for("evaluation heldout at step 50:"))
        self.assert_names(self.trainhost("run", "mlp.toml", "max=10000000step", code=2).err, "runs/mlp", "another trainhost process")
        process.signal(signal.SIGINT)
        self.assertEqual(process.end().code, 75)


class Refusals(TestCase):
    def setUp(self):
        super().setUp()
        self.write("mlp.toml", MLP)
        process = self.start("run", "mlp.toml", "max=100000step")
        self.assertTrue(process.wait_for("evaluation heldout at step 5:"))
        process.signal(signal.SIGINT)
        self.assertEqual(process.end().code, 75)

    def test_other_numbers_are_refused_by_name(self):
        run = self.run_folder("mlp")
        before = run.record()
        for override in ("seed=2", "synthetic.seed=5", "accum.micro_batches=1", "adamw.learning_rate=0.5"):
            key, value = override.split("=")
            result = self.trainhost("run", "mlp.toml", "max=100000step", override, code=2)
            self.assert_names(result.err, f"{key}: ", f"{value} now", "--resume-without", "--name")
        result = self.trainhost("run", "mlp.toml", "max=100000step", "seed=2", "mlp.widths=[32]", "--resume-without", "seed", code=2)
        self.assertIn("mlp.widths", result.err)
        self.assertNotIn("  seed:", result.err)
        self.assertEqual(run.record(), before)

    def test_accepted_by_name(self):
        steps = loop_state(self.run_folder("mlp").newest())["windows"]
        result = self.trainhost("run", "mlp.toml", f"max={steps + 3}step", "seed=2", "synthetic.seed=5", "adamw.learning_rate=0.5",
                                "--resume-without", "seed", "--resume-without", "synthetic.seed", "--resume-without", "adamw")
        self.assertNotIn("other data", result.err)
        self.assertEqual(self.run_folder("mlp").events("restored")[-1]["step"], steps)

    def test_what_does_not_change_numbers_may_change(self):
        steps = loop_state(self.run_folder("mlp").newest())["windows"]
        self.trainhost("run", "mlp.toml", f"max={steps + 3}step", "data.threads=1", "price_per_hour=3", "telemetry.every=2step", "checkpoint.every=7step",
                       "evaluation.heldout.every=3step")
        self.assertEqual(self.run_folder("mlp").record()["attempts"], 2)


class OtherDevices(TestCase):
    def test_training_goes_on_there_when_that_is_wanted(self):
        self.write("mlp.toml", MLP)
        run = ("run", "mlp.toml", "--plugins", "constant")
        self.trainhost(*run, "max=10step")
        saved = self.run_folder("mlp").newest()
        add_tensor(saved, "engine", "engine.rng.cuda", numpy.arange(16, dtype=numpy.uint8))  # as a GPU would have saved it
        refused = self.trainhost(*run, "max=12step", code=2)
        self.assert_names(refused.err, saved.name, "saved on the device cuda", "computes on cpu", "--resume-without device")
        went_on = self.trainhost(*run, "max=12step", "--resume-without", "device")
        self.assert_names(went_on.err, "start afresh")
        self.assertEqual(self.run_folder("mlp").events("restored")[0]["step"], 10)
        for limit in ("max=10step", "max=12step"):
            self.trainhost(*run, limit, "--name", "straight")
        self.assert_same_state(self.run_folder("mlp").newest(), self.run_folder("straight").newest())  # no random number is drawn here


class NewRuns(TestCase):
    def setUp(self):
        super().setUp()
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=10step")

    def windows(self, name):
        return loop_state(self.run_folder(name).newest())["windows"]

    def test_finished_and_never(self):
        before = sorted(path.name for path in self.run_folder("mlp").checkpoints())
        self.assertIn("mlp-2", self.trainhost("run", "mlp.toml", "max=10step").out)
        self.trainhost("run", "mlp.toml", "max=20step", "--resume", "never")
        self.assertEqual(self.windows("mlp-3"), 20)
        self.assertEqual(self.run_folder("mlp-3").events("restored"), [])
        self.assertEqual(sorted(path.name for path in self.run_folder("mlp").checkpoints()), before)
        self.assert_same_state(self.run_folder("mlp").newest(), self.run_folder("mlp-2").newest())

    def test_from_another_runs_checkpoints(self):
        self.trainhost("run", "mlp.toml", "max=20step", "cosine.length=20step", "--name", "whole")
        self.trainhost("run", "mlp.toml", "max=10step", "cosine.length=20step", "--name", "half")
        uri = f"file:{self.folder}/runs/half/checkpoints"
        before = sorted(self.run_folder("half").path.rglob("*"))
        self.trainhost("run", "mlp.toml", "max=15step", "cosine.length=20step", "--name", "child", "--resume", uri)
        self.assertEqual(sorted(self.run_folder("half").path.rglob("*")), before)
        child = self.run_folder("child")
        self.assertEqual(child.events("restored")[0]["step"], 10)
        self.assertEqual(child.record()["initial_uri"], uri)
        self.trainhost("run", "mlp.toml", "max=20step", "cosine.length=20step", "--name", "child", "--resume", uri)
        self.assertEqual(child.events("restored")[1]["step"], 15, "the same command goes on with its own checkpoints")
        self.assert_same_state(self.run_folder("whole").newest(), child.newest())
        self.trainhost("run", "mlp.toml", "max=15step", "cosine.length=20step", "--name", "half", "--resume", uri)
        self.assertEqual(self.windows("half-2"), 15)

    def test_from_places_that_hold_none(self):
        result = self.trainhost("run", "mlp.toml", "--name", "child", "--resume", f"file:{self.folder}/nothing", code=14)
        self.assert_names(result.err, f"{self.folder}/nothing", "no checkpoint")
        self.assertFalse((self.folder / "nothing").exists())
        self.assert_names(self.trainhost("run", "mlp.toml", "--name", "child", "--resume", "s3://bucket/x", code=2).err, "s3://bucket/x", "scheme")
        self.assert_names(self.trainhost("run", "mlp.toml", "--name", "child", "--resume", "Never", code=2).err, "Never", "auto, never")
        uri = f"file:{self.folder}/runs/mlp/checkpoints"
        result = self.trainhost("run", "mlp.toml", "--name", "child", "mlp.widths=[8]", "--resume", uri, code=2)
        self.assert_names(result.err, "mlp.widths")
        self.trainhost("run", "mlp.toml", "max=12step", "--name", "child", "--resume", uri)
        self.assertEqual(self.windows("child"), 12)

    def test_a_plugins_state_is_left_out(self):
        self.write("stop.toml", MLP.replace('"localckpt"', '"localckpt", "earlystop"'))
        self.trainhost("run", "stop.toml", "max=10step")
        result = self.trainhost("run", "stop.toml", "max=12step", "--plugins=-earlystop", code=2)
        self.assert_names(result.err, "--resume-without stopping_rule/earlystop")
        self.trainhost("run", "stop.toml", "max=12step", "--plugins=-earlystop", "--resume-without", "earlystop")
        result = self.trainhost("run", "stop.toml", "max=14step", code=2)
        self.assert_names(result.err, "stopping_rule/earlystop", "no state", "--resume-without earlystop")
        self.trainhost("run", "stop.toml", "max=14step", "--resume-without", "earlystop")
        self.assertEqual(self.windows("stop"), 14)


if __name__ == "__main__":
    main()
