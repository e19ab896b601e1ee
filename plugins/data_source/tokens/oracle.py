"""Says independently, with numpy, what data_source/tokens must deliver. Run by tokens_test.cpp.

oracle.py OUT FOLDER DTYPE CONTEXT STRIDE DOCUMENT_END|- MIN_LENGTH SPLIT FRACTION FILE...
    writes to OUT, for each sample one behind the other, as int32: number of targets, tokens, targets; prints the first sample of each file
"""
import pathlib
import sys

import numpy

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib/files/testing"))
from splits import is_heldout  # noqa: E402  (after its folder is known)

PIECE = 16384


def load(path, dtype):
    header = numpy.fromfile(path, numpy.int32, 3)
    for magic, version, kind in ((20240520, 1, numpy.uint16), (20240801, 7, numpy.uint32)):
        if header[0] == magic:
            assert header[1] == version
            return numpy.memmap(path, kind, "r", 1024, (int(header[2]),))
    return numpy.memmap(path, dtype, "r")


def documents(tokens, end):
    """Pairs of begin and end of each text between two marks, the second one included."""
    begin = 0
    for place in [int(i) for i in numpy.flatnonzero(tokens == end)]:
        yield begin, place + 1
        begin = place + 1
    if begin < len(tokens):
        yield begin, len(tokens)


def pieces(context, stride, begin, end, min_length):
    """First token and number of tokens of each window of a run."""
    start = begin
    while True:
        have = min(context + 1, end - start)
        if have < (min_length or context) + 1:
            return
        yield start, have
        if min_length and start + have == end:
            return
        start += stride


def runs(tokens, name, context, end, takes):
    if end is not None:
        yield from (run for index, run in enumerate(documents(tokens, end)) if takes(name, index))
        return
    owner = [takes(name, index) for index in range(-(-len(tokens) // PIECE))]
    index = 0
    while index < len(owner):
        first = index
        while index < len(owner) and owner[index]:
            index += 1
        if first < index:
            yield first * PIECE, min(index * PIECE + 1, len(tokens))
        index += 1


def main():
    out, folder, dtype, context, stride, end, min_length, split, fraction = sys.argv[1:10]
    context, end, fraction = int(context), None if end == "-" else int(end), float(fraction)

    def takes(name, index):
        return split == "all" or is_heldout(name, fraction, index) == (split == "heldout")

    starts, count = [], 0
    with open(out, "wb") as file:
        for name in sorted(sys.argv[10:]):
            tokens = load(pathlib.Path(folder, name), dtype)
            before = count
            for begin, stop in runs(tokens, name, context, end, takes):
                for start, have in pieces(context, int(stride), begin, stop, 0 if end is None else int(min_length)):
                    window = tokens[start:start + have].astype(numpy.int32)
                    file.write(numpy.int32(have - 1).tobytes() + window[:-1].tobytes() + window[1:].tobytes())
                    count += 1
            if count > before:
                starts.append(before)
    print(*starts)


main()
