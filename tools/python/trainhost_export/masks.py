"""Attention masks that the fast kernels of a GPU take."""
import torch

_ATTENTION = torch.ops.aten.scaled_dot_product_attention.default
_MASK = 3  # position of attn_mask


def make_masks_contiguous(graph_module):
    """A mask that is spread along the keys by expand, as transformers makes them, has stride 0 there; the fused attention kernels of CUDA do not take that, and
    PyTorch falls back to one that computes all scores in memory. Such masks are copied once for each graph, which changes no value."""
    for module in graph_module.modules():
        if isinstance(module, torch.fx.GraphModule) and _change(module.graph):
            module.recompile()


def _change(graph):
    copies = {}
    for node in list(graph.nodes):
        if node.target is not _ATTENTION:
            continue
        mask = node.args[_MASK] if len(node.args) > _MASK else node.kwargs.get("attn_mask")
        if mask is None or mask.meta["val"].stride()[-1] == 1:
            continue
        if mask not in copies:
            copies[mask] = _copy(graph, mask)
        node.replace_input_with(mask, copies[mask])
    return bool(copies)


def _copy(graph, mask):
    with graph.inserting_after(mask):
        copy = graph.call_function(torch.ops.aten.contiguous.default, (mask,))
    copy.meta.update(mask.meta, val=mask.meta["val"].contiguous())
    return copy
