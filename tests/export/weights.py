"""load(): weights of checkpoints, bundles and files back into the model."""
import shutil
import unittest

import models
import safetensors.torch
import torch
from models import trainhost_export


class Weights(models.TestCase):
    def setUp(self):
        super().setUp()
        self.trained, self.batch, self.options = models.gpt()
        with torch.no_grad():
            for parameter in self.trained.parameters():
                parameter.add_(1)
        self.fresh, _, _ = models.gpt()

    def tensors(self):
        return {name: tensor.detach().clone() for name, tensor in self.trained.named_parameters()}

    def checkpoint(self, name, tensors=None, marks=("commit", "verified")):
        folder = self.folder / "run" / "checkpoints" / name
        folder.mkdir(parents=True)
        safetensors.torch.save_file(self.tensors() if tensors is None else tensors, folder / "weights.safetensors")
        for mark in ("manifest.json", *marks):
            (folder / mark).write_text("")
        return folder

    def assert_loaded(self):
        for name, tensor in self.trained.named_parameters():
            self.assertTrue(torch.equal(self.fresh.get_parameter(name), tensor), name)
        self.assertIs(self.fresh.head.weight, self.fresh.wte.weight)

    def test_the_newest_verified_checkpoint_of_a_run(self):
        zeros = {name: torch.zeros_like(tensor) for name, tensor in self.tensors().items()}
        self.checkpoint("step-000000000900-a000001-n000009", zeros)  # an older attempt got further
        self.checkpoint("step-000000000400-a000002-n000001", zeros)
        newest = self.checkpoint("step-000000000500-a000002-n000002")
        self.checkpoint("step-000000000600-a000002-n000003", zeros, marks=("commit",))
        self.checkpoint("step-000000000700-a000002-n000004", zeros, marks=())
        for source in (self.folder / "run", self.folder / "run/checkpoints", newest, str(newest)):
            self.fresh, _, _ = models.gpt()
            report = trainhost_export.load(source, self.fresh)
            self.assert_loaded()
            self.assertEqual((report.step, report.path, report.kept), (500, str(newest / "weights.safetensors"), []))

    def test_a_bundle_and_a_file(self):
        self.export(self.trained, self.batch, self.options)
        trainhost_export.load(self.path, self.fresh)
        self.assert_loaded()
        self.fresh, _, _ = models.gpt()
        safetensors.torch.save_file(self.tensors(), self.folder / "w.safetensors")
        trainhost_export.load(self.folder / "w.safetensors", self.fresh)
        self.assert_loaded()

    def test_buffers_are_loaded_too_and_what_a_run_does_not_change_is_kept(self):
        trained, fresh = models.resnet()[0], models.resnet()[0]
        trained.stem[1].running_mean.fill_(3)
        report = trainhost_export.load(self.checkpoint("step-000000000001-a000001-n000001", trained.state_dict()), fresh)
        self.assertEqual(fresh.stem[1].running_mean[0].item(), 3)
        self.assertEqual(report.kept, [])
        frozen = models.frozen()[0]
        tensors = {name: tensor for name, tensor in frozen.state_dict().items()}
        shutil.rmtree(self.folder / "run")
        self.assertEqual(trainhost_export.load(self.checkpoint("step-000000000001-a000001-n000001", tensors), frozen).kept, ["scale"])

    def test_values_are_converted_to_the_formats_of_the_model(self):
        self.fresh.to(torch.bfloat16)
        trainhost_export.load(self.checkpoint("step-000000000001-a000001-n000001"), self.fresh)
        self.assertTrue(torch.equal(self.fresh.wte.weight, self.trained.wte.weight.to(torch.bfloat16)))

    def test_what_does_not_fit_is_refused_and_nothing_is_loaded(self):
        before = {name: tensor.clone() for name, tensor in self.fresh.state_dict().items()}
        tensors = self.tensors()
        cases = [({**tensors, "more": torch.zeros(2)}, r"holds more, which the model does not have.*Nothing was loaded"),
                 ({name: tensor for name, tensor in tensors.items() if name != "wpe.weight"}, r"has no wpe\.weight, which the model needs"),
                 ({**tensors, "norm.bias": torch.zeros(5)}, r"norm\.bias has shape \[5\], the model's has \[32\]")]
        for wrong, pattern in cases:
            folder = self.checkpoint("step-000000000001-a000001-n000001", wrong)
            self.assert_refused(pattern, trainhost_export.load, folder, self.fresh)
            shutil.rmtree(self.folder / "run")
        for name, tensor in self.fresh.state_dict().items():
            self.assertTrue(torch.equal(tensor, before[name]))

    def test_places_without_a_checkpoint(self):
        self.assert_refused(r"does not exist", trainhost_export.load, self.folder / "none", self.fresh)
        self.assert_refused(r"is in a store; copy the checkpoint's folder to a disk", trainhost_export.load, "s3://bucket/run", self.fresh)
        self.assert_refused(r"holds no checkpoint", trainhost_export.load, self.folder, self.fresh)
        folder = self.checkpoint("step-000000000001-a000001-n000001", marks=())
        self.assert_refused(r"holds 1 checkpoints, none of them verified", trainhost_export.load, self.folder / "run", self.fresh)
        self.assert_refused(r"was never finished", trainhost_export.load, folder, self.fresh)

    def test_damaged_files(self):
        folder = self.checkpoint("step-000000000001-a000001-n000001")
        data = (folder / "weights.safetensors").read_bytes()
        for wrong, pattern in ((data[:5], "is cut"), (data[:200], r"is (cut|no safetensors)"), (data[:-1], "the file is damaged"), (b"\xff" * 100, "is cut"),
                               (b"", "cannot be read")):
            (folder / "weights.safetensors").write_bytes(wrong)
            self.assert_refused(pattern, trainhost_export.load, folder, self.fresh)


if __name__ == "__main__":
    unittest.main()
