"""A graph to and from torch's serialised form, and running it as a reader of a bundle does."""
import json
import logging

import torch

logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)  # serialize imports it, and it warns where triton is not installed
from torch._export.serde import schema, serialize  # noqa: E402
from torch.utils._sympy.numbers import int_oo  # noqa: E402
from torch.utils._sympy.value_ranges import ValueRanges  # noqa: E402

from .adapter import PREFIX
from .errors import ExportError
from .state import placed

SCHEMA_VERSION = schema.SCHEMA_VERSION
_KEPT_METADATA = {"stack_trace", "nn_module_stack"}


def to_json(program):
    """PyTorch's serialised graph, with the model's own names and without weights."""
    kept = program._state_dict
    program._state_dict = {name: type(tensor)(torch.empty(0)) for name, tensor in kept.items()}  # else torch copies all weights into bytes that nobody reads
    try:
        text = serialize.serialize(program).exported_program
    finally:
        program._state_dict = kept
    tree = json.loads(text)
    _own_names(tree["graph_module"]["signature"])
    _strip(tree["graph_module"]["graph"])
    tree["graph_module"]["module_call_graph"] = tree["graph_module"]["module_call_graph"][:1]
    return json.dumps(tree, allow_nan=False).encode()


def constants_of(program):
    """Constant tensors by name, without buffers."""
    out = {}
    for spec in program.graph_signature.input_specs:
        if spec.kind.name == "CUSTOM_OBJ":
            raise ExportError(f"the graph holds an object of a class of its own, {spec.target!r}; write that part of the model in Python")
        if spec.kind.name == "CONSTANT_TENSOR":
            out[spec.target] = program.constants[spec.target]
    return out


class Runner:
    """Runs a program on given tensors, node by node: no guards, no checks of sizes, as a reader of the bundle does."""

    def __init__(self, graph_module, inputs):
        """inputs: for each placeholder a tensor, or an int: the position of a field."""
        self._graph_module, self._inputs = graph_module, inputs

    @classmethod
    def of_program(cls, program, tensors):
        """tensors: parameters and buffers by the model's names."""
        inputs, position = [], 0
        for spec in program.graph_signature.input_specs:
            kind = spec.kind.name
            if kind == "USER_INPUT":
                inputs.append(position)
                position += 1
            elif kind in ("PARAMETER", "BUFFER"):
                inputs.append(tensors[spec.target.removeprefix(PREFIX)])
            else:
                inputs.append(placed(program.constants[spec.target]))
        return cls(program.graph_module, inputs)

    def __call__(self, fields):
        values = [fields[one] if isinstance(one, int) else one for one in self._inputs]
        return torch.fx.Interpreter(self._graph_module).run(*values, enable_io_processing=False)


def from_json(data, constants, tensors):
    """A Runner out of a bundle's program. tensors: parameters and buffers by name."""
    tree = json.loads(bytes(data))
    signature = tree["graph_module"]["signature"]
    deserializer = serialize.GraphModuleDeserializer()
    module = serialize._dict_to_dataclass(schema.GraphModule, tree["graph_module"])
    ranges = {name: ValueRanges(-int_oo if limits["min_val"] is None else limits["min_val"], int_oo if limits["max_val"] is None else limits["max_val"])
              for name, limits in tree["range_constraints"].items()}
    result = deserializer.deserialize(module, dict(tensors), dict(constants), None, ranges)
    inputs, position = [], 0
    for spec in signature["input_specs"]:
        (kind, value), = spec.items()
        if kind == "user_input":
            inputs.append(position)
            position += 1
        elif kind == "parameter":
            inputs.append(tensors[value["parameter_name"]])
        elif kind == "buffer":
            inputs.append(tensors[value["buffer_name"]])
        else:
            inputs.append(constants[value["tensor_constant_name"]])
    return Runner(result.graph_module, inputs)


def _own_names(signature):
    for spec in signature["input_specs"]:
        for value in spec.values():
            for key in ("parameter_name", "buffer_name"):
                if key in value:
                    value[key] = value[key].removeprefix(PREFIX)


def _strip(tree):
    """Metadata of nodes, in regions too: torch keeps the history of each, which is longer than the graph."""
    if isinstance(tree, dict):
        if "target" in tree and isinstance(tree.get("metadata"), dict):
            tree["metadata"] = {key: value for key, value in tree["metadata"].items() if key in _KEPT_METADATA}
        for value in tree.values():
            _strip(value)
    elif isinstance(tree, list):
        for value in tree:
            _strip(value)
