"""Small models for the tests of bundles. Each builder gives (model, example batch, options of trainhost_export.export)."""
import contextlib
import math

import torch
import torch.nn.functional as F
from networks import Gpt, ResNet
from torch import nn


class Convolutions(ResNet):
    """With its loss; the weights lie channels last."""

    def __init__(self):
        super().__init__(classes=4)
        self.to(memory_format=torch.channels_last)

    def forward(self, image, label):
        return F.cross_entropy(super().forward(image), label, reduction="sum"), torch.ones_like(label).sum()


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


class Averaged(nn.Module):
    """A block with regions, random numbers and a buffer that changes."""

    def __init__(self, width, uses_no_grad):
        super().__init__()
        self.uses_no_grad = uses_no_grad
        self.norm, self.linear = nn.LayerNorm(width), nn.Linear(width, width)
        self.register_buffer("average", torch.zeros(width))

    def forward(self, x):
        if self.training:
            with torch.no_grad() if self.uses_no_grad else contextlib.nullcontext():
                self.average.mul_(0.9).add_(x.detach().mean((0, 1)), alpha=0.1)
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            y = self.linear(self.norm(x))
        return x + F.dropout(F.gelu(y.float() - self.average), 0.1, self.training)


class Layered(nn.Module):
    """Blocks of which one is frozen. Either one is called twice, or all stand in a region: of two casts of one weight eager makes one then, and torch.export loses
    no_grad in there."""

    def __init__(self, is_enclosed, width=16, layers=3):
        super().__init__()
        self.is_enclosed = is_enclosed
        self.layers, self.head = nn.ModuleList(Averaged(width, not is_enclosed) for _ in range(layers)), nn.Linear(width, 4)
        self.layers[0].requires_grad_(False)

    def forward(self, x, y):
        half = x.shape[1] // 2
        with torch.autocast(x.device.type, enabled=False) if self.is_enclosed else contextlib.nullcontext():
            for layer in self.layers if self.is_enclosed else [*self.layers, self.layers[1]]:
                x = layer(x.view(x.shape[0], 2 * half, -1))
        return F.cross_entropy(self.head(x.mean(1)), y, reduction="sum"), (y >= 0).sum()


class Overwriting(nn.Module):
    """A block that changes in place what goes into it."""

    def __init__(self, width=4):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return self.linear(F.relu_(x))


class Chain(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.layers = nn.Linear(4, 4), nn.Sequential(Overwriting(), Overwriting())

    def forward(self, x, y):
        return F.mse_loss(self.layers(self.first(x)), y, reduction="sum"), (y == y).sum()


class Layouts(nn.Module):
    """Tensors that lie in memory in every way: transposed, with gaps, parts of one tensor, one row for all, at odd addresses, and one that is not registered."""

    def __init__(self, width=24):
        super().__init__()
        self.transposed, self.gaps = nn.Parameter(torch.randn(width, width).t()), nn.Parameter(torch.randn(width, 2 * width)[:, ::2])
        cosine, sine = torch.randn(2, width).unbind(0)
        self.register_buffer("cosine", cosine)
        self.register_buffer("sine", sine)
        self.register_buffer("scale", torch.rand(1).expand(width))
        self.register_buffer("odd", torch.randn(width * width + 1)[1:].view(width, width))
        self.table = torch.randn(width, width).t()
        self.head = nn.Linear(width, 3)

    def forward(self, x, y):
        h = torch.tanh(x @ self.transposed) * self.cosine + F.linear(x, self.gaps) * self.sine
        h = h @ self.table + (x @ self.odd) * self.scale
        return F.cross_entropy(self.head(h), y, reduction="sum"), (y >= 0).sum()


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
    model = Gpt(vocabulary=32, dropout=dropout)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, 0, 0.05)
    return model, {"tokens": tokens, "targets": targets}, {"metrics": ["accuracy"], "dynamic": {"tokens": {1: ("time", 2, 16)}, "targets": {1: ("time", 2, 16)}}}


def gpt_without_dropout():
    return gpt(0.0)


def convolutions():
    torch.manual_seed(2)
    return Convolutions(), {"image": torch.randn(4, 3, 8, 8), "label": torch.randint(4, (4,))}, {}


def odds():
    torch.manual_seed(3)
    dynamic = {"x": {1: ("pairs", 4, 32, 2)}}
    return Odds(), {"x": torch.randn(4, 8, 16), "y": torch.randint(4, (4,))}, {"metrics": ["energy"], "dynamic": dynamic}


def layered(is_enclosed=False):
    torch.manual_seed(5)
    return Layered(is_enclosed), {"x": torch.randn(4, 6, 16), "y": torch.randint(4, (4,))}, {"dynamic": {"x": {1: ("pairs", 2, 8, 2)}}}


def enclosed():
    return layered(is_enclosed=True)


def chain():
    torch.manual_seed(6)
    return Chain(), {"x": torch.randn(4, 4), "y": torch.randn(4, 4)}, {}


def layouts():
    torch.manual_seed(8)
    return Layouts(), {"x": torch.randn(5, 24), "y": torch.randint(3, (5,))}, {}


def deep():
    """Most of its memory is activations."""
    torch.manual_seed(7)
    tokens = torch.randint(32, (8, 16))
    return Gpt(vocabulary=32, layers=8, dropout=0.0), {"tokens": tokens, "targets": tokens}, {"metrics": ["accuracy"]}


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
    return model, batch, {**options, "init": {"wte.weight": ("normal", 0.0, 0.05), "blocks.*.up.weight": ("uniform", -0.1, 0.1), "norm.weight": ("constant", 1.0)}}


MODELS = {"gpt": gpt, "gpt_without_dropout": gpt_without_dropout, "convolutions": convolutions, "odds": odds, "fixed": fixed, "frozen": frozen, "drawn": drawn,
          "layouts": layouts, "layered": layered, "enclosed": enclosed, "chain": chain, "deep": deep}
