"""Rules of initial values: a bundle may hold the rule instead of the bytes. docs/bundle.md says how values are drawn."""
import fnmatch
import hashlib
import numbers

import torch

from .errors import ExportError, listing

_ARGUMENTS = {"constant": ("value",), "normal": ("mean", "std"), "uniform": ("low", "high")}


def rules_of(patterns, names):
    """The rule of each name that a pattern matches, the first one that does. patterns: {"wte.*": ("normal", 0.0, 0.02)}; None for none."""
    rules, unused = {}, set(patterns or {})
    checked = {pattern: _checked(pattern, given) for pattern, given in (patterns or {}).items()}
    for name in names:
        for pattern, rule in checked.items():
            if fnmatch.fnmatchcase(name, pattern):
                rules[name] = rule
                unused.discard(pattern)
                break
    if unused:
        raise ExportError(f"init: pattern {min(unused)!r} matches no parameter that an earlier pattern has not taken; parameters are {listing(names)}")
    return rules


def _checked(pattern, given):
    kind, *values = given if isinstance(given, (tuple, list)) else (given,)
    wanted = _ARGUMENTS.get(kind)
    if wanted is None:
        raise ExportError(f"init: {pattern!r}: unknown rule {kind!r}, wanted one of {listing(_ARGUMENTS)}")
    if len(values) != len(wanted) or not all(isinstance(value, numbers.Real) for value in values):
        raise ExportError(f"init: {pattern!r}: rule {kind} wants the numbers {', '.join(wanted)}, got {values}; write (\"{kind}\", {', '.join(wanted)})")
    rule = {"rule": kind, **{name: float(value) for name, value in zip(wanted, values)}}
    if rule.get("std", 0) < 0 or kind == "uniform" and not rule["low"] <= rule["high"]:
        raise ExportError(f"init: {pattern!r}: {rule} cannot be drawn: std must not be negative, low must not be above high")
    return rule


def draw(rule, name, seed, tensor):
    """Fills tensor by the rule, as docs/bundle.md says."""
    digest = hashlib.sha256(f"trainhost.bundle.initial/1\n{seed}\n{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:4], "big"))
    values = torch.empty(tensor.shape, dtype=torch.float64 if tensor.dtype == torch.float64 else torch.float32)
    if rule["rule"] == "constant":
        values.fill_(rule["value"])
    elif rule["rule"] == "normal":
        values.normal_(rule["mean"], rule["std"], generator=generator)
    else:
        values.uniform_(rule["low"], rule["high"], generator=generator)
    with torch.no_grad():
        tensor.copy_(values)
