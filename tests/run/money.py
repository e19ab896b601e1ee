"""Where time and money went: parts that sum to the whole, limits and intervals in money, over resumes too."""

import signal
from datetime import datetime

from harness import MLP, TestCase, main


class Money(TestCase):
    def setUp(self):
        super().setUp()
        self.write("mlp.toml", MLP)

    def assert_sums(self, ledger):
        parts = [*ledger["parts"].values(), *ledger["plugins"].values()]
        self.assertAlmostEqual(sum(part["seconds"] for part in parts), ledger["seconds"], delta=1e-3 + 1e-9 * ledger["seconds"])
        if ledger["cost"] is not None:
            self.assertAlmostEqual(sum(part["cost"] for part in parts), ledger["cost"], delta=1e-3 * ledger["cost"] + 1e-9)
            self.assertIsNotNone(ledger["parts"]["data_wait"]["cost"])

    def test_parts_sum_to_the_whole(self):
        result = self.trainhost("run", "mlp.toml", "price_per_hour=36")
        ledger = self.run_folder("mlp").events("ledger")[-1]
        self.assert_sums(ledger)
        self.assertAlmostEqual(ledger["cost"], ledger["seconds"] * 0.01, delta=1e-6)
        self.assertLessEqual({"start_up", "compute", "data_wait", "checkpoint", "evaluation", "idle"}, ledger["parts"].keys())
        self.assertIn("model/mlp", ledger["plugins"])
        self.assertRegex(result.out, r"data wait +\S+ +\S+ +.*usd")
        record = self.run_folder("mlp").path / "run.json"
        later = record.stat().st_mtime - datetime.fromisoformat(ledger["time"].replace("Z", "+00:00")).timestamp()  # it is written some time after the event
        more = self.run_folder("mlp").record()["amounts"]["seconds"] - ledger["seconds"]
        self.assertGreaterEqual(more, 0)
        self.assertLessEqual(more, later + 0.1)

    def test_unknown_price_is_not_measured(self):
        result = self.trainhost("run", "mlp.toml")
        ledger = self.run_folder("mlp").events("ledger")[-1]
        self.assert_sums(ledger)
        self.assertIsNone(ledger["cost"])
        self.assertIsNone(ledger["parts"]["data_wait"]["cost"])
        self.assertIn("not measured", result.out)
        self.assertIsNone(self.run_folder("mlp").record()["amounts"]["cost"])
        for override in ("max=4usd", "checkpoint.every=1usd", "evaluation.heldout.every=1usd", "telemetry.every=0.1usd", "max=2kwh"):
            refused = self.trainhost("run", "mlp.toml", "--name", "refused", override, code=2)
            self.assert_names(refused.err, override.split("=")[0], "price_per_hour" if "usd" in override else "kwh")
        self.assert_names(self.trainhost("run", "mlp.toml", "--name", "refused", "price_per_hour=1", "max=4eur", code=2).err, "eur", "usd")
        self.assert_names(self.trainhost("run", "mlp.toml", "--name", "refused", "--plugins", "budget", "budget.max_cost=1", code=2).err, "price_per_hour")
        self.assertFalse((self.folder / "runs/refused/run.json").exists())

    def test_intervals_and_limits_in_money(self):
        options = ("mlp.toml", "price_per_hour=3600", "currency=eur", "--plugins", "constant", "evaluation.heldout.every=0.5eur", "checkpoint.every=0.75eur", "checkpoint.keep_last=20")
        process = self.start("run", *options, "max=1000000eur")  # a slow machine spends more before its first window than a fast one in all
        for _ in range(4):
            self.assertTrue(process.wait_for("evaluation heldout at step"), "".join(process.lines))
        process.signal(signal.SIGINT)
        self.assertEqual(process.end().code, 75)
        run = self.run_folder("mlp")
        self.assertGreaterEqual(len(run.events("checkpoint_saved")), 3, "two of them are due in the 1.5 eur between four evaluations, one is the last")
        limit = run.events("ledger")[-1]["cost"] + 0.5
        self.trainhost("run", *options, f"max={limit:.3f}eur", code=10)
        self.assertGreaterEqual(run.record()["amounts"]["cost"], limit - 1e-3)
        self.assertIn("eur", run.events("stop")[-1]["reason"])

    def test_what_is_to_be_expected(self):
        process = self.trainhost("run", "mlp.toml", "--dry-run", "--plugins", "constant", 'max=["2h", "3usd"]', "price_per_hour=3")
        self.assertRegex(process.err, r"expected duration +1h00m")
        self.assertRegex(process.err, r"expected cost +3\.00 usd")

    def test_goes_on_over_resumes_and_kills(self):
        options = ("mlp.toml", "max=1000000step", "evaluation.heldout.every=20step", "checkpoint.every=20step")
        process = self.start("run", *options, "price_per_hour=3600")
        self.assertTrue(process.wait_for("evaluation heldout at step 40:"))
        process.signal(signal.SIGINT)
        self.assertEqual(process.end().code, 75)
        run = self.run_folder("mlp")
        first = run.events("ledger")[-1]
        self.trainhost("run", *options, "price_per_hour=3600", "--plugins", "earlystop", code=2)
        refused = run.events("ledger")[-1]
        self.assertGreater(refused["seconds"], first["seconds"], "an attempt that was refused adds to the bill")
        first = refused
        process = self.start("run", *options, "price_per_hour=7200")
        self.assertTrue(process.wait_for("evaluation heldout at step"))
        process.signal(signal.SIGINT)
        self.assertEqual(process.end().code, 75)
        second = run.events("ledger")[-1]
        self.assert_sums(second)
        self.assertEqual(second["attempts"], 3)
        spent = second["seconds"] - first["seconds"]
        self.assertGreater(spent, 0)
        self.assertAlmostEqual(second["cost"], first["cost"] + 2 * spent, delta=0.01, msg="earlier time at the price of then")
        costs = [event["cost"] for event in run.events("step")]
        self.assertEqual(costs, sorted(costs))
        self.trainhost("run", *options[:1], f"max={second['cost'] / 2:.3f}usd", "price_per_hour=3600", "checkpoint.every=20step", code=10)
        self.assertEqual(len(run.events("run_start")), 3, "the limit counts what earlier attempts spent")


if __name__ == "__main__":
    main()
