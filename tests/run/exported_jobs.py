"""Jobs that train exported models, and the same training in PyTorch."""
import json

import torch

# A rate that float32 holds exactly, and windows of a power of two of targets: then dividing by the count is exact, and every bit can be compared.
RATE, WINDOW, MICRO, STEPS = 2**-10, 8, 4, 20
CONFIG = """
max = ["20step"]
plugins = ["fp32", "accum", "synthetic", "pt2", "adamw", "constant", "localckpt"]
[data]
threads = 1
shuffle = false
[execution]
threads = 1
[synthetic]
task = "fields"
fields = {fields}
samples = 160
[evaluation.heldout]
every = "5step"
synthetic.first_id = 1000
synthetic.samples = 32
synthetic.write_to = "heldout.safetensors"
[pt2]
bundle = "{bundle}"
[accum]
micro_batch_samples = 4
micro_batches = 2
[adamw]
learning_rate = 0.0009765625
weight_decay = 0.1
[checkpoint]
every = "5step"
mode = "sync"
[telemetry]
every = "1step"
[sample]
length = 0
"""


def config_for(bundle, fields):
    """`fields`: as the source synthetic takes them."""
    return CONFIG.format(fields=json.dumps(fields), bundle=bundle)


def fields_of(info):
    """Out of what `trainhost model info --json` answers."""
    return next([row[0] for row in table["rows"]] for table in info["tables"] if table["columns"] == ["fields"])


def train_eager(model, forward, samples, seed=1, autocast=False):
    """The same windows: AdamW on sums that are divided by the count, decay for matrices only. forward: of the fields of a batch. Gives the losses."""
    parameters = [one for one in model.parameters() if one.requires_grad]
    groups = [{"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1}, {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.999), eps=1e-8, fused=True)
    torch.manual_seed(seed)
    model.train()
    losses = []
    for step in range(STEPS):
        total = count = 0.0
        for batch in _batches(samples, range(step * WINDOW, (step + 1) * WINDOW, MICRO)):
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                out = forward(**batch)
            out[0].backward()
            total, count = total + out[0].item(), count + out[1].item()
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad /= count
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total / count)
    return losses


def evaluate_eager(model, forward, samples):
    model.eval()
    with torch.no_grad():
        sums = [forward(**batch)[:2] for batch in _batches(samples, range(0, 32, MICRO))]
    return sum(loss.item() for loss, _ in sums) / sum(count.item() for _, count in sums)


def _batches(samples, starts):
    for start in starts:
        yield {field: values[start:start + MICRO] for field, values in samples.items()}
