"""Peer of recoveries: GPT-2 with AdamW in Lightning, which saves after `--steps` steps, or resumes from that checkpoint and says when its first step is done.

usage: recovery_peer.py --folder DIR [--size 774M] [--steps 5] [--resume]
Prints "saved" or "stepped" as soon as it holds, and goes on until it is killed.
"""
import argparse, logging, os, sys, time, warnings

import lightning.pytorch as pl
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from gpt2_peer import GPT, SIZES  # noqa: E402

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Batches(torch.utils.data.IterableDataset):
    def __iter__(self):
        while True:
            yield torch.randint(0, 50257, (16, 1025))


class Model(pl.LightningModule):
    def __init__(self, size):
        super().__init__()
        layers, heads, width = SIZES[size]
        self.model = GPT(layers, heads, width)

    def training_step(self, batch, index):
        return self.model(batch[:, :-1], batch[:, 1:].contiguous())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1)  # Lightning clips no gradients beside a fused one


class Say(pl.Callback):
    def __init__(self, steps, path, is_resumed):
        self.steps, self.path, self.is_resumed, self.seen = steps, path, is_resumed, 0

    def on_train_batch_end(self, trainer, *_):
        self.seen += 1
        if self.is_resumed and self.seen == 1:
            torch.cuda.synchronize()
            print("stepped", flush=True)
        if not self.is_resumed and self.seen == self.steps:
            trainer.save_checkpoint(self.path)
            print("saved", flush=True)
            time.sleep(600)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--size", default="774M")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    path = os.path.join(options.folder, "last.ckpt")
    trainer = pl.Trainer(max_steps=1000000, accelerator="gpu", devices=1, precision="bf16-mixed", logger=False, enable_checkpointing=False, enable_progress_bar=False,
                         enable_model_summary=False, gradient_clip_val=1.0, callbacks=[Say(options.steps, path, options.resume)])
    trainer.fit(Model(options.size), torch.utils.data.DataLoader(Batches(), batch_size=None), ckpt_path=path if options.resume else None)


if __name__ == "__main__":
    main()
