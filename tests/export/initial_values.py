"""Rules instead of weights: small files, and numbers that anybody can draw again."""
import hashlib
import json
import unittest
import zipfile

import models
import safetensors.torch
import torch
from models import trainhost_export
from trainhost_export import initial

RULES = {"wte.*": ("normal", 0.0, 0.02), "*norm*.weight": ("constant", 1.0), "*.bias": ("constant", 0.0), "*": ("uniform", -0.1, 0.1)}


def drawn(seed, name, shape):
    """As docs/bundle.md says, written anew."""
    number = int.from_bytes(hashlib.sha256(b"trainhost.bundle.initial/1\n%d\n%s" % (seed, name.encode())).digest()[:4], "big")
    generator = torch.Generator().manual_seed(number)
    if name == "wte.weight":
        return torch.empty(shape).normal_(0.0, 0.02, generator=generator)
    if name.endswith("bias") or "norm" in name:
        return torch.full(shape, 0.0 if name.endswith("bias") else 1.0)
    return torch.empty(shape).uniform_(-0.1, 0.1, generator=generator)


class InitialValues(models.TestCase):
    def test_a_bundle_of_rules_holds_no_weights_and_its_record_begins_with_what_they_draw(self):
        model, batch, options = models.gpt()
        manifest = self.export(model, batch, {**options, "init": RULES, "seed": 2**63 + 5})
        with zipfile.ZipFile(self.path) as file:
            self.assertEqual(safetensors.torch.load(file.read("weights.safetensors")), {})
            record = json.loads(file.read("parity.json"))
        parameters = dict(model.named_parameters())
        for entry in manifest["parameters"]:
            if "tied_to" in entry:
                continue
            values = drawn(2**63 + 5, entry["name"], parameters[entry["name"]].shape)
            self.assertEqual(record["initial"]["parameters"][entry["name"]], hashlib.sha256(values.numpy().tobytes()).hexdigest(), entry["name"])
        self.assertEqual(manifest["parameters"][0]["initial"], {"rule": "normal", "mean": 0.0, "std": 0.02})
        self.assertEqual(trainhost_export.check(self.path), "bit-identical")

    def test_bytes_and_rules_stand_side_by_side(self):
        model, batch, options = models.gpt()
        self.export(model, batch, {**options, "init": {"wte.*": ("normal", 0.0, 0.02)}})
        with zipfile.ZipFile(self.path) as file:
            weights = safetensors.torch.load(file.read("weights.safetensors"))
        self.assertNotIn("wte.weight", weights)
        self.assertTrue(torch.equal(weights["wpe.weight"], model.wpe.weight))
        self.assertEqual(trainhost_export.check(self.path), "bit-identical")

    def test_a_rule_draws_from_seed_and_name_alone(self):
        def draw(seed, name):
            tensor = torch.zeros(1000)
            initial.draw({"rule": "normal", "mean": 1.0, "std": 2.0}, name, seed, tensor)
            return tensor
        torch.manual_seed(1)
        first = draw(0, "a")
        torch.manual_seed(2)
        self.assertTrue(torch.equal(first, draw(0, "a")))
        self.assertFalse(torch.equal(first, draw(1, "a")))
        self.assertFalse(torch.equal(first, draw(0, "b")))
        self.assertAlmostEqual(first.mean().item(), 1.0, delta=0.3)
        self.assertAlmostEqual(first.std().item(), 2.0, delta=0.3)

    def test_other_formats_get_the_float32_numbers(self):
        whole, half = torch.zeros(100), torch.zeros(100, dtype=torch.bfloat16)
        for tensor in (whole, half):
            initial.draw({"rule": "uniform", "low": -1.0, "high": 1.0}, "a", 0, tensor)
        self.assertTrue(torch.equal(whole.to(torch.bfloat16), half))

    def test_weights_cannot_be_loaded_from_rules(self):
        model, batch, options = models.gpt()
        self.export(model, batch, {**options, "init": RULES})
        self.assert_refused(r"holds rules instead of weights", trainhost_export.load, self.path, model)


if __name__ == "__main__":
    unittest.main()
