"""`trainhost ckpt`: what it says of checkpoints and what it makes of them, against numpy and safetensors."""

import numpy
from harness import MLP, TestCase, add_tensor, main, make_newer_format
from safetensors import safe_open
from safetensors.numpy import load_file

DTYPES = {"F32": numpy.float32, "I64": numpy.int64, "U8": numpy.uint8, "F64": numpy.float64, "I32": numpy.int32}
PARTS = ("weights", "optimizer", "engine", "plugins")


def values(checkpoint, part="weights"):
    return load_file(str(checkpoint / f"{part}.safetensors"))


class TrainedTestCase(TestCase):
    """Five checkpoints of a small run, at steps 5 to 25; the first three are good."""

    def setUp(self):
        super().setUp()
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=25step", "checkpoint.keep_last=9", "checkpoint.good_after=8", "price_per_hour=3")
        self.trained = self.run_folder("mlp")
        self.checkpoints = self.trained.checkpoints()
        self.place = self.trained.path / "checkpoints"

    def ask(self, *words, **options):
        return self.trainhost("ckpt", *words, "--json", **options).json()


class Looking(TrainedTestCase):
    def test_list(self):
        losses = {step: value for (step, name, metric), value in self.trained.evaluations().items() if (name, metric) == ("heldout", "loss")}
        for place in (self.trained.path, self.place, f"file:{self.place}", f"{self.place}/"):
            entries = self.ask("list", place)["checkpoints"]
            self.assertEqual([entry["id"] for entry in entries], [path.name for path in self.checkpoints])
        for entry, path in zip(entries, self.checkpoints):
            self.assertEqual(entry["bytes"], sum(file.stat().st_size for file in path.iterdir()))
            self.assertEqual(entry["state"], "good" if (path / "good").exists() else "verified")
            self.assertEqual(entry["evaluation"]["heldout/loss"], losses[entry["step"]])
            self.assertRegex(entry["time"], r"^20\d\d-\d\d-\d\dT[\d:.]+Z$")
        self.assertEqual([entry["state"] for entry in entries], ["good", "good", "good", "verified", "verified"])
        table = self.trainhost("ckpt", "list", self.trained.path).out.splitlines()
        self.assert_names(table[0], "CHECKPOINT", "STEP", "TIME", "SIZE", "STATE", "heldout/loss")
        self.assert_names(table[1], self.checkpoints[0].name, "good", f"{losses[5]:.6g}")
        one = self.ask("list", self.checkpoints[1])["checkpoints"]
        self.assertEqual([entry["id"] for entry in one], [self.checkpoints[1].name])

    def test_states_of_what_is_not_whole(self):
        (self.checkpoints[0] / "commit").unlink()
        (self.checkpoints[1] / "commit").write_text("torn")
        (self.checkpoints[2] / "verified").unlink()
        for name in ("commit", "verified"):
            (self.checkpoints[3] / name).unlink()
        states = [entry["state"] for entry in self.ask("list", self.place)["checkpoints"]]
        self.assertEqual(states, ["damaged", "damaged", "written", "unfinished", "verified"])

    def test_inspect(self):
        answer = self.ask("inspect", self.trained.path)
        newest, record = self.checkpoints[-1], self.trained.record()
        self.assertEqual((answer["id"], answer["step"], answer["state"]), (newest.name, 25, "verified"))
        self.assertEqual((answer["run_id"], answer["trajectory_hash"]), (record["run_id"], record["trajectory_hash"]))
        self.assertEqual({file["name"]: file["bytes"] for file in answer["files"]},
                         {path.name: path.stat().st_size for path in newest.iterdir() if path.suffix in (".safetensors", ".json") and path.name != "manifest.json"})
        found = {(tensor["file"], tensor["name"]): (DTYPES[tensor["dtype"]], tuple(tensor["shape"]), tensor["bytes"]) for tensor in answer["tensors"]}
        wanted = {}
        for part in PARTS:
            for name, value in values(newest, part).items():
                wanted[f"{part}.safetensors", name] = (value.dtype, value.shape, value.nbytes)
        self.assertEqual(found, wanted)
        self.assertEqual([(plugin["plugin"], plugin["version"], plugin["sha256"]) for plugin in answer["plugins"]],
                         [(plugin["plugin"], plugin["version"], plugin["sha256"]) for plugin in record["plugins"]])
        self.assertEqual((answer["progress"]["windows"], answer["progress"]["samples"]), (25, 25 * 8))
        self.assertEqual(answer["config"]["plugins"]["model/mlp"]["widths"], [16])
        ledger = self.trained.events("ledger")[-1]
        self.assertEqual((answer["ledger"]["attempts"], answer["ledger"]["currency"]), (1, "usd"))
        self.assertTrue(0 < answer["ledger"]["seconds"] <= ledger["seconds"])
        self.assertAlmostEqual(answer["ledger"]["cost"], answer["ledger"]["seconds"] * 3 / 3600)
        text = self.trainhost("ckpt", "inspect", self.checkpoints[0]).out
        self.assert_names(text, self.checkpoints[0].name, "good", "layers.0.weight", "F32 [16,", "model/mlp", record["trajectory_hash"], "where time went", "weights.safetensors")

    def test_verify_finds_a_flipped_bit_in_every_file(self):
        self.assertEqual(self.ask("verify", self.trained.path)["num_damaged"], 0)
        self.assert_names(self.trainhost("ckpt", "verify", self.place).out, "READ BACK", "right", self.checkpoints[0].name)
        victim = self.checkpoints[2]
        names = sorted(path.name for path in victim.iterdir())
        self.assertEqual(names, ["commit", "engine.safetensors", "good", "manifest.json", "optimizer.safetensors", "plugins.safetensors", "run_state.json", "verified", "weights.safetensors"])
        for name in names:
            whole = (victim / name).read_bytes()
            self.replace(victim / name, whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
            answer = self.ask("verify", self.place, code=14)
            self.assertEqual([entry["is_right"] for entry in answer["checkpoints"]], [True, True, False, True, True])
            self.assertEqual(answer["checkpoints"][2]["damage"]["object"], name)
            self.assertIn(name, self.trainhost("ckpt", "verify", victim, code=14).out)
            self.replace(victim / name, whole)
        self.trainhost("ckpt", "verify", victim)

    def test_a_damaged_mark_does_not_count(self):
        good = self.checkpoints[2] / "good"
        whole = good.read_bytes()
        self.replace(good, whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
        entries = self.ask("list", self.place)["checkpoints"]
        self.assertEqual([entry["state"] for entry in entries], ["good", "good", "verified", "verified", "verified"])
        self.assert_names(entries[2]["problem"], "mark: good", "checksum")
        self.trainhost("ckpt", "inspect", self.checkpoints[2])

    @staticmethod
    def replace(path, content):
        path.unlink()  # a checkpoint's files may be read-only
        path.write_bytes(content)

    def test_verify_wants_finite_values(self):
        add_tensor(self.checkpoints[3], "weights", "extra", numpy.array([1, numpy.inf], dtype=numpy.float32))
        answer = self.ask("verify", self.checkpoints[3], code=14)
        self.assertIn("tensor extra, element 1 is inf", answer["checkpoints"][0]["damage"]["reason"])

    def test_places_that_are_none(self):
        self.assert_names(self.trainhost("ckpt", "list", "runs/nothing", code=2).err, "runs/nothing", "run folder")
        self.assert_names(self.trainhost("ckpt", "list", f"file:{self.folder}/nothing", code=14).err, "no checkpoint")
        self.assert_names(self.trainhost("ckpt", "list", "gopher://a/b", code=2).err, "gopher", "plugins list")
        self.assert_names(self.trainhost("ckpt", "verify", f"{self.place}/step-000000000099-a000001-n000009", code=2).err, "step-000000000099")
        self.assert_names(self.trainhost("ckpt", "inspect", f"file:{self.place}/step-000000000099-a000001-n000009", code=14).err, "step-000000000099")
        self.assert_names(self.trainhost("ckpt", "lst", self.place, code=2).err, 'did you mean "list"')
        self.assert_names(self.trainhost("ckpt", "list", code=2).err, "one PLACE")
        self.assert_names(self.trainhost("ckpt", "list", self.place, "mlp.widths=[3]", code=2).err, "mlp.widths", "checkpoint_backend/localckpt")
        self.assert_names(self.trainhost("ckpt", "list", self.place, "localckpt.colour=red", code=2).err, "colour")

    def test_a_run_whose_checkpoints_lie_elsewhere(self):
        self.trainhost("run", "mlp.toml", "--name", "far", "max=5step", "checkpoint.uri=file:else/where")
        entries = self.ask("list", "runs/far")["checkpoints"]
        self.assertEqual([entry["id"] for entry in entries], [path.name for path in (self.folder / "else/where/far").glob("step-*")])


class Comparing(TrainedTestCase):
    def test_norms_are_those_of_numpy(self):
        answer = self.ask("diff", self.checkpoints[0], self.checkpoints[3])
        self.assertEqual((answer["a"], answer["b"], answer["is_equal"]), (self.checkpoints[0].name, self.checkpoints[3].name, False))
        self.assertEqual((answer["config"], answer["plugins"]), ([], []))
        found = {(entry["part"], entry["name"]): entry for entry in answer["tensors"]}
        for part in ("weights", "optimizer"):
            before, after = values(self.checkpoints[0], part), values(self.checkpoints[3], part)
            changed = {name for name in before if not numpy.array_equal(before[name], after[name])}
            self.assertEqual({name for at, name in found if at == part}, changed)
            for name in changed:
                difference = after[name].astype(numpy.float64) - before[name].astype(numpy.float64)
                entry, norm = found[part, name], numpy.linalg.norm(difference.ravel())
                self.assertEqual(entry["change"], "changed")
                numpy.testing.assert_allclose([entry["norm"], entry["largest"]], [norm, abs(difference).max()], rtol=1e-9)
                before_norm = numpy.linalg.norm(before[name].astype(numpy.float64).ravel())
                if before_norm > 0:
                    numpy.testing.assert_allclose(entry["relative_norm"], norm / before_norm, rtol=1e-9)
        text = self.trainhost("ckpt", "diff", self.checkpoints[0], self.checkpoints[3]).out
        self.assert_names(text, "NORM OF B - A", "layers.0.weight", "config: equal", "plugins: equal")

    def test_equal_ones(self):
        answer = self.ask("diff", self.checkpoints[1], self.checkpoints[1])
        self.assertEqual((answer["is_equal"], answer["tensors"]), (True, []))

    def test_another_run(self):
        self.trainhost("run", "mlp.toml", "--name", "other", "--plugins", "constant", "mlp.widths=[16,8]", "adamw.learning_rate=0.5")
        answer = self.ask("diff", self.trained.path, "runs/other")
        changes = {entry["name"]: entry["change"] for entry in answer["tensors"] if entry["part"] == "weights"}
        self.assertEqual(changes["layers.2.weight"], "added")
        self.assertEqual(changes["layers.1.weight"], "retyped")
        self.assertEqual(changes["layers.0.weight"], "changed")
        config = {entry["key"]: (entry["before"], entry["after"]) for entry in answer["config"]}
        self.assertEqual(config["adamw.learning_rate"], ("0.01", "0.5"))
        self.assertEqual(config["mlp.widths"], ("[16]", "[16,8]"))
        plugins = {entry["plugin"]: (entry["before"] is None, entry["after"] is None) for entry in answer["plugins"]}
        self.assertEqual(plugins, {"lr_schedule/cosine": (False, True), "lr_schedule/constant": (True, False)})
        text = self.trainhost("ckpt", "diff", self.trained.path, "runs/other").out
        self.assert_names(text, "lr_schedule/cosine", "absent", "adamw.learning_rate: 0.01 in A, 0.5 in B", "retyped", "added")


class Pruning(TrainedTestCase):
    def left(self):
        return [path.name for path in self.trained.checkpoints()]

    def test_a_dry_run_removes_nothing(self):
        before = sorted(str(path) for path in self.place.rglob("*"))
        answer = self.ask("prune", self.trained.path, "--keep-last", "1", "--dry-run")
        self.assertEqual((answer["removed"], answer["is_dry_run"]), ([self.checkpoints[0].name], True))
        self.assertEqual(answer["bytes"], sum(file.stat().st_size for file in self.checkpoints[0].iterdir()))
        self.assertEqual(sorted(str(path) for path in self.place.rglob("*")), before)
        self.assert_names(self.trainhost("ckpt", "prune", self.trained.path, "--keep-last", "1", "--dry-run").out, "would go", "stays", "1 of 5 checkpoints")

    def test_the_two_good_ones_stay(self):
        kept = [path.name for path in self.checkpoints[1:]]  # beside the newest: two good ones, and the one that is next to become good
        self.assertEqual(self.ask("prune", self.place, "--keep-last", "1")["removed"], [self.checkpoints[0].name])
        self.assertEqual(self.left(), kept)
        self.assertFalse(self.checkpoints[0].exists())
        self.assertEqual(self.ask("prune", self.place, "--keep-last", "1")["removed"], [], "a second time there is nothing to do")
        self.trainhost("ckpt", "verify", self.place)
        self.trainhost("run", "mlp.toml", "max=27step")

    def test_every_so_many_steps_and_the_best(self):
        for path in self.checkpoints[:3]:
            (path / "good").unlink()
        losses = {entry["id"]: entry["evaluation"]["heldout/loss"] for entry in self.ask("list", self.place)["checkpoints"]}
        best = min(losses, key=losses.get)
        self.trainhost("ckpt", "prune", self.place, "--keep-every", "10", "--keep-best", "1")
        # The first waits to become good, those of steps 10 and 20 are the first of their tens, and the newest stays.
        self.assertEqual(set(self.left()), {self.checkpoints[index].name for index in (0, 1, 3, 4)} | {best})

    def test_what_cannot_be_done(self):
        self.assert_names(self.trainhost("ckpt", "prune", self.place, code=2).err, "--keep-last")
        self.assert_names(self.trainhost("ckpt", "prune", self.checkpoints[0], "--keep-last", "1", code=2).err, "one checkpoint")
        self.assert_names(self.trainhost("ckpt", "prune", self.place, "--keep-best", "1", "--metric", "heldout/beauty", code=2).err, "heldout/beauty", "heldout/loss")
        self.assertEqual(len(self.left()), 5)

    def test_a_newer_format_is_left_alone(self):
        newer = self.checkpoints[2]
        make_newer_format(newer)
        states = [entry["state"] for entry in self.ask("list", self.place)["checkpoints"]]
        self.assertEqual(states, ["good", "good", "newer format", "verified", "verified"])
        self.assertEqual(self.ask("prune", self.place, "--keep-last", "1")["removed"], [])
        self.assert_names(self.trainhost("ckpt", "inspect", newer, code=14).err, "format 2", newer.name)


class Exporting(TrainedTestCase):
    def test_safetensors(self):
        answer = self.ask("export", self.trained.path, "out.safetensors")
        self.assertEqual((answer["checkpoint"], answer["format"]), (self.checkpoints[-1].name, "safetensors"))
        with safe_open(str(self.folder / "out.safetensors"), framework="np") as file:
            self.assertEqual(file.metadata(), {"format": "pt"})
        exported, wanted = load_file(str(self.folder / "out.safetensors")), values(self.checkpoints[-1])
        self.assertEqual(exported.keys(), wanted.keys())
        for name, value in wanted.items():
            self.assertEqual((exported[name].dtype, exported[name].shape, exported[name].tobytes()), (value.dtype, value.shape, value.tobytes()))
        self.assertEqual([path.name for path in self.folder.glob("out*")], ["out.safetensors"])

    def test_nothing_is_overwritten(self):
        self.write("out.safetensors", "precious")
        self.assert_names(self.trainhost("ckpt", "export", self.trained.path, "out.safetensors", code=2).err, "out.safetensors", "not overwritten")
        self.assertEqual((self.folder / "out.safetensors").read_text(), "precious")
        self.assert_names(self.trainhost("ckpt", "export", self.trained.path, "deep/out.safetensors", code=2).err, "deep/out.safetensors")

    def test_damage_is_not_exported(self):
        weights = self.checkpoints[0] / "weights.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.unlink()
        weights.write_bytes(content)
        self.assert_names(self.trainhost("ckpt", "export", self.checkpoints[0], "out.safetensors", code=14).err, "weights.safetensors", self.checkpoints[0].name)
        self.assertEqual(list(self.folder.glob("out*")), [])


if __name__ == "__main__":
    main()
