"""Every way a run can end, with its exit code, its message, and what it leaves to go on from."""

import os
import re
import shutil
import signal
import subprocess
import unittest

from harness import BUILD, GPT, MLP, PROGRAM, TEST_PLUGINS, TestCase, loop_state, main

TEXT = """
plugins = ["fp32", "accum", "textfiles", "gpt", "adamw", "constant", "localckpt"]
[execution]
threads = 1
[textfiles]
root = "text"
glob = ["**/*.txt"]
context_length = 16
split = "train"
[evaluation.heldout]
every = "5step"
max_samples = 8
textfiles.split = "heldout"
[gpt]
layers = 1
heads = 1
width = 8
[accum]
micro_batch_samples = 4
[checkpoint]
every = "5step"
"""


def with_rule(name):
    return f'plugin_path = ["{TEST_PLUGINS}"]\n' + MLP.replace('"localckpt"', f'"localckpt", "{name}"')


class Failure(TestCase):
    """1"""

    def test_the_engine_is_not_there(self):
        self.write("mlp.toml", MLP)
        lonely = shutil.copy(PROGRAM, self.folder / "trainhost")
        done = subprocess.run([lonely, "run", "mlp.toml"], cwd=self.folder, env=self.environment | {"TRAINHOST_PLUGIN_PATH": str(BUILD / "plugins")}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("libtrainhost_engine.so", done.stderr)

    def test_the_engine_is_of_another_build(self):
        self.write("mlp.toml", MLP)
        program = self.folder / "bin/trainhost"
        program.parent.mkdir()
        shutil.copy(PROGRAM, program)
        (self.folder / "lib").mkdir()
        environment = self.environment | {"TRAINHOST_PLUGIN_PATH": str(BUILD / "plugins")}
        own = re.search(rb"\d+\.\d+\.\d+-[0-9a-f]{12}", program.read_bytes())[0].decode()
        for library, words in ((BUILD / "foreign_engine/libtrainhost_engine.so", ("0.0.9-0123456789ab", own)), (next(TEST_PLUGINS.glob("*trouble.so")), ("exports no trainhost_engine_build",))):
            shutil.copy(library, self.folder / "lib/libtrainhost_engine.so")
            done = subprocess.run([program, "run", "mlp.toml"], cwd=self.folder, env=environment, capture_output=True, text=True)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assert_names(done.stderr, "lib/libtrainhost_engine.so", "install the whole tree again", *words)


class Config(TestCase):
    """2"""

    def test_unknown_keys_plugins_and_units(self):
        self.write("mlp.toml", MLP)
        for override, words in (("adamw.learning_rat=1", ["adamw.learning_rat", "learning_rate"]), ("max=3parsecs", ["parsecs"]), ("accum.micro_batches=0", ["micro_batches", "at least 1"]), ("accum.micro_batches=two", ["micro_batches", "two"]),
                                ("max=5usd", ["usd", "price_per_hour"]), ("checkpoint.every=1kwh", ["kwh"])):
            self.assert_names(self.trainhost("run", "mlp.toml", override, code=2).err, *words)
        self.assert_names(self.trainhost("run", "mlp.toml", "--plugins", "adamww", code=13).err, "adamww", "adamw")
        self.assertFalse((self.folder / "runs").exists())

    def test_the_file_itself(self):
        self.assert_names(self.trainhost("run", "nothing.toml", code=2).err, "nothing.toml")
        self.write("broken.toml", "max = [\n")
        self.assert_names(self.trainhost("run", "broken.toml", code=2).err, "broken.toml:")

    def test_unwritable_places(self):
        self.write("mlp.toml", MLP)
        self.write("file", "")
        self.assert_names(self.trainhost("run", "mlp.toml", "--out", "file/below", code=2).err, "file/below")
        self.write("runs/mlp/precious.txt", "mine")
        self.assert_names(self.trainhost("run", "mlp.toml", code=2).err, "runs/mlp", "--name")
        self.assertEqual((self.folder / "runs/mlp/precious.txt").read_text(), "mine")


    def test_what_a_plugin_cannot_do_without(self):
        self.write("mlp.toml", MLP)
        for options, words in ((["max=10s"], ["lr_schedule/cosine", "length"]), (["--plugins", "budget", "budget.max_cost=1"], ["stopping_rule/budget", "price_per_hour"])):
            self.assert_names(self.trainhost("run", "mlp.toml", *options, code=2).err, *words)
            self.assert_names(self.trainhost("run", "mlp.toml", "--dry-run", *options, code=2).err, *words)
        self.assertFalse((self.folder / "runs/mlp/run.json").exists())


class Budgets(TestCase):
    """10"""

    def test_time_money_and_the_budget_rule_go_on_when_raised(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "--plugins", "constant", "max=0.01s", code=10)
        self.assertEqual(self.run_folder("mlp").record()["status"], "finished")
        self.trainhost("run", "mlp.toml", "--plugins", "constant", 'max=["600s", "4step"]')
        run = self.run_folder("mlp")
        self.assertEqual(run.record()["attempts"], 2)
        self.trainhost("run", "mlp.toml", "--name", "money", "--plugins", "constant", "max=0.1usd", "price_per_hour=3600", code=10)
        self.assertIn("0.1usd", self.run_folder("money").record()["reason"])
        budget = ("mlp.toml", "--name", "rule", "--plugins", "budget,constant", "max=[]", "budget.max_cost=2", "budget.reserve_seconds=0", "price_per_hour=3600")
        result = self.trainhost("run", *budget, code=10)
        self.assertGreaterEqual(int(re.search(r"(\d+) % of the budget", result.err)[1]), 80)
        rule = self.run_folder("rule")
        self.assertEqual(rule.record()["ended_by"], "stopping_rule/budget")
        self.assertEqual(rule.events("stop")[0]["rule"], "stopping_rule/budget")
        costs = [event["cost"] for event in rule.events("step")]  # how far the last window and the last save go beyond is the machine's affair
        self.assertEqual([cost for cost in costs[:-2] if cost >= 2], [], "it went on although the budget was spent")
        self.assertEqual(loop_state(rule.newest())["windows"], rule.record()["amounts"]["windows"])


class Divergence(TestCase):
    """11"""

    def test_not_finite(self):
        self.write("mlp.toml", MLP)
        result = self.trainhost("run", "mlp.toml", "max=1000step", "adamw.learning_rate=1e30", "max_skips=4", code=11)
        run = self.run_folder("mlp")
        self.assert_names(run.record()["reason"], "4 windows in a row", "max_skips = 4")
        self.assertEqual([event["in_a_row"] for event in run.events("skipped")][-4:], [1, 2, 3, 4])
        self.assertEqual(run.events("stop")[0]["rule"], "ladder")
        self.assertIn("exit code 11", result.out)

    def test_a_rule_says_so(self):
        self.write("rule.toml", with_rule("trouble"))
        self.trainhost("run", "rule.toml", "trouble.diverges_at=7", code=11)
        self.assertEqual(self.run_folder("rule").record()["reason"], "seen enough at window 7")


class Data(TestCase):
    """12"""

    def write_text(self):
        for number in range(8):
            self.write(f"text/{number}/a.txt", f"some words of file {number} that go on and on\n" * 400)

    def test_empty(self):
        self.write("text.toml", TEXT)
        (self.folder / "text").mkdir()
        self.assert_names(self.trainhost("run", "text.toml", code=12).err, "text", "textfiles")
        self.assert_names(self.trainhost("run", "text.toml", "textfiles.root=nowhere", code=12).err, "nowhere")

    def test_a_file_vanishes_during_the_run(self):
        self.write_text()
        self.write("text.toml", TEXT)
        process = self.start("run", "text.toml", "max=1000000step", "checkpoint.every=1000000step", "evaluation.heldout.every=50step")
        self.assertTrue(process.wait_for("evaluation heldout at step 50:"), "".join(process.lines))
        shutil.rmtree(self.folder / "text")
        result = process.end()
        self.assertEqual(result.code, 12, result.err)
        self.assert_names(result.err, "a.txt", "saved step")
        run = self.run_folder("text")
        self.assertEqual(run.record()["status"], "failed")
        self.assertEqual(run.events("run_end")[0]["exit_code"], 12)
        steps = loop_state(run.newest())["windows"]
        self.write_text()
        self.trainhost("run", "text.toml", f"max={steps + 2}step", "checkpoint.every=1000000step", "evaluation.heldout.every=50step")
        self.assertEqual(run.events("restored")[0]["step"], steps)

    def test_changed_data_is_refused_on_resume(self):
        self.write_text()
        self.write("text.toml", TEXT)
        self.trainhost("run", "text.toml", "max=3step")
        self.write("text/8/a.txt", "more\n" * 100)
        self.assert_names(self.trainhost("run", "text.toml", "max=5step", code=2).err, "other data", "data_source/textfiles", "--resume-without data")
        self.trainhost("run", "text.toml", "max=5step", "--resume-without", "data")


class Plugins(TestCase):
    """13"""

    def test_errors_in_a_row(self):
        self.write("rule.toml", with_rule("trouble"))
        result = self.trainhost("run", "rule.toml", "trouble.fails_from=6", code=13)
        self.assert_names(result.err, "stopping_rule/trouble", "in trouble on purpose", "3 failures in a row")
        run = self.run_folder("rule")
        self.assertEqual(loop_state(run.newest())["windows"], 8, "the windows before the failure are saved")
        self.trainhost("run", "rule.toml")
        self.assertEqual(run.events("restored")[0]["window"], 8)

    def test_broken_contracts(self):
        self.write("rule.toml", with_rule("unruly"))
        for behaviour, code, words in (("throws", 13, "thrown on purpose"), ("odd_status", 13, "99"), ("overflows", 13, "verdict"), ("unavailable", 13, "come back later"),
                                       ("unknown_stop", 0, "4.20 of 4.00 usd"), ("start_fails", 13, "the door is closed"), ("create_fails", 13, "go together")):
            with self.subTest(behaviour):
                result = self.trainhost("run", "rule.toml", "--name", behaviour, f"unruly.behaviour={behaviour}", code=code)
                self.assert_names(result.err + result.out, words, "unruly")

    def test_files_that_are_no_plugins(self):
        self.write("mlp.toml", MLP)
        self.write("text.so", "not a plugin")
        cut = self.folder / "cut.so"
        cut.write_bytes(next(TEST_PLUGINS.glob("*trouble.so")).read_bytes()[:3000])
        self.assert_names(self.trainhost("run", "mlp.toml", "--plugins", "./text.so", code=13).err, "text.so")
        self.assert_names(self.trainhost("run", "mlp.toml", "--plugins", "./cut.so", code=13).err, "cut.so")

    def test_files_of_other_machines_versions_and_builds(self):
        self.write("mlp.toml", MLP)
        rule, model = next(TEST_PLUGINS.glob("*trouble.so")).read_bytes(), next(TEST_PLUGINS.glob("*greedy.so")).read_bytes()
        machine = 18  # e_machine, two bytes
        torch = re.search(rb'"torch_build":"(\d+\.\d+\.\d+)', model)[1]
        cases = (("machine", rule[:machine] + bytes([183, 0]) + rule[machine + 2:], ["AArch64", "build it for this machine"]),
                 ("foreign", (BUILD / "foreign_engine/libtrainhost_engine.so").read_bytes(), ["no trainhost plugin", "trainhost_add_plugin()"]),
                 ("major", rule.replace(b'"abi":1,', b'"abi":9,'), ["speaks ABI 9", "this host speaks ABI 1"]),
                 ("minor", rule.replace(b'"min_host_minor":0,', b'"min_host_minor":7,'), ["needs host ABI 1.7", "TRAINHOST_TARGET_MINOR"]),
                 ("torch", model.replace(b'"torch_build":"' + torch, b'"torch_build":"' + b"9" * len(torch)), ["9" * len(torch), torch.decode(), "build the plugin again"]))
        for name, content, words in cases:
            with self.subTest(name):
                (self.folder / f"{name}.so").write_bytes(content)
                self.assert_names(self.trainhost("run", "mlp.toml", "--plugins", f"./{name}.so", code=13).err, f"{name}.so", *words)
        self.assertFalse((self.folder / "runs").exists())

    def test_two_plugins_of_one_name(self):
        self.write("rule.toml", with_rule("trouble"))
        shutil.copy(next(TEST_PLUGINS.glob("*trouble.so")), self.folder / "copy.so")
        self.assert_names(self.trainhost("run", "rule.toml", code=13, TRAINHOST_PLUGIN_PATH=str(self.folder)).err, "stands in two files", "copy.so", "remove one")
        self.trainhost("run", "rule.toml", "--plugins", "./copy.so")


class Checkpoints(TestCase):
    """14 and 16"""

    def test_damage_is_reported_and_the_older_used(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=10step")
        run = self.run_folder("mlp")
        steps = [loop_state(path)["windows"] for path in run.checkpoints()]
        weights = run.newest() / "weights.safetensors"
        newest = run.newest().name
        damaged = bytearray(weights.read_bytes())
        damaged[-5] ^= 0x10
        weights.write_bytes(damaged)
        result = self.trainhost("run", "mlp.toml", "max=12step")
        self.assert_names(result.err, "damaged", "weights.safetensors", newest)
        self.assertEqual(run.events("restored")[0]["step"], steps[-2])
        run.losses()  # are the same when steps are done again

    def test_every_region(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=10step", "checkpoint.every=2step", "checkpoint.keep_last=9")
        run = self.run_folder("mlp")
        damage = {"data": ("weights.safetensors", -5), "header": ("weights.safetensors", 9), "manifest": ("manifest.json", 20), "commit": ("commit", 5)}
        for (name, place), checkpoint in zip(damage.values(), reversed(run.checkpoints())):
            content = bytearray((checkpoint / name).read_bytes())
            content[place] ^= 0x04
            (checkpoint / name).write_bytes(content)
        result = self.trainhost("run", "mlp.toml", "max=12step", "checkpoint.every=2step", "checkpoint.keep_last=9")
        warnings = [line for line in result.err.splitlines() if "damaged in its" in line]
        self.assertEqual(len(warnings), 4, result.err)
        for region, line in zip(damage, warnings):
            self.assertIn(f"damaged in its {region} ", line)
        self.assertEqual(run.events("restored")[0]["step"], 2)

    def test_all_damaged(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=10step")
        run = self.run_folder("mlp")
        for path in run.checkpoints():
            (path / "manifest.json").write_text("{}")
        before = sorted(run.path.rglob("checkpoints/**"))
        result = self.trainhost("run", "mlp.toml", "max=12step", code=14)
        self.assert_names(result.err, "manifest")
        self.assertEqual(sorted(run.path.rglob("checkpoints/**")), before, "nothing is removed")
        self.trainhost("run", "mlp.toml", "max=12step", "--resume", "never")
        self.assertEqual(loop_state(self.run_folder("mlp-2").newest())["windows"], 12)

    @unittest.skipUnless(os.geteuid() == 0, "mounts a small disk")
    def test_a_full_disk(self):
        runs = self.folder / "runs"
        runs.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", runs], capture_output=True).returncode != 0:
            self.skipTest("no right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", runs], check=True)
        self.write("mlp.toml", MLP)
        result = self.trainhost("run", "mlp.toml", "mlp.widths=[256,256]", code=16)
        self.assert_names(result.err, "checkpoint of step 5 was not saved", "space")
        self.assertEqual(list((runs / "mlp" / "checkpoints").glob("step-*/commit")), [])


    def test_a_limit_on_the_size_of_files(self):
        """The kernel says so with a signal, which would end the process."""
        self.write("mlp.toml", MLP)
        command = ["sh", "-c", 'ulimit -f 256; exec "$@"', "sh", str(PROGRAM), "run", "mlp.toml", "mlp.widths=[256,256]"]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 16, done.stderr)
        self.assert_names(done.stderr, "checkpoint of step 5 was not saved", "File too large")


class Memory(TestCase):
    """15"""

    def setUp(self):
        super().setUp()
        self.write("greedy.toml", f'plugin_path = ["{TEST_PLUGINS}"]\n' + MLP.replace('"mlp"', '"greedy"').replace("[mlp]\nwidths = [16]\n", "").replace("micro_batches = 2", "micro_batches = 4"))

    def test_smaller_pieces_give_the_same_numbers(self):
        self.trainhost("run", "greedy.toml", "--name", "roomy", "greedy.max_samples=64", "accum.micro_batch_samples=8", "evaluation.heldout.micro_batch_samples=2")
        result = self.trainhost("run", "greedy.toml", "--name", "tight", "greedy.max_samples=2", "accum.micro_batch_samples=8", "evaluation.heldout.micro_batch_samples=2")
        self.assert_names(result.err, "out of device memory")
        roomy, tight = self.run_folder("roomy"), self.run_folder("tight")
        self.assertEqual([event["micro_batch_samples"] for event in tight.events("out_of_memory")], [4, 2])
        self.assertEqual(roomy.record()["amounts"]["samples"], tight.record()["amounts"]["samples"])
        for key, value in roomy.evaluations().items():
            self.assertAlmostEqual(value, tight.evaluations()[key], delta=1e-6)

    def test_evaluation_takes_smaller_pieces_too(self):
        self.trainhost("run", "greedy.toml", "greedy.max_samples=2", "accum.micro_batch_samples=8")

    def test_one_sample_does_not_fit(self):
        result = self.trainhost("run", "greedy.toml", "greedy.max_samples=0", code=15)
        self.assert_names(result.err, "one sample does not fit")
        self.assertEqual(self.run_folder("greedy").events("run_end")[0]["exit_code"], 15)


class Gates(TestCase):
    """20"""

    def test_smoke_finds_what_would_fail_late(self):
        self.write("rule.toml", with_rule("trouble"))
        result = self.trainhost("smoke", "rule.toml", "trouble.loads=false", code=20)
        self.assert_names(result.out, "load", "FAILED", "cannot read what was saved", "smoke FAILED")
        self.assertFalse((self.folder / "runs").exists())
        phases = self.trainhost("smoke", "rule.toml", "trouble.fails_from=1", "--json", code=20).json()["phases"]
        self.assertIn("in trouble on purpose", phases[-1]["problem"])


class Signals(TestCase):
    """75 and 130"""

    def test_twice_aborts_while_a_plugin_blocks(self):
        self.write("rule.toml", with_rule("trouble"))
        process = self.start("run", "rule.toml", "trouble.blocks_at=7")
        self.assertTrue(process.wait_for("the rule blocks"), "".join(process.lines))
        process.signal(signal.SIGINT)
        self.assertTrue(process.wait_for("once more aborts"))
        process.signal(signal.SIGINT)
        result = process.end()
        self.assertEqual(result.code, 130)
        self.trainhost("run", "rule.toml")
        self.assertEqual(self.run_folder("rule").events("restored")[0]["step"], 5)

    def test_once_while_the_run_starts(self):
        self.write("mlp.toml", MLP)
        process = self.start("run", "mlp.toml", "max=10000000step", "evaluation.heldout.every=10step")
        self.assertTrue(process.wait_for("^plugins"))
        process.signal(signal.SIGTERM)
        result = process.end()
        self.assertEqual(result.code, 75, result.err)

    def test_twice_while_the_run_starts(self):
        self.write("rule.toml", with_rule("trouble"))
        process = self.start("run", "rule.toml", "trouble.waits_at=0")
        self.assertTrue(process.wait_for("the rule waits"), "".join(process.lines))
        process.signal(signal.SIGINT)
        self.assertTrue(process.wait_for("once more aborts"))
        process.signal(signal.SIGINT)
        self.assertEqual(process.end().code, 130)

    def test_a_dry_run_and_a_smoke_end_and_leave_nothing(self):
        self.write("rule.toml", with_rule("trouble"))
        temporary = self.folder / "tmp"
        temporary.mkdir()
        for command in (("run", "rule.toml", "--dry-run", "trouble.waits_at=0"), ("smoke", "rule.toml", "trouble.waits_at=2")):
            (self.folder / "go").unlink(missing_ok=True)
            before = sorted(self.folder.rglob("*"))
            process = self.start(*command, TMPDIR=str(temporary))
            self.assertTrue(process.wait_for("the rule waits"), "".join(process.lines))
            process.signal(signal.SIGINT)
            self.assertTrue(process.wait_for("ending and removing"))
            self.write("go", "")
            result = process.end()
            self.assertEqual(result.code, 130, result.err)
            (self.folder / "go").unlink()
            self.assertEqual(sorted(self.folder.rglob("*")), before, command)

    def test_sampling_ends_at_once(self):
        self.write("gpt.toml", GPT)
        self.trainhost("run", "gpt.toml", "max=1step")
        process = self.start("sample", "runs/gpt", "--length", "100000000")
        while not process.blocks(signal.SIGTERM):
            self.assertIsNone(process.popen.poll(), "ended before the signal could be sent")
        process.signal(signal.SIGTERM)
        result = process.end()
        self.assertEqual(result.code, 130, result.err)
        self.assertIn("SIGTERM: aborted", result.err)


if __name__ == "__main__":
    main()
