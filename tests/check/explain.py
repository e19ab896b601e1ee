#!/usr/bin/env python3
"""`plugins explain --create`: an instance in a process of its own, and what becomes of one that cannot be made."""

import json
import subprocess
import unittest

from checking import BUILD, ZOO


class Explain(unittest.TestCase):
    def explain(self, *words, code):
        command = [BUILD / "bin" / "trainhost", "plugins", "explain", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=BUILD)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def test_an_instance_says_what_it_offers(self):
        text = self.explain(ZOO / "good.so", "--create", "good.patience=3", code=0)
        self.assertIn("ok  instance   offers trainhost.stopping_rule/1, trainhost.observer/1, trainhost.state/1\n", text)
        told = json.loads(self.explain(ZOO / "good.so", "--create", "--json", "good.patience=3", code=0))
        self.assertIn("trainhost.observer/1", told[0]["plugins"][0]["interfaces"])

    def test_without_create_no_code_of_the_file_runs(self):
        text = self.explain(ZOO / "null_entry.so", code=0)
        self.assertIn("trainhost.stopping_rule/1, trainhost.state/1; --create makes an instance", text)

    def test_keys_that_are_missing_are_named_and_no_fault(self):
        text = self.explain(ZOO / "good.so", "--create", code=0)
        self.assertIn("instance   is not made: ", text)
        self.assertIn("patience", text)

    def test_a_file_that_lies_does_not_hurt_the_program(self):
        self.assertIn("no  instance   ", self.explain(ZOO / "null_entry.so", "--create", "null_entry.patience=3", code=13))
        self.assertIn("promises stopping_rule/promised", self.explain(ZOO / "lying_name.so", "--create", "promised.patience=3", code=13))


if __name__ == "__main__":
    unittest.main()
