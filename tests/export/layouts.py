"""Tensors as they may lie in memory, and those that belong together without saying so."""
import unittest

import models
import torch
from models import trainhost_export
from models import ROOT
from torch import nn


def line(**attributes):
    """A linear layer with more attributes; forward gives the squares of what `use` makes of them."""
    class Line(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 3)
            for name, make in attributes.items():
                if name != "use":
                    setattr(self, name, make(self))

        def forward(self, x):
            return attributes["use"](self, self.linear(x)).square().sum(), x.shape[0]

    torch.manual_seed(0)
    return Line()


BATCH = {"x": torch.randn(4, 3, generator=torch.Generator().manual_seed(1))}


class Layouts(models.TestCase):
    def test_every_layout_has_the_bits_of_eager(self):
        import importlib.util
        spec = importlib.util.spec_from_file_location("pt2_models", ROOT / "plugins/model/pt2/testing/models.py")
        pt2_models = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(pt2_models)
        model, batch, options = pt2_models.layouts()
        places = {name: (tensor.data_ptr(), tensor.stride()) for name, tensor in [*model.named_parameters(), *model.named_buffers()]}
        values = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        manifest = self.export(model, batch, options)
        self.assertEqual(trainhost_export.check(self.path), "bit-identical")
        self.assertEqual({entry["name"]: entry.get("strides") for entry in manifest["parameters"]}["transposed"], [1, 24])
        self.assertEqual({name: (tensor.data_ptr(), tensor.stride()) for name, tensor in [*model.named_parameters(), *model.named_buffers()]}, places)
        for name, tensor in model.state_dict().items():
            self.assertTrue(torch.equal(tensor, values[name]), name)
        fresh, _, _ = pt2_models.layouts()
        trainhost_export.load(self.path, fresh)
        fresh.scale = torch.tensor([2.0]).expand(24)
        self.assert_refused(r"scale has other values, and the model's repeats memory.*clone\(\)", trainhost_export.load, self.path, fresh)

    def test_parts_that_overlap_are_refused(self):
        model = line(use=lambda self, y: y @ self.square + self.row)
        square = torch.randn(3, 3)
        model.register_buffer("square", square)
        model.register_buffer("row", square[1])
        self.assert_refused(r"buffer 'row' shares memory with buffer 'square', but is another tensor; .*clone\(\)", trainhost_export.export, model, BATCH, self.path)

    def test_a_tensor_that_follows_a_parameter_is_refused(self):
        model = line(view=lambda self: self.linear.weight.detach().t(), use=lambda self, y: y @ self.view)
        self.assert_refused(r"holds a tensor 'view' that is no parameter or buffer, but shares memory with parameter 'linear\.weight'.*compute it in forward",
                            trainhost_export.export, model, BATCH, self.path)

    def test_a_tensor_that_forward_changes_is_refused(self):
        def count(self, y):
            if self.training:
                self.calls.add_(1)
            return y * self.calls
        model = line(calls=lambda self: torch.ones(()), use=count)
        self.assert_refused(r"'?calls'?.*(register_buffer|changes)", trainhost_export.export, model, BATCH, self.path)


class Ranges(models.TestCase):
    def test_programs_demand_no_more_than_the_manifest_says(self):
        """A reader looks at the manifest's ranges only."""
        import json
        from bundles import members
        for name in models.ALL:
            held = members(models.exported(name))
            manifest = json.loads(held["manifest.json"])
            for mode in ("train", "eval"):
                program = json.loads(held[f"{mode}/program.json"])
                values = program["graph_module"]["graph"]["tensor_values"]
                inputs = [spec["user_input"]["arg"]["as_tensor"]["name"] for spec in program["graph_module"]["signature"]["input_specs"] if "user_input" in spec]
                for field, value in zip(manifest["fields"], inputs, strict=True):
                    for size, entry in zip(values[value]["sizes"], field["shape"], strict=True):
                        with self.subTest(model=name, mode=mode, field=field["name"]):
                            self.assert_within(entry, size, manifest["dimensions"], program["range_constraints"])

    def assert_within(self, entry, size, dimensions, ranges):
        if isinstance(entry, int):
            self.assertEqual(size, {"as_int": entry})
            return
        symbol = size["as_expr"]["expr_str"]
        if isinstance(entry, str) and symbol in ranges:
            low, high = ranges[symbol]["min_val"], ranges[symbol]["max_val"]
            self.assertTrue(low is None or low <= max(dimensions[entry]["min"], 2), (entry, ranges[symbol]))
            self.assertTrue(high is None or dimensions[entry]["max"] is not None and high >= dimensions[entry]["max"], (entry, ranges[symbol]))


if __name__ == "__main__":
    unittest.main()
