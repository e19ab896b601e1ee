"""What the graph says of the fields: which are class numbers, how many classes there are, which value does not count; and which parameter is the head."""
import torch

from . import dtypes
from .errors import ExportError, listing

ROLES = ("input", "target", "weight")
_KEYS = {"role", "num_classes", "pad_value"}
# Operators that hand a field's values on.
_CARRIERS = {"to", "view", "reshape", "_unsafe_view", "flatten", "contiguous", "clone", "slice", "select", "narrow", "unsqueeze", "squeeze", "transpose",
             "permute", "movedim", "t", "alias", "detach", "expand", "lift_fresh_copy", "long", "_to_copy", "type_as"}
# Operator -> position of the argument whose values are class numbers or targets.
_TARGETS = {"cross_entropy_loss": 1, "nll_loss": 1, "nll_loss_nd": 1, "nll_loss2d": 1, "mse_loss": 1, "l1_loss": 1, "smooth_l1_loss": 1, "huber_loss": 1,
            "binary_cross_entropy": 1, "binary_cross_entropy_with_logits": 1}
_CLASS_LOSSES = {"cross_entropy_loss": 4, "nll_loss": 4, "nll_loss_nd": 4, "nll_loss2d": 4}  # and where ignore_index stands
_LINEAR = {"linear", "addmm", "matmul", "mm", "conv1d", "conv2d", "conv3d"}


def manifest_fields(program, batch, dimensions, overrides):
    """The manifest's list of fields. overrides: {"tokens": {"num_classes": 256}} says what the graph does not."""
    inputs = {name: node for (name, _), node in zip(batch, _user_inputs(program))}
    for name, given in (overrides or {}).items():
        if name not in inputs:
            raise ExportError(f"fields: the batch has no field {name!r}, only {listing(inputs)}")
        if set(given) - _KEYS or given.get("role", "input") not in ROLES:
            raise ExportError(f"fields: {name!r}: got {given}, wanted keys {listing(sorted(_KEYS))} and a role of {listing(ROLES)}")
    out = []
    for name, tensor in batch:
        facts = _facts_of(inputs[name]) if not tensor.is_floating_point() else {**_facts_of(inputs[name]), "num_classes": None, "pad_value": None}
        entry = {"name": name, "dtype": dtypes.name_of(tensor.dtype), "shape": dimensions.shape_of(name), **facts, **(overrides or {}).get(name, {})}
        _check_values(entry, tensor)
        out.append(entry)
    return out


def head_of(program):
    """The name of the parameter in the last linear map before the loss, or None."""
    by_node = {spec.arg.name: spec.target for spec in program.graph_signature.input_specs if spec.kind.name == "PARAMETER"}
    for node in reversed(program.graph.nodes):
        if node.op == "call_function" and _short(node) in _LINEAR:
            for argument in node.all_input_nodes[1:]:
                source = argument
                while source.op == "call_function" and _short(source) in _CARRIERS and source.all_input_nodes:
                    source = source.all_input_nodes[0]
                if source.name in by_node and source.meta["val"].dim() >= 2:
                    return by_node[source.name]
            return None
    return None


def _user_inputs(program):
    names = [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    return [nodes[name] for name in names]


def _short(node):
    return node.target.overloadpacket.__name__ if isinstance(node.target, torch._ops.OpOverload) else ""


def _uses(node, seen=None):
    """Pairs (node, operator) that take the values of a node, through operators that only hand them on."""
    seen = set() if seen is None else seen
    for user in node.users:
        if user in seen or user.op != "call_function":
            continue
        seen.add(user)
        if _short(user) in _CARRIERS and user.args and user.args[0] is node:
            yield from _uses(user, seen)
        else:
            yield node, user



def _facts_of(field):
    classes, pads, is_target, is_index = set(), set(), False, False
    for value, user in _uses(field):
        operator = _short(user)
        if operator == "embedding" and user.args[1] is value or operator == "embedding_bag" and user.args[1] is value:
            classes.add(user.args[0].meta["val"].shape[0])
            is_index = True
        elif operator == "one_hot" and len(user.args) > 1 and isinstance(user.args[1], int) and user.args[1] > 0:
            classes.add(user.args[1])
            is_index = True
        elif operator in _TARGETS and len(user.args) > 1 and user.args[_TARGETS[operator]] is value:
            is_target = True
            if operator in _CLASS_LOSSES and not value.meta["val"].is_floating_point():
                logits, position = user.args[0].meta["val"], _CLASS_LOSSES[operator]
                classes.add(logits.shape[1 if logits.dim() > 1 else 0])
                pads.add(user.args[position] if len(user.args) > position else -100)
    known = [count for count in classes if isinstance(count, int)]
    return {"role": "target" if is_target and not is_index else "input", "num_classes": min(known, default=None),
            "pad_value": pads.pop() if len(pads) == 1 and known and not is_index else None}


def _check_values(entry, tensor):
    classes, pad = entry["num_classes"], entry["pad_value"]
    if classes is None or tensor.numel() == 0:
        return
    wrong = tensor[((tensor < 0) | (tensor >= classes)) & ((tensor != pad) if pad is not None else torch.ones_like(tensor, dtype=torch.bool))]
    if wrong.numel():
        raise ExportError(f"example batch: field {entry['name']!r} holds {wrong[0].item()}, but there are {classes} classes: "
                          f"values from 0 to {classes - 1}" + (f" or {pad}" if pad is not None else "")
                          + "; mend the batch, or say fields={...: {\"num_classes\": ...}}")
