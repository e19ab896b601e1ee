"""Models that were exported from PyTorch train as in PyTorch: same losses, same weights, without Python in the process."""

import hashlib
import json
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import torch
from safetensors.torch import load_file

from exported_jobs import config_for, evaluate_eager, fields_of, train_eager
from harness import MLP, PROGRAM, TEST_PLUGINS, TestCase, main

SOURCE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "plugins/model/pt2/testing"), str(SOURCE / "tools/python")]
import models  # noqa: E402
import trainhost_export  # noqa: E402

def setUpModule():
    global BUNDLES
    BUNDLES = Path(tempfile.mkdtemp(prefix="trainhost-bundles-"))
    unittest.addModuleCleanup(shutil.rmtree, BUNDLES)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in ("gpt", "convolutions"):
        model, batch, options = models.MODELS[name]()
        trainhost_export.export(model, batch, str(BUNDLES / f"{name}.thm"), **options)


def eager_model(name):
    return models.MODELS[name]()[0]


class ExportedModels(TestCase):
    def prepare(self, name):
        fields = fields_of(self.trainhost("model", "info", BUNDLES / f"{name}.thm", "--json").json())
        self.write(f"{name}.toml", config_for(BUNDLES / f"{name}.thm", fields))

    def weights(self, run):
        return load_file(run.newest() / "weights.safetensors")

    def assert_same_tensors(self, saved, wanted):
        for name, tensor in saved.items():
            self.assertTrue(torch.equal(tensor, wanted[name]), f"{name}: off by {(tensor - wanted[name]).abs().max()}")

    def assert_trains_as_eager(self, name):
        self.prepare(name)
        self.trainhost("run", f"{name}.toml", "synthetic.write_to=samples.safetensors", PATH="")
        run, model = self.run_folder(name), eager_model(name)
        losses = train_eager(model, model, load_file(self.folder / "samples.safetensors"))
        self.assertEqual(run.losses(), dict(enumerate(losses, 1)))
        saved = self.weights(run)
        self.assertLessEqual({name for name, _ in model.named_parameters()}, saved.keys())
        self.assert_same_tensors(saved, model.state_dict())
        heldout = load_file(self.folder / "heldout.safetensors")
        self.assertEqual(run.evaluations()[(20, "heldout", "loss")], evaluate_eager(model, model, heldout))

        fresh = eager_model(name)
        trainhost_export.load(str(run.path), fresh)
        self.assert_same_tensors(fresh.state_dict(), model.state_dict())
        self.assertEqual(evaluate_eager(fresh, fresh, heldout), run.evaluations()[(20, "heldout", "loss")])

    def test_a_language_model_with_dropout_has_the_bits_of_eager(self):
        self.assert_trains_as_eager("gpt")

    def test_under_autocast_too(self):
        self.prepare("gpt")
        self.trainhost("run", "gpt.toml", "synthetic.write_to=samples.safetensors", "amp.dtype=bf16", "--plugins", "amp")
        model = eager_model("gpt")
        losses = train_eager(model, model, load_file(self.folder / "samples.safetensors"), autocast=True)
        self.assertEqual(self.run_folder("gpt").losses(), dict(enumerate(losses, 1)))
        self.assert_same_tensors(self.weights(self.run_folder("gpt")), model.state_dict())

    def test_batch_norm_has_the_bits_of_eager(self):
        self.assert_trains_as_eager("convolutions")

    def test_blocks_that_are_computed_again_change_no_bit(self):
        for name in ("gpt", "convolutions"):
            self.prepare(name)
            for recompute in ("none", "blocks"):
                self.trainhost("run", f"{name}.toml", f"model.recompute={recompute}", "--name", f"{name}-{recompute}")
            kept, again = self.run_folder(f"{name}-none"), self.run_folder(f"{name}-blocks")
            self.assertEqual(kept.losses(), again.losses())
            self.assert_same_state(kept.newest(), again.newest())
            self.trainhost("run", f"{name}.toml", "model.recompute=none", "max=25step", "--name", f"{name}-blocks")  # a run may go on without

    def test_killed_in_the_middle_and_resumed_is_the_same_run(self):
        for name in ("gpt", "convolutions"):
            self.prepare(name)
            self.trainhost("run", f"{name}.toml", "--name", f"{name}-whole")
            process = self.start("run", f"{name}.toml", "--name", f"{name}-cut")
            self.assertTrue(process.wait_for("evaluation heldout at step 10:"), "".join(process.lines))
            process.signal(signal.SIGKILL)
            process.end()
            self.trainhost("run", f"{name}.toml", "--name", f"{name}-cut")
            whole, cut = self.run_folder(f"{name}-whole"), self.run_folder(f"{name}-cut")
            self.assert_same_state(whole.newest(), cut.newest())
            self.assertEqual(whole.losses(), cut.losses())
            self.assertEqual(whole.evaluations(), cut.evaluations())

    def test_no_python_is_in_the_process(self):
        self.prepare("gpt")
        process = self.start("run", "gpt.toml", "max=100000step", "--name", "long", PATH="")
        self.assertTrue(process.wait_for("evaluation heldout at step 5:"), "".join(process.lines))
        libraries = {Path(line.split()[-1]).name for line in Path(f"/proc/{process.popen.pid}/maps").read_text().splitlines() if ".so" in line}
        process.signal(signal.SIGKILL)
        process.end()
        self.assertIn("libtorch_cpu.so", libraries)
        self.assertEqual([name for name in libraries if "python" in name], [])


