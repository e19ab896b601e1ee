"""What pyarrow makes of Parquet files, for the tests of data_source/parquet and its example. Needs pyarrow: the modules of tests on PYTHONPATH.

oracle.py write FOLDER      writes many.parquet and others, with several row groups, and *.expected: the bytes of each field that must be delivered, as pyarrow reads them
oracle.py pictures FOLDER   pictures.parquet as Hugging Face's datasets write images, and pictures.expected; needs Pillow: TRAINHOST_MODEL_MODULES
oracle.py bad FOLDER        files that are wrong in one way each
oracle.py large FOLDER      wide.parquet, with a row group of more than 256 MiB
oracle.py example FILE      the file of example.toml
"""
import io
import os
import pathlib
import random
import sys

import numpy
import pyarrow
import pyarrow.parquet as parquet

ROWS = 1000


def numbers(draw, name):
    if name.startswith("float") or name == "double":
        return [draw.uniform(-1000, 1000) for _ in range(ROWS)]
    bits, low = int(name.lstrip("uint")), 0 if name.startswith("u") else -1
    end = 1 << (bits - (low < 0))
    return [draw.randrange(low * end, end) for _ in range(ROWS)]


def columns():
    draw = random.Random(1)
    out = {}
    for bits in (8, 16, 32, 64):
        for name in (f"int{bits}", f"uint{bits}"):
            out[name] = pyarrow.array(numbers(draw, name), getattr(pyarrow, name)())
    out["float"] = pyarrow.array(numpy.array(numbers(draw, "float"), "float32"))
    out["double"] = pyarrow.array(numbers(draw, "double"), pyarrow.float64())
    out["half"] = pyarrow.array(numpy.array(numbers(draw, "float"), "float16"))
    out["small"] = pyarrow.array(numbers(draw, "int8"), pyarrow.int8())
    out["flag"] = pyarrow.array([draw.random() < 0.5 for _ in range(ROWS)])
    out["gaps"] = pyarrow.array([None if draw.random() < 0.3 else draw.randrange(100) for _ in range(ROWS)], pyarrow.int32())
    out["text"] = pyarrow.array([draw.choice(["", "plain", "é,;", "x" * 40]) for _ in range(ROWS)])
    out["more text"] = pyarrow.array([draw.choice(["", "y" * 10]) for _ in range(ROWS)], pyarrow.large_string())
    out["kind"] = pyarrow.array([draw.choice(["oak", "ash", "elm"]) for _ in range(ROWS)]).dictionary_encode()
    out["hash"] = pyarrow.array([draw.randbytes(16) for _ in range(ROWS)], pyarrow.binary(16))
    out["tokens"] = pyarrow.array([[draw.randrange(50000) for _ in range(draw.randrange(2, 60))] for _ in range(ROWS)], pyarrow.list_(pyarrow.uint16()))
    out["window"] = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array([draw.randrange(50000) for _ in range(ROWS * 33)], pyarrow.int32()), 33)
    rows = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array([draw.random() for _ in range(ROWS * 6)], pyarrow.float32()), 3)
    out["matrix"] = pyarrow.FixedSizeListArray.from_arrays(rows, 2)
    out["inner"] = pyarrow.StructArray.from_arrays([pyarrow.array([draw.randbytes(draw.randrange(9)) for _ in range(ROWS)]), pyarrow.array(range(ROWS), pyarrow.int64())], ["bytes", "number"])
    out["dotted.name"] = pyarrow.array(range(ROWS), pyarrow.int16())
    out["when"] = pyarrow.array(range(ROWS), pyarrow.timestamp("s"))
    return out


def expect(folder, table):
    def put(name, values):
        (folder / f"{name}.expected").write_bytes(values if isinstance(values, bytes) else values.tobytes())

    def flat(name, dtype):
        return numpy.array([value for row in table[name].to_pylist() for value in row], dtype)

    for name in table.column_names:
        kind = table.schema.field(name).type
        if name != "gaps" and (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind) or pyarrow.types.is_boolean(kind)):
            put(name, table[name].to_numpy())
    put("int32.int64", table["int32"].to_numpy().astype("int64"))
    put("double.float32", table["double"].to_numpy().astype("float32"))
    put("half.float32", table["half"].to_numpy().astype("float32"))
    put("flag.float32", table["flag"].to_numpy().astype("float32"))
    put("uint8.float64", table["uint8"].to_numpy().astype("float64"))
    put("together", numpy.stack([table[name].to_numpy() for name in ("int8", "small")], axis=1).astype("float32"))
    put("gaps", numpy.array([-7 if value is None else value for value in table["gaps"].to_pylist()], "int32"))
    put("gaps.int64", numpy.array([-7 if value is None else value for value in table["gaps"].to_pylist()], "int64"))
    put("text", b"".join(value.encode() for value in table["text"].to_pylist()))
    put("text.cut", b"".join(value.encode()[:3] for value in table["text"].to_pylist()))
    put("more text", b"".join(value.encode() for value in table["more text"].to_pylist()))
    put("kind", numpy.array([["ash", "elm", "oak"].index(value) for value in table["kind"].to_pylist()], "int64"))
    put("kind.text", b"".join(value.encode() for value in table["kind"].to_pylist()))
    put("hash", b"".join(table["hash"].to_pylist()))
    put("tokens", flat("tokens", "uint16"))
    put("tokens.int64", numpy.array([value for row in table["tokens"].to_pylist() for value in row[1:]], "int64"))
    put("tokens.cut", numpy.array([value for row in table["tokens"].to_pylist() for value in row[:-1][:5]], "uint16"))
    put("window", flat("window", "int32"))
    put("window.next", numpy.array([row[1:] for row in table["window"].to_pylist()], "int64"))
    put("matrix", numpy.array(table["matrix"].to_pylist(), "float32"))
    members = table["inner"].to_pylist()
    put("inner.bytes", b"".join(member["bytes"] for member in members))
    put("inner.number", numpy.array([member["number"] for member in members], "int64"))
    put("dotted.name", table["dotted.name"].to_numpy())


