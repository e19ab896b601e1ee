"""Models that others wrote, trained by the program: losses and weights of PyTorch, also after a kill in the middle, and the weights back in PyTorch."""
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
from exported_jobs import STEPS, config_for, evaluate_eager, fields_of, train_eager  # noqa: E402
from harness import TestCase, main  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from trainhost_export.adapter import Adapter  # noqa: E402


class Eager:
    """A model in PyTorch, with its loss."""

    def __init__(self, name, seed=0):
        self.model, self.batch, options = zoo.build(name, seed)
        self.adapter = Adapter(self.model, list(self.batch), options["loss"], options.get("metrics"))

    def forward(self, **batch):
        return self.adapter(*[batch[field] for field in self.batch])


class Runs(TestCase):
    def assert_trains(self, name):
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        model, batch, options = zoo.build(name)
        trainhost_export.export(model, batch, self.folder / "model.thm", **options)
        self.assertTrue(self.trainhost("model", "check", "model.thm", "--json", PATH="").json()["passed"])
        self.write("zoo.toml", config_for("model.thm", fields_of(self.trainhost("model", "info", "model.thm", "--json").json())))
        self.trainhost("run", "zoo.toml", "synthetic.write_to=samples.safetensors", "--name", "whole", PATH="")
        whole, eager = self.run_folder("whole"), Eager(name)
        wanted = train_eager(eager.model, eager.forward, load_file(self.folder / "samples.safetensors"))
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
        loss, recorded = evaluate_eager(fresh.model, fresh.forward, load_file(self.folder / "heldout.safetensors")), whole.evaluations()[(STEPS, "heldout", "loss")]
        self.assertLessEqual(abs(loss - recorded), 1e-5 * abs(recorded))


for _name in zoo.ALL:
    setattr(Runs, f"test_{_name}", lambda self, name=_name: self.assert_trains(name))

if __name__ == "__main__":
    main()
