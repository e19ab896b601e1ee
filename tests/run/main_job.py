"""The job of configs/quickstart.toml, shortened: what it prints and in which order, and the losses of PyTorch eager for the same model, data order and steps."""

import math
import re
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from harness import BUILD, TestCase, main

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "host/engine/testing"))
from eager_gpt import loss_sum  # noqa: E402

HEADERS = f"textfiles.root={BUILD}/libtorch/include"
SHORT = (HEADERS, "max=6step", "cosine.warmup=2step", "evaluation.heldout.every=3step", "evaluation.heldout.max_samples=8", "telemetry.every=1step", "sample.length=24")

# What a person reads, from top to bottom, on standard error and on standard output.
ERR = (r"^plugins", r"accumulation_schedule/accum +\S+ +.+quickstart.toml:6:1 +.+\.so", r"data_source/textfiles", r"model/gpt", r"^plan", r"parameters +842,496",
       r"window +2 micro-batches of 8 samples", r"tokens a window +2,048", r"memory +\d", r"expected duration +\d", r"expected cost +\d.* usd", r"^evaluation heldout at step 3: loss \d",
       r"^step 6/6 .*  loss \d.*  heldout \d.*  lr \d.*  \d.* tok/s  data \d+%  \S+s  eta \S+  \d\S+ usd$")
OUT = (r"^stopped\n.*max = 6step", r"^where time went", r"data wait", r"total +\S+ +100.0% +\S+ usd", r"^run folder\n +runs/quickstart$", r"^heldout bits per byte\n +\d", r"^sample\n#include")


class MainJob(TestCase):
    def assert_order(self, text, patterns):
        place = 0
        for pattern in patterns:
            found = re.compile(pattern, re.MULTILINE).search(text, place)
            self.assertTrue(found, f"{pattern!r} does not follow in\n{text}")
            place = found.end()

    def test_prints_what_the_readme_says(self):
        result = self.trainhost("run", ROOT / "configs/quickstart.toml", *SHORT, "price_per_hour=3", "currency=usd")
        self.assert_order(result.err, ERR)
        self.assert_order(result.out, OUT)
        again = self.trainhost("sample", "runs/quickstart", "--prompt", "#include", "--length", "8").out
        self.assertTrue(again.startswith("#include"))
        self.assert_names(self.trainhost("evaluate", "runs/quickstart").out, "heldout", "bits_per_byte")

    def test_runs_without_a_config(self):
        self.trainhost("--plugins", "amp,accum,localckpt", *SHORT)
        record = self.run_folder("quickstart").record()
        self.assertEqual(record["exit_code"], 0)
        chosen = {entry["plugin"] for entry in record["plugins"]}
        self.assertLessEqual({"precision_policy/amp", "accumulation_schedule/accum", "checkpoint_backend/localckpt", "model/gpt", "data_source/textfiles"}, chosen)


class AgainstEager(TestCase):
    STEPS, WARMUP, LAYERS, HEADS, LENGTH, MICRO, SAMPLES = 50, 40, 4, 4, 128, 2, 8  # as the config has them

    def windows(self):
        """Of the text files in the order that is not shuffled: tokens and targets of each window's micro-batches."""
        files = sorted((self.folder / "text").iterdir(), key=lambda path: path.name.encode())
        text = torch.frombuffer(bytearray(b"".join(path.read_bytes() + b"\0" for path in files)), dtype=torch.uint8).long()
        starts = range(0, self.STEPS * self.MICRO * self.SAMPLES * self.LENGTH, self.LENGTH)
        rows = torch.stack([text[start : start + self.LENGTH + 1] for start in starts])
        return rows.view(self.STEPS, self.MICRO, self.SAMPLES, self.LENGTH + 1)

    def rate(self, step):
        if step < self.WARMUP:
            return 3e-3 * (step + 1) / (self.WARMUP + 1)
        progress = (step - self.WARMUP) / (self.STEPS - self.WARMUP)
        return 3e-3 * (0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2)

    def eager_losses(self, start):
        weights = {name: value.clone().requires_grad_() for name, value in start.items()}
        groups = [{"params": [w for w in weights.values() if w.dim() >= 2], "weight_decay": 0.1}, {"params": [w for w in weights.values() if w.dim() < 2], "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, fused=True)
        losses = []
        for step, window in enumerate(self.windows()):
            count, total = window[..., 1:].numel(), 0.0
            for rows in window:
                loss = loss_sum(weights, rows[:, :-1], rows[:, 1:].contiguous(), {"layers": self.LAYERS, "heads": self.HEADS})
                (loss / count).backward()
                total += loss.item()
            losses.append(total / count)
            torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
            for group in optimizer.param_groups:
                group["lr"] = self.rate(step)
            optimizer.step()
            optimizer.zero_grad()
        return losses

    def test_losses_agree(self):
        needed = self.STEPS * self.MICRO * self.SAMPLES * self.LENGTH + 1
        sources = sorted((Path(torch.__file__).parent / "include/c10").rglob("*.h"))  # as pinned as PyTorch is: how far rounding carries depends on the text
        for number, source in enumerate(sources):
            self.write(f"text/{number:04}.txt", source.read_text())
        self.assertGreater(sum(source.stat().st_size for source in sources), needed)
        same = (ROOT / "configs/quickstart.toml", "--plugins", "fp32,-earlystop", "textfiles.root=text", 'textfiles.glob=["*.txt"]', "textfiles.exclude=[]", "textfiles.split=all",
                "evaluation.heldout.textfiles.split=all", "evaluation.heldout.max_samples=8", "data.shuffle=false", "telemetry.every=1step", "sample.length=0")
        self.trainhost("run", *same, "--name", "start", "max=1step", "adamw.learning_rate=1e-30", "cosine.length=50step")  # a rate that changes no weight
        self.trainhost("ckpt", "export", "runs/start", "start.safetensors")
        self.trainhost("run", *same, f"max={self.STEPS}step")
        losses = self.run_folder("quickstart").losses()
        expected = self.eager_losses(load_file(self.folder / "start.safetensors"))
        self.assertEqual(sorted(losses), list(range(1, self.STEPS + 1)))
        self.assertLess(expected[-1], expected[0] - 1, "it learns")
        for step, loss in losses.items():
            self.assertAlmostEqual(loss, expected[step - 1], delta=1e-4, msg=f"step {step}")


if __name__ == "__main__":
    main()
