"""Runs that start from given weights, and parameters that are not trained."""

import hashlib
import shutil

import numpy
from harness import GPT, MLP, TestCase, main, tensors
from safetensors.numpy import load_file, save_file

# All but the last bias stays as it was loaded.
FREEZE = 'model.freeze=["layers.0.*", "layers.1.weight"]'
FROM = '[model]\ninit_from = "{}"\n'
LENGTH = '[cosine]\nlength = "20step"\n'  # the same rates, wherever a run is stopped


class InitialWeights(TestCase):
    def setUp(self):
        super().setUp()
        self.write("first.toml", MLP)
        self.write("second.toml", MLP + LENGTH + FROM.format("runs/first"))

    def weights_of(self, name):
        return load_file(self.run_folder(name).newest() / "weights.safetensors")

    def train_first(self):
        self.trainhost("run", "first.toml")
        return self.weights_of("first")

    def start_from(self, place, name, *more):
        return self.trainhost("run", "second.toml", "--name", name, f"model.init_from={place}", "max=1step", *more)

    def assert_started_from(self, weights, name):
        got = self.weights_of(name)
        for key in weights:
            if key != "layers.1.bias":
                self.assertTrue(numpy.array_equal(weights[key], got[key]), key)

    def test_weights_of_another_run_with_a_fresh_optimizer(self):
        weights = self.train_first()
        self.trainhost("ckpt", "export", "runs/first", "first.safetensors")
        self.write("elsewhere/first.safetensors", "").write_bytes((self.folder / "first.safetensors").read_bytes())
        newest = self.run_folder("first").newest()
        places = {"run": "runs/first", "store": "runs/first/checkpoints", "one": f"runs/first/checkpoints/{newest.name}", "uri": f"file:{self.folder}/runs/first/checkpoints",
                  "file": "first.safetensors", "moved": "elsewhere/first.safetensors"}
        hashes = {}
        for name, place in places.items():
            result = self.start_from(place, name, FREEZE)
            self.assert_names(result.err, "4 of 4 tensors of the model, by its own names\n")
            self.assert_started_from(weights, name)
            record = self.run_folder(name).record()
            self.assertEqual(record["init_from"]["set"], 4)
            read = self.folder / "first.safetensors" if name in ("file", "moved") else newest / "weights.safetensors"
            self.assertEqual(record["init_from"]["sha256"], hashlib.sha256(read.read_bytes()).hexdigest())
            hashes[name] = record["trajectory_hash"]
            self.assertEqual(self.run_folder(name).events("step")[-1]["step"], 1)
        for same in (("run", "store", "one", "uri"), ("file", "moved")):  # the place does not count, the bytes do
            self.assertEqual(len({hashes[name] for name in same}), 1, same)
        optimizer = tensors(self.run_folder("run").newest(), "optimizer")
        self.assertEqual({name.rsplit(".", 1)[0] for name in optimizer}, {"optimizer.layers.1.bias"})

    def test_other_weights_are_another_trajectory(self):
        weights = self.train_first()
        for name, change in {"a": 0.0, "b": 1.0}.items():
            save_file(weights | {"layers.0.bias": weights["layers.0.bias"] + numpy.float32(change)}, self.folder / f"{name}.safetensors")
            self.start_from(f"{name}.safetensors", name)
        self.assertNotEqual(*(self.run_folder(name).record()["trajectory_hash"] for name in "ab"))

    def test_a_resume_has_its_weights_from_its_checkpoint(self):
        self.train_first()
        shutil.copytree(self.folder / "runs/first", self.folder / "runs/kept")
        self.trainhost("run", "second.toml", "--name", "whole")
        self.trainhost("run", "second.toml", "--name", "cut", "max=10step")
        shutil.rmtree(self.folder / "runs/first")
        result = self.trainhost("run", "second.toml", "--name", "cut")
        self.assertNotIn("model.init_from:", result.err)
        self.assert_same_state(self.run_folder("whole").newest(), self.run_folder("cut").newest())
        records = [self.run_folder(name).record() for name in ("whole", "cut")]
        self.assertEqual(records[0]["trajectory_hash"], records[1]["trajectory_hash"])
        self.assertEqual(records[0]["init_from"], records[1]["init_from"])
        refusal = self.trainhost("run", "second.toml", "--name", "cut", "max=30step", "model.init_from=runs/kept", code=2)
        self.assert_names(refusal.err, "model.init_from:", "runs/first")

    def test_parts_are_named_and_the_rest_keeps_its_random_start(self):
        weights = self.train_first()
        self.start_from("", "random", FREEZE)
        part = {name: value for name, value in weights.items() if name.startswith("layers.0")}
        save_file(part | {"head.weight": numpy.zeros(3, numpy.float32)}, self.folder / "part.safetensors")
        result = self.start_from("part.safetensors", "part", FREEZE)
        self.assert_names(result.err, "2 of 4 tensors of the model, by its own names; only in the model: layers.1.weight, layers.1.bias; only there: head.weight")
        record = self.run_folder("part").record()["init_from"]
        self.assertEqual((record["only_in_model"], record["only_in_file"]), (["layers.1.weight", "layers.1.bias"], ["head.weight"]))
        self.assert_started_from(part, "part")
        self.assertTrue(numpy.array_equal(self.weights_of("part")["layers.1.weight"], self.weights_of("random")["layers.1.weight"]))

    def test_other_formats_of_reals_are_cast(self):
        weights = self.train_first()
        save_file({name: value.astype(numpy.float16) for name, value in weights.items()}, self.folder / "half.safetensors")
        self.start_from("half.safetensors", "half", FREEZE)
        self.assert_started_from({name: value.astype(numpy.float16).astype(numpy.float32) for name, value in weights.items()}, "half")

    def assert_refused(self, place, code, *words):
        self.assert_names(self.trainhost("run", "second.toml", "--name", "refused", f"model.init_from={place}", code=code).err, *words)
        self.assertFalse((self.folder / "runs/refused/run.json").exists())

    def test_what_cannot_be_used_is_refused(self):
        weights = self.train_first()
        self.assert_refused("nowhere.safetensors", 2, "nowhere.safetensors: there is nothing")
        save_file(weights | {"layers.0.weight": numpy.zeros((16, 7), numpy.float32)}, self.folder / "wide.safetensors")
        self.assert_refused("wide.safetensors", 2, "layers.0.weight is F32 [16,", "layers.0.weight is F32 [16, 7] there")
        save_file({"encoder.weight": weights["layers.0.weight"]}, self.folder / "other.safetensors")
        self.assert_refused("other.safetensors", 2, "no tensor there has the name of one of the model's", "encoder.weight", "layers.0.weight")
        save_file(weights | {"layers.0.bias": numpy.full(16, numpy.nan, numpy.float32)}, self.folder / "nan.safetensors")
        self.assert_refused("nan.safetensors", 14, "tensor layers.0.bias, element 0 is nan")
        save_file(weights, self.folder / "whole.safetensors")
        content = (self.folder / "whole.safetensors").read_bytes()
        for cut in (0, 5, 40, len(content) - 4):
            (self.folder / "cut.safetensors").write_bytes(content[:cut])
            self.assert_refused("cut.safetensors", 14, "cut.safetensors: is no whole safetensors file")
        (self.folder / "empty").mkdir()
        self.assert_refused("empty", 2, "holds neither model.safetensors nor model.safetensors.index.json, and no checkpoint")
        damaged = self.run_folder("first").newest() / "weights.safetensors"
        damaged.write_bytes(damaged.read_bytes()[:-8])
        self.assert_refused(f"runs/first/checkpoints/{damaged.parent.name}", 14, damaged.parent.name)
        self.assert_refused("gone:bucket/run", 2, 'no checkpoint backend handles the scheme "gone"')

    def test_a_dry_run_reads_them_too(self):
        weights = self.train_first()
        save_file(weights, self.folder / "a.safetensors")
        result = self.trainhost("run", "second.toml", "model.init_from=a.safetensors", "--dry-run")
        self.assert_names(result.err, "4 of 4 tensors of the model")


