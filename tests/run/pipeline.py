"""Reading ahead, seen from outside: threads that size themselves, the bill of waiting, bounded memory, and reads that hang."""

import time

from harness import MLP, SMALL_JOB, TEST_PLUGINS, TestCase, main


def with_sluggish(config):
    return f'plugin_path = ["{TEST_PLUGINS}"]\n' + config.replace("threads = 2\n", 'decorators = ["sluggish"]\n', 1)


class Pipeline(TestCase):
    def train(self, name, *overrides, code=0):
        result = self.trainhost("run", "mlp.toml", "--name", name, *overrides, code=code)
        return result, self.run_folder(name)

    def test_auto_gives_the_samples_of_one_thread_and_says_what_it_chose(self):
        self.write("mlp.toml", with_sluggish(MLP))
        _, one = self.train("one", "data.threads=1", "max=80step")
        result, auto = self.train("auto", "sluggish.decode_ms=30", "max=80step")
        self.assertRegex(result.err, r"data threads +auto: \d+ reading to begin with, at most \d+ of \d+ cores, up to 2 GiB ahead")
        self.assertEqual(one.losses(), auto.losses())
        self.assertTrue(auto.events("data_threads"))  # a source that sleeps wants more of them, whatever the cores
        for choice in auto.events("data_threads"):
            self.assertLessEqual(choice["threads"], choice["most"])

    def test_the_bill_names_the_stage_the_time_and_the_money(self):
        self.write("mlp.toml", with_sluggish(MLP))
        result, run = self.train("slow", "data.threads=1", "sluggish.decode_ms=40", "price_per_hour=36")
        self.assertIn(": decode limits (read ", result.out)
        self.assertIn("; 1 thread, ", result.out)
        report = run.events("data_report")[0]
        self.assertEqual(report["limits"], "decode")
        self.assertEqual(report, report | run.record()["data"])
        self.assertAlmostEqual(report["waited_cost"], report["waited_seconds"] / 100)
        self.assertGreater(report["thread_seconds"], 0.04 / 4)  # micro-batches of four
        waits = run.events("data_wait")
        self.assertEqual(sum(event["windows"] for event in waits), 20)
        self.assertGreater(sum(event["decode"] for event in waits), 0.5 * sum(event["host_seconds"] for event in waits))
        for event in waits:
            self.assertAlmostEqual(event["read"] + event["decode"] + event["transform"] + event["copy"], event["host_seconds"], places=6)
            self.assertGreaterEqual(event["device_seconds"], event["device_copy_seconds"])
        self.assertIn(" decode  ", result.err)  # the progress line

    def test_a_read_that_hangs_ends_the_run_with_a_checkpoint(self):
        self.write("mlp.toml", with_sluggish(MLP))
        rarely = ["checkpoint.every=1000step", "evaluation.heldout.every=1000step", "evaluation.heldout.sluggish.hangs_at=5000"]
        began = time.monotonic()
        result, run = self.train("hangs", "sluggish.hangs_at=17", "data.stall_timeout=1s", *rarely, code=12)
        self.assertRegex(result.err, r"data set train: data_source/sluggish: reading samples .*17.* has not moved for 1.\ds \(data.stall_timeout\)")
        self.assertLess(time.monotonic() - began, 60)  # it does not wait for what never returns
        self.assertEqual(run.events("run_end")[0]["exit_code"], 12)
        self.assertEqual(run.record()["exit_code"], 12)
        self.assertEqual(len(run.checkpoints()), 1)
        self.train("hangs", "sluggish.hangs_at=5000", *rarely)

    def test_an_evaluation_that_hangs_ends_the_run_too(self):
        self.write("mlp.toml", with_sluggish(MLP))
        hanging = ["evaluation.heldout.sluggish.hangs_at=17", "data.stall_timeout=1s"]
        for command in (["run", "mlp.toml", "--name", "held", *hanging], ["evaluate", "runs/held"]):
            result = self.trainhost(*command, code=12)
            self.assertIn("data set heldout: data_source/sluggish: reading samples ", result.err)

    def test_a_source_that_ends_its_thread_ends_the_run(self):
        self.write("mlp.toml", with_sluggish(MLP))
        result, run = self.train("ends", "sluggish.ends_at=17", code=12)
        self.assertIn("was ended inside of the source", result.err)
        self.assertEqual(len(run.checkpoints()), 1)

    def test_memory_is_kept_below_the_key_or_refused(self):
        self.write("mlp.toml", MLP)
        _, free = self.train("free", "data.prefetch=64")
        _, bounded = self.train("bounded", "data.prefetch=64", "data.memory=4KiB")
        self.assertEqual(free.losses(), bounded.losses())
        self.assertLessEqual(bounded.events("data_report")[0]["peak_bytes"], 4096)
        self.assertGreater(free.events("data_report")[0]["peak_bytes"], 4096)
        result, _ = self.train("none", "data.memory=256B", code=2)
        self.assertIn("a batch of 4 samples takes ", result.err)
        self.assertIn("data.memory allows 256 B", result.err)
        result, _ = self.train("words", "data.memory=much", code=2)
        self.assertIn('data.memory: "much" is no size of memory', result.err)


