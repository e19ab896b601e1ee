"""Training on a checkpoint place that is slow, fails, tears and lies: it survives or ends with exit code 16, and no bad state is ever loaded."""

from harness import MLP, TestCase, main

FAULTY = ("--plugins", "localckpt,faultckpt")


class Faults(TestCase):
    def setUp(self):
        super().setUp()
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml", "max=30step", "--name", "whole")

    def assert_whole(self, name):
        self.assertEqual(self.run_folder(name).record()["status"], "finished")
        self.assert_same_state(self.run_folder("whole").newest(), self.run_folder(name).newest())

    def test_transient_failures_and_latency_are_survived(self):
        # All but put_commit, after which only a whole save is tried again, and three times at most.
        calls = 'faultckpt.fail_operations=["put_begin", "put_part", "create", "get", "list", "remove"]'
        for seed in (1, 2, 3):
            result = self.trainhost("run", "mlp.toml", "max=30step", *FAULTY, f"faultckpt.seed={seed}", calls, "faultckpt.fail_probability=0.1", "faultckpt.latency_ms=1", "--name", f"seed-{seed}")
            self.assert_names(result.err, "fail and lie here on purpose", "fails on purpose (transient)", "try 2 of 5")
            self.assertRegex(result.err, r"[1-9]\d* calls failed, 0 objects were torn")
            self.assert_whole(f"seed-{seed}")

    def test_lost_replies_are_survived(self):
        self.trainhost("run", "mlp.toml", "max=30step", *FAULTY, "faultckpt.fail_every=20", "faultckpt.fail_late=true", "--name", "late")
        self.assert_whole("late")

    def test_a_permanent_failure_is_16_and_what_is_safe_goes_on(self):
        result = self.trainhost("run", "mlp.toml", "max=30step", *FAULTY, "faultckpt.fail_every=1", "faultckpt.fail_as=permanent", "faultckpt.only_keys=-n000004/weights", "--name", "cut", code=16)
        self.assert_names(result.err, "step 20", "was not saved", "fails on purpose (permanent)")
        self.trainhost("run", "mlp.toml", "max=30step", "--name", "cut")
        self.assertEqual(self.run_folder("cut").events("restored")[0]["step"], 15)
        self.assert_whole("cut")

    def test_what_is_torn_or_lost_is_16_when_it_is_read_back(self):
        for number, fault in enumerate(("tear_every=1", "lose_every=1")):
            for name in ("weights", "manifest", "commit"):
                run = f"cut-{number}-{name}"
                result = self.trainhost("run", "mlp.toml", "max=30step", *FAULTY, f"faultckpt.{fault}", f"faultckpt.only_keys=-n000003/{name}", "--name", run, code=16)
                self.assertIn("step 15", result.err)
                self.trainhost("run", "mlp.toml", "max=30step", "--name", run)
                self.assertEqual(self.run_folder(run).events("restored")[0]["step"], 10)
                self.assert_whole(run)

    def test_a_cache_that_is_lost_costs_one_checkpoint_and_is_said(self):
        for number, fault in enumerate(("tear_every=1", "lose_every=1")):
            for name in ("weights", "optimizer", "manifest", "commit"):
                run = f"volatile-{number}-{name}"
                self.trainhost("run", "mlp.toml", "max=15step", "cosine.length=30step", *FAULTY, f"faultckpt.{fault}", "faultckpt.volatile=true", f"faultckpt.only_keys=-n000003/{name}", "--name", run)
                result = self.trainhost("run", "mlp.toml", "max=30step", "cosine.length=30step", "--name", run)
                self.assertRegex(result.err, r"checkpoint step-000000000015-a000001-n000003: damaged in its .*; using an older one")
                self.assertEqual(self.run_folder(run).events("restored")[0]["step"], 10)
                self.assert_whole(run)

    def test_flipped_bits_at_a_restore_are_found(self):
        self.trainhost("run", "mlp.toml", "max=15step", "cosine.length=30step", "--name", "flipped")
        flip = ("run", "mlp.toml", "max=30step", "cosine.length=30step", *FAULTY, "faultckpt.flip_every=1", "--name", "flipped")
        self.assert_names(self.trainhost(*flip, "faultckpt.only_keys=step-", code=14).err, "none of", "checksum")
        result = self.trainhost(*flip, "faultckpt.only_keys=-a000001-n000003/")
        self.assert_names(result.err, "using an older one")
        self.assertEqual(self.run_folder("flipped").events("restored")[0]["step"], 10)
        self.assert_whole("flipped")

    def test_stale_lists_do_no_harm(self):
        self.trainhost("run", "mlp.toml", "max=30step", *FAULTY, "faultckpt.stale_probability=0.3", "--name", "stale")
        self.assert_whole("stale")


if __name__ == "__main__":
    main()
