"""python -m trainhost_export, and the example of docs/bring-your-own-model.md."""
import os
import re
import subprocess
import sys
import unittest

import models
from models import ROOT

MODULE = """
import torch
from torch import nn

def build():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 20))
    tokens = torch.randint(0, 20, (2, 4))
    return model, {"input": tokens, "targets": tokens}

def with_options():
    return *build(), {"loss": "cross_entropy"}

def wrong():
    return 1
"""

NOTHING_BUT_TORCH = """
import sys
sys.modules.update({name: None for name in ('safetensors', 'transformers', 'numpy')})
import torch, trainhost_export
model = torch.nn.Linear(3, 1)
trainhost_export.export(model, {'input': torch.ones(2, 3), 'targets': torch.ones(2, 1)}, 'model.thm', loss='mse')
print(trainhost_export.check('model.thm'))
trainhost_export.load('model.thm', model)
"""


class Command(models.TestCase):
    def setUp(self):
        super().setUp()
        self.module = self.folder / "my_module.py"
        self.module.write_text(MODULE)

    def test_writes_checks_and_shows_a_bundle(self):
        status, out, err = self.run_command(f"{self.module}:build", "--out", self.path, "--loss", "cross_entropy", "--ignore-index", "0",
                                            "--metric", "accuracy", "--dynamic", "input.1=time:1:8", "--dynamic", "targets.1=time",
                                            "--init", "0.weight=normal:0,0.02")
        self.assertEqual((status, err), (0, ""))
        for words in ("field input: input, int64 [batch, time], 20 classes", "field targets: target, int64 [batch, time], 20 classes or 0",
                      "dimension time: 1 to 8", "metrics: accuracy", "parameters: 340 trained, 0 frozen, in 3 tensors", "train program:"):
            self.assertIn(words, out)
        self.assertEqual(self.run_command("--info", self.path), (0, out, ""))
        status, out, err = self.run_command("--check", self.path)
        self.assertEqual((status, out, err), (0, f"{self.path}: whole, and its graphs compute what the record says, bit-identical\n", ""))

    def test_the_function_may_give_options(self):
        status, out, _ = self.run_command(f"{self.module}:with_options", "--out", self.path, "--static")
        self.assertEqual(status, 0)
        self.assertIn("field targets: target, int64 [2, 4]", out)

    def test_faults_are_one_message_and_exit_1(self):
        builds = [(f"{self.module}:wrong", "gave int, wanted (model, example_batch)"), (f"{self.module}:none", "has no function 'none'"),
                  (f"{self.folder}/none.py:build", "cannot be imported"), (self.module, "names no function; write"),
                  (f"{self.module}:build", "Sequential.forward takes input; the batch has input, targets for it")]
        for arguments, words in [*(((build, "--out", self.path), words) for build, words in builds), (("--check", self.module), "no whole bundle")]:
            with self.subTest(words=words):
                status, out, err = self.run_command(*arguments)
                self.assertEqual((status, out), (1, ""))
                self.assertTrue(err.startswith("trainhost_export: ") and words in err, err)

    def test_usage_is_exit_2(self):
        for arguments in ((), ("--check", "a", "--info", "b"), (f"{self.module}:build",), (f"{self.module}:build", "--out", "a", "--dynamic", "x"),
                          (f"{self.module}:build", "--out", "a", "--init", "x=normal:a"), (f"{self.module}:build", "--out", "a", "--ignore-index", "1"),
                          (f"{self.module}:build", "--out", "a", "--loss", "mse", "--ignore-index", "1")):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.run_command(*arguments)[0], 2)

    def test_the_example_of_the_docs_runs(self):
        page = (ROOT / "docs/bring-your-own-model.md").read_text()
        (self.folder / "my_model.py").write_text(re.search(r"^```python\n(.*?)^```", page, re.M | re.S)[1])
        for line in re.findall(r"^(python -m trainhost_export .*)$", page, re.M):
            with self.subTest(line=line):
                done = self.run_python(*line.split()[1:])
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_package_needs_nothing_but_torch(self):
        done = self.run_python("-W", "ignore", "-c", NOTHING_BUT_TORCH)
        self.assertEqual((done.returncode, done.stdout), (0, "bit-identical\n"), done.stderr)

    def run_python(self, *arguments):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "tools/python")}
        return subprocess.run([sys.executable, *arguments], cwd=self.folder, capture_output=True, text=True, env=environment)


if __name__ == "__main__":
    unittest.main()
