"""The package where `make install` puts it, away from the source tree."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PREFIX = pathlib.Path(os.environ["TRAINHOST_PREFIX"])
MODULE = """
import torch

def build():
    return torch.nn.Linear(3, 1), {"input": torch.ones(2, 3), "targets": torch.ones(2, 1)}, {"loss": "mse"}
"""


class Installed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_python(self, *arguments):
        environment = {"PATH": "", "PYTHONPATH": str(PREFIX / "share/trainhost/python"), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run([sys.executable, *arguments], cwd=self.folder, capture_output=True, text=True, env=environment)

    def test_a_bundle_is_written_from_there_and_the_installed_program_reads_it(self):
        (self.folder / "my_module.py").write_text(MODULE)
        done = self.run_python("-m", "trainhost_export", "my_module.py:build", "--out", "model.thm")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        place = self.run_python("-c", "import trainhost_export; print(trainhost_export.__file__)").stdout
        self.assertTrue(place.startswith(str(PREFIX)), place)
        checked = subprocess.run([PREFIX / "bin/trainhost", "model", "check", self.folder / "model.thm"], capture_output=True, text=True, env={"PATH": ""})
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_nothing_but_the_package_is_there(self):
        found = {str(path.relative_to(PREFIX / "share/trainhost/python").parts[0]) for path in (PREFIX / "share/trainhost/python").rglob("*.*")}
        self.assertEqual(found, {"pyproject.toml", "trainhost_export"})


if __name__ == "__main__":
    unittest.main()
