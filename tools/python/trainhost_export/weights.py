"""Trained weights of a run back into the PyTorch model."""
import dataclasses
import mmap
import pathlib
import re

import torch

from . import tensor_file
from .archive import Reader
from .errors import ExportError, listing
from .state import State

_FOLDER = re.compile(r"step-(\d+)-a(\d+)-n(\d+)$")
_WEIGHTS = "weights.safetensors"


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What load() did. kept: parameters and buffers of the model that the file does not hold, since a run does not change them."""

    path: str
    step: int | None
    loaded: list
    kept: list


def load(source, model):
    """Copies weights and buffers into model, converted to its number formats and devices; tied weights stay tied. Returns what was loaded.

    source: a run folder or its folder of checkpoints (the newest verified one is taken), one checkpoint, a bundle, or a safetensors file.
    Raises ExportError, and then leaves the model as it was, when names or shapes do not fit."""
    if "://" in str(source):
        raise ExportError(f"{source}: is in a store; copy the checkpoint's folder to a disk, and give that")
    path, step, tensors = _open(pathlib.Path(source))
    state = State(model, [], is_strict=False)
    targets = state.tensors()
    ties = {**state.tied_parameters, **state.tied_buffers}
    values = {ties.get(name, name): tensor for name, tensor in tensors.items()}
    problem = _misfit(values, targets, state.parameters)
    if problem:
        raise ExportError(f"{path}: {problem}. Nothing was loaded; build the model that was exported")
    with torch.no_grad():
        for name, tensor in values.items():
            if not _repeats_memory(targets[name]):  # else it is the same already
                targets[name].copy_(tensor)
    return Loaded(str(path), step, list(values), [name for name in targets if name not in values])


def _misfit(values, targets, parameters):
    """Words for the first thing that does not fit, or None."""
    unknown, missing = [name for name in values if name not in targets], [name for name in parameters if name not in values]
    if unknown:
        return f"holds {listing(unknown)}, which the model does not have; its names are {listing(targets, 4)}"
    if missing:
        return f"has no {listing(missing)}, which the model needs"
    for name, tensor in values.items():
        if tensor.shape != targets[name].shape:
            return f"{name} has shape {list(tensor.shape)}, the model's has {list(targets[name].shape)}"
        if _repeats_memory(targets[name]) and not torch.equal(tensor.to(targets[name].dtype), targets[name].cpu()):
            return f"{name} has other values, and the model's repeats memory, as expand() makes it, so that it cannot be written; clone() it in the model"
    return None


def _repeats_memory(tensor):
    return any(size > 1 and stride == 0 for size, stride in zip(tensor.shape, tensor.stride()))


def _open(source):
    """(file, step or None, tensors by name)"""
    if not source.exists():
        raise ExportError(f"{source}: does not exist; give a run folder, a checkpoint, a bundle or a safetensors file")
    if source.is_file():
        if source.suffix == ".safetensors":
            return source, None, _read(source)
        return source, None, _from_bundle(source)
    folder = source if _FOLDER.search(source.name) or (source / _WEIGHTS).exists() else _newest(source)
    if (folder / "manifest.json").exists() and not (folder / "commit").exists():
        raise ExportError(f"{folder}: this checkpoint was never finished: it has no commit record; take another one")
    match = _FOLDER.search(folder.name)
    return folder / _WEIGHTS, int(match[1]) if match else None, _read(folder / _WEIGHTS)


def _newest(run):
    """The newest verified checkpoint: by attempt, then by save, as the host counts."""
    place = run / "checkpoints" if (run / "checkpoints").is_dir() else run
    found = [(int(match[2]), int(match[3]), folder) for folder in place.iterdir() if (match := _FOLDER.search(folder.name))]
    verified = [one for one in found if (one[2] / "commit").exists() and (one[2] / "verified").exists()]
    if not verified:
        raise ExportError(f"{place}: holds {len(found)} checkpoints, none of them verified; give a run folder or a checkpoint" if found else
                          f"{place}: holds no checkpoint (folders like step-000000000400-a000001-n000001); give a run folder or a checkpoint, not its parent")
    return max(verified)[2]


def _read(path):
    try:
        with open(path, "rb") as file:
            return tensor_file.parse(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)), path)
    except (OSError, ValueError) as error:
        raise ExportError(f"{path}: cannot be read: {error}") from error


def _from_bundle(path):
    reader = Reader(path)
    if any(entry.get("initial") for entry in reader.manifest["parameters"]):
        raise ExportError(f"{path}: holds rules instead of weights; give a run folder or a checkpoint")
    files = [tensor_file.parse(reader.member(member), f"{path}: {member}") for member in (_WEIGHTS, "buffers.safetensors")]
    return {name: tensor for file in files for name, tensor in file.items()}
