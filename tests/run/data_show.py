"""What `trainhost data show` says is what a run trains on; `data bench` measures the same source."""

import hashlib
import os
import sys

import numpy
from harness import TEST_PLUGINS, TestCase, main

sys.path.insert(0, os.environ["TRAINHOST_MODEL_MODULES"])
from PIL import Image

ROWS = """
max = ["12step"]
plugins = ["fp32", "accum", "table", "greedy", "adamw", "constant", "localckpt"]
[data]
threads = 3
[execution]
threads = 1
[table]
files = "rows.csv"
fields = ["x float32 a b", "y class kind values=u,v role=target"]
[greedy]
max_samples = 100
write_to = "passes"
[accum]
micro_batch_samples = 4
micro_batches = 2
[adamw]
learning_rate = 1e-2
[checkpoint]
every = "100step"
[sample]
length = 0
"""
TEXT = """
plugins = ["fp32", "accum", "textfiles", "mlp", "adamw", "constant", "localckpt"]
[textfiles]
root = "text"
context_length = 24
[accum]
micro_batch_samples = 2
micro_batches = 1
"""
IMAGES = """
plugins = ["fp32", "accum", "imagefolder", "mlp", "adamw", "constant", "localckpt"]
[imagefolder]
root = "images"
split = "all"
height = 10
width = 16
crop = "random"
[accum]
micro_batch_samples = 6
micro_batches = 1
"""


class DataShow(TestCase):
    def setUp(self):
        super().setUp()
        self.environment["TRAINHOST_PLUGIN_PATH"] = str(TEST_PLUGINS)
        random = numpy.random.default_rng(4)
        self.write("rows.csv", "a,b,kind\n" + "".join(f"{a:.4f},{b:.4f},{'u' if a > b else 'v'}\n" for a, b in random.normal(size=(30, 2))))
        self.write("rows.toml", ROWS)

    def show(self, config, step, *arguments):
        return self.trainhost("data", "show", config, "--step", step, "--json", *arguments).json()

    def trained_on(self):
        """Of each pass of the run, in order: field -> SHA-256 of its bytes."""
        passes = {}
        for path in sorted((self.folder / "passes").iterdir()):
            number, field = path.stem.split("-")
            passes.setdefault(number, {})[field] = hashlib.sha256(path.read_bytes()).hexdigest()
        return list(passes.values())

    def assert_shows_what_is_trained_on(self, *overrides):
        (self.folder / "passes").mkdir()
        self.trainhost("run", "rows.toml", *overrides)
        shown = [{field["name"]: field["sha256"] for field in micro_batch["fields"]}
                 for step in range(1, 13) for micro_batch in self.show("rows.toml", step, *overrides)["micro_batches"]]
        passes = self.trained_on()
        self.assertEqual(passes[len(passes) - len(shown):], shown)  # what comes before is the trial whose cost the plan shows
        self.assertLess(len(passes) - len(shown), 8)

    def test_the_batches_of_all_steps_are_those_of_a_run(self):
        self.assert_shows_what_is_trained_on()  # over the ends of epochs: 30 rows, 8 a step

    def test_windows_of_tokens_are_cut_as_in_a_run(self):
        self.assert_shows_what_is_trained_on("accum.target_tokens=6")

    def test_the_hash_follows_the_samples_and_nothing_else(self):
        plain = self.show("rows.toml", 5)
        for arguments in (("data.threads=1",), ("--plugins", "cache"), ("--plugins", "cache"), ("data.prefetch=1", "name=other")):
            self.assertEqual(self.show("rows.toml", 5, *arguments)["hash"], plain["hash"], arguments)
        for arguments in (("seed=9",), ("data.shuffle=false",)):
            self.assertNotEqual(self.show("rows.toml", 5, *arguments)["hash"], plain["hash"], arguments)
        self.assertNotEqual(self.show("rows.toml", 6)["hash"], plain["hash"])
        self.assertEqual(self.show("rows.toml", 5, "data.shuffle=false")["micro_batches"][0]["ids"], [2, 3, 4, 5])  # 32 samples were before them

    def test_text_is_shown_as_text(self):
        self.write("text/a.txt", "".join(f"line {number} of a text\n" for number in range(60)))
        self.write("text.toml", TEXT)
        shown = self.show("text.toml", 2)
        self.assertIn(shown["text"], (self.folder / "text/a.txt").read_text())
        self.assertEqual(len(shown["text"]), 24)
        self.assert_names(self.trainhost("data", "show", "text.toml", "--step", 2).out, "step 2: 2 samples of data_source/textfiles", shown["hash"], "text of the first sample")

    def test_images_become_a_contact_sheet(self):
        for label in range(2):
            (self.folder / f"images/{label}").mkdir(parents=True)
            for number in range(4):
                Image.new("RGB", (24, 20), (250 * label, 40 * number, 128)).save(self.folder / f"images/{label}/{number}.png")
        self.write("images.toml", IMAGES)
        self.show("images.toml", 1, "--out", "sheet.png", "imagefolder.dtype=uint8")
        with Image.open(self.folder / "sheet.png") as image:
            sheet = numpy.asarray(image.convert("RGB"))
        ids = self.show("images.toml", 1)["micro_batches"][0]["ids"]
        self.assertEqual(sheet[2, 2].tolist(), [250 * (ids[0] // 4), 40 * (ids[0] % 4), 128])
        self.assertEqual(sheet[0, 0].tolist(), [128, 128, 128])
        self.show("images.toml", 1, "--out", "floats.png")
        with Image.open(self.folder / "floats.png") as floats:
            self.assertEqual(floats.size, sheet.shape[1::-1])

    def test_mistakes_are_named(self):
        self.assert_names(self.trainhost("data", "show", "rows.toml", code=2).err, "--step N")
        self.assert_names(self.trainhost("data", "show", "rows.toml", "--step", 0, code=2).err, "--step N")
        self.assert_names(self.trainhost("data", "show", "rows.toml", "--step", 1, "--out", "x.png", code=2).err, "no images", "data_source/table")
        self.assert_names(self.trainhost("data", "bench", "rows.toml", "--seconds", 0, code=2).err, "--seconds 0")
        self.assert_names(self.trainhost("data", "show", "rows.toml", "--step", 1, "table.files=none.csv", code=12).err, "none.csv")

    def test_bench_counts_what_was_read(self):
        answer = self.trainhost("data", "bench", "rows.toml", "--seconds", 0.05, "--json").json()
        self.assertEqual((answer["source"], answer["num_samples"], answer["micro_batch_samples"]), ("data_source/table", 30, 4))
        self.assertEqual(answer["rates"][0]["threads"], 1)
        self.assertGreater(answer["rates"][0]["samples_per_second"], 0)
        self.assert_names(self.trainhost("data", "bench", "rows.toml", "--seconds", 0.05).out, "SAMPLES/S", "never waits")


if __name__ == "__main__":
    main()
