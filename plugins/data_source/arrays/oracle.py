"""Writes arrays with numpy and safetensors, and beside each what data_source/arrays must deliver. Run by arrays_test.cpp.

oracle.py write FOLDER    FORMAT.npy and FORMAT.expected for each number format, parts of one array, files of safetensors, and files that must be refused
oracle.py split FOLDER SPLIT FRACTION    prints the rows of x-0.npy and x-1.npy on that side, counted through
"""
import pathlib
import sys

import numpy
from numpy.lib import format as npy
from safetensors.numpy import save_file

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib/files/testing"))
from splits import is_heldout  # noqa: E402  (after its folder is known)

FORMATS = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]


def write(folder):
    random = numpy.random.default_rng(1)
    for name in FORMATS:
        values = random.integers(0, 2 if name == "bool" else 100, (7, 3, 2)).astype(name)
        numpy.save(folder / f"{name}.npy", values)
        values.tofile(folder / f"{name}.expected")
    for version in (1, 2, 3):
        with open(folder / f"version{version}.npy", "wb") as file:
            npy.write_array(file, numpy.arange(5, dtype="float32"), version=(version, 0))
    numpy.arange(5, dtype="float32").tofile(folder / "version.expected")

    parts = [random.normal(size=(count, 4)).astype("float32") for count in (300, 500, 0, 1)]
    for index, part in enumerate(parts):
        numpy.save(folder / f"x-{index}.npy", part)
        save_file({"features": part, "other": numpy.zeros(3)}, folder / f"x-{index}.safetensors")
    numpy.concatenate(parts).tofile(folder / "x.expected")
    labels = random.integers(0, 5, 801)
    numpy.save(folder / "y.npy", labels)
    save_file({"y": labels.astype("int32"), "z": labels.astype("float16"), "one": numpy.array(1, "float32")}, folder / "y.safetensors")
    labels.astype("int32").tofile(folder / "y.expected")

    numpy.save(folder / "fortran.npy", numpy.asfortranarray(parts[0]))
    numpy.save(folder / "fortran_row.npy", numpy.asfortranarray(numpy.arange(5, dtype="float32")))
    numpy.save(folder / "big_endian.npy", parts[0].astype(">f4"))
    numpy.save(folder / "objects.npy", numpy.array([{}, []], dtype=object), allow_pickle=True)
    numpy.save(folder / "texts.npy", numpy.array(["a", "bc"]))
    numpy.save(folder / "complex.npy", numpy.zeros((2, 2), "complex64"))
    numpy.save(folder / "records.npy", numpy.zeros(3, [("a", "f4"), ("b", "i4")]))
    numpy.save(folder / "scalar.npy", numpy.float32(1))
    numpy.save(folder / "wide.npy", numpy.zeros((801, 5), "float32"))
    numpy.save(folder / "nothing.npy", numpy.zeros((801, 0), "float32"))
    numpy.save(folder / "not_bool.npy", numpy.full((3, 2), 2, "uint8"))
    content = (folder / "not_bool.npy").read_bytes()
    (folder / "not_bool.npy").write_bytes(content.replace(b"|u1", b"|b1"))


def split(folder, side, fraction):
    row = 0
    for index in (0, 1):
        for own in range(len(numpy.load(folder / f"x-{index}.npy", mmap_mode="r"))):
            if is_heldout(f"x-{index}.npy", float(fraction), own) == (side == "heldout"):
                print(row)
            row += 1


if sys.argv[1] == "write":
    write(pathlib.Path(sys.argv[2]))
else:
    split(pathlib.Path(sys.argv[2]), *sys.argv[3:])
