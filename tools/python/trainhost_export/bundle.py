"""Reading a bundle in Python: what it holds, and whether it still computes what its parity record says."""
import collections
import os

import torch

from . import initial, parity, program, tensor_file
from .archive import Reader
from .errors import ExportError

MODES = ("train", "eval")


class Bundle:
    """The state of a bundle's model, as parity.Recorder wants it, and its programs."""

    def __init__(self, path):
        self.reader = Reader(path)
        self.manifest = self.reader.manifest
        self.metric_names = [metric["name"] for metric in self.manifest["metrics"]]
        self.record = self.reader.json("parity.json")
        self.recorded = self._tensors("parity.safetensors")
        values = {**self._tensors("weights.safetensors"), **self._tensors("buffers.safetensors")}
        self.parameters = {entry["name"]: self._parameter(entry, values) for entry in self.manifest["parameters"] if "tied_to" not in entry}
        self.buffers = {entry["name"]: self._value(entry, values) for entry in self.manifest["buffers"] if "tied_to" not in entry}

    def trainable(self):
        return {name: parameter for name, parameter in self.parameters.items() if parameter.requires_grad}

    def fields(self):
        """The recorded batch, in memory of torch's: kernels for matrices may round otherwise where data is aligned to less than 64 bytes."""
        return [self.recorded[f"batch/{field['name']}"].clone() for field in self.manifest["fields"]]

    def runner(self, mode):
        tensors = {**self.parameters, **self.buffers}
        for entry in [*self.manifest["parameters"], *self.manifest["buffers"]]:
            if "tied_to" in entry:
                tensors[entry["name"]] = tensors[entry["tied_to"]]
        constants = {name: tensor.clone() for name, tensor in self._tensors(f"{mode}/constants.safetensors").items()}
        return program.from_json(self.reader.member(f"{mode}/program.json"), constants, tensors)

    def _tensors(self, member):
        return tensor_file.parse(self.reader.member(member), f"{self.reader.path}: {member}")

    def _parameter(self, entry, values):
        if entry["initial"]:
            values[entry["name"]] = torch.empty(entry["shape"], dtype=getattr(torch, entry["dtype"]))
            initial.draw(entry["initial"], entry["name"], self.record["seed"], values[entry["name"]])
        return torch.nn.Parameter(self._value(entry, values), requires_grad=not entry["frozen"])

    def _value(self, entry, values):
        value = values.get(entry["name"])
        if value is None or list(value.shape) != entry["shape"] or value.dtype != getattr(torch, entry["dtype"]):
            got = "is not there" if value is None else f"is {value.dtype} {list(value.shape)}"
            raise ExportError(f"{self.reader.path}: {entry['name']} {got}, the manifest wants {entry['dtype']} {entry['shape']}; export the model again")
        if "strides" in entry:
            return torch.empty_strided(entry["shape"], entry["strides"], dtype=value.dtype).copy_(value)
        return value.clone()


def check(path):
    """Replays the parity record of a bundle with its graphs. Returns "bit-identical" or "close".
    Raises ExportError when the bundle is damaged, or its graphs compute something else."""
    bundle = Bundle(path)
    for member in bundle.manifest["members"]:
        bundle.reader.member(member)
    record, fields = bundle.record, bundle.fields()
    train, evaluate = (bundle.runner(mode) for mode in MODES)
    replayed = parity.Recorder(bundle, record["seed"], record["num_steps"], record["rate"]).record(lambda: train(fields), lambda: evaluate(fields))
    recorded = (record, {name: tensor for name, tensor in bundle.recorded.items() if not name.startswith("batch/")})
    try:
        parity.check_close(recorded, replayed)
    except parity.GradientsDiffer as error:
        raise ExportError(f"{path}: gradients differ from the record: {error}; export the model again") from None
    except ExportError as error:
        raise ExportError(f"{path}: {error}") from None
    own = {key: record[key] for key in ("initial", "steps")}
    same = own == {key: replayed[0][key] for key in own} and parity.same_tensors(recorded[1], replayed[1])
    return "bit-identical" if same else "close"


def info(path):
    """What a bundle holds, as text."""
    reader = Reader(path)
    manifest = reader.manifest
    own = [entry for entry in manifest["parameters"] if "tied_to" not in entry]
    numbers = {is_frozen: sum(torch.Size(entry["shape"]).numel() for entry in own if entry["frozen"] == is_frozen) for is_frozen in (False, True)}
    version = ".".join(map(str, manifest["format_version"]))
    lines = [f"{path}: {manifest['model']}, bundle {version}, torch {manifest['torch_version']}, {os.path.getsize(path)} bytes",
             f"parameters: {numbers[False]:,} trained, {numbers[True]:,} frozen, in {len(own)} tensors, "
             f"{len(manifest['parameters']) - len(own)} more names tied to these",
             f"buffers: {len(manifest['buffers'])}, {sum(entry.get('mutated', False) for entry in manifest['buffers'])} changed in training"]
    for field in manifest["fields"]:
        pad = "" if field["pad_value"] is None else f" or {field['pad_value']}"
        classes = "" if field["num_classes"] is None else f", {field['num_classes']} classes{pad}"
        lines.append(f"field {field['name']}: {field['role']}, {field['dtype']} [{', '.join(map(_size, field['shape']))}]{classes}")
    for name, dimension in manifest["dimensions"].items():
        steps = f", multiples of {dimension['multiple_of']}" if "multiple_of" in dimension else ""
        lines.append(f"dimension {name}: {dimension['min']} to {dimension['max'] or 'any size'}{steps}")
    lines.append(f"metrics: {', '.join(metric['name'] for metric in manifest['metrics']) or 'none'}")
    for mode in MODES:
        nodes = reader.json(f"{mode}/program.json")["graph_module"]["graph"]["nodes"]
        counts = collections.Counter(node["target"].removeprefix("torch.ops.") for node in nodes)
        lines.append(f"{mode} program: {len(nodes)} nodes; {', '.join(f'{name} {count}' for name, count in counts.most_common(6))}")
    if manifest["custom_operators"]:
        lines.append(f"operators that a plugin must register: {', '.join(manifest['custom_operators'])}")
    return "\n".join(lines)


def _size(entry):
    return f"{entry['times']}*{entry['dimension']}{entry['plus']:+d}" if isinstance(entry, dict) else str(entry)