def write(folder):
    table = pyarrow.table(columns())
    parquet.write_table(table, folder / "many.parquet", row_group_size=170, write_page_checksum=True, data_page_size=400)
    for number, (begin, codec, version) in enumerate([(0, "none", "1.0"), (300, "zstd", "2.0"), (301, "gzip", "1.0"), (700, "lz4", "2.0"), (900, "brotli", "2.0")]):
        end = [300, 301, 700, 900, ROWS][number]
        parquet.write_table(table.slice(begin, end - begin), folder / f"part-{number}.parquet", row_group_size=100, compression=codec, data_page_version=version,
                            use_dictionary=number % 2 == 0)
    expect(folder, parquet.read_table(folder / "many.parquet"))
    parquet.write_table(table.slice(0, 0), folder / "empty.parquet")


def pictures(folder):
    sys.path.insert(0, os.environ["TRAINHOST_MODEL_MODULES"])
    from PIL import Image

    files, expected = [], b""
    for number in range(12):
        pixels = numpy.random.default_rng(number).integers(0, 256, (8, 6, 3)).astype("uint8")
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        files.append({"bytes": file.getvalue(), "path": None})
        expected += pixels.transpose(2, 0, 1).tobytes()
    table = pyarrow.table({"image": pyarrow.array(files, pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])), "label": pyarrow.array([i % 3 for i in range(12)])})
    parquet.write_table(table, folder / "pictures.parquet", row_group_size=5)
    (folder / "pictures.expected").write_bytes(expected)


def bad(folder):
    draw = random.Random(2)
    a = pyarrow.array([draw.randrange(1 << 30) for _ in range(1000)], pyarrow.int32())
    options = {"row_group_size": 400, "write_page_checksum": True, "compression": "none", "use_dictionary": False}
    parquet.write_table(pyarrow.table({"alpha": a, "beta": a}), folder / "good.parquet", **options)
    parquet.write_table(pyarrow.table({"alpha": a.cast(pyarrow.int64())}), folder / "wide.parquet", **options)
    parquet.write_table(pyarrow.table({"alpha": a, "beta": a, "text": pyarrow.array(["text"] * 1000)}), folder / "plain.parquet", row_group_size=400)
    gaps = [1, 2, 3, None, 5]
    parquet.write_table(pyarrow.table({
        "number": pyarrow.array(gaps, pyarrow.int32()),
        "list": pyarrow.array([[1], [2], None, [4], [5]], pyarrow.list_(pyarrow.int32())),
        "in list": pyarrow.array([[1, 2], [3, None], [], [4], [5]], pyarrow.list_(pyarrow.int32())),
        "text": pyarrow.array(["a", None, "c", "d", "e"]),
        "member": pyarrow.array([{"x": 1}, {"x": 2}, {"x": 3}, {"x": None}, None], pyarrow.struct([("x", pyarrow.int64())])),
    }), folder / "gaps.parquet", row_group_size=2)
    twice = pyarrow.Table.from_arrays([a, a], names=["alpha", "alpha"])
    parquet.write_table(twice, folder / "twice.parquet")
    parquet.write_table(pyarrow.table({"alpha": pyarrow.array([1e300, 1.5])}), folder / "beyond.parquet")


def large(folder):
    wide = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(numpy.zeros(300 << 18, "float32")), 1 << 18)
    parquet.write_table(pyarrow.table({"x": wide, "y": pyarrow.array(range(300))}), folder / "wide.parquet", row_group_size=280, use_dictionary=False, compression="zstd")


def example(file):
    draw = random.Random(3)
    means = {"oak": (4.0, 2.0), "ash": (6.0, 1.0), "elm": (3.0, 3.0)}
    kinds = [draw.choice(list(means)) for _ in range(300)]
    table = pyarrow.table({"length": [draw.gauss(means[kind][0], 0.5) for kind in kinds], "width": [draw.gauss(means[kind][1], 0.5) for kind in kinds], "kind": kinds})
    parquet.write_table(table, file, row_group_size=100, write_page_checksum=True)


{"write": write, "pictures": pictures, "bad": bad, "large": large, "example": example}[sys.argv[1]](pathlib.Path(sys.argv[2]))
