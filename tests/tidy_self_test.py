#!/usr/bin/env python3
"""Plants one violation of each rule in a small tree and expects scripts/tidy to find it, and nothing in the tree without them."""
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "scripts"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPTS))
from tidy_rules import code, house, source  # noqa: E402  (after its folder is known)

PLUGIN = "plugins/stopping_rule/patience"
CLEAN = {
    "Makefile": "test: build\n\ttrue\n",
    "README.md": "See `host/base/error.h` and [the docs](docs/style.md).\n```\nmake test\nbuild/bin/trainhost run x.toml\n```\n",
    "docs/style.md": "Style.\n",
    "host/base/error.h": "#pragma once\nstruct Error {};\n",
    "host/base/log.cpp": "#include <spdlog/spdlog.h>\n",
    "host/commands/run_command.cpp": "#include \"loop/trainer.h\"\n",
    "host/engine/engine.h": "#pragma once\n",
    "host/engine/graph.cpp": "#include <ATen/core/Tensor.h>\n",
    "host/loop/trainer.h": "#include \"engine/engine.h\"\n#include \"data/pipeline.h\"\n",
    "sdk/include/trainhost/stopping_rule.h": "#include <trainhost/types.h>\n",
    f"{PLUGIN}/CMakeLists.txt": "trainhost_add_plugin(stopping_rule/patience SOURCES patience.cpp)\n",
    f"{PLUGIN}/patience.cpp": "#include <trainhost/plugin.hpp>\n",
    f"{PLUGIN}/patience_test.cpp": "",
    f"{PLUGIN}/example.toml": "",
    f"{PLUGIN}/README.md": "",
}
LONG_FUNCTION = "namespace a {\nclass B {\n  int f(int x) const {\n" + "    x += 1;\n" * 80 + "    return x;\n  }\n};\n}\n"
# What is planted, and a part of what must be found.
VIOLATIONS = [
    ({"host/base/clock.cpp": '#include "config/tree.h"\n'}, "host/base/clock.cpp:1: base must not include config"),
    ({"host/data/x.cpp": '// first\n#include "checkpoint/store.h"\n'}, "host/data/x.cpp:2: data must not include checkpoint"),
    ({"host/plugin/x.cpp": '#include "config/tree.h"\n'}, "plugin must not include config"),
    ({f"{PLUGIN}/patience.cpp": '#include "base/error.h"\n'}, "plugins must not include"),
    ({"sdk/include/trainhost/x.h": '#include "base/error.h"\n'}, "sdk must not include"),
    ({"host/loop/x.cpp": "#include <c10/core/Device.h>\n"}, "must not know LibTorch"),
    ({"host/engine/engine.h": "#include <ATen/core/Tensor.h>\n"}, "in the interface that torch-free rooms include"),
    ({f"{PLUGIN}/patience.cpp": "#include <ATen/core/Tensor.h>\n"}, "must not know LibTorch"),
    ({"sdk/include/trainhost/x.h": "#include <ATen/core/Tensor.h>\n"}, "must not know LibTorch"),
    ({"host/engine/x.cpp": "#include <torch/torch.h>\n"}, "costs 13 to 35 s"),
    ({"host/engine/x.cpp": "#include <ATen/ATen.h>\n"}, "costs 13 to 35 s"),
    ({"host/loop/x.cpp": "#include <toml++/toml.h>\n"}, "ask host/config"),
    ({"host/base/x.cpp": "#include <spdlog/spdlog.h>\n"}, "log through base/log.h"),
    ({"host/base/x.cpp": "#include <fmt/core.h>\n"}, "use <trainhost/format.hpp>"),
    ({"host/data/x.cpp": "#include <isa-l/crc.h>\n"}, "use base/crc32c.h"),
    ({"host/loop/x.cpp": "#include <boost/dll.hpp>\n"}, "ask host/plugin"),
    ({"host/config/x.cpp": "#include <boost/program_options.hpp>\n"}, "ask host/commands"),
    ({"host/plugin/x.cpp": '#include "conformance/conformance.h"\n'}, "plugins are checked by host/commands"),
    ({"sdk/conformance/x.cpp": "#include <ATen/core/Tensor.h>\n"}, "must not know LibTorch"),
    ({"sdk/conformance/x.cpp": '#include "base/error.h"\n'}, "sdk must not include"),
    ({"sdk/include/trainhost/cpp/x.hpp": "// x\nnamespace trainhost {\n"}, "x.hpp:2: namespace trainhost belongs to the host"),
    ({"host/loop/x.cpp": 'bool f(S n) { return n == "patience"; }\n'}, 'the host names the plugin "patience"'),
    ({"host/loop/x.cpp": 'auto n = "stopping_rule/patience";\n'}, "the host names the plugin"),
    ({"host/loop/x.cpp": "int a;\n" * 401}, "host/loop/x.cpp: 401 lines, at most 400"),
    ({"scripts/x.py": "a = 1\n" * 401}, "scripts/x.py: 401 lines, at most 400"),
    ({"host/loop/x.cpp": LONG_FUNCTION}, "host/loop/x.cpp: f: 83 lines, at most 70"),
    ({"host/loop/x.cpp": LONG_FUNCTION, "scripts/tidy_ratchet.json": json.dumps({"host/loop/x.cpp: f": 82})}, "83 lines, at most 82"),
    ({"host/loop/x_test.cpp": "MACRO(a_b) {\n" + "  f();\n" * 80 + "}\n"}, "host/loop/x_test.cpp: MACRO(a_b): 82 lines"),
    ({"scripts/tidy_ratchet.json": json.dumps({"host/loop/x.cpp: f": 82})}, "has shrunk below 82 lines"),
    ({"docs/a.md": "See `host/base/gone.h`.\n"}, "`host/base/gone.h` does not exist"),
    ({"docs/a.md": "See [this](gone.md).\n"}, "the link to gone.md leads nowhere"),
    ({"docs/a.md": "```\nmake tset\n```\n"}, "`make tset`: the Makefile has no such target"),
    ({"docs/a.md": "```\ntrainhost rnu x.toml\n```\n"}, "`trainhost rnu`: no host/commands/rnu_command.cpp"),
    ({"host/base/x.h": "// FIX" "ME\n"}, "host/base/x.h:1"),
    ({"cmake/x.cmake": "set(a /ro" "ot/x)\n"}, "is a place outside of the product"),
    ({"plugins/stopping_rule/other/other.cpp": ""}, "plugins/stopping_rule/other: README.md is missing"),
    ({"plugins/stoping_rule/other/other.cpp": ""}, "the SDK has no header for the kind stoping_rule"),
]
ALLOWED = [
    {"host/loop/x_test.cpp": 'auto n = "patience";\n'},  # a test may name a plugin
    {"host/loop/testing/x.h": 'auto n = "patience";\n', "host/loop/x_testing.h": 'auto n = "patience";\n'},
    {f"{PLUGIN}/patience_test.cpp": '#include "base/error.h"\n'},  # a test may look behind the interface
    {"host/loop/x.cpp": 'auto help = R"(such as "patience")";\n'},
    {"host/loop/x.cpp": '// like "patience"\n'},
    {"host/commands/x.cpp": '#include "conformance/conformance.h"\n', "sdk/conformance/torch/x.cpp": "#include <ATen/core/Tensor.h>\n"},
    {"host/loop/x.cpp": LONG_FUNCTION, "scripts/tidy_ratchet.json": json.dumps({"host/loop/x.cpp: f": 83})},
    {f"{PLUGIN}/CMakeLists.txt": "trainhost_add_plugin(a/b TORCH)\n", f"{PLUGIN}/patience.cpp": "#include <ATen/core/Tensor.h>\n"},
    {"plugins/lib/files/glob.h": "", "host/loop/x.cpp": 'auto n = "files";\n'},  # no plugin, and not whole as one
    {"host/loop/x.cpp": "namespace a {\n" + "int f() { return 1; }\n" * 90 + "}\n"},  # many short functions are not a long one
]


