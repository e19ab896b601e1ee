"""Own data trains: token files, arrays, images of the MNIST family and tables, each read by numpy, csv or json too; damaged data ends a run with its place."""

import csv
import gzip
import json
import struct

import numpy
from harness import SMALL_JOB, TestCase, main, tensors
from oracles import cross_entropy, mlp
from safetensors.numpy import load_file, save_file

CONFIG = """
max = ["{steps}step"]
plugins = ["fp32", "accum", "{source}", "{model}", "adamw", "constant", "localckpt"]
[data]
threads = 2
{more}
""" + SMALL_JOB
HELDOUT = """
[evaluation.heldout]
every = "10step"
{source}.split = "heldout"
"""


def clusters(count, classes=3, width=4, seed=1):
    """Points around as many centres as there are classes."""
    random = numpy.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    return (random.normal(size=(classes, width))[labels] * 2 + random.normal(size=(count, width)) * 0.3).astype("float32"), labels


def tokens(count, seed=1):
    """Each follows from the one before; 31 ends documents of about 50."""
    random = numpy.random.default_rng(seed)
    values = [0]
    for draw in random.random(count - 1):
        values.append(31 if draw < 0.02 else (values[-1] * 5 + 3) % 31)
    return numpy.array(values, "uint16")


def idx(values):
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()


