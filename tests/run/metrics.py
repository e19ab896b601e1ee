"""What an evaluation says is what numpy computes from the saved weights on the same samples, whatever the size of a micro-batch."""

import numpy
from harness import TestCase, main
from oracles import cross_entropy, mlp
from safetensors.numpy import load_file

CONFIG = """
max = ["8step"]
plugins = ["fp32", "accum", "synthetic", "{model}", "adamw", "constant", "localckpt"]
[data]
threads = 1
[execution]
threads = 1
[synthetic]
task = "fields"
fields = {fields}
samples = 64
[evaluation.heldout]
every = "8step"
synthetic.first_id = 1000
synthetic.samples = 37
synthetic.write_to = "heldout.safetensors"
[{model}]
{settings}
[accum]
micro_batch_samples = 8
micro_batches = 1
[adamw]
learning_rate = 1e-2
[checkpoint]
every = "8step"
mode = "sync"
[telemetry]
every = "1step"
[sample]
length = 0
"""


class Metrics(TestCase):
    def train(self, model, fields, settings):
        self.write("a.toml", CONFIG.format(model=model, fields=fields, settings=settings))
        self.trainhost("run", "a.toml")
        run = self.run_folder("a")
        self.logged = {metric: value for (step, _, metric), value in run.evaluations().items() if step == 8}
        return load_file(run.newest() / "weights.safetensors"), load_file(self.folder / "heldout.safetensors")

    def evaluate(self, micro_batch):
        override = f"evaluation.heldout.micro_batch_samples={micro_batch}"
        return {name: entry["value"] for name, entry in self.trainhost("evaluate", "runs/a", override, "--json").json()["sets"]["heldout"].items()}

    def assert_metrics(self, wanted, exact):
        """`exact` ones are counts over a number: the same bits for every cut."""
        self.assertEqual(self.logged.keys(), wanted.keys())
        for micro_batch in (0, 1, 5, 37):
            got = self.evaluate(micro_batch)
            self.assertEqual(got.keys(), wanted.keys())
            for name, value in wanted.items():
                self.assertLessEqual(abs(got[name] - value), 1e-5 * max(abs(value), 1e-3), f"{name} in micro-batches of {micro_batch}")
                if name in exact:
                    self.assertEqual(got[name], self.logged[name], f"{name} in micro-batches of {micro_batch}")

    def test_classification(self):
        weights, samples = self.train("mlp", '["x float32 [6]", "y int64 [] role=target classes=7 pad=-1"]', "widths = [8]\nconfusion = true")
        logits, classes = mlp(weights, samples["x"]), samples["y"]
        likeliest = logits.argmax(1)
        wanted = {"loss": cross_entropy(logits, classes), "accuracy": (likeliest == classes).mean(),
                  "top5_accuracy": (numpy.argsort(-logits, 1)[:, :5] == classes[:, None]).any(1).mean()}
        wanted |= {f"confusion_{t}_{p}": ((classes == t) & (likeliest == p)).mean() for t in range(7) for p in range(7)}
        self.assert_metrics(wanted, wanted.keys() - {"loss"})
        self.assertEqual(set(self.run_folder("a").events("step")[-1]["metrics"]), {"accuracy"})

    def test_regression(self):
        weights, samples = self.train("mlp", '["x float32 [6]", "y float32 [2] role=target"]', "widths = [8]")
        off = mlp(weights, samples["x"]) - samples["y"]
        self.assert_metrics({"loss": (off**2).mean(), "absolute_error": abs(off).mean()}, set())

    def test_language(self):
        fields = '["tokens uint8 [12] role=input classes=256", "targets uint8 [12] role=target classes=256 pad=-1"]'
        self.train("gpt", fields, "layers = 1\nheads = 2\nwidth = 16")
        loss = self.logged["loss"]  # compared with transformers in hugging_face.py
        wanted = {"loss": loss, "perplexity": numpy.exp(loss), "bits_per_byte": loss / numpy.log(2), "accuracy": self.logged["accuracy"]}
        self.assert_metrics(wanted, {"accuracy"})
        num_right = wanted["accuracy"] * 37 * 12
        self.assertLess(abs(num_right - round(num_right)), 1e-6)

    def test_tokens_that_are_no_bytes_have_no_bits_per_byte(self):
        fields = '["tokens int64 [12] role=input classes=300", "targets int64 [12] role=target classes=300 pad=-1"]'
        self.train("gpt", fields, "layers = 1\nheads = 2\nwidth = 16")
        self.assertEqual(self.logged.keys(), {"loss", "perplexity", "accuracy"})


if __name__ == "__main__":
    main()
