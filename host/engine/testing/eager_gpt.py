"""Trains the same GPT in PyTorch eager from the same weights on the same batches, and prints how far the engine was off.

usage: eager_gpt.py FOLDER
FOLDER/start.safetensors   weights before the first window
FOLDER/data.safetensors    tokens, targets: int64 [windows, micro-batches, samples, length]; a target of -1 does not count
FOLDER/engine.safetensors  loss: float64 [windows]; optimizer.<name>.exp_avg after the first window
FOLDER/settings.json       layers, heads, learning_rate, weight_decay, clip_norm, autocast
Output: largest difference of a loss, relative difference of the first gradient (2-norms).
"""
import json
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


def block(x, w, prefix, heads):
    def linear(name, value):
        return F.linear(value, w[prefix + name + ".weight"], w[prefix + name + ".bias"])

    def norm(name, value):
        return F.layer_norm(value, value.shape[-1:], w[prefix + name + ".weight"], w[prefix + name + ".bias"])

    batch, length, width = x.shape
    parts = linear("attn.c_attn", norm("ln_1", x)).split(width, dim=2)
    q, k, v = (part.view(batch, length, heads, width // heads).transpose(1, 2) for part in parts)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, length, width)
    x = x + linear("attn.c_proj", mixed)
    return x + linear("mlp.c_proj", F.gelu(linear("mlp.c_fc", norm("ln_2", x)), approximate="tanh"))


def loss_sum(w, tokens, targets, settings):
    x = w["transformer.wte.weight"][tokens] + w["transformer.wpe.weight"][: tokens.shape[1]]
    for layer in range(settings["layers"]):
        x = block(x, w, f"transformer.h.{layer}.", settings["heads"])
    x = F.layer_norm(x, x.shape[-1:], w["transformer.ln_f.weight"], w["transformer.ln_f.bias"])
    logits = F.linear(x, w["transformer.wte.weight"])
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="sum")


def main(folder):
    settings = json.load(open(f"{folder}/settings.json"))
    torch.set_num_threads(2)
    w = {name: value.clone().requires_grad_() for name, value in load_file(f"{folder}/start.safetensors").items()}
    data, engine = load_file(f"{folder}/data.safetensors"), load_file(f"{folder}/engine.safetensors")
    groups = [
        {"params": [v for v in w.values() if v.dim() >= 2], "weight_decay": settings["weight_decay"]},
        {"params": [v for v in w.values() if v.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings["learning_rate"], betas=(0.9, 0.999), eps=1e-8, fused=True)
    worst, gradient_error = 0.0, None
    for window in range(data["tokens"].shape[0]):
        count = (data["targets"][window] != -1).sum()
        total = 0.0
        for tokens, targets in zip(data["tokens"][window], data["targets"][window]):
            with torch.autocast("cpu", torch.bfloat16, enabled=settings["autocast"]):
                loss = loss_sum(w, tokens, targets, settings)
            (loss / count).backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(w.values(), settings["clip_norm"])
        if window == 0:
            differences = [engine[f"optimizer.{name}.exp_avg"] - 0.1 * value.grad for name, value in w.items()]
            gradient_error = (torch.stack([d.norm() for d in differences]).norm() / torch.stack([0.1 * v.grad.norm() for v in w.values()]).norm()).item()
        optimizer.step()
        optimizer.zero_grad()
        worst = max(worst, abs(total / count.item() - engine["loss"][window].item()))
    print(worst, gradient_error)


if __name__ == "__main__":
    main(sys.argv[1])
