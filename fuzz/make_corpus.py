#!/usr/bin/env python3
"""Makes fuzz/corpus anew out of real files: a short run's checkpoint, the repository's configs, small shared libraries.

  fuzz/make_corpus.py BUILD    BUILD: a build folder with the program and its plugins; run it with the Python of scripts/setup --where and TRAINHOST_MODEL_MODULES of it
"""
import gzip
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import numpy
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent

JOB = """
max = ["4step"]
plugins = ["fp32", "accum", "synthetic", "mlp", "adamw", "constant", "localckpt", "earlystop"]
[synthetic]
task = "classes"
samples = 50
[evaluation.heldout]
every = "2step"
synthetic.first_id = 1000
synthetic.samples = 4
[mlp]
widths = [2]
[earlystop]
metric = "heldout/loss"
[accum]
micro_batch_samples = 2
[checkpoint]
every = "2step"
good_after = 1
"""

OVERRIDES = ["adamw.learning_rate=1e-3", '+accum."odd key".x=[1, 2]', "~checkpoint.every", "max=[\"100step\", '2.5h']", "gpt.dropout=nan", "a.b.c={d = 1979-05-27}"]

RECORD = ('{"abi":1,"min_host_minor":0,"kind":"%s","name":"%s","version":"1.2.3","summary":"a seed","schema":{"type":"object","properties":{"n":{"type":"integer"}}},'
          '"torch_build":null,"needs":["trainhost.log/1"],"schemes":["file"],"decorates":1,"stateful":true}')


def folder(name):
    path = HERE / "corpus" / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def seeds_of_a_run(build):
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "job.toml").write_text(JOB)
        subprocess.run([build / "bin" / "trainhost", "run", "job.toml"], cwd=scratch, check=True, capture_output=True)
        checkpoint = sorted((scratch / "runs/job/checkpoints").glob("step-*"))[-1]
        shutil.copy(checkpoint / "manifest.json", folder("manifest") / "run.json")
        records = folder("commit_record")
        for name in ("commit", "verified", "good"):
            if (checkpoint / name).exists():
                shutil.copy(checkpoint / name, records / name)
        (records / "id").write_text(checkpoint.name)
        shutil.copy(checkpoint / "weights.safetensors", folder("safetensors") / "run")


def safetensors_seeds():
    path = HERE / "corpus" / "safetensors"
    dtypes = ("float32", "float16", "int64", "uint8", "bool")
    save_file({dtype: numpy.arange(6).reshape(2, 3).astype(dtype) for dtype in dtypes}, path / "dtypes", metadata={"format": "pt"})
    save_file({"empty": numpy.zeros((0, 3), "float64"), "scalar": numpy.array(1.5)}, path / "shapes")
    save_file({"a": numpy.array([1, numpy.nan, numpy.inf], "float32")}, path / "not_finite")


def config_seeds():
    path = folder("config")
    sources = [*ROOT.glob("configs/*.toml"), *ROOT.glob("plugins/*/*/example.toml")]
    for source in sorted(sources):
        (path / f"{source.parent.name}-{source.stem}").write_text("".join(line for line in source.read_text().splitlines(True) if not line.startswith("include")))
    (path / "letters").write_text('"clé" = "é"\nж = "\u0495"\n\n---\nключ=ж\n')  # toml++ asks of each whether it is white space
    (path / "overrides").write_text(JOB + "\n---\n" + "\n".join(OVERRIDES) + "\n")


def plugin_seeds():
    path = folder("plugin_metadata")
    for name, records in (("one", [("stopping_rule", "one")]), ("two", [("data_source", "a"), ("model", "b")]), ("none", [])):
        quoted = "".join('"' + (RECORD % record).replace('"', '\\"') + '\\0"\n' for record in records)
        source = '__attribute__((section(".trainhost.plugin"), used)) static const char records[] = %s;' % (quoted or '""') if records else "int nothing;"
        subprocess.run(["cc", "-shared", "-nostdlib", "-s", "-Wl,-z,noseparate-code", "-Wl,-z,norelro", "-Wl,--build-id=none", "-Wl,--hash-style=gnu", "-fuse-ld=bfd",
                        "-x", "c", "-", "-o", path / name], input=source, text=True, check=True)
    shutil.copy(HERE / "config_fuzz.cpp", path / "no_elf")


def bundle_seeds():
    sys.path[:0] = [str(ROOT / "tools/python"), str(ROOT / "plugins/model/pt2/testing")]
    sys.dont_write_bytecode = True
    import models
    import trainhost_export
    path = folder("bundle")
    for name in ("fixed", "gpt_without_dropout"):
        model, batch, options = models.MODELS[name]()
        with tempfile.TemporaryDirectory() as scratch:
            bundle = pathlib.Path(scratch) / "model.thm"
            trainhost_export.export(model, batch, bundle, **options)
            with zipfile.ZipFile(bundle) as file:
                manifest = json.loads(file.read("manifest.json"))
        manifest["parameters"] = manifest["parameters"][:4] + manifest["parameters"][-1:]
        text = json.dumps(manifest, separators=(",", ":"))
        (path / f"{name}.json").write_text(text)
        with zipfile.ZipFile(path / f"{name}.zip", "w") as file:
            file.writestr(zipfile.ZipInfo("parity.json"), "{}")
            with file.open(zipfile.ZipInfo("manifest.json"), "w", force_zip64=True) as member:
                member.write(text.encode())
    odd = {"min": 2, "max": 64, "multiple_of": 2}
    manifest["dimensions"]["time"] = odd
    manifest["fields"][0]["shape"] = ["batch", {"dimension": "time", "times": 2, "plus": 1}, 3]
    manifest["parameters"][0].update(strides=[1, 32], initial={"rule": "uniform", "low": -1, "high": 1})
    manifest["buffers"] = [{"name": "seen", "dtype": "int64", "shape": [], "persistent": False, "mutated": True}]
    (path / "odds.json").write_text(json.dumps(manifest, separators=(",", ":")))


