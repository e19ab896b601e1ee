#!/usr/bin/env python3
"""scripts/abi notices what would break plugin files, and lets pass what they survive: each change is made in a copy of the SDK."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from abi_rules import agreement, compare, headers, model  # noqa: E402  (after the path is known)

# What is done, in which header, the text that is replaced, what it becomes, the sentence.
BREAKS = [
    ("insert into a struct that grows", "progress.h", "  uint64_t skipped_windows;", "  uint64_t inserted;\n  uint64_t skipped_windows;",
     "trainhost_progress.inserted is new at byte 24, where the first 160 bytes were taken; a struct that grows gets new fields at its end"),
    ("insert into a table", "host.h", "  int32_t (*is_cancelled)", "  void (*inserted)(void);\n  int32_t (*is_cancelled)",
     "trainhost_call.inserted is new at byte 8, where the first 24 bytes were taken; a table is frozen: put the new functions into a new table"),
    ("reorder fields", "precision_policy.h", "double initial_scale, growth_factor,", "double growth_factor, initial_scale,",
     "trainhost_precision_plan.initial_scale stood at byte 32 and stands at 40 (as do 1 more); put the fields back into their order"),
    ("reorder functions", "host.h", """  trainhost_string (*fingerprint)(const trainhost_host *);
} trainhost_memory;""", "  uint64_t moved;\n} trainhost_memory;", "trainhost_memory.fingerprint was trainhost_string (*)(const trainhost_host *) at byte 16 and is gone"),
    ("retype at the same size", "stopping_rule.h", "  int32_t stop; ", "  uint32_t stop;",
     "trainhost_verdict.stop was int32_t and is uint32_t; it is frozen"),
    ("retype in a struct that grows", "progress.h", "  double fraction; ", "  uint64_t fraction;",
     "trainhost_progress.fraction was double and is uint64_t; keep the type, and put the value in its new type into a new field at the end"),
    ("another parameter", "lr_schedule.h", "const double *fractions", "const float *fractions",
     "trainhost_lr_schedule.factors: parameter 3 was const double * and is const float *; a function never changes"),
    ("a parameter loses const", "state.h", "const void *bytes, uint64_t size, trainhost_error *);\n} trainhost_state",
     "void *bytes, uint64_t size, trainhost_error *);\n} trainhost_state", "trainhost_state.load: parameter 3 was const void * and is void *"),
    ("one more parameter", "observer.h", "(trainhost_instance *, const trainhost_event *, trainhost_error *)",
     "(trainhost_instance *, const trainhost_event *, int, trainhost_error *)", "trainhost_observer.on_event took 3 parameters and takes 4"),
    ("another parameter of a callback", "checkpoint_backend.h", "(*visit)(void *context,", "(*visit)(int64_t context,",
     "trainhost_checkpoint_backend.list: parameter 4 was int32_t (*)(void *, const trainhost_object *) and is int32_t (*)(int64_t,"),
    ("another answer", "host.h", "int32_t (*is_cancelled)", "int64_t (*is_cancelled)", "trainhost_call.is_cancelled was int32_t (*)(const trainhost_host *)"),
    ("another parameter of the entry", "plugin.h", "trainhost_plugin_entry_1(void)", "trainhost_plugin_entry_1(int)",
     "trainhost_plugin_entry_1 was const trainhost_entry *(void) and is const trainhost_entry *(int); declare the new form under a new name"),
    ("renumber", "stopping_rule.h", "TRAINHOST_STOP_DONE = 1", "TRAINHOST_STOP_DONE = 4", "TRAINHOST_STOP_DONE was 1 and is 4; a value keeps its meaning"),
    ("remove an enumerator", "types.h", "  TRAINHOST_UNIMPLEMENTED = 12,\n", "",
     "TRAINHOST_UNIMPLEMENTED was declared in types.h and is gone; put it back"),
    ("remove a field", "data_source.h", "  uint64_t num_blocks; ", "  // ",
     "trainhost_source_info.num_blocks was uint64_t at byte 24 and is gone; keep the field"),
    ("remove a function", "host.h", "  int64_t (*deadline_ns)(const trainhost_host *);\n", "", "trainhost_call.deadline_ns was int64_t (*)"),
    ("replace a struct", "observer.h", "typedef struct trainhost_event {", "struct trainhost_event;\ntypedef struct trainhost_other {",
     "trainhost_event was a struct and is struct trainhost_other; declare the new form under a new name"),
    ("rename a field", "observer.h", "  int64_t unix_ns; ", "  int64_t unix_nanoseconds; ", "trainhost_event.unix_ns is called unix_nanoseconds now"),
    ("another size", "types.h", "char message[504]", "char message[1016]", "trainhost_error.message was char[504] and is char[1016]; it is frozen"),
    ("another alignment", "stopping_rule.h", "char reason[496]; ", "char reason[496] __attribute__((aligned(64)));", 
     "trainhost_verdict.reason stood at byte 16 and stands at 64"),
    ("a table gets a function", "host.h", "  int64_t (*deadline_ns)(const trainhost_host *);\n",
     "  int64_t (*deadline_ns)(const trainhost_host *);\n  void (*flush)(const trainhost_host *);\n",
     "trainhost_call had 24 bytes and has 32, with flush at its end; a table is frozen: put the new functions into a new table under a new id"),
    ("a frozen struct gets a field", "progress.h", "  uint32_t origin, flags; ", "  uint32_t origin, flags; uint64_t more; ",
     "trainhost_metric had 64 bytes and has 72, with more at its end; it is frozen: leave it, and make a new struct"),
    ("another id", "state.h", '"trainhost.state/1"', '"trainhost.state/2"', 'TRAINHOST_STATE was "trainhost.state/1" and is "trainhost.state/2"'),
    ("no longer growing", "host.h", "/* Grows. What a trial", "/* What a trial", 'trainhost_probe was marked "Grows" and is without the mark "Grows"'),
    ("another base type", "types.h", "typedef int32_t trainhost_status", "typedef int64_t trainhost_status",
     "trainhost_status was int32_t and is int64_t; declare the new form under a new name"),
]
ADDITIONS = [
    ("append to a struct that grows", "progress.h", "gradient_norm; ", "gradient_norm; uint64_t appended; ",
     "trainhost_progress grows by appended from byte 160 on"),
    ("append an enumerator", "stopping_rule.h", "TRAINHOST_STOP_DIVERGED = 3", "TRAINHOST_STOP_DIVERGED = 3, TRAINHOST_STOP_BORED = 4",
     "TRAINHOST_STOP_BORED is new in stopping_rule.h"),
    ("a new table under a new id", "host.h", "#define TRAINHOST_RUN ",
     '#define TRAINHOST_PULSE "trainhost.pulse/1"\ntypedef struct trainhost_pulse { uint32_t struct_size, reserved; void (*beat)(void); } trainhost_pulse;\n'
     "#define TRAINHOST_RUN ", "trainhost_pulse is new in host.h"),
    ("a new opaque struct", "state.h", "/* Where save", "typedef struct trainhost_lease trainhost_lease;\n/* Where save", "trainhost_lease is new in state.h"),
    ("a higher minor", "types.h", "#define TRAINHOST_ABI_MINOR 0u", "#define TRAINHOST_ABI_MINOR 1u", None),
]
# What no dump could guard is refused when it is read.
UNREADABLE = [
    ("a union", "types.h", "/* device_type of DLPack. */", "union trainhost_any { int a; };", "only structs with a name can be guarded"),
    ("a bit field", "host.h", "uint32_t struct_size, fits; ", "uint32_t struct_size; uint32_t fits : 1;", "trainhost_probe holds a FieldDecl"),
    ("a packed struct", "types.h", "} trainhost_tensor;", "} __attribute__((packed)) trainhost_tensor;", "trainhost_tensor holds a PackedAttr"),
    ("a variable", "types.h", "/* device_type of DLPack. */", "extern int trainhost_global;", "VarDecl trainhost_global is nothing that scripts/abi can guard"),
    ("a macro with arguments", "types.h", "#define TRAINHOST_EXPORT ", "#define TRAINHOST_MAX(a, b) ((a) > (b))\n#define TRAINHOST_EXPORT ",
     "the macro TRAINHOST_MAX takes arguments"),
    ("one id for two tables", "host.h", '"trainhost.call/1"', '"trainhost.log/1"', "TRAINHOST_CALL and TRAINHOST_LOG have the one id"),
    ("an id without a table", "host.h", "#define TRAINHOST_RUN ", '#define TRAINHOST_ALONE "trainhost.alone/1"\n#define TRAINHOST_RUN ',
     'TRAINHOST_ALONE is the id "trainhost.alone/1", but trainhost_alone is no struct'),
    ("a table that grows", "state.h", "typedef struct trainhost_state {", "/* Grows. */\ntypedef struct trainhost_state {",
     'TRAINHOST_STATE is the id "trainhost.state/1", but trainhost_state is marked as growing'),
]


class GuardTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.golden = (ROOT / "sdk/abi/golden.txt").read_text()
        cls.recorded = model.parse(cls.golden)

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="trainhost-abi-"))
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("sdk/include", "sdk/abi", "tests/abi/1.0/include"):
            shutil.copytree(ROOT / folder, self.root / folder)
        shutil.copy(ROOT / "CHANGELOG.md", self.root)

    def edit(self, header, old, new):
        path = self.root / "sdk/include/trainhost" / header
        text = path.read_text()
        self.assertEqual(text.count(old), 1, f"{header} holds \"{old}\" {text.count(old)} times")
        path.write_text(text.replace(old, new))

    def compared(self):
        return compare.compare(self.recorded, headers.read(self.root / "sdk/include"))

    def abi(self, *arguments):
        return subprocess.run([ROOT / "scripts/abi", "--root", self.root, *arguments], capture_output=True, text=True)

    def test_breaks_are_caught_and_explained(self):
        for what, header, old, new, sentence in BREAKS:
            with self.subTest(what):
                self.setUp()
                self.edit(header, old, new)
                breaks, _ = self.compared()
                self.assertTrue(any(found.startswith(sentence) for found in breaks), f"{sentence}\nis not said, but\n" + "\n".join(breaks))

    def test_what_every_file_survives_passes(self):
        for what, header, old, new, sentence in ADDITIONS:
            with self.subTest(what):
                self.setUp()
                self.edit(header, old, new)
                breaks, additions = self.compared()
                self.assertEqual(breaks, [])
                self.assertTrue(any(found.startswith(sentence) for found in additions) if sentence else not additions, additions)

    def test_what_cannot_be_guarded_is_refused(self):
        for what, header, old, new, sentence in UNREADABLE:
            with self.subTest(what):
                self.setUp()
                self.edit(header, old, new)
                self.assertRaisesRegex(model.AbiError, sentence, self.compared)

    def test_two_functions_of_one_type_do_not_change_places(self):
        path = self.root / "sdk/include/trainhost/plugin.h"
        path.write_text(path.read_text().replace("(*stop)", "(*kept)").replace("(*destroy)", "(*stop)").replace("(*kept)", "(*destroy)"))
        self.assertIn("trainhost_instance.stop stood at byte 32 and stands at 40 (as do 1 more); put the fields back into their order", self.compared()[0])

    def test_every_recorded_line_is_guarded(self):
        """A record that differs in any one of its facts is no longer what the headers declare."""
        present = headers.read(ROOT / "sdk/include")
        lines = self.golden.splitlines()
        facts = [number for number, line in enumerate(lines) if line and not line.startswith(("#", "value TRAINHOST_ABI_MINOR"))]
        self.assertGreater(len(facts), 200)
        for number in facts:
            line = lines[number]
            other = line.replace(" bytes", "8 bytes") if " bytes" in line else line + "0"
            changed = model.parse("\n".join([*lines[:number], other, *lines[number + 1:]]))
            self.assertTrue(compare.compare(changed, present)[0], f"{other}\npasses for\n{line}")

    def test_other_compilers_agree_and_would_be_heard(self):
        self.assertEqual(list(agreement.disagreements(self.recorded, ROOT / "sdk/include")), [])
        self.recorded = model.parse(self.golden)
        self.recorded.structs["trainhost_event"].fields[-1].offset += 8
        self.recorded.values["TRAINHOST_OK"] = "1"
        found = list(agreement.disagreements(self.recorded, ROOT / "sdk/include"))
        self.assertEqual([sentence.split(" ")[0] for sentence in found], ["gcc", "g++", "clang", "clang++"])
        self.assertIn("claim_trainhost_event_metrics", found[0])

    def test_the_command_says_what_to_do(self):
        self.assertEqual(self.abi("check").returncode, 0)
        self.edit("progress.h", "gradient_norm; ", "gradient_norm; uint64_t appended; ")
        result = self.abi("check")
        self.assertEqual(result.returncode, 1)
        self.assertIn("trainhost_progress grows by appended from byte 160 on; that is allowed: run scripts/abi record", result.stdout)
        self.assertIn("hide it behind #if TRAINHOST_TARGET_MINOR >= n, and raise TRAINHOST_ABI_MINOR to n", result.stdout)

    def test_an_addition_is_hidden_recorded_and_noted(self):
        self.edit("types.h", "#define TRAINHOST_ABI_MINOR 0u", "#define TRAINHOST_ABI_MINOR 1u")
        self.edit("progress.h", "} trainhost_progress;", "#if TRAINHOST_TARGET_MINOR >= 1\n  uint64_t appended;\n#endif\n} trainhost_progress;")
        recorded = self.abi("record")
        self.assertEqual(recorded.returncode, 0)
        line = recorded.stdout.split('add the line "')[1].split(":")[0]
        self.assertEqual(self.abi("check").returncode, 1)  # nothing in the change log yet
        log = self.root / "CHANGELOG.md"
        log.write_text(log.read_text().replace("### ABI\n", f"### ABI\n\n{line}: progress tells what was appended.\n", 1))
        checked = self.abi("check")
        self.assertEqual((checked.returncode, checked.stdout.split(",")[0]), (0, "abi: 1.1"))
        self.assertEqual(self.abi("freeze").returncode, 0)
        self.assertEqual(self.abi("check").returncode, 0)
        self.assertIn("appended", (self.root / "tests/abi/1.1/include/trainhost/progress.h").read_text())
        self.assertEqual(self.abi("freeze").returncode, 1)

    def test_a_break_is_recorded_in_a_draft_only(self):
        self.edit("stopping_rule.h", "TRAINHOST_STOP_DONE = 1", "TRAINHOST_STOP_DONE = 4")
        refused = self.abi("record")
        self.assertEqual((refused.returncode, (self.root / "sdk/abi/golden.txt").read_text()), (1, self.golden))
        self.assertIn("TRAINHOST_STOP_DONE was 1 and is 4", refused.stdout)
        self.assertEqual(self.abi("record", "--draft").returncode, 0)
        self.assertIn("TRAINHOST_STOP_DONE = 4", (self.root / "tests/abi/1.0/include/trainhost/stopping_rule.h").read_text())
        self.assertNotIn("TRAINHOST_STOP_DONE", self.abi("check").stdout)

    def test_the_pretended_minor_is_one_that_may_come(self):
        """What tests/abi/next invents is new in a file that targets it, and not to be seen in one that does not."""
        subprocess.run([ROOT / "tests/abi/next/pretend.py", self.root], check=True)
        breaks, additions = compare.compare(self.recorded, headers.read(self.root / "include"))
        growing = [name for name, struct in self.recorded.structs.items() if struct.sort == "grows"]
        self.assertEqual(breaks, [])
        self.assertEqual([sentence.split(" ")[0] for sentence in additions if " grows by pretended" in sentence], growing)
        self.assertEqual(compare.compare(self.recorded, headers.read(self.root / "include", self.recorded.minor())), ([], []))

    def test_a_target_newer_than_the_sdk_does_not_compile(self):
        for minor, is_accepted in ((0, True), (1, False)):
            command = ["gcc", "-fsyntax-only", "-std=c99", f"-DTRAINHOST_TARGET_MINOR={minor}", "-I", ROOT / "tests/abi/1.0/include", "-x", "c", "-"]
            result = subprocess.run(command, input="#include <trainhost/plugin.h>\n", capture_output=True, text=True)
            self.assertEqual(result.returncode == 0, is_accepted)
        self.assertIn("TRAINHOST_TARGET_MINOR is newer than this SDK; update the SDK or lower the target", result.stderr)

    def test_the_table_of_ids_names_every_id(self):
        ids = [struct.id for struct in self.recorded.structs.values() if struct.id]
        self.assertEqual(len(ids), sum(value.startswith('"') for value in self.recorded.values.values()))
        rows = self.abi("ids").stdout
        for name in ids:
            self.assertIn(f"| `{name}` |", rows)


if __name__ == "__main__":
    unittest.main()
