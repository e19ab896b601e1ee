#!/usr/bin/env python3
"""The command itself: its lines, its options, its exit codes, and what becomes of a plugin that crashes."""

import json
import shlex
import unittest

from checking import ZOO, TestCase


class Answers(TestCase):
    def test_one_line_for_each_question_and_a_sum(self):
        lines = self.check(ZOO / "good.so", "--only", "elf/", code=0).splitlines()
        self.assertIn("ok       good.so  elf/exports_one_function", lines)
        self.assertIn("ok       stopping_rule/good  elf/schema_is_valid", lines)
        self.assertEqual(lines[-1], f"{len(lines) - 1} passed, 0 failed, 0 skipped")

    def test_a_failure_is_exit_code_13_and_says_how_to_ask_again(self):
        text = self.check(ZOO / "other_bytes.so", "--reproduce", 77, "--only", "elf/", code=13)
        self.assertIn("fail     other_bytes.so  elf/section_is_the_descriptor: the descriptor of stopping_rule/other_bytes points to other bytes", text)
        self.assertIn(f"Again: trainhost plugins check {shlex.quote(f'{ZOO}/other_bytes.so')} --only elf/section_is_the_descriptor --reproduce 77\n", text)

    def test_a_file_with_several_plugins_says_which_one_a_line_is_about(self):
        text = self.check(ZOO / "kinds.so", "--only", "elf/schema_is_valid", code=0)
        self.assertIn("ok       lr_schedule/zoo_rates  elf/schema_is_valid\n", text)
        self.assertIn("ok       data_source/zoo_source  elf/schema_is_valid\n", text)

    def test_json_holds_the_same(self):
        told = json.loads(self.check(ZOO / "other_bytes.so", "--json", "--reproduce", 5, code=13))
        self.assertEqual((told["failed"], told["seed"]), (len([a for a in told["answers"] if a["outcome"] == "fail"]), 5))
        self.assertEqual(told["passed"] + told["failed"] + told["skipped"], len(told["answers"]))

    def test_a_crash_is_a_failure_with_the_name_of_the_signal(self):
        self.assert_fails(ZOO / "null_entry.so", "any/unknown_interface_is_null", "crashed with SIGSEGV (Segmentation fault)")

    def test_in_process_gives_the_same_answers(self):
        self.assertEqual(self.answers(ZOO / "good.so", "--in-process", "--only", "elf/"), self.answers(ZOO / "good.so", "--only", "elf/"))

    def test_what_is_no_plugin_is_refused_as_the_host_refuses_it(self):
        self.assertIn("no trainhost plugin", self.check(ZOO / "foreign.so", code=13))
        self.assertIn("needs host ABI 1.9", self.check(ZOO / "minor_9.so", code=13))

    def test_words_that_mean_nothing_are_refused(self):
        self.assertIn("no question of this file begins so; did you mean", self.check(ZOO / "good.so", "--only", "elf/exports_one_functoin", code=2))
        self.assertIn("goood is no plugin of this file", self.check(ZOO / "good.so", "goood.patience=3", code=2))
        self.assertIn("takes one FILE", self.check(code=2))


if __name__ == "__main__":
    unittest.main()