class AlteredBundles(TestCase):
    def altered(self, name, **changes):
        """A copy of a bundle in which members are others: {"train/program.json": function of the old bytes}. The manifest vouches for them."""
        members = self.members(name)
        for member, change in changes.items():
            members[member] = change(members[member])
        manifest = json.loads(members["manifest.json"])
        for member in changes:
            if member != "manifest.json":
                manifest["members"][member] = {"bytes": len(members[member]), "sha256": hashlib.sha256(members[member]).hexdigest()}
        members["manifest.json"] = json.dumps(manifest).encode()
        return self.pack(members)

    @staticmethod
    def members(name):
        with zipfile.ZipFile(BUNDLES / f"{name}.thm") as source:
            return {entry.filename: source.read(entry) for entry in source.infolist()}

    def pack(self, members):
        path = self.folder / "altered.thm"
        with zipfile.ZipFile(path, "w") as out:
            for entry, content in members.items():
                out.writestr(entry, content)
        return path

    @staticmethod
    def json_with(change):
        def apply(content):
            value = json.loads(content)
            change(value)
            return json.dumps(value).encode()
        return apply


class ModelFiles(AlteredBundles):
    def test_check_compares_with_the_record(self):
        for name in ("gpt", "convolutions"):
            answer = self.trainhost("model", "check", BUNDLES / f"{name}.thm", "--json", PATH="").json()
            self.assertTrue(answer["passed"])
            self.assertEqual(answer["facts"]["wanted"], "every bit")
        self.assert_names(self.trainhost("model", "check", BUNDLES / "gpt.thm").out, "train loss, step 1", "gradients, step 3", "same bits", "passed")

    def test_questions_in_float64_are_skipped_with_the_reason(self):
        """The graphs of this bundle compute in float32; model/pt2/check asks a bundle in float64, and all the other questions."""
        self.write("fields.toml", '[[field]]\nname = "tokens"\ndtype = "int64"\nshape = [16]\nnum_classes = 32\n'
                                  '[[field]]\nname = "targets"\nrole = "target"\ndtype = "int64"\nshape = [16]\nnum_classes = 32\npad_value = -1\n')
        answers = self.trainhost("plugins", "check", "model/pt2", f"pt2.bundle={BUNDLES / 'gpt.thm'}", "--fields", "fields.toml", "--reproduce", "1",
                                 "--only", "model/gradients", "--only", "model/cut_batch_same_sums", "--json").json()["answers"]
        self.assertEqual([answer["outcome"] for answer in answers], ["skipped", "skipped"])
        for answer in answers:
            self.assert_names(answer["reason"], "it is built for float32 only (fields.toml: ", "is float32, the precision policy trains float64", "is asked in float64")

    def test_check_notices_a_record_of_other_numbers(self):
        path = self.altered("gpt", **{"parity.safetensors": self.with_another_loss})
        result = self.trainhost("model", "check", path, code=20)
        self.assert_names(result.out, "differs", "failed: this machine computes something else")

    def test_info_lists_the_operators_that_op_packs_replace(self):
        self.assertNotIn("op pack", self.trainhost("model", "info", BUNDLES / "gpt.thm").out)
        out = self.trainhost("model", "info", BUNDLES / "gpt.thm", TRAINHOST_PLUGIN_PATH=str(TEST_PLUGINS)).out
        table = out[out.index("operators that an op pack replaces"):].splitlines()
        self.assertEqual([line.split() for line in table[2:]], [["aten.gelu.default", "op_pack/counting", "AutogradCPU", "yes"],
                                                                ["aten.gelu.default", "op_pack/rival", "AutogradCPU", "yes"]])

    def test_info_shows_what_is_inside(self):
        out = self.trainhost("model", "info", BUNDLES / "gpt.thm").out
        self.assert_names(out, "blocks.*.qkv", "aten.linear.default", "tokens int64 [16] role=input classes=32", "forward FLOPs a sample")

    def test_a_file_that_no_plugin_reads(self):
        self.assert_names(self.trainhost("model", "info", self.write("x.onnx", ""), code=2).err, "no installed model plugin reads", ".thm (pt2)")
        self.assert_names(self.trainhost("model", "info", self.folder / "none.thm", code=2).err, "none.thm", "No such file")

    @staticmethod
    def with_another_loss(content):
        from safetensors.torch import load, save
        tensors = load(content)
        tensors["steps/loss_sum"][1] *= 1.001
        return save(tensors)

    # ---- bundles that are not what they should be

    def test_a_bundle_of_a_newer_version(self):
        path = self.altered("gpt", **{"manifest.json": self.json_with(lambda manifest: manifest.update(format_version=[2, 0]))})
        self.assert_names(self.trainhost("model", "check", path, code=2).err, "format version [2,0]", "reads 1.x", "update trainhost")

    def test_a_bundle_of_another_pytorch_works_if_its_schema_does(self):
        path = self.altered("gpt", **{"manifest.json": self.json_with(lambda manifest: manifest.update(torch_version="2.12.1+cu130"))})
        self.trainhost("model", "check", path)
        self.write("other.toml", config_for(path, ["tokens int64 [16] classes=32", "targets int64 [16] role=target classes=32 pad=-1"]))
        self.assert_names(self.trainhost("run", "other.toml", "max=1step").err, "was exported by PyTorch 2.12.1", "trainhost model check")
        newer = self.json_with(lambda program: program["schema_version"].update(major=9))
        self.assert_names(self.trainhost("model", "check", self.altered("gpt", **{"train/program.json": newer}), code=2).err, "train/program.json", "schema 9", "reads 8")

    def test_a_bundle_that_was_cut_or_damaged(self):
        content = (BUNDLES / "gpt.thm").read_bytes()
        for share in (0.1, 0.5, 0.99):
            (self.folder / "cut.thm").write_bytes(content[: int(len(content) * share)])
            self.assert_names(self.trainhost("model", "check", self.folder / "cut.thm", code=2).err, "cut.thm", "was cut")
        members = self.members("gpt")
        members["weights.safetensors"] = members["weights.safetensors"][:-1] + bytes([members["weights.safetensors"][-1] ^ 1])
        self.assert_names(self.trainhost("model", "check", self.pack(members), code=2).err, "weights.safetensors", "SHA-256", "the manifest says")

    def test_weights_that_do_not_match(self):
        def reshape(manifest):
            manifest["parameters"][0]["shape"] = [31, 32]
        path = self.altered("gpt", **{"manifest.json": self.json_with(reshape)})
        self.assert_names(self.trainhost("model", "check", path, code=2).err, "weights.safetensors", "wte.weight", "does not fit the manifest")

    def test_programs_in_each_others_place(self):
        members = self.members("gpt")
        train, evaluation = members["train/program.json"], members["eval/program.json"]
        path = self.altered("gpt", **{"train/program.json": lambda _: evaluation, "eval/program.json": lambda _: train})
        self.assert_names(self.trainhost("model", "check", path, code=2).err, "train program was exported in eval mode", "model.train()")

    @staticmethod
    def with_own_operator(program):
        for node in program["graph_module"]["graph"]["nodes"]:
            node["target"] = node["target"].replace("torch.ops.aten.gelu.", "torch.ops.my_ops.gelu.")

    def test_an_operator_that_is_not_there_is_named_with_its_line_and_an_op_pack_brings_it(self):
        path = self.altered("gpt", **{"train/program.json": self.json_with(self.with_own_operator)})
        err = self.trainhost("model", "check", path, code=13).err
        self.assert_names(err, "torch.ops.my_ops.gelu.default", "networks.py:", "F.gelu(self.up(self.norm2(x)))", "no operator my_ops::gelu", "op pack")
        self.trainhost("model", "check", path, "--plugins", "own_operators", TRAINHOST_PLUGIN_PATH=str(TEST_PLUGINS))
        fields = ["tokens int64 [16] classes=32", "targets int64 [16] role=target classes=32 pad=-1"]
        self.write("own.toml", f'plugin_path = ["{TEST_PLUGINS}"]\n' + config_for(path, fields))
        self.assert_names(self.trainhost("run", "own.toml", "max=1step", code=13).err, "my_ops::gelu", "op pack")
        self.trainhost("run", "own.toml", "max=1step", "--plugins", "own_operators")

    def test_control_flow_and_objects_are_named(self):
        def cond(program):
            node = next(node for node in program["graph_module"]["graph"]["nodes"] if node["target"] == "torch.ops.aten.gelu.default")
            node["target"] = "torch.ops.higher_order.cond"
        self.assert_names(self.trainhost("model", "check", self.altered("gpt", **{"train/program.json": self.json_with(cond)}), code=13).err,
                          "torch.ops.higher_order.cond", "networks.py:", "control flow", "torch.where")

        def custom(program):
            program["graph_module"]["signature"]["input_specs"][0] = {"custom_obj": {"arg": {"name": "obj", "class_fqn": "my.Object"}, "custom_obj_name": "obj"}}
        self.assert_names(self.trainhost("model", "check", self.altered("gpt", **{"train/program.json": self.json_with(custom)}), code=13).err, "object of class my.Object")

    def test_a_bundle_larger_than_memory(self):
        self.assert_names(self.trainhost("model", "check", self.large_bundle(2**40), code=15).err, "large.thm", "weights take", "GB of memory are left")

    def test_four_gigabytes_where_a_process_may_take_two(self):
        path = self.large_bundle(2**32)
        self.write("large.toml", config_for(path, ["tokens int64 [16] classes=32", "targets int64 [16] role=target classes=32 pad=-1"]))
        for arguments in (("model", "check", path), ("run", "large.toml")):
            done = subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (2**31, 2**31)))
            self.assertEqual(done.returncode, 15, done.stderr)
            self.assert_names(done.stderr, "large.thm", "weights take 4.3 GB", "1.", "GB of memory are left")

    def large_bundle(self, size):
        """A sparse file, which takes no room."""
        path = self.folder / "large.thm"
        header = json.dumps({"huge": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
        members = self.members("gpt")
        del members["weights.safetensors"]
        manifest = json.loads(members["manifest.json"])
        manifest["parameters"].append({"name": "huge", "dtype": "float32", "shape": [size // 4], "frozen": False, "tags": [], "initial": None})
        manifest["members"]["weights.safetensors"] = {"bytes": 8 + len(header) + size, "sha256": "0" * 64}
        members["manifest.json"] = json.dumps(manifest).encode()
        self.write_sparse(path, members, struct.pack("<Q", len(header)) + header, size)
        return path

    @staticmethod
    def write_sparse(path, members, start, hole):
        """A ZIP whose last member is `start` and zeros that are not written; its directory is made by hand, as zipfile would read them all."""
        with zipfile.ZipFile(path, "w") as out:
            for entry, content in members.items():
                out.writestr(entry, content)
            entries = list(out.infolist())
            place = out.start_dir
        name = b"weights.safetensors"
        with open(path, "r+b") as file:
            file.seek(place)
            file.write(struct.pack("<IHHHHHIIIHH", 0x04034B50, 45, 0, 0, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(name), 0) + name + start)
            file.seek(file.tell() + hole)
            directory = file.tell()
            for entry in entries:
                encoded = entry.filename.encode()
                file.write(struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 0, entry.CRC, entry.file_size, entry.file_size, len(encoded), 0, 0, 0, 0, 0,
                                       entry.header_offset) + encoded)
            extra = struct.pack("<HHQQ", 1, 16, len(start) + hole, len(start) + hole)
            file.write(struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 0, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(extra), 0, 0, 0, 0, place) + name + extra)
            end = file.tell()
            file.write(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, len(entries) + 1, len(entries) + 1, end - directory, directory))
            file.write(struct.pack("<IIQI", 0x07064B50, 0, end, 1))
            file.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))


