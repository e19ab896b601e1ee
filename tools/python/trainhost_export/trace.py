"""torch.export of one mode, with its failures said in the user's words, and what a bundle's graph must not hold."""
import contextlib
import io
import itertools
import linecache
import logging
import os
import re
import traceback
import warnings

import torch

from .errors import ExportError, listing
from .masks import simplify_masks

ALLOWED_HIGHER_ORDER = {"wrap_with_set_grad_enabled", "wrap_with_autocast"}
OWN_NAMESPACES = {"aten", "prims"}
_MOST_SIZES = 10_000  # combinations of sizes for which an assert is tried
_TORCH_FOLDER = os.path.dirname(torch.__file__)
_OWN_FOLDER = os.path.dirname(__file__)


def trace(adapter, batch, dimensions, mode):
    """The exported program of the adapter in the mode that it is in. batch: tensors in order. Raises ExportError with the user's line."""
    try:
        with _quiet():
            program = _export(adapter, tuple(batch), dimensions.torch_shapes())
    except ExportError:
        raise
    except Exception as error:  # torch raises a dozen types here, private ones among them
        raise ExportError(f"{mode} mode: {explain(error, dimensions)}") from error
    simplify_masks(program.graph_module)
    _check(program, mode)
    _check_asserts(program, dimensions, mode)
    return program


def _export(adapter, batch, shapes):
    """torch cannot prove every guard, even min(8 * time, 16 * time) == 8 * time; such ones become asserts in the graph, which _check_asserts tries."""
    try:
        return torch.export.export(adapter, batch, dynamic_shapes=shapes, strict=False)
    except Exception as error:
        if "satisfy the generated guard" not in str(error):
            raise
        return torch.export.export(adapter, batch, dynamic_shapes=shapes, strict=False, prefer_deferred_runtime_asserts_over_guards=True)


def nodes_of(graph_module):
    """All nodes, those of regions too."""
    for module in graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            yield from module.graph.nodes


def line_of(node):
    """Where the user's model made this node: `file.py:12: code`, or ""."""
    frames = re.findall(r'File "([^"]+)", line (\d+), in \S+\n\s+(.+)', node.meta.get("stack_trace") or "")
    frames = [frame for frame in frames if not _is_foreign(frame[0])]
    return "{}:{}: {}".format(*frames[-1]) if frames else ""


def operator_of(node):
    """`aten.linear` of a call node; higher-order operators are `higher_order.cond`."""
    if isinstance(node.target, torch._ops.HigherOrderOperator):
        return f"higher_order.{node.target.name()}"
    if isinstance(node.target, torch._ops.OpOverload):
        return str(node.target.overloadpacket)
    return getattr(node.target, "__name__", str(node.target))


def custom_operators(program):
    """Names of operators that are not PyTorch's own, as `namespace::name`."""
    names = {node.target.name() for node in nodes_of(program.graph_module) if node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload)}
    return sorted({name.split(".")[0] for name in names if name.split("::")[0] not in OWN_NAMESPACES})


# Pieces of torch's message -> what it means and what to write instead. The first that is found counts.
_REASONS = [
    (r"data-dependent|Could not (guard on|extract specialized)|GuardOnDataDependent|unbacked",
     "Python's control flow or a size depends on the values of a tensor, which a graph cannot hold; compute both branches and choose with torch.where, "
     "and use masks instead of sizes that come out of data"),
    (r"\.numpy\(\)|can't convert .* to numpy|Cannot convert .*numpy|numpy\(\) is not supported",
     "values of a tensor go to numpy; write it with torch, or compute it in __init__ and register it as a buffer"),
    (r"no fake impl|register_fake|meta kernel|Meta' backend|'Meta' device|UnsupportedOperatorException|abstract impl",
     "a custom operator has no shape function; register one with torch.library.register_fake, and give the run an op-pack plugin that registers the operator"),
    (r"fake tensor in the exported program constant's list",
     "a part of forward cannot be traced, as torch.autograd.grad often cannot; write what it computes with operators of torch"),
    (r"FakeTensor.*(data_ptr|storage)|Cannot access data pointer",
     "an extension reads a tensor's memory directly; use an operator that is registered with torch.library"),
    (r"[Uu]nsupported input type|Unsupported .* type|pytree", "an argument of forward is no tensor; constants belong into __init__"),
    (r"torch\.jit|ScriptModule|ScriptFunction|TorchScript", "a part of the model is TorchScript; use the Python module that it was made from"),
]


def explain(error, dimensions):
    """One message for a failure of torch.export: the user's line, what is wrong, what to write instead, and the first line of torch's own words."""
    text = str(error)
    fixed = _fixed_dimension(text, dimensions)
    if fixed:
        return fixed
    reason = next((reason for pattern, reason in _REASONS if re.search(pattern, f"{type(error).__name__} {text}")), None)
    place = _user_line(error) or "forward"
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"{place}: cannot be exported: {reason or type(error).__name__}\n  (torch: {first})"


