"""The sub-commands: what they print where, what they leave behind, and what they never do."""

import json
import os
import re
import subprocess
import time
import unittest

from harness import BUILD, GPT, MLP, PROGRAM, TEST_PLUGINS, TestCase, main

TEXT = """
max = ["6step"]
plugins = ["fp32", "accum", "textfiles", "gpt", "adamw", "constant", "localckpt"]
[execution]
threads = 1
[textfiles]
root = "text"
glob = ["**/*.txt"]
context_length = 16
[evaluation.heldout]
every = "3step"
textfiles.split = "heldout"
[gpt]
layers = 1
heads = 1
width = 8
[sample]
prompt = "some"
length = 12
"""


class DryRun(TestCase):
    def tree(self):
        return sorted((str(path.relative_to(self.folder)), path.stat().st_mtime_ns) for path in self.folder.rglob("*"))

    def test_leaves_nothing_behind(self):
        self.write("mlp.toml", MLP)
        temporary = self.folder / "tmp"
        temporary.mkdir()
        before = self.tree()
        result = self.trainhost("run", "mlp.toml", "--dry-run", "price_per_hour=2", TMPDIR=str(temporary))
        self.assertEqual([name for name, _ in self.tree()], [name for name, _ in before])
        self.assert_names(result.err, "plugins", "model/mlp", "parameters", "expected duration", "expected cost", "20step", "nothing was trained")
        self.assertEqual(result.out, "")

    def test_leaves_nothing_in_other_checkpoint_places(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "--dry-run", "checkpoint.uri=file:deep/er/place", "--out", "other/runs")
        self.assertEqual([name for name, _ in self.tree()], ["mlp.toml"])

    def test_over_a_run_that_would_go_on(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=5step")
        before = self.tree()
        self.trainhost("run", "mlp.toml", "max=10step", "--dry-run")
        after = dict(self.tree())
        self.assertEqual({name for name, _ in before}, set(after))
        for name, modified in before:
            if (self.folder / name).is_file():
                self.assertEqual(after[name], modified, name)

    def test_finds_what_is_wrong(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "--dry-run", "synthetic.task=tokens", code=2)
        self.write("file", "")
        self.trainhost("run", "mlp.toml", "--dry-run", "checkpoint.uri=file:file/below", code=16)


class Smoke(TestCase):
    def test_passes_and_opens_the_gate(self):
        self.write("mlp.toml", MLP)
        refused = self.trainhost("run", "mlp.toml", "require_smoke=true", code=2)
        self.assert_names(refused.err, "has not passed smoke", "trainhost smoke")
        result = self.trainhost("smoke", "mlp.toml", "--device", "cpu", "require_smoke=true")
        self.assert_names(result.out, "train, evaluate", "load", "log", "peak memory", "smoke passed")
        self.assertFalse((self.folder / "runs").exists(), "smoke leaves nothing")
        self.trainhost("run", "mlp.toml", "require_smoke=true")
        for other in ("mlp.widths=[32]", "checkpoint.uri=file:elsewhere", "evaluation.heldout.synthetic.samples=33"):
            self.trainhost("run", "mlp.toml", "require_smoke=true", other, "--name", "other", code=2)

    def test_a_pass_counts_for_a_day(self):
        self.write("mlp.toml", MLP)
        self.trainhost("smoke", "mlp.toml")
        (record,) = (self.folder / "cache/smoke").iterdir()
        day = 24 * 3600 * 10**9
        text = record.read_text()
        for name, age, code in (("in_time", day - 600 * 10**9, 0), ("late", day + 10**9, 2)):
            record.write_text(json.dumps(json.loads(text) | {"unix_ns": time.time_ns() - age}))
            result = self.trainhost("run", "mlp.toml", "require_smoke=true", "--name", name, code=code)
        self.assert_names(result.err, "a day at most counts", "trainhost smoke")

    def test_json_and_text(self):
        for number in range(8):
            self.write(f"text/{number}/a.txt", f"some words of file {number} that go on\n" * 100)
        self.write("text.toml", TEXT)
        answer = self.trainhost("smoke", "text.toml", "--json").json()
        self.assertTrue(answer["passed"])
        self.assertIn("sample", [phase["phase"] for phase in answer["phases"]])
        self.assertGreater(answer["memory_bytes"], 0)


class FinishedRuns(TestCase):
    def setUp(self):
        super().setUp()
        for number in range(8):
            self.write(f"text/{number}/a.txt", f"some words of file {number} that go on\n" * 100)
        self.write("text.toml", TEXT)
        self.result = self.trainhost("run", "text.toml")

    def test_sample_and_evaluate(self):
        self.assertIn("bits per byte", self.result.out)
        self.assertEqual(len(list((self.folder / "runs/text/samples").iterdir())), 1)
        sample = ("sample", "runs/text", "--prompt", "#include", "--length", "7", "--seed", "3")
        once = self.trainhost(*sample).out
        self.assertTrue(once.startswith("#include"))
        self.assertEqual(once, self.trainhost(*sample).out)
        self.assertEqual("#include" + self.trainhost(*sample, "--json").json()["text"], once.removesuffix("\n"))
        likeliest = self.trainhost(*sample, "--temperature", "0").out
        self.assertEqual(likeliest, self.trainhost(*sample, "--top-k", "1").out, "of one token there is no choice")
        self.assertEqual(once, self.trainhost(*sample, "--top-k", "0").out, "0: all of them")
        run = self.run_folder("text")
        before = sorted(run.path.rglob("*"))
        values = self.trainhost("evaluate", "runs/text", "--json").json()["sets"]["heldout"]
        self.assertEqual(values["loss"]["value"], run.evaluations()[(6, "heldout", "loss")], "the same pass gives the same value")
        self.assert_names(self.trainhost("evaluate", "runs/text").out, "heldout", "loss", "perplexity", "bits_per_byte", "accuracy")
        self.assertEqual(sorted(run.path.rglob("*")), before, "neither changes the run folder")

    def test_on_another_device_than_the_run_s(self):
        config = self.folder / "runs/text/config.toml"
        config.write_text(re.sub(r'(?m)^device = .*$', 'device = "cuda:77"', config.read_text()))  # is on no machine
        self.assertIn('device = "cuda:77"', config.read_text())
        self.assert_names(self.trainhost("sample", "runs/text", code=2).err, "cuda:77")
        self.trainhost("sample", "runs/text", "--device", "cpu")
        values = self.trainhost("evaluate", "runs/text", "--json", "--device", "cpu").json()["sets"]["heldout"]
        self.assertEqual(values["loss"]["value"], self.run_folder("text").evaluations()[(6, "heldout", "loss")])

    def test_other_checkpoints_and_bad_words(self):
        run = self.run_folder("text")
        first = run.checkpoints()[0].name
        self.assertEqual(self.trainhost("evaluate", "runs/text", "--json", "--checkpoint", first).json()["checkpoint"], first)
        self.assert_names(self.trainhost("evaluate", "runs/text", "--checkpoint", "step-9", code=14).err, "step-9")
        self.assert_names(self.trainhost("sample", "runs/nothing", code=2).err, "runs/nothing")
        self.assert_names(self.trainhost("sample", code=2).err, "RUN")


class StoppingEarly(TestCase):
    def test_ends_on_the_weights_of_the_best_evaluation(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "--plugins", "earlystop,constant", "max=1000step", "adamw.learning_rate=0.5", "earlystop.patience=3", "earlystop.restore_best=true")
        run = self.run_folder("mlp")
        self.assertEqual(run.record()["ended_by"], "stopping_rule/earlystop")
        losses = {step: value for (step, name, metric), value in run.evaluations().items() if (name, metric) == ("heldout", "loss")}
        best = min(losses, key=losses.get)
        self.assertLess(best, max(losses))
        answer = self.trainhost("evaluate", "runs/mlp", "--json").json()
        self.assertEqual((answer["step"], answer["sets"]["heldout"]["loss"]["value"]), (best, losses[best]))


class Streams(TestCase):
    def test_json_is_alone_on_stdout(self):
        self.write("mlp.toml", MLP)
        result = self.trainhost("run", "mlp.toml", "--json")
        answer = result.json()
        self.assertEqual((answer["exit_code"], answer["status"], answer["run_folder"]), (0, "finished", "runs/mlp"))
        self.assertIn("heldout/loss", answer["evaluation"])
        self.assert_names(result.err, "plan", "where time went")
        self.assertNotIn("\x1b", result.err + result.out)

    def test_the_order_of_what_people_see(self):
        self.write("mlp.toml", MLP)
        result = self.trainhost("run", "mlp.toml")
        console = (self.folder / "runs/mlp/console.log").read_text()
        for text in (result.err, console):
            places = [text.index(words) for words in ("plugins\n", "plan\n", "evaluation heldout at step 5", "evaluation heldout at step 20")]
            self.assertEqual(places, sorted(places))
        for text in (result.out, console):
            places = [text.index(words) for words in ("max = 20step is reached", "where time went", "run folder")]
            self.assertEqual(places, sorted(places))
        quiet = self.trainhost("run", "mlp.toml", "-q", "--name", "quiet")
        self.assertEqual(quiet.err, "")
        self.assertIn("where time went", quiet.out)

    def test_colours(self):
        self.write("mlp.toml", MLP)
        self.assertIn("\x1b", self.trainhost("run", "mlp.toml", "--dry-run", CLICOLOR_FORCE="1").err)
        self.assertNotIn("\x1b", self.trainhost("run", "mlp.toml", "--dry-run", CLICOLOR_FORCE="1", NO_COLOR="1").err)

    def test_every_line_of_the_log_is_documented(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=10step", "price_per_hour=1", "checkpoint.good_after=2")
        self.trainhost("run", "mlp.toml", "max=14step", "price_per_hour=1", "adamw.learning_rate=1e30", "cosine.floor=1", "--resume-without", "adamw",
                       "--resume-without", "cosine", code=11)
        kinds = {}
        for line in self.trainhost("help", "events").out.splitlines():
            if found := re.match(r"(\w+): ", line):
                fields = kinds.setdefault(found[1], set())
            elif found := re.match(r"  (\w+) +\w", line):
                fields.add(found[1])
        seen = set()
        for number, event in enumerate(self.run_folder("mlp").events()):
            self.assertEqual(event["v"], 1)
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual(event["seq"], number, "numbers go on over resumes")
            unknown = event.keys() - kinds[event["event"]] - {"v", "seq", "time", "event"}
            self.assertEqual(unknown, set(), event["event"])
            seen.add(event["event"])
        self.assertLessEqual({"run_start", "plan", "step", "evaluation", "checkpoint_saved", "checkpoint_verified", "checkpoint_good", "restored", "skipped", "stop", "ledger", "run_end"}, seen)


class Plugins(TestCase):
    def test_list_and_info_run_no_plugin_code(self):
        strace_free = self.trainhost("plugins", "list", "--json", TRAINHOST_PLUGIN_PATH=str(TEST_PLUGINS), LD_DEBUG="files", LD_DEBUG_OUTPUT=str(self.folder / "ld"))
        opened = "".join(path.read_text() for path in self.folder.glob("ld.*"))
        self.assertTrue(opened)
        for plugin in strace_free.json()["plugins"]:
            self.assertNotIn(os.path.basename(plugin["file"]), opened)
        names = {(plugin["kind"], plugin["name"]) for plugin in strace_free.json()["plugins"]}
        self.assertLessEqual({("model", "gpt"), ("stopping_rule", "trouble"), ("checkpoint_backend", "localckpt")}, names)
        table = self.trainhost("plugins", "list").out
        self.assert_names(table.splitlines()[0], "NAME", "KIND", "VERSION", "TIER", "FILE", "SUMMARY")

    def test_info(self):
        self.assert_names(self.trainhost("plugins", "info", "amp").out, "precision_policy/amp", "dtype", "auto")
        self.assertIn("learning_rate", self.trainhost("plugins", "info", "adamw", "--json").json()["schema"]["properties"])
        self.assert_names(self.trainhost("plugins", "info", "adamq", code=13).err, "adamq", "adamw")
        file = next(TEST_PLUGINS.glob("*trouble.so"))
        self.assertIn("stopping_rule/trouble", self.trainhost("plugins", "info", file).out)


class Words(TestCase):
    def test_config(self):
        self.write("mlp.toml", MLP)
        shown = self.trainhost("config", "show", "mlp.toml", "seed=3", "--origins", TRAINHOST__CLIP_NORM="2.5").out
        self.assertRegex(shown, r"seed = 3 +#.*seed=3")
        self.assertRegex(shown, r"clip_norm = 2\.5 +#.*TRAINHOST__CLIP_NORM")
        self.assertRegex(shown, r"learning_rate = .* +#.*mlp\.toml:\d+:\d+")
        self.trainhost("config", "check", "mlp.toml")
        self.assertFalse((self.folder / "runs").exists())
        self.assert_names(self.trainhost("config", "check", "mlp.toml", "adamw.beta3=1", code=2).err, "adamw.beta3", "beta")
        schema = self.trainhost("config", "schema").json()
        self.assertIn("gpt", json.dumps(schema))
        self.write("round.toml", shown)
        self.assertEqual(self.trainhost("config", "show", "mlp.toml", "seed=3", "--json", TRAINHOST__CLIP_NORM="2.5").json()["trajectory_hash"],
                         self.trainhost("config", "show", "round.toml", "--json").json()["trajectory_hash"])

    def test_version_and_help(self):
        version = self.trainhost("--version", "--json").json()
        self.assertLessEqual({"trainhost", "abi", "torch_build"}, version.keys())
        overview = self.trainhost("--help").out
        for command in ("run", "smoke", "sample", "evaluate", "ckpt", "data", "plugins", "config", "help", "completion"):
            self.assertIn(command, overview)
            self.assertIn("usage: trainhost", self.trainhost(command, "--help").out)
        for topic in ("config", "intervals", "overrides", "plugins", "resume", "exit-codes", "run-folder", "events"):
            self.assertGreater(len(self.trainhost("help", topic).out.splitlines()), 3, topic)

    def test_the_man_page_is_the_help(self):
        page = (BUILD / "docs" / "trainhost.1").read_text()
        self.assertTrue(page.splitlines()[1].startswith(".TH TRAINHOST"), page[:300])
        for section in ("NAME", "DESCRIPTION", "ENVIRONMENT", "FILES", "SEE ALSO"):
            self.assertRegex(page, rf'(?m)^\.SH "?{section}"?$')
        plain = re.sub(r"\\f[A-Z]", "", page).replace("\\-", "-").replace("\\&", "").replace("\\(cq", "'")
        words = re.findall(r"(?m)^  +(-?-?[a-z][a-z-]*)", self.trainhost("--help").out)
        self.assertGreater(len(words), 15)
        for word in words:
            self.assertIn(word, plain)

    def test_nearest_names(self):
        self.assert_names(self.trainhost("smok", code=2).err, "smok", 'did you mean "smoke"')
        self.assert_names(self.trainhost("help", "intervalls", code=2).err, 'did you mean "intervals"')
        self.assert_names(self.trainhost("run", "--resum", "never", code=2).err, 'did you mean "--resume"')
        self.assert_names(self.trainhost("plugins", "lst", code=2).err, 'did you mean "list"')
        self.write("mlp.toml", MLP)
        self.assert_names(self.trainhost("run", "mlp.toml", "evaluation.heldot.every=3step", code=2).err, "heldot")

    def complete(self, *words):
        script = self.folder / "completion.bash"
        script.write_text(self.trainhost("completion", "bash").out)
        asked = f'source "{script}"; COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; _trainhost; printf "%s\\n" "${{COMPREPLY[@]}}"'
        return subprocess.run(["bash", "--norc", "-c", asked], capture_output=True, text=True, check=True, cwd=self.folder).stdout.split()

    def test_completion(self):
        self.assertEqual(self.complete("trainhost", "sm"), ["smoke"])
        self.assertEqual(self.complete("trainhost", "eval"), ["evaluate"])
        self.assertIn("--resume-without", self.complete("trainhost", "run", "--res"))
        self.assertEqual(self.complete("trainhost", "sample", "--pro"), ["--prompt"])
        self.assertEqual(self.complete("trainhost", "plugins", "expl"), ["explain"])
        self.assertEqual(self.complete("trainhost", "ckpt", "ve"), ["verify"])
        self.assertEqual(self.complete("trainhost", "ckpt", "prune", "--keep-l"), ["--keep-last"])
        self.assertEqual(self.complete("trainhost", "data", "sh"), ["show"])
        self.assertEqual(self.complete("trainhost", "data", "cache", "v"), ["verify"])
        self.assertEqual(self.complete("trainhost", "plugins", "new", "stop"), ["stopping_rule"])
        self.write("job.toml", "")
        self.assertEqual(self.complete("trainhost", "jo"), ["job.toml"])

    def test_the_default_job(self):
        shown = self.trainhost("config", "show", "--plugins", "amp,accum,localckpt").out
        self.assert_names(shown, "textfiles", "gpt", "quickstart")

    def test_one_config_at_most(self):
        for command in ("run", "smoke"):
            self.assert_names(self.trainhost(command, "a.toml", "b.toml", code=2).err, f"{command} takes one CONFIG", "a.toml and b.toml", "include")

    def test_flags_and_bare_words(self):
        self.write("mlp.toml", MLP)
        result = self.trainhost("run", "mlp.toml", "--set", "max=2step", "name=bare", "--name", "flag", "-v")
        self.assert_names(result.err, "model/mlp: config {", '"widths":[16]')
        record = self.run_folder("flag").record()
        self.assertEqual(record["max"], ["2step"])
        self.assertEqual(record["argv"], ["run", "mlp.toml", "--set", "max=2step", "name=bare", "--name", "flag", "-v"])
        quiet = self.trainhost("run", "mlp.toml", "max=2step", "--name", "quiet", "-q")
        self.assertEqual(quiet.err, "")

    def test_starts_at_once_and_without_libtorch(self):
        needed = subprocess.run(["readelf", "-d", PROGRAM], capture_output=True, text=True).stdout
        self.assertNotIn("torch", needed.split("RUNPATH")[0])
        self.trainhost("--version", LD_LIBRARY_PATH="")

    def test_trains_with_an_empty_library_path(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=1step", LD_LIBRARY_PATH="")


if __name__ == "__main__":
    main()
