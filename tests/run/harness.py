"""What the tests of the program share: configs, processes in a folder of their own, and readers of what a run leaves behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from safetensors import safe_open
from safetensors.numpy import load, save

BUILD = Path(os.environ.get("TRAINHOST_BUILD_DIR") or Path(__file__).resolve().parents[2] / "build")
PROGRAM = BUILD / "bin" / "trainhost"
TEST_PLUGINS = BUILD / "test_plugins"
ZOO = BUILD / "zoo"

# What jobs over data of several kinds share: small windows, a row each step, a checkpoint each tenth.
SMALL_JOB = """
[execution]
threads = 1
[accum]
micro_batch_samples = 8
micro_batches = 2
[adamw]
learning_rate = 1e-2
[checkpoint]
every = "10step"
mode = "sync"
[telemetry]
every = "1step"
[sample]
length = 0
"""

# One kernel thread: the models are tiny, and the tests share their machine. Saves in mode sync: which steps have a checkpoint does not depend on the disk.
MLP = """
max = ["20step"]
plugins = ["fp32", "accum", "synthetic", "mlp", "adamw", "cosine", "localckpt"]
[data]
threads = 2
[execution]
threads = 1
[synthetic]
task = "classes"
samples = 100
[evaluation.heldout]
every = "5step"
synthetic.first_id = 1000000
synthetic.samples = 32
[mlp]
widths = [16]
[accum]
micro_batch_samples = 4
micro_batches = 2
[adamw]
learning_rate = 1e-2
[checkpoint]
every = "5step"
mode = "sync"
[telemetry]
every = "1step"
"""

GPT = """
max = ["20step"]
plugins = ["fp32", "accum", "synthetic", "gpt", "adamw", "cosine", "localckpt"]
clip_norm = 1.0
[data]
threads = 1
[execution]
threads = 1
[synthetic]
task = "tokens"
samples = 100
vocabulary = 32
context_length = 16
[evaluation.heldout]
every = "5step"
synthetic.first_id = 1000000
synthetic.samples = 32
[gpt]
layers = 2
heads = 2
width = 32
dropout = 0.1
[accum]
micro_batch_samples = 4
micro_batches = 2
[adamw]
learning_rate = 1e-3
[cosine]
warmup = "3step"
[checkpoint]
every = "5step"
mode = "sync"
[telemetry]
every = "1step"
[sample]
length = 0
"""


class Result:
    """A process that has ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)


class Process:
    """A process at work; its stderr is read as lines."""

    def __init__(self, popen):
        self.popen, self.lines = popen, []

    def wait_for(self, pattern):
        """Reads on until a line matches; None when the process ended without one."""
        for line in self.popen.stderr:
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found
        return None

    def signal(self, number):
        self.popen.send_signal(number)

    def blocks(self, number):
        """Whether the signal waits for the program to take it."""
        mask = re.search(r"SigBlk:\s*(\w+)", Path(f"/proc/{self.popen.pid}/status").read_text()).group(1)
        return bool(int(mask, 16) >> (number - 1) & 1)

    def end(self):
        out, rest = self.popen.communicate()
        return Result(self.popen.returncode, out, "".join(self.lines) + rest)


class Folder:
    """A run folder."""

    def __init__(self, path):
        self.path = Path(path)

    def record(self):
        return json.loads((self.path / "run.json").read_text())

    def events(self, name=None):
        lines = (self.path / "log.jsonl").read_text().splitlines()
        events = [json.loads(line) for line in lines]
        return [event for event in events if name in (None, event["event"])]

    def losses(self):
        """Step -> loss, as the log has it; a step that was logged twice must have one loss."""
        losses = {}
        for event in self.events("step"):
            if event["loss"] is None:
                continue
            if losses.setdefault(event["step"], event["loss"]) != event["loss"]:
                raise AssertionError(f"step {event['step']}: losses {losses[event['step']]} and {event['loss']}")
        return losses

    def evaluations(self):
        values = {}
        for event in self.events("evaluation"):
            key = (event["step"], event["set"], event["metric"])
            if values.setdefault(key, event["value"]) != event["value"]:
                raise AssertionError(f"{key}: values {values[key]} and {event['value']}")
        return values

    def checkpoints(self):
        """Folders of the checkpoints, oldest first: by attempt, then by save."""
        found = [path for path in (self.path / "checkpoints").glob("step-*") if (path / "commit").exists()]
        return sorted(found, key=lambda path: path.name.split("-")[2:])

    def newest(self):
        return self.checkpoints()[-1]


