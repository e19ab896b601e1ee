"""Rules about C++ files: layers, doors of libraries, heavy headers, names of plugins in the host, lengths."""
import json
import pathlib
import re

from .source import LIMITED_SUFFIXES, functions, is_test

MIDDLE = {"data", "checkpoint", "ledger", "telemetry", "engine"}
LOWER = {"base", "config", "plugin"}
MAY_INCLUDE = {
    "base": set(),
    "config": {"base"},
    "plugin": {"base"},
    **{room: LOWER for room in MIDDLE},
    "loop": LOWER | MIDDLE,
    "commands": LOWER | MIDDLE | {"loop"},
}
# Header prefix, who may include it (a folder or a file), and what to do instead.
DOORS = [
    ("toml++/", ("host/config/",), "ask host/config"),
    ("spdlog/", ("host/base/log.cpp",), "log through base/log.h"),
    ("fmt/", ("host/base/log.cpp",), "use <trainhost/format.hpp>"),
    ("isa-l", ("host/base/crc32c.cpp", "host/base/png.cpp"), "use base/crc32c.h or base/png.h"),
    ("xxhash", ("host/base/hash.cpp",), "use base/hash.h"),
    ("openssl/", ("host/base/sha256.cpp",), "use base/sha256.h"),
    ("boost/dll", ("host/plugin/",), "ask host/plugin"),
    ("boost/program_options", ("host/commands/",), "ask host/commands"),
    ("conformance/", ("host/commands/",), "plugins are checked by host/commands"),
]
ORDINARY_WORDS = {"cache", "table", "tokens"}  # plugins called by words that the host means otherwise: only kind/name is looked for
TORCH = re.compile(r"^(torch|ATen|c10|caffe2)/")
WHOLE_TORCH = re.compile(r"^(torch/(torch|extension|all)\.h|ATen/ATen\.h)$")
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 70


def _room(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "host" and len(parts) > 2 else None


def layers(tree):
    """Imports point downwards only; plugins and the SDK see nothing of the host, though their tests may."""
    rooms = set(MAY_INCLUDE)
    for path in tree.code():
        top, room = path.split("/")[0], _room(path)
        for line, bracket, header in tree.includes(path):
            target = header.split("/")[0]
            if bracket != '"' or target not in rooms or "/" not in header:
                continue
            if top in {"sdk", "plugins"} and not is_test(path):
                yield f"{path}:{line}: {top} must not include \"{header}\" of the host; use <trainhost/...>"
            if room and target != room and target not in MAY_INCLUDE.get(room, rooms):
                yield f"{path}:{line}: {room} must not include {target} (\"{header}\"); imports point downwards, see docs/architecture.md"


def _may_see_torch(tree, path):
    if path.startswith("sdk/conformance/"):
        return path.startswith("sdk/conformance/torch/")
    if path.startswith(("host/engine/", "sdk/include/trainhost/torch/", "fuzz/", "bench/", "tests/", "sdk/")):
        return not re.match(r"sdk/include/trainhost/[^/]+$", path)
    if path.startswith("plugins/"):
        cmake = "/".join(path.split("/")[:3]) + "/CMakeLists.txt"
        return cmake in tree.paths and re.search(r"\bTORCH\b", tree.text(cmake)) is not None
    return False


def torch_headers(tree):
    """Only the engine, the T2 headers and T2 plugins see LibTorch, and nobody the headers that include all of it."""
    for path in tree.code():
        for line, _, header in tree.includes(path):
            if WHOLE_TORCH.match(header):
                yield f"{path}:{line}: <{header}> costs 13 to 35 s a file; include <ATen/core/Tensor.h> and <ATen/ops/...>"
            elif TORCH.match(header) and not _may_see_torch(tree, path):
                yield f"{path}:{line}: <{header}> in a file that must not know LibTorch; go through host/engine/engine.h"
    engine_door = "host/engine/engine.h"
    if engine_door in tree.paths:
        for line, _, header in tree.includes(engine_door):
            if TORCH.match(header):
                yield f"{engine_door}:{line}: <{header}> in the interface that torch-free rooms include"


def doors(tree):
    """Each library has one room that includes it."""
    for path in tree.code("host/"):
        for line, _, header in tree.includes(path):
            for prefix, allowed, advice in DOORS:
                if header.startswith(prefix) and not path.startswith(allowed):
                    yield f"{path}:{line}: <{header}> may be included by {', '.join(allowed)} only; {advice}"


def glue_namespace(tree):
    """The SDK's C++ classes stand in an inline namespace of their own: the host has classes of the same names, and one program may hold both."""
    for path in tree.code("sdk/include/trainhost/cpp/"):
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if re.match(r"namespace trainhost\s*\{", line):
                yield f"{path}:{number}: namespace trainhost belongs to the host; write namespace trainhost::inline sdk"


def plugin_names(tree):
    """The host names no plugin: what it needs, it asks for through the interface of the kind."""
    names = {tuple(path.split("/")[1:3]) for path in tree.paths if path.startswith("plugins/") and path.count("/") >= 3 and not path.startswith("plugins/lib/")}
    if not names:
        return
    words = "|".join(re.escape(word) for kind, name in sorted(names) for word in {name, f"{kind}/{name}"} - ORDINARY_WORDS)
    pattern = re.compile(rf'"({words})"')
    for path in tree.code("host/"):
        if is_test(path):
            continue
        # A raw string is a help text or a whole config: prose may give examples.
        text = re.sub(r'R"([^(\s]*)\(.*?\)\1"', lambda match: re.sub(r"[^\n]", " ", match[0]), tree.text(path), flags=re.S)
        for number, line in enumerate(text.splitlines(), 1):
            code = line.split("//")[0]
            for match in pattern.finditer(code):
                yield f"{path}:{number}: the host names the plugin {match[0]}; ask through the interface of its kind"


def measured_lengths(tree):
    """What is longer than it should be: "path" or "path: function" -> lines."""
    lengths = {}
    for path in tree.paths:
        lines = tree.text(path).count("\n")
        if _is_limited(tree, path) and lines > MAX_FILE_LINES:
            lengths[path] = lines
    for path in tree.code():
        for _, name, lines in functions(tree.blanked(path)):
            if lines > MAX_FUNCTION_LINES:
                lengths[f"{path}: {name}"] = lines
    return lengths


def _is_limited(tree, path):
    return pathlib.PurePath(path).suffix in LIMITED_SUFFIXES or tree.text(path).startswith("#!")


def lengths(tree, ratchet_path="scripts/tidy_ratchet.json"):
    """Nothing is longer than the limits, or than what the ratchet remembers; the ratchet itself only shrinks."""
    ratchet = json.loads(tree.text(ratchet_path)) if ratchet_path in tree.paths else {}
    measured = measured_lengths(tree)
    for place, lines in sorted(measured.items()):
        limit = MAX_FUNCTION_LINES if ": " in place else MAX_FILE_LINES
        if lines > ratchet.get(place, limit):
            yield f"{place}: {lines} lines, at most {ratchet.get(place, limit)}; split it by meaning"
    for place, remembered in sorted(ratchet.items()):
        if measured.get(place, 0) < remembered:
            yield f"{ratchet_path}: {place} has shrunk below {remembered} lines; run scripts/tidy --shrink-ratchet"


RULES = [layers, torch_headers, doors, glue_namespace, plugin_names, lengths]
