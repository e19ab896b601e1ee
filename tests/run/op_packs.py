"""Op packs in real runs: reached, bit-exact or not, refused, ordered, and charged like every plugin."""

import unittest

from harness import GPT, TEST_PLUGINS, TestCase, main, tensors


# Six windows of two micro-batches, and two passes that measure the first one beforehand; two layers with a gelu each.
BACKWARD_CALLS = (6 * 2 + 2) * 2


class OpPacks(TestCase):
    def setUp(self):
        super().setUp()
        self.write("gpt.toml", f'plugin_path = ["{TEST_PLUGINS}"]\n' + GPT)

    def train(self, name, *arguments):
        self.trainhost("run", "gpt.toml", "--name", name, "max=6step", *arguments)
        return self.run_folder(name)

    def calls(self, run, pack):
        """Forward and backward calls, as the pack counted them."""
        console = (run.path / "console.log").read_text()
        line = next(line for line in console.splitlines() if pack in line and "times forward" in line)
        words = line.split()
        return int(words[words.index("called") + 1]), int(words[words.index("backward") - 2])

    def test_a_bit_exact_pack_changes_no_bit_of_a_strict_run(self):
        plain, counted = self.train("plain"), self.train("counted", "--plugins", "counting")
        self.assertEqual(plain.losses(), counted.losses())
        self.assertEqual(plain.evaluations(), counted.evaluations())
        self.assertEqual(tensors(plain.newest(), "weights"), tensors(counted.newest(), "weights"))
        forward, backward = self.calls(counted, "counting")
        self.assertEqual(backward, BACKWARD_CALLS)
        self.assertGreater(forward, backward)  # evaluations go through it too
        self.assertIn("op_pack/counting: aten::gelu on AutogradCPU, bit-exact", (counted.path / "console.log").read_text())

    def test_a_pack_with_other_values_needs_a_policy_that_is_not_strict(self):
        other = ("counting.factor=1.25", "counting.bit_exact=false", "--plugins")
        refused = self.trainhost("run", "gpt.toml", *other, "counting", code=2)
        self.assert_names(refused.err, "op_pack/counting", "aten::gelu on AutogradCPU", "not declared bit-exact", "strict")
        self.assertNotEqual(self.train("plain", "--plugins", "amp").losses(), self.train("other", *other, "amp,counting").losses())

    def test_two_packs_on_one_kernel_need_an_order(self):
        both = ("--plugins", "counting,rival")
        refused = self.trainhost("run", "gpt.toml", *both, code=2)
        self.assert_names(refused.err, "op_pack/counting and op_pack/rival", "aten::gelu on AutogradCPU", "op_pack.order")
        run = self.train("ordered", *both, 'op_pack.order=["counting", "rival"]')
        self.assertEqual(self.calls(run, "counting"), (0, 0))
        self.assertEqual(self.calls(run, "rival")[1], BACKWARD_CALLS)
        self.train("ablation", "--plugins", "counting", 'op_pack.order=["counting", "rival"]')

    def test_what_does_not_exist_is_named(self):
        for override, words in (("counting.op=aten::gelo", ["no operator", "aten::gelu"]), ("counting.overload=inn", ["no overload"]), ("counting.key=GPU", ["no dispatch key"])):
            self.assert_names(self.trainhost("run", "gpt.toml", "--plugins", "counting", override, code=13).err, "op_pack/counting", *words)
        self.assert_names(self.trainhost("run", "gpt.toml", 'op_pack.order=["countin"]', code=13).err, "op_pack.order", "counting")


if __name__ == "__main__":
    main()