MIXTURE = """
max = ["20step"]
plugins = ["fp32", "accum", "synthetic", "gpt", "adamw", "cosine", "localckpt"]
[synthetic]
task = "tokens"
vocabulary = 256
context_length = 16
[textfiles]
context_length = 16
[data.mixture.numbers]
weight = 0.75
synthetic.samples = 100
[data.mixture.prose]
weight = 0.25
source = "textfiles"
textfiles.root = "prose"
textfiles.split = "all"
[evaluation.heldout]
every = "10step"
synthetic.samples = 8
[gpt]
layers = 1
heads = 1
width = 8
""" + SMALL_JOB


class Mixture(TestCase):
    def setUp(self):
        super().setUp()
        self.write("mixture.toml", MIXTURE)
        (self.folder / "prose").mkdir()
        (self.folder / "prose" / "a.txt").write_text("It was the best of times, it was the worst of times. " * 20)

    def train(self, name, *overrides, code=0):
        return self.trainhost("run", "mixture.toml", "--name", name, *overrides, code=code)

    def test_sources_of_two_plugins_are_mixed_by_weight_and_resumed_exactly(self):
        result = self.train("straight")
        straight = self.run_folder("straight")
        parts = straight.events("data_report")[0]["parts"]
        self.assertEqual({name: part["samples"] for name, part in parts.items()}, {"numbers": 240, "prose": 80})
        self.assertIn("; mixture of numbers: 240 samples", result.out)
        for steps, threads in ((7, 1), (13, 3), (20, 2)):
            self.train("cut", f"max={steps}step", "cosine.length=20step", f"data.threads={threads}")
        self.assert_same_state(straight.newest(), self.run_folder("cut").newest())
        parts = self.run_folder("cut").events("data_report")[-1]["parts"]
        self.assertEqual(parts["prose"]["samples"], 80)

    def test_other_weights_and_other_data_are_another_run(self):
        self.train("first")
        result = self.train("first", "data.mixture.prose.weight=0.5", "max=30step", code=2)
        self.assertIn("data.mixture.prose.weight: 0.25 in the checkpoint, 0.5 now", result.err)
        prose = self.folder / "prose" / "a.txt"
        text = prose.read_text()
        prose.write_text("Call me Ishmael. " * 50)
        result = self.train("first", "max=30step", code=2)
        self.assertIn("what data.mixture reads has changed since", result.err)
        prose.write_text(text)
        self.train("first", "data.mixture.prose.weight=0.5", "max=30step", "--resume-without", "data.mixture.prose.weight")

    def test_a_window_is_shown_as_a_run_reads_it(self):
        shown = self.trainhost("data", "show", "mixture.toml", "--step", "3", "--json").json()
        self.assertEqual((shown["source"], shown["samples"]), ("data.mixture", 16))
        ids = [id for batch in shown["micro_batches"] for id in batch["ids"]]
        self.assertEqual(sum(id < 100 for id in ids), 12)  # the part "numbers" comes first, and has three of four

    def test_parts_that_differ_are_refused_with_both_names(self):
        result = self.train("odd", "data.mixture.prose.textfiles.context_length=32", code=12)
        self.assertRegex(result.err, r'the parts "numbers" \(data_source/synthetic\) and "prose" \(data_source/textfiles\) do not agree: field 0 .* has the shape \[16\] and \[32\]')


if __name__ == "__main__":
    main()
