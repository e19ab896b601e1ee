"""Losses for models that give predictions instead of a loss: sums over the targets that count, and their number."""
import dataclasses

import torch
import torch.nn.functional as F

from .errors import ExportError, listing, shape_text


def _wide(tensor, prediction):
    """In float32, or in float64 where the model computes in it."""
    return tensor.double() if prediction.dtype == torch.float64 else tensor.float()


@dataclasses.dataclass(frozen=True)
class Loss:
    """What stands between a model's prediction and (loss_sum, count). target: the field with the targets; the model does not get it."""

    target: str = "targets"

    METRICS = {}

    def sums(self, prediction, target):
        """(loss_sum, count)."""
        raise NotImplementedError

    def _same_shape(self, prediction, target):
        if prediction.shape != target.shape:
            raise ExportError(f"{type(self).__name__}: the prediction has shape {shape_text(prediction)}, field {self.target!r} has {shape_text(target)}; "
                              "they must be equal: reshape in the model")


@dataclasses.dataclass(frozen=True)
class CrossEntropy(Loss):
    """Class logits against class numbers. class_axis: which axis of the logits holds the classes. Targets equal to ignore_index do not count."""

    ignore_index: int = -100
    class_axis: int = -1
    label_smoothing: float = 0.0

    def sums(self, prediction, target):
        logits = self._rows(prediction, target)
        loss = F.cross_entropy(_wide(logits, logits), target.reshape(-1).long(), ignore_index=self.ignore_index, reduction="sum", label_smoothing=self.label_smoothing)
        return loss, (target != self.ignore_index).sum()

    def accuracy(self, prediction, target):
        best = self._rows(prediction, target).argmax(-1)
        return ((best == target.reshape(-1)) & (target.reshape(-1) != self.ignore_index)).sum()

    def top5_accuracy(self, prediction, target):
        best = self._rows(prediction, target).topk(5, dim=-1).indices
        found = (best == target.reshape(-1, 1)).any(-1)
        return (found & (target.reshape(-1) != self.ignore_index)).sum()

    METRICS = {"accuracy": accuracy, "top5_accuracy": top5_accuracy}

    def _rows(self, prediction, target):
        logits = prediction.movedim(self.class_axis, -1)
        if logits.shape[:-1] != target.shape:
            raise ExportError(f"CrossEntropy: without the axis of the classes (class_axis={self.class_axis}) the prediction has shape "
                              f"[{', '.join(map(str, logits.shape[:-1]))}], field {self.target!r} has {shape_text(target)}; "
                              "they must be equal: set class_axis or reshape in the model")
        return logits.reshape(-1, logits.shape[-1])


@dataclasses.dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Squared differences; every element counts."""

    def sums(self, prediction, target):
        self._same_shape(prediction, target)
        return F.mse_loss(_wide(prediction, prediction), _wide(target, prediction), reduction="sum"), target.numel()

    def absolute_error(self, prediction, target):
        return (_wide(prediction, prediction) - _wide(target, prediction)).abs().sum()

    METRICS = {"absolute_error": absolute_error}


@dataclasses.dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Logits against numbers in [0, 1]; every element counts."""

    def sums(self, prediction, target):
        self._same_shape(prediction, target)
        return F.binary_cross_entropy_with_logits(_wide(prediction, prediction), _wide(target, prediction), reduction="sum"), target.numel()

    def accuracy(self, prediction, target):
        return ((prediction > 0) == (target > 0.5)).sum()

    METRICS = {"accuracy": accuracy}


BY_NAME = {"cross_entropy": CrossEntropy, "mse": MeanSquaredError, "bce": BinaryCrossEntropy}


def loss_of(given):
    """A Loss out of what the user wrote: a Loss or one of the names."""
    if isinstance(given, Loss):
        return given
    if given not in BY_NAME:
        raise ExportError(f"loss: got {given!r}, wanted one of {listing(BY_NAME)}, or an object of "
                          f"{', '.join(f'trainhost_export.{kind.__name__}' for kind in BY_NAME.values())}")
    return BY_NAME[given]()


def prediction_of(output):
    """The tensor that a model predicts: its output, `logits` of it, or its first part."""
    if isinstance(output, dict) and "logits" in output:
        return output["logits"]
    if hasattr(output, "logits"):
        return output.logits
    if isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not isinstance(output, torch.Tensor):
        raise ExportError(f"loss: the model's forward gave {type(output).__name__}, wanted a tensor, a tuple that begins with one, "
                          "or an object with `logits`; wrap the model in a module that returns it")
    return output
