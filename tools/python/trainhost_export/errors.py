"""The one error of the package, and short texts for messages."""


class ExportError(Exception):
    """What the user can mend; the message says place, what, got, wanted and the next step."""


def listing(names, limit=8):
    """Names for a message: `a, b, c and 12 more`."""
    names = list(names)
    shown = ", ".join(str(name) for name in names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "") if names else "none"


def shape_text(tensor):
    return "[" + ", ".join(str(size) for size in tensor.shape) + "]"
