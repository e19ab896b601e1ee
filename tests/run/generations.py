"""A run of plugins of every T0 kind out of one file that was built for ABI 1.0, against headers that never change: trained, resumed, stopped."""

from harness import BUILD, TestCase, main

PLUGINS = BUILD / "generations" / "1.0"
CONFIG = """
max = ["20step"]
plugins = ["frozen_policy", "frozen_accum", "frozen_source", "mlp", "adamw", "frozen_rates", "frozen_rule", "frozen_observer", "frozen_backend"]
[data]
threads = 2
decorators = ["frozen_relay"]
[execution]
threads = 1
[frozen_source]
samples = 100
[evaluation.heldout]
every = "5step"
frozen_source.samples = 20
[mlp]
widths = [16]
[adamw]
learning_rate = 1e-1
[checkpoint]
every = "5step"
uri = "frozen:place"
[telemetry]
every = "1step"
"""


class Frozen(TestCase):
    def run_it(self, *arguments):
        self.write("frozen.toml", CONFIG)
        return self.trainhost("run", "frozen.toml", *arguments, TRAINHOST_PLUGIN_PATH=str(PLUGINS))

    def test_ended_early_and_resumed_is_the_same_as_whole(self):
        self.run_it("--name", "whole")
        self.run_it("--name", "half", "max=10step")
        self.run_it("--name", "half")
        whole, half = self.run_folder("whole"), self.run_folder("half")
        self.assertEqual([event["step"] for event in half.events("restored")], [10])
        self.assertEqual(len(whole.losses()), 20)
        self.assertEqual(whole.losses(), half.losses())
        self.assertEqual(whole.evaluations(), half.evaluations())
        self.assertLess(whole.losses()[20], whole.losses()[1])

    def test_its_rule_ends_the_run_with_its_reason(self):
        result = self.run_it("frozen_rule.windows=7")
        self.assertIn("stopping_rule/frozen_rule: was asked 7 times", result.out)

    def test_what_it_tells_is_an_event_of_the_run(self):
        self.run_it("max=5step")
        told = self.run_folder("frozen").events("plugin")
        self.assertEqual([(event["plugin"], event["topic"], event["values"]) for event in told], [("observer/frozen_observer", "frozen", {"events": 1, "nothing": None})])

    def test_all_of_it_was_called(self):
        lines = self.run_it().err.splitlines()
        for name in ("frozen_policy", "frozen_accum", "frozen_source", "frozen_relay", "frozen_rates", "frozen_rule", "frozen_observer"):
            calls = [int(line.split("called ")[1].split(" ")[0]) for line in lines if f"{name}: called " in line]
            self.assertGreater(max(calls, default=0), 0, name)


if __name__ == "__main__":
    main()
