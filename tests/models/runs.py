"""Models that others wrote, trained by the program: losses and weights of PyTorch, also after a kill in the middle, and the weights back in PyTorch."""
import json
import os
import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = os.environ["TRAINHOST_MODEL_MODULES"]
sys.path[:0] = [str(ROOT / "tools/python"), str(ROOT / "tests/run"), MODULES]
sys.dont_write_bytecode = True
if not os.path.exists(f"{MODULES}/complete"):
    sys.exit(f"the models are not installed in {MODULES}; run scripts/setup test")

import torch  # noqa: E402
import trainhost_export  # noqa: E402
import zoo  # noqa: E402
from harness import TestCase, main  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from trainhost_export.adapter import Adapter  # noqa: E402

# A rate that float32 holds exactly.
RATE, WINDOW, MICRO, STEPS = 2**-10, 8, 4, 20
CONFIG = """
max = ["20step"]
plugins = ["fp32", "accum", "synthetic", "pt2", "adamw", "constant", "localckpt"]
[data]
threads = 1
shuffle = false
[execution]
threads = 1
[synthetic]
task = "fields"
fields = {fields}
samples = 160
[evaluation.heldout]
every = "5step"
synthetic.first_id = 1000
synthetic.samples = 32
synthetic.write_to = "heldout.safetensors"
[pt2]
bundle = "model.thm"
[accum]
micro_batch_samples = 4
micro_batches = 2
[adamw]
learning_rate = 0.0009765625
weight_decay = 0.1
[checkpoint]
every = "5step"
mode = "sync"
[telemetry]
every = "1step"
[sample]
length = 0
"""


class Eager:
    """The same windows in PyTorch: AdamW on sums that are divided by the count, decay for matrices only."""

    def __init__(self, name, seed=0):
        self.model, self.batch, options = zoo.build(name, seed)
        self.adapter = Adapter(self.model, list(self.batch), options["loss"], options.get("metrics"))

    def train(self, samples):
        parameters = [one for one in self.model.parameters() if one.requires_grad]
        groups = [{"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1},
                  {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.999), eps=1e-8, fused=True)
        torch.manual_seed(1)
        self.model.train()
        losses = []
        for step in range(STEPS):
            total, count = self._sums(samples, range(step * WINDOW, (step + 1) * WINDOW, MICRO), is_training=True)
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.grad /= count
            optimizer.step()
            optimizer.zero_grad()
            losses.append(total / count)
        return losses

    def evaluate(self, samples):
        self.model.eval()
        with torch.no_grad():
            total, count = self._sums(samples, range(0, 32, MICRO), is_training=False)
        return total / count

    def _sums(self, samples, starts, is_training):
        total = count = 0.0
        for start in starts:
            output = self.adapter(*[samples[field][start:start + MICRO] for field in self.batch])
            if is_training:
                output[0].backward()
            total, count = total + output[0].item(), count + output[1].item()
        return total, count


class Runs(TestCase):
    def assert_trains(self, name):
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        model, batch, options = zoo.build(name)
        trainhost_export.export(model, batch, self.folder / "model.thm", **options)
        self.assertTrue(self.trainhost("model", "check", "model.thm", "--json", PATH="").json()["passed"])
        answer = self.trainhost("model", "info", "model.thm", "--json").json()
        fields = next([row[0] for row in table["rows"]] for table in answer["tables"] if table["columns"] == ["fields"])
        self.write("zoo.toml", CONFIG.format(fields=json.dumps(fields)))
        self.trainhost("run", "zoo.toml", "synthetic.write_to=samples.safetensors", "--name", "whole", PATH="")
        whole, eager = self.run_folder("whole"), Eager(name)
        wanted = eager.train(load_file(self.folder / "samples.safetensors"))
        tolerance = 1e-5 if name in zoo.ANOTHER_KERNEL else 0.0
        for got, loss in zip(whole.losses().values(), wanted, strict=True):
            self.assertLessEqual(abs(got - loss), tolerance * abs(loss), (whole.losses(), wanted))
        self.assert_resumes(whole)
        self.assert_weights_go_back(name, whole)

    def assert_resumes(self, whole):
        process = self.start("run", "zoo.toml", "--name", "cut")
        self.assertTrue(process.wait_for("evaluation heldout at step 10:"), "".join(process.lines))
        process.signal(signal.SIGKILL)
        process.end()
        self.trainhost("run", "zoo.toml", "--name", "cut")
        self.assert_same_state(whole.newest(), self.run_folder("cut").newest())

    def assert_weights_go_back(self, name, whole):
        fresh = Eager(name, seed=9)
        trainhost_export.load(whole.path, fresh.model)
        loss, recorded = fresh.evaluate(load_file(self.folder / "heldout.safetensors")), whole.evaluations()[(STEPS, "heldout", "loss")]
        self.assertLessEqual(abs(loss - recorded), 1e-5 * abs(recorded))


for _name in zoo.ALL:
    setattr(Runs, f"test_{_name}", lambda self, name=_name: self.assert_trains(name))

if __name__ == "__main__":
    main()
