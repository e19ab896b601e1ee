#!/usr/bin/env python3
"""Makes fuzz/corpus anew out of real files: a short run's checkpoint, the repository's configs, small shared libraries.

  fuzz/make_corpus.py BUILD    BUILD: a build folder with the program and its plugins; run it with the Python of scripts/setup --where
"""
import json
import pathlib
import shutil
import subprocess
import sys
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


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    seeds_of_a_run(build)
    safetensors_seeds()
    config_seeds()
    plugin_seeds()
    bundle_seeds()
    files = [path for path in (HERE / "corpus").rglob("*") if path.is_file()]
    for path in files:
        path.chmod(0o644)
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files)} bytes")


if __name__ == "__main__":
    main()
