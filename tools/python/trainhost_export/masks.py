"""Attention masks that the fast kernels of a GPU take."""
import math

import torch

aten = torch.ops.aten
_ATTENTION = aten.scaled_dot_product_attention.default
_MASK = 3  # position of attn_mask
_KEEP_VALUES = {aten.unsqueeze.default, aten.squeeze.dim, aten.expand.default, aten.view.default, aten.reshape.default, aten.slice.Tensor, aten.transpose.int,
                aten.permute.default, aten.contiguous.default, aten.clone.default}


def simplify_masks(graph_module):
    """Takes away masks that mask nothing, whatever the sizes: transformers makes them while it is traced, and none when it runs. A mask that is spread along the
    keys by expand has stride 0 there; the fused attention kernels of CUDA do not take that, and PyTorch falls back to one that computes all scores in memory. Such
    masks are copied once for each graph. Neither changes a value."""
    for module in graph_module.modules():
        if isinstance(module, torch.fx.GraphModule) and _change(module.graph):
            module.graph.eliminate_dead_code()
            module.recompile()


def _change(graph):
    copies, is_changed = {}, False
    for node in list(graph.nodes):
        if node.target is not _ATTENTION:
            continue
        mask = node.args[_MASK] if len(node.args) > _MASK else node.kwargs.get("attn_mask")
        if mask is None:
            continue
        nothing = 1 if mask.meta["val"].dtype == torch.bool else 0
        if _values_of(mask) == (nothing, nothing):
            node.args = tuple(None if i == _MASK else argument for i, argument in enumerate(node.args))
            node.kwargs = {name: value for name, value in node.kwargs.items() if name != "attn_mask"}
            is_changed = True
        elif mask.meta["val"].stride()[-1] != 1:
            if mask not in copies:
                copies[mask] = _copy(graph, mask)
            node.replace_input_with(mask, copies[mask])
            is_changed = True
    return is_changed


def _copy(graph, mask):
    with graph.inserting_after(mask):
        copy = graph.call_function(aten.contiguous.default, (mask,))
    copy.meta.update(mask.meta, val=mask.meta["val"].contiguous())
    return copy


def _values_of(node):
    """(least, most) that the node's elements can be, for every size, or None where that is not known."""
    if not isinstance(node, torch.fx.Node):
        return (node, node) if isinstance(node, (bool, int, float)) else None
    operator, arguments = node.target, node.args
    if operator in _KEEP_VALUES:
        return _values_of(arguments[0])
    if operator is aten.ones.default:
        return 1, 1
    if operator is aten.zeros.default:
        return 0, 0
    if operator is aten.full.default:
        return _values_of(arguments[1])
    if operator is aten.arange.default:
        return 0, math.inf
    if operator not in _OF_RANGES or node.kwargs.get("alpha", 1) != 1 or len(arguments) != 2:
        return None
    operands = [_values_of(argument) for argument in arguments]
    return None if None in operands else _OF_RANGES[operator](*operands)


def _is_at_least(left, right):
    return int(left[0] >= right[1]), int(left[1] >= right[0])


def _is_more(left, right):
    return int(left[0] > right[1]), int(left[1] > right[0])


_OF_RANGES = {
    aten.add.Tensor: lambda left, right: (left[0] + right[0], left[1] + right[1]),
    aten.ge.Scalar: _is_at_least,
    aten.gt.Scalar: _is_more,
    aten.le.Scalar: lambda left, right: _is_at_least(right, left),
    aten.lt.Scalar: lambda left, right: _is_more(right, left),
    aten.bitwise_and.Tensor: lambda left, right: (min(left[0], right[0]), min(left[1], right[1])) if max(left[1], right[1]) <= 1 else None,
    aten.logical_and.default: lambda left, right: (min(left[0], right[0]), min(left[1], right[1])) if max(left[1], right[1]) <= 1 else None,
}
