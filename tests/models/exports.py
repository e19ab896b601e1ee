"""Models that others wrote: each is exported, its graph trains like the model, and trained weights go back into it."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = os.environ["TRAINHOST_MODEL_MODULES"]
PROGRAM = pathlib.Path(os.environ.get("TRAINHOST_BUILD_DIR") or ROOT / "build") / "bin/trainhost"
sys.path[:0] = [str(ROOT / "tools/python"), MODULES]
sys.dont_write_bytecode = True
if not os.path.exists(f"{MODULES}/complete"):
    sys.exit(f"the models are not installed in {MODULES}; run scripts/setup test")

import safetensors.torch  # noqa: E402
import torch  # noqa: E402
import trainhost_export  # noqa: E402
import zoo  # noqa: E402
from trainhost_export.bundle import Bundle  # noqa: E402

STEPS = 20


class Exports(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "model.thm"
        torch.set_num_threads(1)

    def assert_exports(self, name):
        model, batch, options = zoo.build(name)
        manifest = trainhost_export.export(model, batch, self.path, **options)
        self.assertEqual(manifest["custom_operators"], [])
        self.assertEqual(trainhost_export.check(self.path), "close" if name in zoo.ANOTHER_KERNEL else "bit-identical")
        checked = subprocess.run([PROGRAM, "model", "check", self.path], capture_output=True, text=True, env={"PATH": ""})
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        bundle = Bundle(self.path)
        losses = self.adamw(bundle.trainable().values(), lambda run=bundle.runner("train"), fields=bundle.fields(): run(fields))
        adapter = trainhost_export.adapter.Adapter(model, list(batch), options["loss"], options.get("metrics"))
        model.train()
        eager = self.adamw([one for one in model.parameters() if one.requires_grad], lambda: adapter(*batch.values()))
        self.assertLess(eager[-1], eager[0])
        if name in zoo.ANOTHER_KERNEL:
            self.assertTrue(torch.allclose(losses, eager, rtol=1e-5), (losses, eager))
        else:
            self.assertTrue(torch.equal(losses, eager), (losses, eager))
        self.assert_weights_go_back(name, bundle, batch, options)

    def adamw(self, parameters, forward):
        optimizer = torch.optim.AdamW(list(parameters), lr=1e-3)
        torch.manual_seed(3)
        losses = []
        for _ in range(STEPS):
            loss, count = forward()[:2]
            (loss / count).backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.detach())
        return torch.stack(losses)

    def assert_weights_go_back(self, name, bundle, batch, options):
        """A new model with other weights evaluates as the trained graph does, once these are loaded."""
        trained = {key: tensor.detach().contiguous() for key, tensor in {**bundle.parameters, **bundle.buffers}.items()}
        checkpoint = self.path.with_name("weights.safetensors")
        safetensors.torch.save_file(trained, checkpoint)
        fresh, _, _ = zoo.build(name, seed=9)
        trainhost_export.load(checkpoint, fresh)
        fresh.eval()
        adapter = trainhost_export.adapter.Adapter(fresh, list(batch), options["loss"], options.get("metrics"))
        with torch.no_grad():
            expected, got = bundle.runner("eval")(bundle.fields())[0], adapter(*batch.values())[0]
        self.assertTrue(torch.allclose(got, expected, rtol=1e-5) if name in zoo.ANOTHER_KERNEL else torch.equal(got, expected), (got, expected))
        if hasattr(fresh, "save_pretrained") and name != "lora":
            fresh.save_pretrained(self.path.with_name("saved"))
            again = type(fresh).from_pretrained(self.path.with_name("saved"))
            for key, tensor in fresh.state_dict().items():
                self.assertTrue(torch.equal(again.state_dict()[key], tensor), key)


for _name in zoo.ALL:
    setattr(Exports, f"test_{_name}", lambda self, name=_name: self.assert_exports(name))

if __name__ == "__main__":
    unittest.main()
