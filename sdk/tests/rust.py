#!/usr/bin/env python3
"""The plugin in Rust: built offline, one export, sound by its own tests and by `plugins check`, used in a run. Exit 77 (skipped) where there is no cargo.

Debian 12's own cargo and rustc come first: their Rust is 1.63, the oldest that the plugin promises to build with."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "examples/rust"
BUILD = pathlib.Path(os.environ["TRAINHOST_BUILD_DIR"])
WORK = BUILD / "tests/rust"
PROGRAM = BUILD / "bin/trainhost"
PLUGIN = WORK / "plugins/stopping_rule-runaway.so"
DEBIAN = pathlib.Path("/usr/bin/cargo"), pathlib.Path("/usr/bin/rustc")


def run(*command, **environment):
    print("+", *command, flush=True)
    subprocess.run(command, check=True, cwd=WORK, env=os.environ | environment, stdin=subprocess.DEVNULL)


def exports():
    listed = subprocess.run(["nm", "-D", "--defined-only", PLUGIN], check=True, capture_output=True, text=True).stdout
    return [line.split()[-1] for line in listed.splitlines()]


def main():
    if all(tool.exists() for tool in DEBIAN):
        os.environ["PATH"] = f"/usr/bin:{os.environ['PATH']}"  # cargo looks for its rustc there
    if not shutil.which("cargo"):
        print("SKIPPED: cargo is not installed")
        return 77
    shutil.rmtree(WORK / "runs", ignore_errors=True)
    PLUGIN.parent.mkdir(parents=True, exist_ok=True)
    run("rustc", "--version")
    cargo = ("--offline", "--locked", "--manifest-path", SOURCE / "Cargo.toml", "--target-dir", WORK / "target")
    run("cargo", "build", "--release", *cargo)
    run("cargo", "test", *cargo)
    shutil.copy(WORK / "target/release/librunaway.so", PLUGIN)
    if exports() != ["trainhost_plugin_entry_1"]:
        print("wanted one export, trainhost_plugin_entry_1, got", exports())
        return 1
    run(PROGRAM, "plugins", "check", PLUGIN, "runaway.factor=1.5")
    run(PROGRAM, "plugins", "explain", PLUGIN, "--create")
    if (BUILD / "lib/libtrainhost_engine.so").exists():
        run(PROGRAM, "run", SOURCE / "example.toml", TRAINHOST_PLUGIN_PATH=str(PLUGIN.parent), TRAINHOST_CACHE=str(WORK / "cache"))
        record = (WORK / "runs/example/run.json").read_text()
        if not re.search(r"\brunaway\b", record):
            print("run.json does not name the plugin")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