class Refusals(AlteredBundles):
    def test_data_that_does_not_fit_is_refused_before_training(self):
        fields = ["tokens int64 [16] classes=32", "targets int64 [16] role=target classes=32 pad=-1"]

        def refused(*names, code=2, **changed):
            listed = [changed.get(field.split()[0], field) for field in fields if changed.get(field.split()[0], field)]
            self.write("x.toml", config_for(BUNDLES / "gpt.thm", listed))
            self.assert_names(self.trainhost("run", "x.toml", "max=1step", code=code).err, *names)
        refused('no field "targets"', "[model] fields", targets="")
        refused("holds Float", "exported for int64", tokens="tokens float32 [16]")
        refused('"time" goes from 2 to 16', tokens="tokens int64 [17] classes=32")
        refused("33 classes", "exported for 32", tokens="tokens int64 [16] classes=33")

    def test_values_that_the_model_does_not_have_never_reach_it(self):
        """The source says nothing of classes, and draws 0 and 1."""
        path = self.altered("gpt", **{"manifest.json": self.json_with(lambda manifest: manifest["fields"][0].update(num_classes=1))})
        self.write("x.toml", config_for(path, ["tokens int64 [16]", "targets int64 [16] role=target classes=32 pad=-1"]))
        self.assert_names(self.trainhost("run", "x.toml", code=12).err, "data set train", "field 'tokens' holds 1", "the model takes 0 to 0", "more classes")

    def test_a_model_without_blocks_says_so(self):
        model, batch, options = models.MODELS["fixed"]()
        trainhost_export.export(model, batch, str(self.folder / "fixed.thm"), **options)
        self.write("x.toml", config_for("fixed.thm", ["x float32 [3]", "y float32 [2] role=target"]))
        self.trainhost("run", "x.toml", "max=1step")
        self.assert_names(self.trainhost("run", "x.toml", "max=1step", "model.recompute=blocks", "--name", "again", code=2).err, "fixed.thm", "has no blocks", "remove the key")
        self.write("mlp.toml", MLP)
        self.assert_names(self.trainhost("run", "mlp.toml", "model.recompute=blocks", code=2).err, "model.recompute", "model/mlp cannot compute its blocks again", "remove the key")

    def test_another_bundle_under_the_same_path_is_refused(self):
        shutil.copy(BUNDLES / "gpt.thm", self.folder / "model.thm")
        fields = ["tokens int64 [16] classes=32", "targets int64 [16] role=target classes=32 pad=-1"]
        self.write("x.toml", config_for("model.thm", fields))
        self.trainhost("run", "x.toml", "max=5step")
        shutil.copy(BUNDLES / "convolutions.thm", self.folder / "model.thm")
        self.assert_names(self.trainhost("run", "x.toml", "max=10step", code=2).err, "another bundle than the run began with")


if __name__ == "__main__":
    main()
