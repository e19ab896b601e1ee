"""Dimensions whose size may differ from batch to batch: what the user declared, and batches of other sizes to try it."""
import dataclasses
import re

import torch

from .errors import ExportError, listing

SAMPLES = "batch"
_EXPRESSION = re.compile(r"(?:(\d+)\*)?([A-Za-z_]\w*)(?:([+-]\d+))?$")


@dataclasses.dataclass
class Dimension:
    name: str
    min: int | None = None  # None: find out
    max: int | None = None  # None: without bound
    multiple_of: int = 1

    def sizes(self):
        """Those in the range, the first few where it has no end."""
        first = self.smallest()
        return range(first, (self.max or first + 16 * self.multiple_of) + 1, self.multiple_of)

    def smallest(self):
        return -(-(self.min or 1) // self.multiple_of) * self.multiple_of


@dataclasses.dataclass(frozen=True)
class Axis:
    """times * size of the dimension + plus"""

    dimension: str
    times: int = 1
    plus: int = 0

    def size(self, sizes):
        return self.times * sizes[self.dimension] + self.plus

    def text(self):
        return (f"{self.times}*" if self.times != 1 else "") + self.dimension + (f"{self.plus:+d}" if self.plus else "")

    def manifest(self):
        return self.dimension if (self.times, self.plus) == (1, 0) else {"dimension": self.dimension, "times": self.times, "plus": self.plus}


def _multiple(dimension):
    factor = dimension.multiple_of
    return factor * torch.export.Dim(f"_{dimension.name}", min=dimension.smallest() // factor, max=dimension.max and dimension.max // factor)


class Dimensions:
    """dynamic: None (only the number of samples), False (nothing), or {"tokens": {1: ("time", 1, 64)}}: field -> axis -> name, or (name, min, max),
    or (name, min, max, multiple_of). The same name is the same size; "2*time+1" is a size that follows another. Axis 0 is always the number of samples."""

    def __init__(self, batch, dynamic):
        self._batch = dict(batch)
        self.by_name = {}
        self.axes = {name: {} for name in self._batch}  # field -> axis -> Axis
        if dynamic is False:
            return
        self.by_name[SAMPLES] = Dimension(SAMPLES)
        for name in self._batch:
            self.axes[name][0] = Axis(SAMPLES)
        for field, declared in (dynamic or {}).items():
            self._declare_field(field, declared)
        self._check_example()

    @property
    def sample_dimension(self):
        return SAMPLES if SAMPLES in self.by_name else None

    def example_sizes(self):
        sizes = {}
        for field, axes in self.axes.items():
            for axis, where in axes.items():
                sizes.setdefault(where.dimension, (self._batch[field].shape[axis] - where.plus) // where.times)
        return sizes

    def torch_shapes(self):
        """dynamic_shapes for torch.export of a forward(*fields)."""
        dims = {name: torch.export.Dim(name, min=dimension.min or 0, max=dimension.max) for name, dimension in self.by_name.items()}
        # torch knows a multiple as a size that is derived from another dimension.
        roots = {name: dims[name] if dimension.multiple_of == 1 else _multiple(dimension) for name, dimension in self.by_name.items()}

        def entry(where):
            dim = roots[where.dimension]
            dim = dim if where.times == 1 else where.times * dim
            return dim + where.plus if where.plus else dim

        return (tuple({axis: entry(where) for axis, where in axes.items()} or None for axes in self.axes.values()),)

    def batch_of_size(self, sizes):
        """The example batch with other sizes: its elements, cut or repeated."""
        out = []
        for field, tensor in self._batch.items():
            for axis, where in self.axes[field].items():
                index = torch.arange(where.size(sizes)) % tensor.shape[axis]
                tensor = tensor.index_select(axis, index)
            out.append(tensor)
        return out

    def fields_with(self, name):
        return [field for field, axes in self.axes.items() if any(where.dimension == name for where in axes.values())]

    def manifest(self):
        return {name: {"min": one.min or 1, "max": one.max, **({"multiple_of": one.multiple_of} if one.multiple_of != 1 else {})}
                for name, one in self.by_name.items()}

    def shape_of(self, field):
        return [self.axes[field][axis].manifest() if axis in self.axes[field] else size for axis, size in enumerate(self._batch[field].shape)]

    def _declare_field(self, field, declared):
        if field not in self._batch:
            raise ExportError(f"dynamic: the batch has no field {field!r}, only {listing(self._batch)}")
        if not isinstance(declared, dict):
            raise ExportError(f"dynamic: {field!r} wants a dictionary from axes to names, got {declared!r}; write {{{field!r}: {{1: (\"time\", 1, 64)}}}}")
        for axis, given in declared.items():
            if not isinstance(axis, int) or not 0 <= axis < self._batch[field].dim():
                raise ExportError(f"dynamic: field {field!r} has axes 0 to {self._batch[field].dim() - 1}, got {axis!r}")
            self._declare_axis(field, axis, *(given if isinstance(given, (tuple, list)) else (given,)))

    def _declare_axis(self, field, axis, text, minimum=None, maximum=None, multiple_of=None):
        match = _EXPRESSION.match(str(text).replace(" ", ""))
        if not match:
            raise ExportError(f"dynamic: {field!r}, axis {axis}: {text!r} is no name of a dimension, nor like \"2*time+1\"")
        times, name, plus = match.groups()
        if axis == 0 and name != SAMPLES:
            raise ExportError(f"dynamic: axis 0 of field {field!r} counts the samples; its dimension is called {SAMPLES!r}, not {name!r}")
        dimension = self.by_name.setdefault(name, Dimension(name))
        self.axes[field][axis] = Axis(name, int(times or 1), int(plus or 0))
        for key, value in (("min", minimum), ("max", maximum)):
            if value is not None and getattr(dimension, key) not in (None, value):
                raise ExportError(f"dynamic: dimension {name!r} has two values for {key}: {getattr(dimension, key)} and {value}")
            if value is not None:
                setattr(dimension, key, value)
        dimension.multiple_of = multiple_of or dimension.multiple_of

    def _check_example(self):
        sizes = self.example_sizes()
        for field, axes in self.axes.items():
            for axis, where in axes.items():
                size = self._batch[field].shape[axis]
                if size != where.size(sizes):
                    raise ExportError(f"example batch: axis {axis} of field {field!r} is {where.text()}, so {where.size(sizes)} "
                                      f"with {where.dimension} = {sizes[where.dimension]}, but has {size}; use another name in dynamic, or another batch")
        for name, dimension in self.by_name.items():
            self._check_range(dimension, sizes[name])

    def _check_range(self, dimension, size):
        name, low, high = dimension.name, dimension.min or 1, dimension.max
        if name != SAMPLES and high is None:
            raise ExportError(f"dynamic: dimension {name!r} needs a largest size, up to which it is tried: write (\"{name}\", 1, {max(size, 2)})")
        if high is not None and high < max(low, 2):
            raise ExportError(f"dynamic: dimension {name!r} has the range {low} to {high}; the largest size must be at least 2 and not below the smallest")
        if size < 2:
            raise ExportError(f"example batch: dimension {name!r} (fields {listing(self.fields_with(name))}) has size {size}; "
                              "an example of a dynamic dimension must have at least 2, since 1 is special to PyTorch"
                              + ("; or pass dynamic=False" if name == SAMPLES else ""))
        if not low <= size <= (high or size) or size % dimension.multiple_of:
            raise ExportError(f"example batch: dimension {name!r} has size {size}, declared are {low} to {high}, multiples of {dimension.multiple_of}")
