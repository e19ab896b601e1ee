"""Small models for the tests of bundles. Each builder gives (model, example batch, options of trainhost_export.export)."""
import math

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down, self.drop = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), nn.Dropout(dropout)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (part.view(batch, length, self.heads, width // self.heads).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=self.dropout if self.training else 0.0)
        x = x + self.drop(self.out(mixed.transpose(1, 2).reshape(batch, length, width)))
        return x + self.drop(self.down(F.gelu(self.up(self.norm2(x)))))


class Gpt(nn.Module):
    """A language model with tied weights, whose batch and length may vary."""

    def __init__(self, dropout, vocabulary=32, length=16, width=32, heads=2, layers=2):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, 0, 0.05)

    def forward(self, tokens, targets):
        x = self.drop(self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1], device=tokens.device)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x)).flatten(0, 1)
        targets = targets.flatten()
        right = ((logits.detach().argmax(-1) == targets) & (targets != -1)).sum().float()
        return F.cross_entropy(logits, targets, ignore_index=-1, reduction="sum"), (targets != -1).sum(), right


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)), inplace=True))) + self.short(x))


class Convolutions(nn.Module):
    """Batch norm changes buffers in place; the weights lie channels last."""

    def __init__(self, classes=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.layers = nn.Sequential(Residual(8, 8, 1), Residual(8, 16, 2))
        self.head = nn.Linear(16, classes)
        self.to(memory_format=torch.channels_last)

    def forward(self, image, label):
        logits = self.head(self.layers(self.stem(image)).mean((2, 3)))
        return F.cross_entropy(logits, label, reduction="sum"), torch.ones_like(label).sum()


class Odds(nn.Module):
    """What else a graph may hold: regions, sizes that are computed with, buffers, constants, lists, random numbers, an unused parameter."""

    def __init__(self, width=16):
        super().__init__()
        self.linear, self.head = nn.Linear(width, width), nn.Linear(width, 4)
        self.unused = nn.Parameter(torch.zeros(3))
        self.register_buffer("average", torch.zeros(width))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("frequencies", torch.arange(width).float() / width, persistent=False)

    def forward(self, x, y):
        batch, length, width = x.shape
        mask = torch.ones(length, length, device=x.device, dtype=torch.bool).tril()
        weights = (x @ x.transpose(1, 2) / math.sqrt(width)).masked_fill(~mask, float("-inf")).softmax(-1)
        x = torch.einsum("bts,bsd->btd", weights, x) + self.frequencies
        h = torch.cat([x[:, length // 2 :], x[:, : length // 2]], 1).reshape(batch * length, width) * (1.0 / length) * torch.tensor(3.0)
        if self.training:
            with torch.no_grad():
                self.average.mul_(0.9).add_(h.mean(0), alpha=0.1)
                self.calls += 1
        with torch.no_grad():
            largest = h.abs().max(dim=-1)
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            z = F.gelu(self.linear(h), approximate="tanh")
        spread, centre = torch.var_mean(z.float(), dim=-1, keepdim=True)
        z = (z.float() - centre) * torch.rsqrt(spread + 1e-6) + largest.values[:, None]
        if self.training:
            z = z + 0.01 * torch.randn(batch * length, 1, device=x.device)
        index = torch.arange(0, length, 2, device=x.device)
        first, *rest = torch.unbind(F.pad(z.view(batch, length, width)[:, index], (0, 0, 1, 0)).mean(1).view(batch, 2, width // 2), 1)
        logits = self.head(torch.cat([first, *rest], -1))
        return F.cross_entropy(logits, y, reduction="sum"), (y >= 0).sum(), logits.detach().square().sum()


class Fixed(nn.Module):
    """The smallest model: no size may vary."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x, y):
        return F.mse_loss(self.linear(x), y, reduction="sum"), torch.ones_like(y).sum()


def gpt(dropout=0.1):
    torch.manual_seed(1)
    tokens = torch.randint(32, (4, 16))
    targets = torch.roll(tokens, -1, 1)
    targets[:, -1] = -1
    return Gpt(dropout), {"tokens": tokens, "targets": targets}, {"metrics": ["accuracy"], "dynamic": {"tokens": {1: ("time", 2, 16)}, "targets": {1: ("time", 2, 16)}}}


def gpt_without_dropout():
    return gpt(0.0)


def convolutions():
    torch.manual_seed(2)
    return Convolutions(), {"image": torch.randn(4, 3, 8, 8), "label": torch.randint(4, (4,))}, {}


def odds():
    torch.manual_seed(3)
    dynamic = {"x": {1: ("pairs", 4, 32, 2)}}
    return Odds(), {"x": torch.randn(4, 8, 16), "y": torch.randint(4, (4,))}, {"metrics": ["energy"], "dynamic": dynamic}


def fixed():
    torch.manual_seed(4)
    return Fixed(), {"x": torch.randn(4, 3), "y": torch.randn(4, 2)}, {"dynamic": False}


def frozen():
    """A parameter that is not trained."""
    model, batch, options = fixed()
    model.linear.bias.requires_grad_(False)
    return model, batch, options


def drawn():
    """Initial values by rule."""
    model, batch, options = gpt(0.0)
    return model, batch, {**options, "init": {"tokens.weight": ("normal", 0.0, 0.05), "blocks.*.up.weight": ("uniform", -0.1, 0.1), "norm.weight": ("constant", 1.0)}}


MODELS = {"gpt": gpt, "gpt_without_dropout": gpt_without_dropout, "convolutions": convolutions, "odds": odds, "fixed": fixed, "frozen": frozen, "drawn": drawn}
