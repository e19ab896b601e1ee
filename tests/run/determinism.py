"""fp32 runs are bit for bit the same, at any number of data threads; the cut into micro-batches changes nothing but rounding."""

from harness import GPT, MLP, TestCase, main, tensors


class Determinism(TestCase):
    def train(self, config, name, *overrides):
        self.trainhost("run", config, "--name", name, *overrides)
        return self.run_folder(name)

    def test_two_runs_are_identical_at_one_and_four_data_threads(self):
        self.write("gpt.toml", GPT)
        first = self.train("gpt.toml", "first", "data.threads=1")
        for name, threads in (("again", 1), ("more", 4)):
            other = self.train("gpt.toml", name, f"data.threads={threads}")
            self.assertEqual(len(first.checkpoints()), len(other.checkpoints()))
            for a, b in zip(first.checkpoints(), other.checkpoints()):
                self.assert_same_state(a, b)
            self.assertEqual(first.evaluations(), other.evaluations())
            self.assertEqual(first.record()["trajectory_hash"], other.record()["trajectory_hash"])

    def test_another_seed_gives_other_weights_and_another_order(self):
        self.write("mlp.toml", MLP)
        first, other = self.train("mlp.toml", "first"), self.train("mlp.toml", "other", "seed=2")
        self.assertNotEqual(tensors(first.newest(), "weights"), tensors(other.newest(), "weights"))
        self.assertNotEqual(first.record()["trajectory_hash"], other.record()["trajectory_hash"])
        self.assertNotEqual(first.evaluations(), other.evaluations())

    def test_cuts_into_micro_batches_give_the_same_losses(self):
        self.write("mlp.toml", MLP)
        whole = self.train("mlp.toml", "whole", "accum.micro_batch_samples=32", "accum.micro_batches=1").evaluations()
        for samples, batches in ((8, 4), (1, 32)):
            cut = self.train("mlp.toml", f"cut{samples}", f"accum.micro_batch_samples={samples}", f"accum.micro_batches={batches}").evaluations()
            self.assertEqual(whole.keys(), cut.keys())
            for key, value in whole.items():
                self.assertAlmostEqual(value, cut[key], delta=1e-6 * abs(value), msg=str(key))

    def test_windows_by_samples_and_by_tokens_are_the_same_windows(self):
        self.write("mlp.toml", MLP)
        batches = self.train("mlp.toml", "batches").evaluations()
        for name, override in (("samples", "accum.target_samples=8"), ("tokens", "accum.target_tokens=8")):
            other = self.train("mlp.toml", name, override)
            self.assertEqual(other.record()["amounts"]["samples"], 160)
            for key, value in batches.items():
                self.assertAlmostEqual(value, other.evaluations()[key], delta=1e-6 * abs(value))


if __name__ == "__main__":
    main()