class Sources(TestCase):
    def config(self, name, source, model, more, steps=20):
        self.write(f"{name}.toml", CONFIG.format(source=source, model=model, more=more, steps=steps))

    def train(self, name, source, model, more, steps=20):
        self.config(name, source, model, more, steps)
        self.trainhost("run", f"{name}.toml")
        return self.run_folder(name)

    def assert_evaluation(self, run, x, classes):
        """The last evaluation is what numpy makes of the saved weights; the model has learnt."""
        logged = {metric: value for (step, _, metric), value in run.evaluations().items() if step == 20}
        logits = mlp(load_file(run.newest() / "weights.safetensors"), x)
        self.assertLess(abs(logged["loss"] - cross_entropy(logits, classes)), 1e-5)
        self.assertEqual(logged["accuracy"], (logits.argmax(1) == classes).mean())
        losses = run.losses()
        self.assertLess(losses[20], losses[1] / 1.5)

    def write_arrays(self, folder):
        (self.folder / folder).mkdir()
        x, y = clusters(600)
        for part in range(3):
            numpy.save(self.folder / folder / f"x-{part}.npy", x[200 * part:200 * part + 200])
        save_file({"label": y}, self.folder / folder / "y.safetensors")
        numpy.save(self.folder / folder / "x_test.npy", x[:100] + 0.1)
        save_file({"label": y[:100]}, self.folder / folder / "y_test.safetensors")
        return x[:100] + numpy.float32(0.1), y[:100]

    def test_arrays(self):
        x, y = self.write_arrays("data")
        fields = '["x data/{}.npy", "y data/{}.safetensors#label role=target classes=3"]'
        heldout = f"[evaluation.heldout]\nevery = \"10step\"\narrays.fields = {fields.format('x_test', 'y_test')}\n"
        run = self.train("a", "arrays", "mlp", f"[arrays]\nfields = {fields.format('x-{0..2}', 'y')}\n[mlp]\nwidths = [8]\n{heldout}")
        self.assert_evaluation(run, x, y)

    def test_tables(self):
        x, y = clusters(500)
        with open(self.folder / "train.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["kind", "a", "b", "c", "d"])
            writer.writerows([["red", "green", "blue"][label], *map(repr, map(float, row))] for row, label in zip(x, y))
        with open(self.folder / "test.jsonl", "w") as file:
            for row, label in zip(x[:90], y[:90]):
                file.write(json.dumps({"kind": ["red", "green", "blue"][label], **dict(zip("abcd", map(float, row)))}) + "\n")
        lines = '["x float32 a b c d", "y class kind values=red,green,blue role=target"]'
        more = f'[table]\nfiles = "train.csv"\nfields = {lines}\n[mlp]\nwidths = [8]\n[evaluation.heldout]\nevery = "10step"\ntable.files = "test.jsonl"\n'
        self.assert_evaluation(self.train("a", "table", "mlp", more), x[:90], y[:90])

    def write_images(self, count=200):
        random = numpy.random.default_rng(1)
        labels = random.integers(0, 3, count).astype("uint8")
        images = random.integers(0, 60, (count, 8, 8)).astype("uint8")
        for image, label in zip(images, labels):
            place = random.integers(8)
            {0: image[place], 1: image[:, place], 2: image.diagonal()}[int(label)].setflags(write=True)
            image[{0: (place,), 1: (slice(None), place), 2: (range(8), range(8))}[int(label)]] = 250
        (self.folder / "images").write_bytes(idx(images))
        (self.folder / "labels.gz").write_bytes(gzip.compress(idx(labels)))
        return (images / 255 - 0.2).astype("float32"), labels

    def test_images(self):
        x, y = self.write_images()
        keys = '[idx]\nimages = "images"\nlabels = "labels.gz"\nclasses = 3\nmean = 0.2\n'
        more = keys + '[model]\nfields = { x = "image", y = "label" }\n[mlp]\nwidths = [16]\n[evaluation.heldout]\nevery = "10step"\n'
        self.assert_evaluation(self.train("a", "idx", "mlp", more), x, y)
        run = self.train("b", "idx", "resnet", keys + '[resnet]\nstem = "small"\n', steps=4)
        self.assertEqual(len(run.losses()), 4)

    def write_tokens(self, folder, count=20000):
        (self.folder / folder).mkdir()
        for part in range(2):
            values = tokens(count, part)
            (self.folder / folder / f"{part}.bin").write_bytes(struct.pack("<256i", 20240520, 1, count, *[0] * 253) + values.tobytes())

    GPT = '[gpt]\nlayers = 1\nheads = 2\nwidth = 32\n[tokens]\nfiles = "{}/*.bin"\nvocabulary = 32\ncontext_length = 24\ndocument_end = 31\nheldout_fraction = 0.1\n'

    def test_tokens(self):
        self.write_tokens("data")
        run = self.train("a", "tokens", "gpt", self.GPT.format("data") + HELDOUT.format(source="tokens"), steps=60)
        accuracy = {step: value for (step, _, metric), value in run.evaluations().items() if metric == "accuracy"}
        self.assertGreater(accuracy[60], 0.9)  # all but where documents end follows from the last token

    def test_a_run_goes_on_when_its_data_has_moved_bit_for_bit(self):
        self.write_tokens("data")
        straight = self.train("straight", "tokens", "gpt", self.GPT.format("data") + HELDOUT.format(source="tokens"), steps=20)
        self.train("moved", "tokens", "gpt", self.GPT.format("data") + HELDOUT.format(source="tokens"), steps=10)
        (self.folder / "data").rename(self.folder / "elsewhere")
        self.trainhost("run", "moved.toml", "tokens.files=elsewhere/*.bin", 'max=["20step"]')
        for part in ("weights", "optimizer"):
            self.assertEqual(tensors(straight.newest(), part), tensors(self.run_folder("moved").newest(), part))

    def test_a_run_does_not_go_on_with_other_data(self):
        self.write_tokens("data")
        self.train("a", "tokens", "gpt", self.GPT.format("data"), steps=10)
        content = bytearray((self.folder / "data/1.bin").read_bytes())
        content[-2] ^= 1
        (self.folder / "data/1.bin").write_bytes(content)
        result = self.trainhost("run", "a.toml", 'max=["20step"]', code=2)
        self.assert_names(result.err, "tokens")

    def test_damaged_data_ends_a_run_with_its_place(self):
        self.write_tokens("data")
        content = bytearray((self.folder / "data/1.bin").read_bytes())
        content[1024 + 2 * 777] = 32
        (self.folder / "data/1.bin").write_bytes(content)
        self.config("a", "tokens", "gpt", self.GPT.format("data").replace("document_end = 31\n", ""), steps=1000)
        self.assert_names(self.trainhost("run", "a.toml", code=12).err, "1.bin", "token 32 at position 777", "tokens.vocabulary 32")
        self.config("b", "tokens", "gpt", self.GPT.format("nowhere"))
        self.assert_names(self.trainhost("run", "b.toml", code=12).err, "nowhere/*.bin")


if __name__ == "__main__":
    main()