@contextlib.contextmanager
def planted_tree(planted):
    with tempfile.TemporaryDirectory() as folder:
        for path, text in {**CLEAN, **planted}.items():
            file = pathlib.Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        yield folder


def findings(planted):
    with planted_tree(planted) as folder:
        tree = source.Tree(folder)
        return [finding for rule in code.RULES + house.RULES for finding in rule(tree)]


class TidySelfTest(unittest.TestCase):
    def test_a_clean_tree_has_no_findings(self):
        for planted in [{}, *ALLOWED]:
            with self.subTest(planted=sorted(planted)):
                self.assertEqual(findings(planted), [])

    def test_each_violation_is_found_and_nothing_else(self):
        for planted, expected in VIOLATIONS:
            with self.subTest(expected=expected):
                found = findings(planted)
                self.assertIn(expected, "\n".join(found))
                if "plugins/" not in "".join(planted):  # a torn plugin folder misses several files
                    self.assertEqual(len(found), 1, found)

    def test_the_program_prints_findings_and_fails(self):
        for planted, status in [({}, 0), (VIOLATIONS[0][0], 1)]:
            with planted_tree(planted) as folder:
                result = subprocess.run([sys.executable, SCRIPTS / "tidy", "--root", folder], capture_output=True, text=True)
                self.assertEqual(result.returncode, status, result.stdout)
                self.assertIn(f"{status} findings", result.stdout)


if __name__ == "__main__":
    unittest.main()
