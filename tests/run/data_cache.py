"""The cache around a source: the same run with it and without, preprocessing paid once, and the tools that look after what is kept."""

import os
import re
import unittest

import numpy
from harness import SMALL_JOB, TestCase, main, tensors

CONFIG = """
max = ["{steps}step"]
plugins = ["fp32", "accum", "table", "mlp", "adamw", "constant", "localckpt"{more}]
[table]
files = "rows-*.csv"
fields = ["x float32 a b c", "y class kind values=u,v role=target"]
heldout_fraction = 0.3
[evaluation.heldout]
every = "10step"
table.split = "heldout"
[mlp]
widths = [8]
""" + SMALL_JOB


class DataCache(TestCase):
    def setUp(self):
        super().setUp()
        random = numpy.random.default_rng(3)
        for number in range(3):
            rows = ["a,b,c,kind"] + [f"{a:.3f},{b:.3f},{c:.3f},{'u' if a + b > c else 'v'}" for a, b, c in random.normal(size=(40, 3))]
            self.write(f"rows-{number}.csv", "\n".join(rows) + "\n")

    def train(self, name, steps=20, more="", *arguments):
        self.write(f"{name}.toml", CONFIG.format(steps=steps, more=more))
        self.trainhost("run", f"{name}.toml", *arguments)
        return self.run_folder(name)

    def counts(self, run):
        """Hits and misses of all data sets, as the last session has logged them at its end."""
        log = (run.path / "console.log").read_text().split("plugins ")[-1]
        found = [list(map(int, pair)) for pair in re.findall(r"cache: (\d+) samples out of the cache, (\d+) read from the source", log)]
        self.assertEqual(len(found), 2, log)
        return [sum(pair) for pair in zip(*found)]

    def kept(self, verb, *arguments, code=0):
        return self.trainhost("data", "cache", verb, "--json", *arguments, code=code).json()["data_source/cache"]

    def segments(self):
        return sorted((self.folder / "cache/samples").rglob("*.samples"))

    def assert_same_run(self, a, b):
        self.assertEqual(a.losses(), b.losses())
        self.assertEqual(a.evaluations(), b.evaluations())
        self.assertEqual(tensors(a.newest(), "weights"), tensors(b.newest(), "weights"))

    def test_a_run_is_the_same_with_it_and_a_second_run_reads_nothing_from_the_source(self):
        plain, first, second = self.train("plain"), self.train("first", 20, ', "cache"'), self.train("second", 20, ', "cache"')
        self.assert_same_run(plain, first)
        self.assert_same_run(plain, second)
        hits, misses = self.counts(first)
        self.assertIn(misses, range(120, 136))  # each sample once, the training set and the held-out one; twice where two threads met
        self.assertGreater(hits, 0)  # the second epoch
        self.assertEqual(self.counts(second)[1], 0)
        told = [event["values"] for event in second.events("plugin") if event["topic"] == "cache"]
        self.assertGreater(told[-1]["hits"], 0)
        self.assertEqual(told[-1]["misses"], 0)
        self.assertEqual(len(self.kept("ls")["tables"][0]["rows"]), 2)  # the training set and the held-out one

    def test_a_resume_may_add_it_and_leave_it_out(self):
        straight = self.train("straight")
        self.train("mixed", 10)
        self.train("mixed", 20, ', "cache"')
        mixed = self.train("mixed", 30)
        self.assertEqual({step: loss for step, loss in mixed.losses().items() if step <= 20}, straight.losses())

    def test_the_key_for_decorators_and_the_flag_mean_the_same(self):
        run = self.train("flag", 5, "", "--plugins", "cache")
        self.assertGreaterEqual(sum(self.counts(run)), 80)
        listed = self.train("listed", 5, "", "data.decorators=['cache']")
        self.assert_same_run(run, listed)

    def test_changed_input_is_read_anew(self):
        before = self.train("before", 20, ', "cache"')
        path = self.folder / "rows-1.csv"
        path.write_text(path.read_text().replace("1.", "2."))
        plain, after = self.train("plain"), self.train("after", 20, ', "cache"')
        self.assert_same_run(plain, after)
        self.assertNotEqual(before.losses(), after.losses())

    def test_what_is_kept_is_listed_verified_and_collected(self):
        self.train("run", 20, ', "cache"')
        self.assertGreater(self.kept("ls")["facts"]["bytes"], 0)
        self.assert_names(self.trainhost("data", "cache", "ls").out, "data_source/cache", "table 1.0.0", "SOURCE")
        self.assertEqual(self.kept("verify")["damaged"], 0)

        damaged = self.segments()[0]
        content = bytearray(damaged.read_bytes())
        content[170] ^= 1  # in the second sample
        damaged.write_bytes(content)
        self.assertEqual(self.kept("verify", code=12)["damaged"], 1)
        again = self.train("again", 20, ', "cache"')
        self.assert_same_run(self.run_folder("run"), again)
        self.assertEqual(self.kept("verify")["damaged"], 0)

        for path in self.segments():
            os.utime(path, (1000, 1000))
        self.assertEqual(self.kept("gc", "--limit", "1KB")["facts"]["bytes"], 0)
        self.assertEqual(self.segments(), [])

    def test_mistakes_on_the_command_line_are_named(self):
        self.assert_names(self.trainhost("data", "cash", code=2).err, "cash", "cache")
        self.assert_names(self.trainhost("data", "cache", "lst", code=2).err, "lst", "ls")
        self.assert_names(self.trainhost("data", "cache", "gc", "--limit", "lots", code=2).err, "lots", "10GB")
        self.assert_names(self.trainhost("data", "cache", "ls", "--dir", "nowhere", code=2).err, "nowhere")
        self.assert_names(self.trainhost("data", "cache", "ls", "--limit", "1GB", code=2).err, "--limit", "gc")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_folder_without_rights_does_not_end_the_run(self):
        (self.folder / "closed").mkdir(mode=0o500)
        self.assert_same_run(self.train("plain"), self.train("closed", 20, ', "cache"', "cache.dir=closed/samples"))


if __name__ == "__main__":
    main()
