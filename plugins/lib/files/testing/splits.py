"""Which side of a split a name is on, said independently of plugins/lib/files/split.cpp; only the standard library."""

MASK = (1 << 64) - 1


def finish(value):
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def is_heldout(name, fraction, index=None):
    """Of a name, or of a number beneath it."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    value = finish(value)
    if index is not None:
        value = finish((value + (index + 1) * 0x9E3779B97F4A7C15) & MASK)
    return (value >> 11) * 2.0**-53 < fraction
