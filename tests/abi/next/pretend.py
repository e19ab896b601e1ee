#!/usr/bin/env python3
"""Writes the SDK and the host's services as they might be one minor later: pretend.py OUT makes OUT/include and OUT/services.cpp.

New are a field at the end of every struct that grows, an interface of stopping rules, a service, and a reason to stop: all that a minor may bring.
"""
import pathlib
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from abi_rules import model  # noqa: E402  (after the path is known)

SERVICE = """#define TRAINHOST_PRETENDED "trainhost.pretended/1"
typedef struct trainhost_pretended {
  uint32_t struct_size, reserved;
  uint64_t (*answer)(const trainhost_host *);
} trainhost_pretended;
"""
INTERFACE = """#define TRAINHOST_PRETENDED_RULE "trainhost.pretended_rule/1"
typedef struct trainhost_pretended_rule {
  uint32_t struct_size, reserved;
  uint64_t (*count)(trainhost_instance *);
} trainhost_pretended_rule;
"""
SERVED = """  static const trainhost_pretended pretended_table{sizeof(trainhost_pretended), 0, [](const trainhost_host*) -> uint64_t { return 7; }};
  if (id == TRAINHOST_PRETENDED) return &pretended_table;
"""


def replaced(text, old, new, place):
    if text.count(old) != 1:
        sys.exit(f"pretend.py: {place} holds \"{old}\" {text.count(old)} times, wanted once; correct this script")
    return text.replace(old, new)


def new_in(minor, declarations):
    return f"#if TRAINHOST_TARGET_MINOR >= {minor}\n{declarations}#endif\n"


def pretended(header, text, abi):
    minor = abi.minor() + 1
    for name, struct in abi.structs.items():
        if struct.sort == "grows" and struct.header == header:
            text = replaced(text, f"}} {name};", new_in(minor, "  uint64_t pretended;\n") + f"}} {name};", header)
    if header == "types.h":
        text = replaced(text, f"#define TRAINHOST_ABI_MINOR {minor - 1}u", f"#define TRAINHOST_ABI_MINOR {minor}u", header)
    if header == "host.h":
        text = replaced(text, "#define TRAINHOST_LOG ", new_in(minor, SERVICE) + "#define TRAINHOST_LOG ", header)
    if header == "stopping_rule.h":
        text = replaced(text, "#define TRAINHOST_STOPPING_RULE ", new_in(minor, INTERFACE + "enum { TRAINHOST_STOP_PRETENDED = 77 };\n") + "#define TRAINHOST_STOPPING_RULE ", header)
    return text


def write(path, text):
    """Leaves a file alone that is as it should be, so that nothing is compiled again for it."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main(out):
    abi = model.parse((ROOT / "sdk/abi/golden.txt").read_text())
    for path in (path for path in (ROOT / "sdk/include").rglob("*") if path.is_file()):
        is_c = path.parent.name == "trainhost" and path.suffix == ".h"
        write(out / "include" / path.relative_to(ROOT / "sdk/include"), pretended(path.name, path.read_text(), abi) if is_c else path.read_text())
    services = (ROOT / "host/plugin/services.cpp").read_text()
    first_service = "  if (id == TRAINHOST_LOG) return &log_table;\n"
    write(out / "services.cpp", replaced(services, first_service, SERVED + first_service, "services.cpp"))
    (out / "made").touch()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
