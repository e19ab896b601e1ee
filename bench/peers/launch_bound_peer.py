"""Microseconds a step of a three-layer network on one GPU: a bare PyTorch loop, Accelerate, Lightning, and a step captured by hand with torch.cuda.graph.

Work of each: batches of 64 that lie on the GPU already, cross entropy, backward, clipping to norm 1, fused AdamW. usage: launch_bound_peer.py bare|graph|accelerate|lightning [amp]
Lightning clips no gradients of a fused optimizer under amp: there its AdamW is not fused.
"""
import json
import logging
import sys
import time
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
STEPS, WARM_UP = 2000, 200


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))


class Batches(torch.utils.data.IterableDataset):
    def __iter__(self):
        x, y = torch.randn(64, 256, device="cuda"), torch.randint(0, 10, (64,), device="cuda")
        for _ in range(STEPS):
            yield x, y


class Clock:
    def tick(self, step):
        if step == WARM_UP:
            torch.cuda.synchronize()
            self.start = time.perf_counter()

    def microseconds(self):
        torch.cuda.synchronize()
        return (time.perf_counter() - self.start) / (STEPS - WARM_UP) * 1e6


def bare(amp):
    model, clock = network().cuda(), Clock()
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    for step, (x, y) in enumerate(Batches()):
        clock.tick(step)
        with torch.autocast("cuda", torch.bfloat16, enabled=amp):
            loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return clock.microseconds()


def graph(amp):
    model, clock = network().cuda(), Clock()
    optimizer = torch.optim.AdamW(model.parameters(), fused=True, capturable=True)
    x, y = torch.randn(64, 256, device="cuda"), torch.randint(0, 10, (64,), device="cuda")

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=amp, cache_enabled=False):
            loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        optimizer.step()

    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.synchronize()
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        step()
    for number, (a, b) in enumerate(Batches()):
        clock.tick(number)
        x.copy_(a)
        y.copy_(b)
        captured.replay()
    return clock.microseconds()


def accelerate(amp):
    from accelerate import Accelerator

    accelerator, clock = Accelerator(mixed_precision="bf16" if amp else "no"), Clock()
    model = network()
    model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), fused=True))
    for step, (x, y) in enumerate(Batches()):
        clock.tick(step)
        with accelerator.accumulate(model):
            with accelerator.autocast():
                loss = nn.functional.cross_entropy(model(x), y)
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
    return clock.microseconds()


def lightning(amp):
    import lightning.pytorch as pl

    clock = Clock()

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = network()

        def training_step(self, batch, index):
            clock.tick(index)
            return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters(), fused=not amp)

        def on_train_end(self):
            self.microseconds = clock.microseconds()

    module = Module()
    pl.Trainer(max_steps=STEPS, accelerator="gpu", devices=1, precision="bf16-mixed" if amp else 32, logger=False, enable_checkpointing=False, enable_progress_bar=False,
               enable_model_summary=False, gradient_clip_val=1.0).fit(module, torch.utils.data.DataLoader(Batches(), batch_size=None))
    return module.microseconds


if __name__ == "__main__":  # one way a process: Accelerate keeps its settings in globals
    way, amp = sys.argv[1], sys.argv[2:] == ["amp"]
    try:
        print(json.dumps({"way": way, "amp": amp, "us_per_step": round(globals()[way](amp), 1)}))
    except Exception as problem:  # a framework that is not installed, or does not fit this PyTorch
        print(json.dumps({"way": way, "amp": amp, "problem": repr(problem)[:300]}))