def shard_seeds():
    """Archives of every dialect, indexes of ours and of DALI, and images as small as they get."""
    path = folder("tar_shard")
    for dialect, kind in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        with tarfile.open(path / dialect, "w", format=kind) as tar:
            for name in ("a.txt", "a.cls", "x/b.txt", ("long" * 40 if dialect != "ustar" else "long") + ".txt"):
                info = tarfile.TarInfo(name)
                info.size = 3
                tar.addfile(info, io.BytesIO(b"123"))
        (path / dialect).write_bytes((path / dialect).read_bytes()[:6144])  # without the padding to whole records
    path = folder("shard_index")
    (path / "dali_1_1").write_text("v1.1 2\ntxt 512 3 cls 1536 3\ntxt 2560 3\n")
    (path / "dali_1_2").write_text("v1.2 2\ntxt 512 3 a.txt cls 1536 3 a.cls\ntxt 2560 3 b.txt\n")
    text = lambda words: len(words).to_bytes(4, "little") + words
    number = lambda value, size: value.to_bytes(size, "little")
    member = lambda extension, offset, size: number(extension, 4) + number(offset, 8) + number(size, 8)
    (path / "own").write_bytes(b"THTARIX\1" + number(8192, 8) + text(b"1") + b"\1" + number(2, 4) + text(b"txt") + text(b"cls") + number(1, 8) + number(1, 4) + number(99, 8) +
                               text(b"a fault") + number(2, 8) + text(b"a") + number(2, 4) + member(0, 512, 3) + member(1, 1536, 3) + text(b"b") + number(1, 4) + member(0, 2560, 3))
    path = folder("seek_table")
    for name, with_checksums in (("plain", False), ("checksums", True)):
        entries = b"".join(number(5, 4) + number(size, 4) + (number(7, 4) if with_checksums else b"") for size in (100, 0, 30))
        table = entries + number(3, 4) + (b"\x80" if with_checksums else b"\0") + number(0x8F92EAB1, 4)
        (path / name).write_bytes(b"\x28\xb5\x2f\xfd" + b"x" * 11 + number(0x184D2A5E, 4) + number(len(table), 4) + table)


def image_seeds():
    sys.path.insert(0, os.environ["TRAINHOST_MODEL_MODULES"])
    from PIL import Image
    path = folder("images")
    pixels = Image.fromarray((numpy.arange(20 * 24 * 3) % 251).astype("uint8").reshape(20, 24, 3))
    for name, mode, kind, options in (("rgb", "RGB", "jpeg", {}), ("progressive", "RGB", "jpeg", {"progressive": True}), ("grey", "L", "jpeg", {}), ("cmyk", "CMYK", "jpeg", {}),
                                      ("rgb_png", "RGB", "png", {}), ("palette_png", "P", "png", {}), ("alpha_png", "RGBA", "png", {}), ("one_bit_png", "1", "png", {})):
        for choice in (0, 11):
            pixels.convert(mode).save(path / f"{name}_{choice}", kind, **options)
            with open(path / f"{name}_{choice}", "ab") as file:
                file.write(bytes([choice]))


def data_seeds():
    """Arrays, IDX files and tables as small as they get."""
    path = folder("arrays")
    for dtype in ("float32", ">i4", "bool", "<U2"):
        numpy.save(path / f"{dtype.strip('<>')}.npy", numpy.ones((3, 2)).astype(dtype))
    numpy.save(path / "records.npy", numpy.zeros(2, [("a", "f4"), ("b", "i4")]))
    save_file({"x": numpy.zeros((3, 2), "float32"), "y": numpy.arange(3)}, path / "two.safetensors")
    path = folder("idx")
    content = b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in (3, 2, 2)) + bytes(range(12))
    (path / "plain").write_bytes(content)
    (path / "packed.gz").write_bytes(gzip.compress(content, mtime=0))
    path = folder("table")
    (path / "rows.csv").write_bytes(b'\xef\xbb\xbfa,b\r\n1,"two\n""lines"""\n\n-2.5e3,\n')
    (path / "rows.jsonl").write_text('{"1": 1.5, "2": "text"}\n\n{"1": [1, 2], "2": null, "3": {"a": true}}\n')


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    seeds_of_a_run(build)
    safetensors_seeds()
    config_seeds()
    plugin_seeds()
    bundle_seeds()
    shard_seeds()
    image_seeds()
    data_seeds()
    files = [path for path in (HERE / "corpus").rglob("*") if path.is_file()]
    for path in files:
        path.chmod(0o644)
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files)} bytes")


if __name__ == "__main__":
    main()
