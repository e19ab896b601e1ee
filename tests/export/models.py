"""Small models of many kinds, as users write them; and what the tests of the exporter share."""
import contextlib
import functools
import io
import pathlib
import sys
import tempfile
import unittest

import torch
import torch.nn.functional as F
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/python"))
sys.path.append(str(ROOT / "plugins/model/pt2/testing"))
sys.dont_write_bytecode = True

import trainhost_export  # noqa: E402
from networks import Gpt, ResNet  # noqa: E402


class Clicks(nn.Module):
    """Like DLRM: an embedding bag, dense features, one logit."""

    def __init__(self):
        super().__init__()
        self.bag, self.dense, self.top = nn.EmbeddingBag(50, 8, mode="sum"), nn.Linear(4, 8), nn.Linear(17, 1)

    def forward(self, ids, dense):
        one, two = self.bag(ids), F.relu(self.dense(dense))
        return self.top(torch.cat([one, two, (one * two).sum(1, keepdim=True)], 1)).squeeze(1)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.head = nn.Embedding(30, 8), nn.LSTM(8, 12, num_layers=2, batch_first=True, dropout=0.2), nn.Linear(12, 30)

    def forward(self, tokens):
        return self.head(self.lstm(self.embedding(tokens))[0])


class Frozen(nn.Module):
    """A frozen part, part of the forward without gradients, a constant, and a buffer that is not saved."""

    def __init__(self):
        super().__init__()
        self.base, self.adapter, self.head = nn.Linear(6, 6), nn.Linear(6, 6, bias=False), nn.Linear(6, 1)
        self.base.requires_grad_(False)
        self.register_buffer("scale", torch.full((6,), 0.5), persistent=False)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        with torch.no_grad():
            fixed = self.base(x) * self.scale
            if self.training:
                self.seen.add_(1)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = self.adapter(x)
        return self.head(fixed + y.float() + torch.tensor([1.0, 2, 3, 4, 5, 6]))


def gpt(**options):
    torch.manual_seed(1)
    model = Gpt(**options)
    tokens = torch.randint(0, 40, (3, 8))
    targets = torch.randint(0, 40, (3, 8))
    targets[0, 5:] = -1
    return model, {"tokens": tokens, "targets": targets}, {"metrics": ["accuracy"], "dynamic": {"tokens": {1: ("time", 1, 16)}, "targets": {1: "time"}}}


def resnet():
    torch.manual_seed(2)
    return ResNet(), {"image": torch.randn(4, 3, 8, 8), "label": torch.randint(0, 10, (4,))}, {
        "loss": trainhost_export.CrossEntropy(target="label"), "metrics": ["accuracy", "top5_accuracy"]}


def clicks():
    torch.manual_seed(3)
    batch = {"ids": torch.randint(0, 50, (4, 5)), "dense": torch.randn(4, 4), "targets": torch.randint(0, 2, (4,)).float()}
    return Clicks(), batch, {"loss": "bce", "metrics": ["accuracy"]}


def recurrent():
    torch.manual_seed(4)
    return Recurrent(), {"tokens": torch.randint(0, 30, (3, 6)), "targets": torch.randint(0, 30, (3, 6))}, {"loss": "cross_entropy"}


def frozen():
    torch.manual_seed(5)
    return Frozen(), {"x": torch.randn(4, 6), "targets": torch.randn(4, 1)}, {"loss": "mse", "metrics": ["absolute_error"]}


ALL = {"gpt": gpt, "resnet": resnet, "clicks": clicks, "recurrent": recurrent, "frozen": frozen}


_folder = tempfile.TemporaryDirectory()


@functools.cache
def exported(name):
    """A bundle of one of ALL, made once for all tests of a file, which only read it; with four steps from seed 7."""
    path = pathlib.Path(_folder.name) / f"{name}.thm"
    model, batch, options = ALL[name]()
    trainhost_export.export(model, batch, path, **options, seed=7, steps=4, rate=0.05)
    return path


class TestCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "model.thm"

    def export(self, model, batch, options=None):
        return trainhost_export.export(model, batch, self.path, **(options or {}))

    def assert_refused(self, pattern, function, *arguments, **options):
        """ExportError whose words match; nothing is left behind."""
        before = sorted(self.folder.rglob("*"))
        with self.assertRaisesRegex(trainhost_export.ExportError, pattern):
            function(*arguments, **options)
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def run_command(self, *arguments):
        """(status, stdout, stderr) of python -m trainhost_export."""
        from trainhost_export.__main__ import main
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main([str(argument) for argument in arguments])
            except SystemExit as stop:
                status = stop.code
        return status, out.getvalue(), err.getvalue()