def tensors(checkpoint, part):
    """Name -> (dtype, shape, bytes) of one part of a checkpoint: weights, optimizer or engine."""
    result = {}
    with safe_open(str(checkpoint / f"{part}.safetensors"), framework="np") as file:
        for name in file.keys():
            tensor = file.get_tensor(name)
            result[name] = (str(tensor.dtype), tensor.shape, tensor.tobytes())
    return result


def crc32c(content):
    """Castagnoli's polynomial, bit by bit; Python's own is another one."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def add_tensor(checkpoint, part, name, values):
    """Rewrites one small part of a checkpoint, and all that vouches for it, as if it had been saved so."""
    path = checkpoint / f"{part}.safetensors"
    content = save(load(path.read_bytes()) | {name: values})
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    record = next(entry for entry in manifest["objects"] if entry["name"] == path.name)
    header_bytes = 8 + int.from_bytes(content[:8], "little")
    record.update(bytes=len(content), header_bytes=header_bytes, header_crc32c=crc32c(content[:header_bytes]), block_crc32c=[crc32c(content)])
    manifest_text = json.dumps(manifest) + "\n"
    commit = json.loads((checkpoint / "commit").read_text().splitlines()[0])
    commit.update(manifest_bytes=len(manifest_text), manifest_crc32c=crc32c(manifest_text.encode()))
    commit_line = json.dumps(commit) + "\n"
    path.write_bytes(content)
    (checkpoint / "manifest.json").write_text(manifest_text)
    (checkpoint / "commit").write_text(f"{commit_line}{crc32c(commit_line.encode()):08x}\n")


def make_newer_format(checkpoint):
    """Rewrites the commit record as a later version would have written it."""
    line = (checkpoint / "commit").read_text().splitlines()[0].replace('"format":1', '"format":2') + "\n"
    (checkpoint / "commit").unlink()
    (checkpoint / "commit").write_text(f"{line}{crc32c(line.encode()):08x}\n")


def loop_state(checkpoint):
    return json.loads((checkpoint / "run_state.json").read_text())["state"]


class TestCase(unittest.TestCase):
    """A folder for each test, in which the program runs with an environment of its own."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="trainhost-run-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("TRAINHOST_", "NO_COLOR"))}
        self.environment["TRAINHOST_CACHE"] = str(self.folder / "cache")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, *arguments, **environment):
        popen = subprocess.Popen([str(PROGRAM), *map(str, arguments)], cwd=self.folder, env=self.environment | environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        self.addCleanup(lambda: popen.poll() is None and popen.kill())
        return Process(popen)

    def trainhost(self, *arguments, code=0, **environment):
        """Runs to the end and insists on the exit code."""
        result = self.start(*arguments, **environment).end()
        self.assertEqual(result.code, code, f"trainhost {' '.join(map(str, arguments))}\n{result.out}\n{result.err}")
        return result

    def run_folder(self, name):
        return Folder(self.folder / "runs" / name)

    def assert_names(self, text, *words):
        for word in words:
            self.assertIn(word, text)

    def assert_same_state(self, a, b):
        """Two checkpoints hold the same numbers, bit for bit, and the loop's own state."""
        for part in ("weights", "optimizer", "engine"):
            left, right = tensors(a, part), tensors(b, part)
            self.assertEqual(left.keys(), right.keys())
            self.assertTrue(left or part == "engine", f"{part} is empty")
            for name in left:
                self.assertEqual(left[name], right[name], f"{part}: {name} differs between {a} and {b}")
        states = [loop_state(checkpoint) for checkpoint in (a, b)]
        for state in states:
            state.pop("pending_good")  # names checkpoints by attempt
        self.assertEqual(states[0], states[1])


def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main(verbosity=2)
