"""What export() writes: read back with other people's programs, and compared with training loops written out here."""
import hashlib
import io
import json
import struct
import unittest
import zipfile

import models
import safetensors.torch
import torch
from models import trainhost_export
from trainhost_export.bundle import Bundle


def members(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def manifest_of(name):
    return json.loads(members(models.exported(name))["manifest.json"])


def eager_steps(model, options, batch, seed, steps, rate):
    """The losses of plain SGD, written as a user would."""
    losses = []
    for step in range(steps):
        model.train()
        torch.manual_seed(seed + step)
        loss, count = loss_of(model, options, batch)
        model.zero_grad()
        loss.backward()
        losses.append(loss.detach().clone())
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter.add_(parameter.grad, alpha=-(rate / count))
    return torch.stack(losses)


def loss_of(model, options, batch):
    loss = options.get("loss")
    if loss is None:
        total, count, _ = model(**batch)
        return total, count.item()
    target = batch["label" if "label" in batch else "targets"]
    output = model(**{name: tensor for name, tensor in batch.items() if tensor is not target})
    if loss == "bce":
        return torch.nn.functional.binary_cross_entropy_with_logits(output, target, reduction="sum"), target.numel()
    if loss == "mse":
        return torch.nn.functional.mse_loss(output, target, reduction="sum"), target.numel()
    return torch.nn.functional.cross_entropy(output.flatten(0, -2), target.flatten(), reduction="sum"), target.numel()


class Bundles(models.TestCase):
    def test_every_model_is_exported_bit_for_bit(self):
        for name in models.ALL:
            with self.subTest(model=name):
                path = models.exported(name)
                self.assertTrue(json.loads(members(path)["parity.json"])["graph_is_bit_identical"])
                self.assertEqual(trainhost_export.check(path), "bit-identical")

    def test_the_record_is_what_a_plain_loop_computes(self):
        torch.set_num_threads(1)
        for name, make in models.ALL.items():
            with self.subTest(model=name):
                model, batch, options = make()
                held = members(models.exported(name))
                record, tensors = json.loads(held["parity.json"]), safetensors.torch.load(held["parity.safetensors"])
                losses = eager_steps(model, options, batch, seed=7, steps=4, rate=0.05)
                self.assertTrue(torch.equal(tensors["steps/loss_sum"], losses))
                self.assertGreater((losses[0] - losses[-1]).abs(), 0)
                for parameter, tensor in model.named_parameters():
                    self.assertEqual(record["steps"][-1]["parameters"][parameter], hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest())
                    norms = tensors.get(f"weight_norm/{parameter}")
                    self.assertEqual((norms is not None, f"gradient_norm/{parameter}" in tensors), (tensor.requires_grad, tensor.requires_grad))
                    if norms is not None:
                        self.assertAlmostEqual(norms[-1].item(), tensor.detach().double().norm().item(), places=9)
                for buffer, tensor in model.named_buffers():
                    self.assertEqual(record["steps"][-1]["buffers"][buffer], hashlib.sha256(tensor.numpy().tobytes()).hexdigest())

    def test_a_model_in_float64_sums_in_float64(self):
        torch.set_num_threads(1)
        for name, make in {**{name: models.ALL[name] for name in ("gpt", "clicks", "recurrent")}, "values": lambda: (torch.nn.Linear(6, 1), {
                "input": torch.randn(4, 6), "targets": torch.randn(4, 1)}, {"loss": "mse", "metrics": ["absolute_error"]})}.items():
            with self.subTest(model=name):
                model, batch, options = make()
                model, batch = model.double(), {field: values.double() if values.is_floating_point() else values for field, values in batch.items()}
                self.export(model, batch, {**options, "seed": 7, "steps": 2, "rate": 0.05})
                tensors = safetensors.torch.load(members(self.path)["parity.safetensors"])
                self.assertTrue(torch.equal(tensors["steps/loss_sum"], eager_steps(model, options, batch, seed=7, steps=2, rate=0.05)))
                formats = {key: tensor.dtype for key, tensor in tensors.items() if key.startswith(("steps/", "evaluations/"))}
                self.assertEqual(formats, dict.fromkeys(formats, torch.float64))

    def test_members_are_stored_aligned_and_hashed(self):
        path = models.exported("resnet")
        data = path.read_bytes()
        with zipfile.ZipFile(path) as file:
            self.assertIsNone(file.testzip())
            entries = {entry.filename: entry for entry in file.infolist()}
        manifest = json.loads(members(path)["manifest.json"])
        self.assertEqual(set(entries), set(manifest["members"]) | {"manifest.json"})
        for name, entry in entries.items():
            name_bytes, extra_bytes = struct.unpack_from("<HH", data, entry.header_offset + 26)
            begin = entry.header_offset + 30 + name_bytes + extra_bytes
            self.assertEqual((begin % 64, entry.compress_type, entry.flag_bits & 8), (0, zipfile.ZIP_STORED, 0), name)
            if name != "manifest.json":
                digest = hashlib.sha256(data[begin:begin + entry.file_size]).hexdigest()
                self.assertEqual(manifest["members"][name], {"bytes": entry.file_size, "sha256": digest})

    def test_weights_have_their_own_names_and_tied_ones_are_there_once(self):
        model, held = models.gpt()[0], members(models.exported("gpt"))
        weights, manifest = safetensors.torch.load(held["weights.safetensors"]), json.loads(held["manifest.json"])
        self.assertEqual(set(weights), set(model.state_dict()) - {"head.weight"})
        for name, tensor in weights.items():
            self.assertTrue(torch.equal(tensor, model.state_dict()[name]), name)
        self.assertIn({"name": "head.weight", "tied_to": "wte.weight"}, manifest["parameters"])

    def test_the_manifest_says_what_the_graph_shows(self):
        manifest = manifest_of("gpt")
        self.assertEqual(manifest["fields"], [
            {"name": "tokens", "dtype": "int64", "shape": ["batch", "time"], "role": "input", "num_classes": 40, "pad_value": None},
            {"name": "targets", "dtype": "int64", "shape": ["batch", "time"], "role": "target", "num_classes": 40, "pad_value": -1}])
        self.assertEqual(manifest["dimensions"], {"batch": {"min": 1, "max": None}, "time": {"min": 1, "max": 16}})
        tags = {entry["name"]: entry["tags"] for entry in manifest["parameters"] if "tied_to" not in entry}
        self.assertEqual(tags["wte.weight"], ["decay", "embedding", "head"])
        self.assertEqual(tags["wpe.weight"], ["decay", "embedding"])
        self.assertEqual((tags["norm.weight"], tags["norm.bias"]), (["norm"], ["bias", "norm"]))
        self.assertEqual((tags["blocks.0.qkv.weight"], tags["blocks.0.qkv.bias"]), (["decay"], ["bias"]))
        self.assertEqual(manifest["metrics"], [{"name": "accuracy", "reduce": "sum_over_count"}])
        self.assertEqual((manifest["torch_version"], manifest["custom_operators"]), (torch.__version__, []))

    def test_class_numbers_are_seen_through_losses_and_bags(self):
        for model, field, expected in (("resnet", "label", ("target", 10, -100)), ("clicks", "ids", ("input", 50, None)),
                                       ("clicks", "targets", ("target", None, None)), ("clicks", "dense", ("input", None, None))):
            with self.subTest(field=field):
                entry = next(entry for entry in manifest_of(model)["fields"] if entry["name"] == field)
                self.assertEqual((entry["role"], entry["num_classes"], entry["pad_value"]), expected)

    def test_frozen_parameters_and_buffers_are_marked(self):
        manifest = manifest_of("frozen")
        self.assertEqual({entry["name"]: entry["frozen"] for entry in manifest["parameters"]}, {
            "base.weight": True, "base.bias": True, "adapter.weight": False, "head.weight": False, "head.bias": False})
        self.assertEqual({entry["name"]: (entry["persistent"], entry["mutated"]) for entry in manifest["buffers"]},
                         {"scale": (False, False), "seen": (True, True)})
        held = members(models.exported("frozen"))
        self.assertEqual(list(safetensors.torch.load(held["buffers.safetensors"])), ["scale"])
        self.assertIn("seen", safetensors.torch.load(held["weights.safetensors"]))

    def test_programs_are_read_by_torch_and_hold_no_weights(self):
        text = members(models.exported("resnet"))["train/program.json"]
        program = json.loads(text)
        self.assertEqual(program["schema_version"]["major"], 8)
        names = [next(iter(spec.values())).get("parameter_name") for spec in program["graph_module"]["signature"]["input_specs"]]
        self.assertIn("stem.0.weight", names)
        nodes = program["graph_module"]["graph"]["nodes"]
        self.assertIn("torch.ops.aten.conv2d.default", [node["target"] for node in nodes])
        self.assertLessEqual({key for node in nodes for key in node["metadata"]}, {"stack_trace", "nn_module_stack"})
        self.assertLess(len(text), 200_000)

    def test_the_train_program_draws_and_the_eval_program_does_not(self):
        model, batch, _ = models.gpt()
        bundle, fields = Bundle(models.exported("gpt")), list(batch.values())
        losses = {mode: [bundle.runner(mode)(fields)[0].item() for _ in range(2)] for mode in ("train", "eval")}
        self.assertNotEqual(*losses["train"])
        self.assertEqual(*losses["eval"])
        model.eval()
        self.assertEqual(losses["eval"][0], model(**batch)[0].item())

    def test_other_sizes_give_what_the_model_gives(self):
        model, bundle = models.gpt()[0], Bundle(models.exported("gpt"))
        model.eval()
        for samples, length in ((1, 1), (1, 16), (7, 5)):
            with self.subTest(samples=samples, length=length), torch.no_grad():
                fields = [torch.randint(0, 40, (samples, length)) for _ in range(2)]
                self.assertTrue(torch.equal(torch.stack(list(map(float_of, bundle.runner("eval")(fields)))), torch.stack(list(map(float_of, model(*fields))))))

    def masks(self, condition):
        """Of each mode: the names of the masks that attention takes, and those of copies, in a network whose mask `condition` makes of positions."""
        class Attends(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = torch.nn.Linear(8, 8)

            def forward(self, x, targets):
                mask = condition(torch.arange(x.shape[1])[None, None, :, None] + 0).expand(x.shape[0], 1, x.shape[1], x.shape[1])
                h = self.linear(x).unflatten(-1, (2, 4)).transpose(1, 2)
                for _ in range(2):
                    h = torch.nn.functional.scaled_dot_product_attention(h, h, h, attn_mask=mask)
                return (h.transpose(1, 2).flatten(2) - targets).square().sum(), targets.numel()

        self.export(Attends(), {"x": torch.randn(2, 5, 8), "targets": torch.randn(2, 5, 8)})  # compares with eager by itself
        for mode in ("train", "eval"):
            graph = json.loads(members(self.path)[f"{mode}/program.json"])["graph_module"]["graph"]
            copies = [node["outputs"][0]["as_tensor"]["name"] for node in graph["nodes"] if node["target"] == "torch.ops.aten.contiguous.default"]
            yield [argument["arg"]["as_tensor"]["name"] for node in graph["nodes"] if "scaled_dot_product_attention" in node["target"]
                   for argument in node["inputs"] if argument["name"] == "attn_mask" and "as_tensor" in argument["arg"]], copies

    def test_masks_that_are_spread_along_the_keys_are_copied_once(self):
        for masks, copies in self.masks(lambda positions: positions != 7):
            self.assertEqual(masks, copies * 2)
            self.assertEqual(len(copies), 1)

    def test_masks_that_mask_nothing_are_left_out_and_no_others(self):
        for masks, _ in self.masks(lambda positions: positions >= 0):
            self.assertEqual(masks, [])
        for masks, _ in self.masks(lambda positions: positions < 4):
            self.assertEqual(len(masks), 2)

    def test_one_tensor_in_two_fields_is_two_inputs(self):
        model, batch, _ = models.recurrent()
        manifest = self.export(model, {"tokens": batch["tokens"], "targets": batch["tokens"]}, {"loss": "cross_entropy"})
        self.assertEqual([field["role"] for field in manifest["fields"]], ["input", "target"])
        model.eval()
        output = model(batch["tokens"]).flatten(0, 1)
        loss = torch.nn.functional.cross_entropy(output, batch["targets"].flatten(), reduction="sum")
        self.assertEqual(Bundle(self.path).runner("eval")(list(batch.values()))[0].item(), loss.item())

    def test_the_same_model_gives_the_same_bytes(self):
        digests = set()
        for _ in range(2):
            self.export(*models.frozen())
            digests.add(hashlib.sha256(self.path.read_bytes()).hexdigest())
        self.assertEqual(len(digests), 1)

    def test_the_model_is_left_as_it_was(self):
        model, batch, options = models.resnet()
        model.eval()
        model.stem.train()
        model.fc.weight.grad = torch.ones_like(model.fc.weight)
        values, modes = {name: tensor.clone() for name, tensor in model.state_dict().items()}, [module.training for module in model.modules()]
        torch.manual_seed(5)
        generator = torch.get_rng_state()
        self.export(model, batch, {**options, "init": {"fc.weight": ("constant", 1.0)}})
        for name, tensor in model.state_dict().items():
            self.assertTrue(torch.equal(tensor, values[name]), name)
        self.assertEqual([module.training for module in model.modules()], modes)
        self.assertTrue(torch.equal(model.fc.weight.grad, torch.ones_like(model.fc.weight)))
        self.assertIsNone(model.fc.bias.grad)
        self.assertTrue(torch.equal(torch.get_rng_state(), generator))

    def test_weights_in_another_memory_format_keep_it(self):
        model, batch, options = models.resnet()
        model.to(memory_format=torch.channels_last)
        manifest = self.export(model, batch, options)
        entry = next(entry for entry in manifest["parameters"] if entry["name"] == "layers.0.conv1.weight")
        self.assertEqual(entry["strides"], list(model.layers[0].conv1.weight.stride()))
        weights = safetensors.torch.load(members(self.path)["weights.safetensors"])
        self.assertTrue(torch.equal(weights["layers.0.conv1.weight"], model.layers[0].conv1.weight.detach().contiguous()))
        self.assertIn(trainhost_export.check(self.path), ("bit-identical", "close"))

    def test_metrics_may_be_functions(self):
        model, batch, options = models.frozen()
        self.export(model, batch, {**options, "metrics": {"largest": lambda prediction, target: (prediction - target).abs().max()}})
        tensors = safetensors.torch.load(members(self.path)["parity.safetensors"])
        model.eval()
        output = model(batch["x"])
        self.assertEqual(tensors["evaluations/metric/largest"][0].item(), (output - batch["targets"]).abs().max().item())

    def test_sizes_may_follow_others_and_have_steps(self):
        class Pool(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.line = torch.nn.Linear(1, 1)

            def forward(self, x, y):
                halves = self.line(x.unflatten(1, (-1, 2)).sum(2, keepdim=True)).squeeze(2)
                return ((halves - y) ** 2).sum(), y.numel()

        batch = {"x": torch.randn(3, 8), "y": torch.randn(3, 4)}
        manifest = self.export(Pool(), batch, {"dynamic": {"x": {1: ("2*half", 2, 32)}, "y": {1: "half"}}})
        self.assertEqual(manifest["fields"][0]["shape"], ["batch", {"dimension": "half", "times": 2, "plus": 0}])
        manifest = self.export(Pool(), {"x": batch["x"], "y": torch.randn(3, 4)}, {"dynamic": {"x": {1: ("2*half", 2, 32, 2)}, "y": {1: "half"}}})
        self.assertEqual(manifest["dimensions"]["half"], {"min": 2, "max": 32, "multiple_of": 2})

    def test_a_static_model_has_no_dimensions(self):
        model, batch, options = models.recurrent()
        manifest = self.export(model, batch, {**options, "dynamic": False})
        self.assertEqual((manifest["dimensions"], manifest["sample_dimension"], manifest["fields"][0]["shape"]), ({}, None, [3, 6]))


def float_of(tensor):
    return tensor.double()


if __name__ == "__main__":
    unittest.main()
