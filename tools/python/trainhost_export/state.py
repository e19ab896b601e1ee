"""Parameters and buffers of the user's model: names, ties, tags, and a copy to go back to."""
import contextlib

import torch

from . import dtypes
from .errors import ExportError
from .tensor_file import ALIGNMENT

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
        self._extents = [(*_extent(tensor), self._what(name)) for name, tensor in self.tensors().items() if tensor.is_cpu and tensor.layout == torch.strided and tensor.numel()]
        if is_strict:
            self._check()

    def trainable(self):
        return {name: parameter for name, parameter in self.parameters.items() if parameter.requires_grad}

    def tensors(self):
        return {**self.parameters, **self.buffers}

    def owner_of_memory(self, tensor):
        """`parameter 'a'` or `buffer 'b'`, as the user made them, that shares memory with a tensor; None."""
        begin, end = _extent(tensor)
        return next((what for first, last, what in self._extents if begin < last and first < end), None)

    @contextlib.contextmanager
    def placed(self):
        """Tensors that are parts of others, or do not lie as a bundle's do, are in memory of their own meanwhile, laid out as a reader does it:
        kernels may round otherwise for another layout, and eager is to be compared with."""
        moved = [(tensor, tensor.data) for tensor in self.tensors().values() if not _is_placed(tensor)]
        for tensor, data in moved:
            tensor.data = placed(data)
        try:
            yield
        finally:
            for tensor, data in moved:
                tensor.data = data

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
        for name, tensor in self.tensors().items():
            what = self._what(name)
            if not tensor.is_cpu:
                raise ExportError(f"{what} is on {tensor.device}; export on the CPU: model.cpu(). A run picks its device itself")
            if tensor.layout != torch.strided or type(tensor) not in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer):
                raise ExportError(f"{what} is a {type(tensor).__name__} of layout {tensor.layout}; a bundle holds plain dense tensors")
            if not dtypes.is_known(tensor.dtype):
                raise ExportError(f"{what} has the number format {dtypes.name_of(tensor.dtype)}, which a bundle cannot hold; "
                                  "convert it, complex numbers to pairs: torch.view_as_real")
        by_place = sorted(self._extents)
        for (_, end, one), (begin, _, other) in zip(by_place, by_place[1:]):
            if begin < end:
                raise ExportError(f"{other} shares memory with {one}, but is another tensor; "
                                  "tie weights by assigning the same nn.Parameter, and clone() what is not to be tied")

    def _what(self, name):
        return f"{'parameter' if name in self.parameters else 'buffer'} {name!r}"


def placed(tensor):
    """A copy of a tensor's values in memory of its own, as the reader of a bundle lays them out."""
    tensor = tensor.detach()
    if layout(tensor):
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype).copy_(tensor)
    return tensor.clone(memory_format=torch.contiguous_format)


def _is_placed(tensor):
    is_whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    return is_whole and tensor.data_ptr() % ALIGNMENT == 0 and torch.ops.aten.is_non_overlapping_and_dense(tensor)


def _extent(tensor):
    """The addresses that a tensor reaches: from, to."""
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride()))
    return tensor.data_ptr(), tensor.data_ptr() + (last + 1) * tensor.element_size() if tensor.numel() else tensor.data_ptr()


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
