#!/usr/bin/env python3
"""The questions of kinds that need LibTorch: a sound plugin passes, and each question finds the fault that it is about."""

import shlex
import tempfile
import unittest
from pathlib import Path

from checking import BUILD, FAKES, TestCase

FILE = FAKES / "model-wrong_model.so"
FRAMES = Path(__file__).parent / "fakes/fields.toml"
ROWS = Path(__file__).parent / "fakes/rows.toml"


class TorchKinds(TestCase):
    def ask(self, plugin, fault, question):
        """The answer of one question to a plugin with this fault."""
        return self.answers(FILE, "--in-process", "--only", question, "--reproduce", 1, f"{plugin}.fault={fault}")[question]

    def assert_finds(self, plugin, cases):
        for fault, question, words in cases:
            with self.subTest(fault=fault):
                outcome, reason = self.ask(plugin, fault, question)
                self.assertEqual(outcome, "fail", f"{question}: {reason}")
                self.assertIn(words, reason)

    def assert_skips(self, plugin, fault, question, words):
        outcome, reason = self.ask(plugin, fault, question)
        self.assertEqual(outcome, "skipped", reason)
        self.assertIn(words, reason)

    def test_plugins_without_a_fault_pass_every_question(self):
        answers = self.answers(FILE, "--only", "model/", "--only", "optimizer/", "--only", "op_pack/")
        self.assertEqual({question: answer for question, answer in answers.items() if answer[0] != "ok"}, {})
        self.assertEqual(len(answers), 22)

    def test_faults_of_a_model(self):
        fields = "(fields x and classes y)"
        self.assert_finds("wrong_model", [
            ("two_names", "model/stable_parameters", '"weight" names two parameters or buffers'),
            ("master", "model/stable_parameters", '"weight" has a master; masters are the host\'s'),
            ("grows", "model/stable_parameters", f"parameters or buffers have other names or another order after a pass {fields}"),
            ("seed", "model/same_seed_same_weights", 'two builds with one seed gave "weight" other values'),
            ("narrow_without_values", "model/values_follow", f'"bias" {fields} is another one, or of another shape or format'),
            ("forgets_without_values", "model/values_follow", f"loss_sum {fields} is "),
            ("axes", "model/output_is_sums", f"loss_sum {fields} must be one number, got 1 axes"),
            ("metrics", "model/output_is_sums", f"forward {fields} returned other metrics the second time"),
            ("gradient", "model/gradients", f"bias {fields}: the gradient says that the loss changes by 0"),
            ("mean", "model/cut_batch_same_sums", f"loss_sum {fields} is "),
            ("narrow_loss", "model/gradients", f"built for float64, loss_sum {fields} is Float; sum in the format of the parameters"),
            ("narrow_loss", "model/cut_batch_same_sums", f"built for float64, loss_sum {fields} is Float; sum in the format of the parameters"),
            ("narrow_weights", "model/gradients", f"built for float64, weight {fields} is Float; make parameters in ModelFacts::default_dtype"),
            ("item", "model/no_host_waits", f"forward {fields} called aten::item, which waits for the device"),
            ("nonzero", "model/no_host_waits", f"forward {fields} called aten::nonzero, which waits for the device"),
            ("dropout_in_evaluation", "model/evaluation_leaves_no_trace", f"evaluation {fields} drew random numbers"),
            ("mean_in_evaluation", "model/evaluation_leaves_no_trace", f'evaluation {fields} changed "mean"'),
            ("throws", "model/gradients", "model.build (fields tokens and targets) threw: no such field; fields that do not suit are a PluginError"),
        ])

    def test_a_model_in_float32_only_is_not_asked_in_float64_and_that_is_said(self):
        answers = self.answers(FILE, "--in-process", "--only", "model/", "--reproduce", 1, "wrong_model.fault=only_float32")
        left_out = {question: reason for question, (outcome, reason) in answers.items() if outcome != "ok"}
        self.assertEqual(set(left_out), {"model/gradients", "model/cut_batch_same_sums"}, left_out)
        for question, reason in left_out.items():
            self.assertEqual(answers[question][0], "skipped", reason)
            self.assertIn("it is built for float32 only (x and classes y: wrong_model: computes in float32, got another format; choose the policy fp32), and this question is asked in float64", reason)

    def test_a_stated_field_set_in_float32_only_is_skipped_too(self):
        outcome, reason = self.answers(FILE, "--fields", ROWS, "--only", "model/gradients", "wrong_model.fault=only_float32")["model/gradients"]
        self.assertEqual((outcome, f"it is built for float32 only ({ROWS}: " in reason), ("skipped", True), reason)

    def test_failures_of_a_model(self):
        fields = "(fields x and classes y"
        self.assert_finds("wrong_model", [
            ("assumes_fields", "model/refuses_other_fields", f"model.build {fields}, without any field) threw: "),
            ("odd_status", "model/refuses_other_fields", f"model.build {fields}, field y without classes) threw: wanted rows x and classes y; fields that do not suit are INVALID_ARGUMENT"),
            ("no_words", "model/works_after_an_error", f"model.forward {fields}) of a batch with field x with an axis more threw an exception without words"),
            ("throws_a_number", "model/works_after_an_error", f"model.forward {fields}) of a batch with field x with an axis more threw something that is no std::exception"),
            ("latches", "model/works_after_an_error", "after a batch with field x with an axis more a sound one (fields x and classes y) has loss_sum"),
            ("sum_by_mean", "model/works_after_an_error", "nan and count 0; wanted 0 and 0, or a refusal with words"),
        ])
        self.assert_fails(FILE, "model/works_after_an_error", "crashed with SIGSEGV", settings=["wrong_model.fault=trusts_shapes"])

    def test_faults_of_an_optimizer(self):
        self.assert_finds("wrong_optimizer", [
            ("base_rate", "optimizer/slots", "learning_rate() is 0"),
            ("slot_names", "optimizer/slots", 'slot "momentum.momentum" is named after no parameter'),
            ("slots_not_zero", "optimizer/slots", 'slot "weight.momentum" is not zero after attach'),
            ("ignores_skip", "optimizer/skipped_step_changes_nothing", '"weight" has changed in a step with found_non_finite = 1'),
            ("own_count", "optimizer/skipped_step_changes_nothing", '"weight" differs one update later from an optimizer that saw no skipped step'),
            ("own_count", "optimizer/saved_state_continues", '"weight" differs 3 updates after its slots were loaded'),
            ("hidden_slots", "optimizer/saved_state_continues", '"weight" differs 3 updates after its slots were loaded'),
            ("rate", "optimizer/rate_and_multiplier", '"weight" has changed in a step with learning_rate 0'),
            ("multiplier", "optimizer/rate_and_multiplier", '"weight" differs when gradients are 8 times as large'),
            ("group_rate", "optimizer/rate_and_multiplier", '"weight" differs between a rate_multiplier of 2'),
            ("needs_gradients", "optimizer/missing_gradients", "optimizer.step threw: no gradient"),
            ("item", "optimizer/no_host_waits", "step called aten::item, which waits for the device"),
        ])

    def test_failures_of_an_optimizer(self):
        self.assert_finds("wrong_optimizer", [
            ("throws_a_number", "optimizer/bears_odd_parameters", "optimizer.attach (no groups: everything is frozen) threw something that is no std::exception"),
            ("infinite", "optimizer/bears_odd_parameters", '(a parameter without axes) "p0" is not finite after step 1'),
            ("latches", "optimizer/works_after_an_error", 'after a step with a gradient of "weight" that is too long the next one changes nothing'),
        ])

    def test_failures_of_an_op_pack(self):
        self.assert_finds("wrong_pack", [
            ("any_format", "op_pack/refuses_what_aten_refuses", "aten::gelu on CPU (matrices of one shape, tensor 0 as int64) computes what ATen refuses ("),
            ("picky", "op_pack/refuses_what_aten_refuses", ") refuses what ATen takes: wanted a tensor without gaps"),
            ("strides", "op_pack/refuses_what_aten_refuses", "aten::gelu on CPU (matrices of one shape, tensor 0 with shorter rows): result 0 is off by"),
        ])

    def test_words_generators_and_autocast_are_asked_too(self):
        for fault in ("words", "random", "autocast"):
            outcome, reason = self.ask("wrong_pack", fault, "op_pack/matches_aten")
            self.assertEqual(outcome, "ok", reason)
        self.assert_finds("wrong_pack", [
            ("one_word", "op_pack/matches_aten", "aten::einsum on AutogradCPU (stacks of matrices): result 0 is off by"),
            ("own_generator", "op_pack/matches_aten", "aten::bernoulli on CPU (a matrix of probabilities) gives other random numbers from the same seed"),
            ("no_chance", "op_pack/matches_aten", "aten::bernoulli on CPU (a matrix of probabilities) gives the same random numbers from every seed"),
            ("autocast_values", "op_pack/matches_aten", "aten::linear on AutocastCPU (matrices of one shape): result 0 is off by 1 of ATen's norm"),
            ("autocast_format", "op_pack/matches_aten", "aten::linear on AutocastCPU (matrices of one shape): result 0 is Float, ATen's is BFloat16"),
        ])

    def test_faults_of_an_op_pack(self):
        self.assert_finds("wrong_pack", [
            ("operator", "op_pack/replacements_fit", "LibTorch has no operator aten::gelo"),
            ("key", "op_pack/replacements_fit", 'LibTorch has no dispatch key "CPUs"'),
            ("signature", "op_pack/replacements_fit", "registering aten::gelu on CPU threw: "),
            ("no_kernel", "op_pack/replacements_fit", "aten::gelu on CPU has no kernel"),
            ("twice", "op_pack/replacements_fit", "aten::gelu on CPU is declared twice"),
            ("changes", "op_pack/replacements_fit", 'replacements() answered "aten::gelu on CPU, bit-exact; " first, and '),
            ("values", "op_pack/matches_aten", "aten::gelu on CPU (matrices of one shape): result 0 is off by 1 of ATen's norm"),
            ("bits", "op_pack/matches_aten", "result 0 is declared bit-exact, and differs from ATen's"),
            ("no_backward", "op_pack/matches_aten", "its result has no gradient"),
            ("gradient", "op_pack/matches_aten", "aten::gelu on AutogradCPU (matrices of one shape): the gradient of tensor 0 is off by"),
            ("not_reached", "op_pack/matches_aten", "aten::gelu on AutogradXLA was never called"),
            ("leaks", "op_pack/gone_when_taken_back", "aten::relu has other kernels than before the plugin was loaded"),
        ])

    def test_what_cannot_be_asked_of_an_op_pack_is_skipped_with_its_reason(self):
        for fault, words in (("nothing", "it replaces nothing on this machine"), ("cuda", "aten::gelu on CUDA: this check runs on the CPU; give it --device cuda"),
                             ("undrivable", 'aten::_assert_async.msg on CPU: no arguments were found that it takes (no value can be made up for "assert_msg" of type str)')):
            self.assert_skips("wrong_pack", fault, "op_pack/matches_aten", words)

    def write_fields(self, text):
        folder = tempfile.TemporaryDirectory(prefix="trainhost-fields-")
        self.addCleanup(folder.cleanup)
        file = Path(folder.name) / "fields.toml"
        file.write_text(text)
        return file

    def test_a_model_is_asked_for_the_fields_that_its_author_states(self):
        frames = ("--only", "model/", "--reproduce", 1, "wrong_model.fault=frames")
        answers = self.answers(FILE, "--fields", FRAMES, *frames)
        self.assertEqual({question: answer for question, answer in answers.items() if answer[0] != "ok"}, {})
        outcome, reason = self.answers(FILE, *frames)["model/gradients"]
        self.assertEqual(outcome, "fail")
        self.assertIn("its build takes none of the fields that this check knows (tokens and targets: wanted rows x", reason)
        self.assertIn("say what it is built for with --fields FILE.toml", reason)

    def test_stated_fields_that_the_model_refuses_are_a_failure_that_can_be_asked_again(self):
        text = self.check(FILE, "--fields", FRAMES, "--only", "model/gradients", "--reproduce", 1, code=13)
        self.assertIn(f"model.build (fields {FRAMES}): wanted rows x and classes y; state fields that it takes", text)
        self.assertIn(f"--fields {shlex.quote(str(FRAMES))}", text.split("Again: ")[1])

    def test_files_of_fields_that_make_no_sense_are_refused(self):
        for text, words in (("", "holds no fields; write a table [[field]]"), ("frames = 1\n", "unknown key frames; this file is a list of [[field]] tables"),
                            ('[[field]]\nname = "x"\ndtype = "float33"\nshape = []\n', 'field 1: dtype must be one of'),
                            ('[[field]]\nname = "x"\nshape = []\n', "field 1: dtype is missing"), ('[[field]]\nname = "x"\ndtype = "bool"\nshapes = []\n', "unknown key shapes"),
                            ('[[field]]\nname = "x"\ndtype = "bool"\nshape = [-1]\n', "axis 0 is -1 in shape and -1 in max_shape")):
            with self.subTest(text):
                self.assertIn(words, self.check(FILE, "--fields", self.write_fields(text), code=2))
        self.assertIn("holds no model", self.check(FAKES / "rule.so", "--fields", FRAMES, code=2))

    def test_first_party_plugins_pass(self):
        for name in ("model-gpt", "model-mlp", "optimizer-adamw"):
            answers = self.answers(BUILD / "plugins" / f"{name}.so", "--only", name.split("-")[0] + "/")
            self.assertEqual({question: answer for question, answer in answers.items() if answer[0] != "ok"}, {})

    def test_the_same_seed_asks_the_same(self):
        answers = [self.ask("wrong_model", "gradient", "model/gradients") for _ in range(2)]
        self.assertEqual(answers[0], answers[1])


if __name__ == "__main__":
    unittest.main()
