"""Writes IDX files with numpy and gzip, and what data_source/idx must deliver for them. Run by idx_test.cpp.

oracle.py FOLDER    images and labels (plain and .gz), colours (with channels), and *.expected
"""
import gzip
import pathlib
import struct
import sys

import numpy


def idx(values, code=8):
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, code, values.ndim, *values.shape) + values.tobytes()


def main(folder):
    random = numpy.random.default_rng(1)
    images = random.integers(0, 256, (300, 7, 5)).astype("uint8")
    colours = random.integers(0, 256, (300, 3, 4, 6)).astype("uint8")
    labels = random.integers(0, 10, 300).astype("uint8")
    for name, values in (("images", images), ("colours", colours), ("labels", labels)):
        (folder / name).write_bytes(idx(values))
        (folder / f"{name}.gz").write_bytes(gzip.compress(idx(values)))
        values.tofile(folder / f"{name}.expected")
    labels.astype("int64").tofile(folder / "classes.expected")
    ((images / 255 - 0.1307) / 0.3081).astype("float32").tofile(folder / "normalised.expected")
    (images / 255).astype("float32").tofile(folder / "scaled.expected")
    (folder / "shorts").write_bytes(idx(images.astype(">i2"), 0x0B))
    (folder / "two.gz").write_bytes(gzip.compress(idx(labels)[:100]) + gzip.compress(idx(labels)[100:]))
    (folder / "behind.gz").write_bytes(gzip.compress(idx(labels) + b"x"))
    (folder / "short.gz").write_bytes(gzip.compress(idx(labels)[:-1]))
    (folder / "bomb.gz").write_bytes(gzip.compress(struct.pack(">BBBB3I", 0, 0, 8, 3, 4000000000, 1000000, 1000000)))
    (folder / "zeros.gz").write_bytes(gzip.compress(idx(numpy.zeros((300, 100, 100), "uint8"))))


main(pathlib.Path(sys.argv[1]))
