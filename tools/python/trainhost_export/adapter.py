"""The module that is exported: the user's model, its loss, and outputs in the form that a bundle wants."""
import inspect

import torch

from . import dtypes
from .errors import ExportError, listing, shape_text
from .losses import loss_of, prediction_of

PREFIX = "model."  # of parameter names inside of the adapter


def batch_of(model, example):
    """The fields of an example batch as pairs (name, tensor): from a dictionary, from pairs, or from tensors in the order of forward's arguments."""
    if isinstance(example, dict):
        pairs = list(example.items())
    elif isinstance(example, (tuple, list)) and example and all(isinstance(part, (tuple, list)) for part in example):
        pairs = [tuple(part) for part in example]
    else:
        tensors = [example] if isinstance(example, torch.Tensor) else list(example)
        names, _, _ = _arguments(model)
        if len(names) < len(tensors):
            raise ExportError(f"example batch: {len(tensors)} tensors, but forward takes {len(names)} arguments ({listing(names)}); "
                              "pass a dictionary from names to tensors")
        pairs = list(zip(names, tensors))
    _check_batch(pairs)
    # Copies: torch would take one tensor that two fields share for one input.
    return [(name, tensor.detach().clone()) for name, tensor in pairs]


def _arguments(model):
    """(names, names without a default, whether any other name is taken) of forward's arguments."""
    parameters = inspect.signature(model.forward).parameters.values()
    named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    return [one.name for one in named], [one.name for one in named if one.default is one.empty], any(one.kind == one.VAR_KEYWORD for one in parameters)


def _check_arguments(model, fields):
    names, required, takes_others = _arguments(model)
    unknown, missing = [name for name in fields if name not in names], [name for name in required if name not in fields]
    if unknown and not takes_others or missing:
        raise ExportError(f"{type(model).__name__}.forward takes {listing(names)}; the batch has {listing(fields)} for it"
                          + (f", so {listing(missing)} is missing" if missing else "") + "; name the fields like the arguments. "
                          "A target that forward does not take needs loss=...")


def _check_batch(pairs):
    if not pairs:
        raise ExportError("example batch: is empty; give a dictionary from forward's argument names to tensors")
    seen = set()
    for name, tensor in pairs:
        if name in seen:
            raise ExportError(f"example batch: field {name!r} is there twice; every field has a name of its own")
        seen.add(name)
        if not isinstance(tensor, torch.Tensor):
            raise ExportError(f"example batch: field {name!r} is a {type(tensor).__name__}, wanted a tensor; constants belong into the model's __init__")
        if not dtypes.is_known(tensor.dtype):
            raise ExportError(f"example batch: field {name!r} has the number format {dtypes.name_of(tensor.dtype)}, which no data source gives; convert it")
        if tensor.dim() == 0:
            raise ExportError(f"example batch: field {name!r} has no axes; the first axis of every field counts the samples")
        if not tensor.is_cpu:
            raise ExportError(f"example batch: field {name!r} is on {tensor.device}; export on the CPU, a run picks its device itself")
    sizes = {name: tensor.shape[0] for name, tensor in pairs}
    if len(set(sizes.values())) > 1:
        raise ExportError(f"example batch: the first axis counts the samples, but its sizes differ: {sizes}")


def _sums_format(model):
    trained = {parameter.dtype for parameter in model.parameters() if parameter.requires_grad}
    return torch.float64 if trained == {torch.float64} else torch.float32


class Adapter(torch.nn.Module):
    """Takes the fields in order; gives (loss_sum, count, metric sums...), all without axes, losses and metrics in float32, or in float64 where the weights are."""

    def __init__(self, model, field_names, loss, metrics):
        super().__init__()
        self.model = model
        self.training = model.training
        self._fields = field_names
        self._sums_format = _sums_format(model)
        self._loss = None if loss is None else loss_of(loss)
        self._metrics = self._metrics_of(metrics)
        self.metric_names = list(self._metrics)
        if self._loss is not None and self._loss.target not in field_names:
            raise ExportError(f"loss: its target is the field {self._loss.target!r}, the batch has only {listing(field_names)}; "
                              f"name it: {type(self._loss).__name__}(target=...)")
        _check_arguments(model, [name for name in field_names if self._loss is None or name != self._loss.target])

    def forward(self, *tensors):
        batch = dict(zip(self._fields, tensors))
        return self._uniform(self._model_output(batch) if self._loss is None else self._with_loss(batch))

    def _model_output(self, batch):
        output = self.model(**batch)
        wanted = 2 + len(self._metrics)
        if not isinstance(output, (tuple, list)) or len(output) != wanted:
            got = f"{len(output)} values" if isinstance(output, (tuple, list)) else type(output).__name__
            raise ExportError(f"{self._name()}.forward gave {got}, wanted (loss_sum, count{''.join(f', {name}' for name in self._metrics)}); "
                              "return the loss summed over the targets, their number, and a sum for each name in metrics; or pass loss=\"cross_entropy\"")
        return output

    def _with_loss(self, batch):
        target = batch[self._loss.target]
        prediction = prediction_of(self.model(**{name: tensor for name, tensor in batch.items() if name != self._loss.target}))
        sums = [metric(prediction, target) for metric in self._metrics.values()]
        return [*self._loss.sums(prediction, target), *sums]

    def _metrics_of(self, metrics):
        if self._loss is None:
            if isinstance(metrics, dict):
                raise ExportError("metrics: functions need loss=...; a model that computes its own loss returns the sums, and metrics lists their names")
            names = list(metrics or [])
            if len(set(names)) != len(names):
                raise ExportError(f"metrics: a name is there twice in {names}")
            return {name: None for name in names}
        if isinstance(metrics, dict):
            return dict(metrics)
        known = self._loss.METRICS
        for name in metrics or []:
            if name not in known:
                raise ExportError(f"metrics: {type(self._loss).__name__} has no metric {name!r}, only {listing(known)}; "
                                  "or pass a dictionary from names to functions of (prediction, target)")
        return {name: known[name].__get__(self._loss) for name in metrics or []}

    def _uniform(self, output):
        loss_sum, count, *sums = output
        return (self._number("loss_sum", loss_sum), self._count(count), *[self._number(f"metric {name}", value) for name, value in zip(self._metrics, sums)])

    def _number(self, what, value):
        if not isinstance(value, torch.Tensor):
            raise ExportError(f"{self._name()}: {what} is a {type(value).__name__}, wanted a tensor without axes; do not call .item() or float()")
        if value.dim() != 0:
            raise ExportError(f"{self._name()}: {what} has shape {shape_text(value)}, wanted no axes: the sum over the batch, not one value a sample; "
                              "call .sum()")
        if what == "loss_sum" and not value.is_floating_point():
            raise ExportError(f"{self._name()}: loss_sum has the number format {dtypes.name_of(value.dtype)}, wanted a floating-point one")
        return value if value.dtype == self._sums_format else value.to(self._sums_format)

    def _count(self, count):
        if isinstance(count, (int, torch.SymInt)):
            return torch.full((), count, dtype=torch.int64)
        if not isinstance(count, torch.Tensor) or count.dim() != 0:
            got = f"shape {shape_text(count)}" if isinstance(count, torch.Tensor) else type(count).__name__
            raise ExportError(f"{self._name()}: count has {got}, wanted a tensor without axes: the number of targets that count, "
                              "for example (targets != -1).sum()")
        if count.is_floating_point():
            return count if count.dtype == torch.float32 else count.float()
        return count if count.dtype == torch.int64 else count.long()

    def _name(self):
        return type(self.model).__name__
