"""What the tests of `plugins check` share: the program, the plugins of the tests, and one check."""

import json
import os
import subprocess
import unittest
from pathlib import Path

BUILD = Path(os.environ.get("TRAINHOST_BUILD_DIR") or Path(__file__).resolve().parents[2] / "build")
ZOO = BUILD / "zoo"
FAKES = BUILD / "check_fakes"


class TestCase(unittest.TestCase):
    maxDiff = None

    def check(self, *words, code=None):
        """Runs `trainhost plugins check` and returns what it prints; stderr where it ends with a usage error."""
        done = subprocess.run([BUILD / "bin" / "trainhost", "plugins", "check", *map(str, words)], capture_output=True, text=True, cwd=BUILD)
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout or done.stderr

    def answers(self, *words):
        """Question -> (outcome, reason)."""
        return {answer["question"]: (answer["outcome"], answer["reason"]) for answer in json.loads(self.check(*words, "--json"))["answers"]}

    def assert_fails(self, file, question, *parts, settings=()):
        """The question fails on this file, and its reason holds these parts."""
        outcome, reason = self.answers(file, "--only", question, "--reproduce", 1, *settings)[question]
        self.assertEqual(outcome, "fail", f"{question}: {reason}")
        for part in parts:
            self.assertIn(part, reason)