def _fixed_dimension(text, dimensions):
    for name in dimensions.by_name:
        found = (re.search(rf"(?:{name}|Not all values of {name}).*(?:specialized|specialize it|marked .* as dynamic)", text) or
                 re.search(rf"You marked {name} as dynamic|{name} = \d+\b|- Not all values of {name}\b", text))
        if found:
            size = re.search(rf"{name} = (\d+)", text) or re.search(r"constant \((\d+)\)", text)
            way_out = "pass dynamic=False" if name == "batch" else "take it out of dynamic"
            return (f"dimension {name!r} (fields {listing(dimensions.fields_with(name))}) is not dynamic in this model: its code fixes it"
                    + (f" to {size[1]}" if size else "") + f"; {way_out}, or change the model so that it works for every size\n"
                    f"  (torch: {_first_hint(text, name)})")
    return None


def _first_hint(text, name):
    lines = [line.strip(" ") for line in text.splitlines() if name in line]
    return next((line.strip("- ") for line in lines if line.startswith("-")), lines[0] if lines else "")


def _is_foreign(path):
    return path.startswith((_TORCH_FOLDER, _OWN_FOLDER)) or path.startswith("<")


def _user_line(error):
    """The deepest line outside of torch that led to the error."""
    while error is not None:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_foreign(frame.filename)]
        inner = [frame for frame in frames if frame.name != "export"]
        if inner and "forward" in {frame.name for frame in inner}:
            frame = inner[-1]
            return f"{frame.filename}:{frame.lineno}: {linecache.getline(frame.filename, frame.lineno).strip()}"
        error = error.__cause__ or error.__context__
    return None


def _check(program, mode):
    for spec in program.graph_signature.output_specs:
        if spec.kind.name != "USER_OUTPUT":
            raise ExportError(f"{mode} mode: the graph changes {spec.target or spec.arg.name!r} ({spec.kind.name.lower()}); "
                              "a bundle's forward changes buffers only, and in place: use register_buffer and buffer.copy_(...)")
    for node in nodes_of(program.graph_module):
        if node.op != "call_function":
            continue
        operator = operator_of(node)
        place = line_of(node) or f"node {node.name}"
        if operator.startswith("higher_order.") and operator.split(".")[1] not in ALLOWED_HIGHER_ORDER:
            raise ExportError(f"{mode} mode: {place}: {operator.split('.')[1]} is control flow, which a bundle cannot hold; "
                              "compute both branches and choose with torch.where, or write the loop out")
        if operator in {"aten.item", "aten._local_scalar_dense"}:
            raise ExportError(f"{mode} mode: {place}: .item(), int() or float() of a tensor makes the device wait; keep it a tensor")


def _check_asserts(program, dimensions, mode):
    """What the graph demands of sizes must hold for all sizes in the ranges, since a reader does not look at it."""
    symbols = _symbols(program, dimensions)
    for node in nodes_of(program.graph_module):
        if node.op != "call_function" or operator_of(node) != "aten._assert_scalar" or not isinstance(node.args[0], torch.fx.Node):
            continue
        condition = node.args[0].meta["val"].node.expr
        used = sorted(condition.free_symbols & symbols.keys(), key=str)
        if set(used) != condition.free_symbols:
            continue
        for sizes in itertools.islice(itertools.product(*[dimensions.by_name[symbols[symbol]].sizes() for symbol in used]), _MOST_SIZES):
            if not condition.subs(dict(zip(used, sizes))):
                by_text = {str(symbol): symbols[symbol] for symbol in used}
                demand = re.sub(r"\bs\d+\b", lambda match: by_text.get(match[0], match[0]), str(condition))
                example = ", ".join(f"{symbols[symbol]} = {size}" for symbol, size in zip(used, sizes))
                raise ExportError(f"{mode} mode: the model works only where {demand}, which does not hold for {example}; "
                                  "narrow the range in dynamic, or say in what steps it goes: (name, min, max, multiple_of)")


def _symbols(program, dimensions):
    """torch's symbols of sizes -> names of dimensions."""
    inputs = [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    out = {}
    for name, axes in zip(inputs, dimensions.axes.values()):
        for axis, where in axes.items():
            size = nodes[name].meta["val"].shape[axis]
            if isinstance(size, torch.SymInt) and size.node.expr.is_Symbol and where.text() == where.dimension:
                out[size.node.expr] = where.dimension
    return out


@contextlib.contextmanager
def _quiet():
    """torch warns, logs and prints about what explain() says better."""
    loggers = [logging.getLogger(name) for name in ("torch.export", "torch._export", "torch.fx", "torch._dynamo", "torch._subclasses")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
