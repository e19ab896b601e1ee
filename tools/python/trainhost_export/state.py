"""Parameters and buffers of the user's model: names, ties, tags, and a copy to go back to."""
import contextlib

import torch

from . import dtypes
from .errors import ExportError

_NORMS = (torch.nn.LayerNorm, torch.nn.GroupNorm, torch.nn.RMSNorm, torch.nn.modules.batchnorm._NormBase)
_EMBEDDINGS = (torch.nn.Embedding, torch.nn.EmbeddingBag)


class State:
    """parameters and buffers hold each tensor once, in the model's order, under its first name; the tied dictionaries lead from other names to that.
    is_strict: refuses what a bundle cannot hold."""

    def __init__(self, model, metric_names, is_strict=True):
        self.metric_names = metric_names
        self.parameters, self.tied_parameters = _once(model.named_parameters(remove_duplicate=False))
        self.buffers, self.tied_buffers = _once(model.named_buffers(remove_duplicate=False))
        self.persistent = {name for name in [*self.buffers, *self.tied_buffers] if _is_persistent(model, name)}
        self.tags = _tags(model, self.parameters, self.tied_parameters)
        if is_strict:
            self._check()

    def trainable(self):
        return {name: parameter for name, parameter in self.parameters.items() if parameter.requires_grad}

    def tensors(self):
        return {**self.parameters, **self.buffers}

    @contextlib.contextmanager
    def restored_afterwards(self):
        """Leaves values, gradients and the generator as they were."""
        values = {name: tensor.detach().clone() for name, tensor in self.tensors().items()}
        gradients = {name: parameter.grad for name, parameter in self.parameters.items()}
        generator = torch.get_rng_state()
        for parameter in self.parameters.values():
            parameter.grad = None
        try:
            yield lambda: self._put_back(values)
        finally:
            self._put_back(values)
            torch.set_rng_state(generator)
            for name, parameter in self.parameters.items():
                parameter.grad = gradients[name]

    def _put_back(self, values):
        with torch.no_grad():
            for name, tensor in self.tensors().items():
                if not torch.equal(tensor, values[name]):  # a buffer that repeats memory cannot be written
                    tensor.copy_(values[name])
                if name in self.parameters:
                    tensor.grad = None

    def _check(self):
        if not self.trainable():
            raise ExportError("the model has no parameter with requires_grad; there is nothing to train")
        owners = {}
        for name, tensor in self.tensors().items():
            what = f"{'parameter' if name in self.parameters else 'buffer'} {name!r}"
            if not tensor.is_cpu:
                raise ExportError(f"{what} is on {tensor.device}; export on the CPU: model.cpu(). A run picks its device itself")
            if tensor.layout != torch.strided or type(tensor) not in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer):
                raise ExportError(f"{what} is a {type(tensor).__name__} of layout {tensor.layout}; a bundle holds plain dense tensors")
            if not dtypes.is_known(tensor.dtype):
                raise ExportError(f"{what} has the number format {dtypes.name_of(tensor.dtype)}, which a bundle cannot hold; "
                                  "convert it, complex numbers to pairs: torch.view_as_real")
            owner = owners.setdefault(tensor.untyped_storage().data_ptr(), what) if tensor.numel() else what
            if owner != what:
                raise ExportError(f"{what} shares memory with {owner}, but is another tensor; "
                                  "tie weights by assigning the same nn.Parameter, and clone() what is not to be tied")


def layout(tensor):
    """{"strides": ...} of a tensor that is dense but not row-major, else {}. A tensor that repeats or skips memory counts as row-major: its values do."""
    if tensor.is_contiguous() or not torch.ops.aten.is_non_overlapping_and_dense(tensor):
        return {}
    return {"strides": list(tensor.stride())}


def _once(named):
    first, tied, names = {}, {}, {}
    for name, tensor in named:
        if id(tensor) in names:
            tied[name] = names[id(tensor)]
        else:
            names[id(tensor)] = name
            first[name] = tensor
    return first, tied


def _is_persistent(model, name):
    owner, _, leaf = name.rpartition(".")
    return leaf not in model.get_submodule(owner)._non_persistent_buffers_set


def _tags(model, parameters, tied):
    """What each parameter is to an optimizer: after the module that owns it. A tied one is what its owners are, together."""
    tags = {name: set() for name in parameters}
    for name in [*parameters, *tied]:
        owner, _, leaf = name.rpartition(".")
        module = model.get_submodule(owner)
        of = tags[tied.get(name, name)]
        is_norm = isinstance(module, _NORMS) or type(module).__name__.lower().endswith("norm")
        if is_norm:
            of.add("norm")
        if isinstance(module, _EMBEDDINGS):
            of.add("embedding")
        if leaf.split("_")[0] == "bias" or leaf.endswith("bias"):
            of.add("bias")
        elif parameters[tied.get(name, name)].dim() >= 2 and not is_norm:
            of.add("decay")
    return tags
