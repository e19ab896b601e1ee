"""What Python's csv and json make of files, for the tests of data_source/table.

oracle.py cells OUT SEED    writes OUT.csv, random rows in random ways of quoting, and OUT.cells: for each row that csv.reader gives the number of cells, and for
                            each cell its length and bytes, all numbers as int32
oracle.py write FOLDER      writes tables, and *.expected: the bytes of each field that must be delivered
"""
import csv
import json
import pathlib
import random
import struct
import sys


def cells(out, seed):
    draw = random.Random(seed)
    letters = ["a", "b", " ", ",", '"', "\n", "\r\n", ";", "\t", "é", "", "''"]
    with open(out + ".csv", "w", newline="", encoding="utf-8") as file:
        for _ in range(200):
            writer = csv.writer(file, quoting=draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), lineterminator=draw.choice(["\n", "\r\n"]))
            writer.writerow(["".join(draw.choice(letters) for _ in range(draw.randrange(6))) for _ in range(draw.randrange(1, 6))])
            if draw.random() < 0.1:
                file.write(draw.choice(["\n", "\r\n"]))
    if draw.random() < 0.5:  # without the last line end
        content = pathlib.Path(out + ".csv").read_bytes()
        pathlib.Path(out + ".csv").write_bytes(content[:-1] if not content.endswith(b"\r\n") else content[:-2])
    with open(out + ".csv", newline="", encoding="utf-8") as file, open(out + ".cells", "wb") as expected:
        for row in csv.reader(file):
            if row:
                texts = [cell.encode() for cell in row]
                expected.write(struct.pack("<i", len(texts)) + b"".join(struct.pack("<i", len(text)) + text for text in texts))


def write(folder):
    import numpy  # only here: it takes a while, and the other command runs often

    draw = random.Random(1)
    rows = [{"height": draw.uniform(-10, 10), "weight": draw.choice([None, draw.gauss(0, 1e6)]), "kind": draw.choice(["a", "b c", "d;e"]),
             "count": draw.randrange(-2**60, 2**60), "text": draw.choice(["", "plain", 'two\n"lines"', "é,;"]), "more": [draw.random() for _ in range(3)]} for _ in range(500)]
    names = ["kind", "height", "text", "weight", "count"]
    with open(folder / "a.csv", "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([["" if row[name] is None else row[name] for name in names] for row in rows])
    with open(folder / "headless.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=";", lineterminator="\n").writerows([[row["count"], row["kind"]] for row in rows])
    with open(folder / "a.jsonl", "w", encoding="utf-8") as file:
        for index, row in enumerate(rows):
            given = {key: value for key, value in row.items() if value is not None or index % 2}
            file.write(json.dumps(given, ensure_ascii=index % 3 == 0) + ("\r\n" if index % 5 == 0 else "\n") + ("\n" if index % 7 == 0 else ""))

    with open(folder / "a.csv", newline="", encoding="utf-8-sig") as file:
        read = list(csv.DictReader(file))
    pairs = [[float(row["height"]), float(row["weight"] or "nan")] for row in read]
    numpy.array(pairs, "float64").tofile(folder / "pairs64.expected")
    numpy.array(pairs, "float32").tofile(folder / "pairs32.expected")
    numpy.array([["a", "b c", "d;e"].index(row["kind"]) for row in read], "int64").tofile(folder / "kinds.expected")
    numpy.array([int(row["count"]) for row in read], "int64").tofile(folder / "counts.expected")
    (folder / "texts.expected").write_bytes(b"".join(row["text"].encode() for row in read))
    with open(folder / "a.jsonl", encoding="utf-8") as file:
        more = [json.loads(line)["more"] for line in file if line.strip()]
    numpy.array(more, "float32").tofile(folder / "more.expected")


if sys.argv[1] == "cells":
    cells(*sys.argv[2:])
else:
    write(pathlib.Path(sys.argv[2]))