class Freezing(TestCase):
    def test_frozen_parameters_keep_their_bits_and_have_no_slots(self):
        self.write("gpt.toml", GPT + '[model]\nfreeze = ["transformer.wte.*", "*.ln_?.*"]\n')
        self.trainhost("run", "gpt.toml", "max=1step", "--name", "one")
        result = self.trainhost("run", "gpt.toml", "max=20step", "--name", "twenty")
        one, twenty = (tensors(self.run_folder(name).newest(), "weights") for name in ("one", "twenty"))
        frozen = {name for name in one if name.startswith("transformer.wte") or ".ln_" in name}
        self.assertEqual(len(frozen), 11)
        for name in one:
            self.assertEqual(one[name] == twenty[name], name in frozen, name)
        slots = {name.removeprefix("optimizer.").rsplit(".", 1)[0] for name in tensors(self.run_folder("twenty").newest(), "optimizer")}
        self.assertEqual(slots & one.keys(), one.keys() - frozen)
        total, trainable = (sum(int(numpy.prod(one[name][1])) for name in names) for names in (one, one.keys() - frozen))
        plan = self.run_folder("twenty").events("plan")[0]
        self.assertEqual((plan["parameters"], plan["trainable"]), (total, trainable))
        self.assert_names(result.err, f"{total:,}, of which {trainable:,} are trained")

    def test_they_count_in_the_trajectory_and_survive_a_resume(self):
        self.write("mlp.toml", MLP + LENGTH + '[model]\nfreeze = ["layers.0.*"]\n')
        self.trainhost("run", "mlp.toml", "--name", "whole")
        self.trainhost("run", "mlp.toml", "--name", "cut", "max=10step")
        self.trainhost("run", "mlp.toml", "--name", "cut")
        self.assert_same_state(self.run_folder("whole").newest(), self.run_folder("cut").newest())
        self.assert_names(self.trainhost("run", "mlp.toml", "--name", "cut", "max=30step", "model.freeze=[]", code=2).err, "model.freeze:")

    def test_a_pattern_that_matches_nothing_names_the_nearest(self):
        self.write("mlp.toml", MLP)
        self.assert_names(self.trainhost("run", "mlp.toml", 'model.freeze=["layer.0.*"]', code=2).err, '"layer.0.*" matches no parameter; the nearest is layers.0.weight')
        self.assert_names(self.trainhost("run", "mlp.toml", 'model.freeze=["*"]', code=2).err, "nothing is left to train")


if __name__ == "__main__":
    main()
