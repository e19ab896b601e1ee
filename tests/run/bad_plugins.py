"""What a plugin may do wrong during a run: what the host says, and that no checkpoint suffers. The table in tests/fakes/README.md lists every fault."""

import re
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import MLP, PROGRAM, TEST_PLUGINS, ZOO, Folder, TestCase, loop_state, main

JOB = f'plugin_path = ["{TEST_PLUGINS}"]\n' + MLP.replace('mode = "sync"', 'mode = "sync"\nkeep_last = 9')


def fault(plugin, function, how, after=0):
    return ["--plugins", plugin, f"{plugin}.in={function}", f"{plugin}.how={how}", f"{plugin}.after={after}"]


class BadPluginCase(TestCase):
    reference = None

    @classmethod
    def setUpClass(cls):
        """The same job without a bad plugin: what every checkpoint must hold."""
        kept = tempfile.TemporaryDirectory(prefix="trainhost-reference-")
        cls.addClassCleanup(kept.cleanup)
        (Path(kept.name) / "job.toml").write_text(JOB)
        subprocess.run([str(PROGRAM), "run", "job.toml"], cwd=kept.name, check=True, capture_output=True)
        cls.reference = {loop_state(path)["windows"]: path for path in Folder(Path(kept.name) / "runs" / "job").checkpoints()}
        assert sorted(cls.reference) == [5, 10, 15, 20], cls.reference

    def setUp(self):
        super().setUp()
        self.write("job.toml", JOB)

    def assert_undamaged(self, *steps):
        """The checkpoints are those of the same job without the plugin, bit for bit."""
        found = {loop_state(path)["windows"]: path for path in self.run_folder("job").checkpoints()}
        self.assertEqual(sorted(found), sorted(steps))
        for step, path in found.items():
            self.assert_same_state(self.reference[step], path)

    def assert_goes_on_without(self, *options):
        self.trainhost("run", "job.toml", *options)
        self.assert_same_state(self.reference[20], self.run_folder("job").newest())

    def crash_report(self, result):
        text = (self.folder / "runs/job/crash.txt").read_text()
        self.assert_names(result.err, *text.splitlines())  # other threads may say something between the lines
        return text


class Crashes(BadPluginCase):
    def assert_crash(self, number, plugin, function, how, after=0, steps=()):
        result = self.trainhost("run", "job.toml", *fault(plugin.split("/")[1], function, how, after), code=-number)
        report = self.crash_report(result)
        self.assert_names(report, f"crash: {number.name} (", f" inside of {function} of {plugin}, file {TEST_PLUGINS}/faulty.so\n", f"leave {plugin} out")
        self.assertRegex(report, rf"(?m)^crash: #\d+ {re.escape(str(TEST_PLUGINS))}/faulty.so\+0x[0-9a-f]+$")
        self.assert_undamaged(*steps)
        self.assert_goes_on_without()

    def test_create(self):
        self.assert_crash(signal.SIGSEGV, "stopping_rule/faulty_rule", "create", "SIGSEGV")

    def test_start(self):
        self.assert_crash(signal.SIGBUS, "observer/faulty_observer", "start", "SIGBUS")

    def test_check(self):
        self.assert_crash(signal.SIGFPE, "stopping_rule/faulty_rule", "check", "SIGFPE", 7, [5])

    def test_check_overflows_the_stack(self):
        self.assert_crash(signal.SIGSEGV, "stopping_rule/faulty_rule", "check", "stack overflow", 12, [5, 10])

    def test_on_event(self):
        self.assert_crash(signal.SIGABRT, "observer/faulty_observer", "on_event", "SIGABRT")

    def test_on_event_overflows_the_stack_of_its_thread(self):
        self.assert_crash(signal.SIGSEGV, "observer/faulty_observer", "on_event", "stack overflow")

    def test_read_on_a_worker(self):
        self.assert_crash(signal.SIGILL, "data_source/faulty_source", "read", "SIGILL")

    def test_put_part(self):
        self.assert_crash(signal.SIGSEGV, "checkpoint_backend/faulty_backend", "put_part", "SIGSEGV", 1)

    def test_stop(self):
        self.assert_crash(signal.SIGABRT, "stopping_rule/faulty_rule", "stop", "SIGABRT", 0, [5, 10, 15, 20])

    def test_destroy(self):
        self.assert_crash(signal.SIGSEGV, "stopping_rule/faulty_rule", "destroy", "SIGSEGV", 0, [5, 10, 15, 20])

    def test_in_a_constructor(self):
        result = self.trainhost("run", "job.toml", "--plugins", "crashes_at_load", "crashes_at_load.patience=1", code=-signal.SIGSEGV)
        self.assert_names(self.crash_report(result), "inside of the start of the library of stopping_rule/crashes_at_load", f"{TEST_PLUGINS}/crashes_at_load.so")
        self.assert_goes_on_without()

    def test_outside_of_any_plugin(self):
        process = self.start("run", "job.toml", "max=100000step")
        self.assertTrue(process.wait_for("evaluation heldout"), "".join(process.lines))
        process.signal(signal.SIGSEGV)
        result = process.end()
        self.assertEqual(result.code, -signal.SIGSEGV)
        self.assertIn("crash: SIGSEGV (sent by a process)", result.err)


class Models(TestCase):
    """What the engine calls past the host's own doors is named too."""

    def crash(self, place, function, *options):
        self.write("greedy.toml", f'plugin_path = ["{TEST_PLUGINS}"]\n' + MLP.replace('"mlp"', '"greedy"').replace("[mlp]\nwidths = [16]", "[greedy]\nmax_samples = 64"))
        result = self.trainhost("run", "greedy.toml", f"greedy.crashes_in={place}", *options, code=-signal.SIGSEGV)
        self.assert_names(result.err, f"crash: SIGSEGV (no memory at 0x10) inside of {function} of model/greedy, file {TEST_PLUGINS}/model-greedy.so\n")

    def test_build(self):
        self.crash("build", "build")
        self.trainhost("run", "greedy.toml")

    def test_forward_in_training(self):
        self.crash("forward", "forward")
        self.trainhost("run", "greedy.toml")
        self.assertEqual(loop_state(self.run_folder("greedy").newest())["windows"], 20)

    def test_forward_in_an_evaluation(self):
        self.crash("evaluation", "forward")
        self.trainhost("run", "greedy.toml")


class Exits(BadPluginCase):
    """A plugin that ends the process is no success, whatever code it gave."""

    def test_in_a_constructor(self):
        result = self.trainhost("run", "job.toml", "--plugins", "exits_at_load", "exits_at_load.patience=1", code=13)
        self.assert_names(self.crash_report(result), "crash: exit() inside of the start of the library of stopping_rule/exits_at_load", f"{TEST_PLUGINS}/exits_at_load.so")
        self.assert_goes_on_without()

    def test_in_check(self):
        result = self.trainhost("run", "job.toml", *fault("faulty_rule", "check", "exit", 7), code=13)
        self.assert_names(self.crash_report(result), "crash: exit() inside of check of stopping_rule/faulty_rule", "which a plugin must not do")
        self.assert_undamaged(5)
        self.assert_goes_on_without()

    def test_on_an_observers_thread(self):
        result = self.trainhost("run", "job.toml", *fault("faulty_observer", "on_event", "exit"), code=13)
        self.assertIn("crash: exit() inside of on_event of observer/faulty_observer", self.crash_report(result))
        self.assert_goes_on_without()


class Rules(BadPluginCase):
    def test_a_slow_call_is_named_and_the_run_goes_on(self):
        result = self.trainhost("run", "job.toml", *fault("faulty_rule", "check", "sleep", 19), *fault("faulty_observer", "on_event", "tell"))
        said = re.search(r"warning: stopping_rule/faulty_rule: check took (\S+) s, in which training stood still", result.err)
        self.assertGreaterEqual(float(said[1]), 1.2)
        events = [event for event in self.run_folder("job").events("slow_call") if event["plugin"] == "stopping_rule/faulty_rule"]
        self.assertEqual([event["function"] for event in events], ["check"] * len(events))
        self.assertGreaterEqual(events[0]["seconds"], 1.2)
        self.assertRegex(result.err, r'faulty_observer: saw slow_call \{"plugin":"stopping_rule/faulty_rule","function":"check","seconds":')
        self.assert_undamaged(5, 10, 15, 20)

    def test_writing_beyond_error_and_verdict(self):
        for how, words in (("overflow error", "wrote beyond its error text"), ("overflow verdict", "wrote beyond its verdict")):
            with self.subTest(how):
                result = self.trainhost("run", "job.toml", "--resume", "never", *fault("faulty_rule", "check", how, 7), code=13)
                self.assert_names(result.err, f"stopping_rule/faulty_rule: check: {words}", "3 failures in a row")

    def test_an_error_text_that_is_overrun_leaves_the_checkpoints_whole(self):
        self.trainhost("run", "job.toml", *fault("faulty_rule", "check", "overflow error", 7), code=13)
        newest = self.run_folder("job").newest()
        self.assert_goes_on_without()
        self.assertNotEqual(newest, self.run_folder("job").newest())

    def test_an_exception_through_the_boundary_leaves_the_checkpoints_whole(self):
        result = self.trainhost("run", "job.toml", *fault("faulty_rule", "check", "throw", 7), code=13)
        self.assert_names(result.err, "stopping_rule/faulty_rule: check: threw an exception (thrown on purpose), which must not leave a plugin", "3 failures in a row")
        self.assert_same_state(self.reference[5], self.run_folder("job").checkpoints()[0])
        self.assert_goes_on_without()

    def test_a_leak_is_survived_unsaid_and_found_by_check(self):
        result = self.trainhost("run", "job.toml", *fault("faulty_rule", "create", "leak"))
        self.assertEqual([line for line in result.err.splitlines() if "faulty_rule" in line and ("warning" in line or "error" in line)], [])
        self.assert_undamaged(5, 10, 15, 20)
        checked = self.trainhost("plugins", "check", TEST_PLUGINS / "faulty.so", "--only", "any/leaks_nothing", "faulty_rule.in=create", "faulty_rule.how=leak", code=13)
        self.assertRegex(checked.out, r"fail     stopping_rule/faulty_rule  any/leaks_nothing: \d+ more bytes are allocated after 500 times create and destroy")
        self.assertIn("ok       observer/faulty_observer  any/leaks_nothing", checked.out)

    def test_a_second_export_reaches_nobody_and_is_found_by_check(self):
        file = ZOO / "second_export.so"
        result = self.trainhost("run", "job.toml", "--plugins", file, "second_export.patience=1", "second_export.behaviour=says_no")
        self.assertNotIn("zoo_second_export", result.err)
        self.assert_undamaged(5, 10, 15, 20)
        self.assertIn("it also exports zoo_second_export", self.trainhost("plugins", "check", file, "--only", "elf/exports_one_function", code=13).out)


class Windows(BadPluginCase):
    def test_host_services_on_a_wrong_thread_change_nothing(self):
        """Those that a run serves may be called on any thread. The one that may not, a trial of micro-batches, is served by no run; plugin/kinds_test refuses it."""
        self.write("job.toml", JOB.replace('"accum"', '"faulty_accum"').replace("[accum]\nmicro_batch_samples = 4\nmicro_batches = 2", ""))
        result = self.trainhost("run", "job.toml", *(f"faulty_accum.{setting}" for setting in ("in=next_window", "how=call elsewhere", "after=7")))
        self.assertIn("faulty_accum: from another thread", result.err)
        self.assertEqual({event["plugin"] for event in self.run_folder("job").events("plugin")}, {"accumulation_schedule/faulty_accum"})
        self.assert_undamaged(5, 10, 15, 20)


class Refused(BadPluginCase):
    """What is refused before the first step leaves the checkpoints alone from which the run would have gone on."""

    FILES = [  # file, name, exit code, words
        ("wrong_entry", "wrong_entry", 13, "wrong_entry.so: exports no function trainhost_plugin_entry_1"),
        ("null_entry", "null_entry", 13, "trainhost_plugin_entry_1 returned NULL"),
        ("entry_major", "entry_major", 13, "its entry speaks ABI 2, its metadata ABI 1"),
        ("major_2", "major_two", 13, "speaks ABI 2, this host speaks ABI 1"),
        ("minor_9", "minor_nine", 13, "needs host ABI 1.9"),
        ("lying_name", "promised", 13, "its metadata promises stopping_rule/promised, but its entry offers stopping_rule/delivered"),
        ("other_bytes", "other_bytes", 13, "points to other metadata than the file's section holds"),
        ("false_state", "false_state", 13, 'says "stateful": true, but has no interface trainhost.state/1'),
        ("no_interface", "no_interface", 13, "has no interface trainhost.stopping_rule/1, which every stopping_rule must have"),
        ("null_create", "null_create", 13, "its entry lacks the function create"),
        ("null_check", "null_check", 13, "its table trainhost.stopping_rule/1 lacks the function check"),
        ("creates_nothing", "creates_nothing", 13, "stopping_rule/creates_nothing: create: returned OK without an instance"),
        ("missing_symbol", "missing_symbol", 13, "undefined symbol: zoo_symbol_that_nobody_has"),
        ("needs_more", "needs_more", 13, "needs the service trainhost.coffee/1, which this host has not"),
        ("../test_plugins/exits_at_load", "exits_at_load", 13, "crash: exit() inside of the start of the library of stopping_rule/exits_at_load"),
        ("../test_plugins/crashes_at_load", "crashes_at_load", -signal.SIGSEGV, "inside of the start of the library of stopping_rule/crashes_at_load"),
    ]
    LIES = [  # of a stopping rule whose config chooses one
        ("small_table", "its table trainhost.stopping_rule/1 has 8 bytes, wanted 16"),
        ("no_destroy", "made an instance without destroy"),
    ]

    def assert_refused(self, code, words, *options):
        result = self.trainhost("run", "job.toml", "cosine.length=20step", *options, code=code)
        self.assert_names(result.err, words)
        self.assert_undamaged(5, 10)

    def test_a_run_goes_on_from_its_checkpoints_after_every_one_of_them(self):
        self.trainhost("run", "job.toml", "max=10step", "cosine.length=20step")
        for file, name, code, words in self.FILES:
            with self.subTest(file):
                self.assert_refused(code, words, "--plugins", (ZOO / f"{file}.so").resolve(), f"{name}.patience=1", "--resume-without", name)
        for behaviour, words in self.LIES:
            with self.subTest(behaviour):
                self.assert_refused(13, words, "--plugins", "unruly", f"unruly.behaviour={behaviour}", "--resume-without", "unruly")
        self.assert_goes_on_without("cosine.length=20step")


class Sources(BadPluginCase):
    def assert_refused(self, code, function, how, *words, after=0):
        result = self.trainhost("run", "job.toml", *fault("faulty_source", function, how, after), code=code)
        self.assert_names(result.err, "data_source/faulty_source: ", *words)

    def test_ok_without_samples(self):
        self.assert_refused(13, "read", "nothing", "read returned OK without field 'x'")
        self.assert_goes_on_without()

    def test_ok_with_a_sample_too_few(self):
        self.assert_refused(13, "read", "fewer", "read returned OK without field 'x'", after=3)

    def test_ok_without_a_declaration(self):
        self.assert_refused(13, "info", "nothing", "declares 0 fields")

    def test_a_shape_that_changes_between_calls(self):
        self.assert_refused(12, "read", "reshape", "shape[0] of field x is 17, declared as 16", after=12)
        self.assert_goes_on_without("--resume-without", "faulty_source", "--resume-without", "order.data_source")  # from what was saved when it failed

    def test_a_declaration_that_would_change_is_asked_once(self):
        self.trainhost("run", "job.toml", *fault("faulty_source", "info", "other data", 1))
        self.assert_undamaged(5, 10, 15, 20)

    def test_data_that_changed_between_attempts_are_refused(self):
        self.trainhost("run", "job.toml", "max=5step", "cosine.length=20step", *fault("faulty_source", "info", "none"))
        result = self.trainhost("run", "job.toml", "cosine.length=20step", *fault("faulty_source", "info", "other data"), code=2)
        self.assert_names(result.err, "other data", "data_source/faulty_source")
        self.assert_undamaged(5)


class Backends(BadPluginCase):
    """A backend that lies: the checkpoint is not believed in, the older ones stay, and the next attempt goes on from them."""

    def assert_not_saved(self, function, how, words, after=0, steps=()):
        result = self.trainhost("run", "job.toml", *fault("faulty_backend", function, how, after), code=16)
        self.assert_names(result.err, f"checkpoint of step {5 * (len(steps) + 1)} was not saved: ", words)
        verified = {loop_state(path)["windows"]: path for path in self.run_folder("job").checkpoints() if (path / "verified").exists()}
        self.assertEqual(sorted(verified), sorted(steps))
        for step, path in verified.items():
            self.assert_same_state(self.reference[step], path)
        self.assert_goes_on_without()

    def test_a_place_that_keeps_nothing_is_found_at_the_start(self):
        for function, words in (("put_begin", "returned OK without a put"), ("put_commit", "NOT_FOUND"), ("get", "a probe reads back differently")):
            with self.subTest(function):
                result = self.trainhost("run", "job.toml", *fault("faulty_backend", function, "nothing"), code=16)
                self.assert_names(result.err, "the checkpoint place cannot be used: ", words)

    def test_no_put(self):
        self.assert_not_saved("put_begin", "nothing", "put_begin: returned OK without a put", 1)

    def test_parts_that_go_nowhere(self):
        self.assert_not_saved("put_part", "nothing", "bytes were never written", 8, [5])

    def test_a_commit_that_is_none(self):
        self.assert_not_saved("put_commit", "nothing", "NOT_FOUND", 1)

    def test_a_record_that_is_not_made(self):
        self.assert_not_saved("create_object", "nothing", "NOT_FOUND", 1)

    def test_ok_with_no_bytes(self):
        self.assert_not_saved("get", "nothing", "the manifest is not what was written", 1)

    def test_bytes_that_change_on_the_way_back(self):
        self.assert_not_saved("get", "flip", "it reads back differently: ", 4)

    def test_a_size_that_shrinks(self):
        self.assert_not_saved("get", "short", "ends at byte", 4)

    def test_more_bytes_than_asked_for(self):
        self.assert_not_saved("get", "more than asked", "more than asked for", 4)

    def test_a_part_that_fails(self):
        self.assert_not_saved("put_part", "error", "put_part: INTERNAL: failed on purpose", 8, [5])

    def test_wrong_sizes_in_lists_are_held_against_the_manifest(self):
        self.trainhost("run", "job.toml", "max=10step", "cosine.length=20step")
        result = self.trainhost("run", "job.toml", "cosine.length=20step", *fault("faulty_backend", "list", "sizes"), code=14)
        self.assert_names(result.err, "none of 2 checkpoints can be read", "manifest.json: has ", " bytes, wanted ")
        self.assert_undamaged(5, 10)
        self.assert_goes_on_without("cosine.length=20step")

    def test_lists_that_hide_everything_damage_nothing(self):
        self.trainhost("run", "job.toml", "max=10step", "cosine.length=20step")
        older = {path.name: path.stat().st_mtime_ns for path in self.run_folder("job").checkpoints()}
        result = self.trainhost("run", "job.toml", "cosine.length=20step", *fault("faulty_backend", "list", "nothing"), code=16)
        self.assert_names(result.err, "another process has claimed the checkpoint place", "nothing was there")
        now = {path.name: path.stat().st_mtime_ns for path in self.run_folder("job").checkpoints()}
        self.assertEqual(older, now)
        self.assert_undamaged(5, 10)
        self.assert_goes_on_without("cosine.length=20step")


class SlowObservers(BadPluginCase):
    """No observer slows or stops a run."""

    def test_one_that_sleeps_loses_events_while_the_run_goes_to_its_end(self):
        process = self.start("run", "job.toml", "max=1500step", "checkpoint.every=1500step", "evaluation.heldout.every=1500step", *fault("faulty_observer", "on_event", "wait for go"))
        self.assertTrue(process.wait_for("evaluation heldout at step 1500"), "".join(process.lines))
        self.write("go", "")  # until here it sat in its first event
        result = process.end()
        self.assertEqual(result.code, 0, result.err)
        dropped = int(re.search(r"observer/faulty_observer: (\d+) events were dropped, it was too slow", result.err)[1])
        events = self.run_folder("job").events()
        self.assertGreaterEqual(dropped, 1500 - 1024 - 8 - 1)  # one in hand, a queue of 1024; rows are 8 windows late
        self.assertEqual([event["seq"] for event in events], list(range(events[0]["seq"], events[0]["seq"] + len(events))))
        self.assertEqual([event["step"] for event in events if event["event"] == "step"], list(range(1, 1501)))

    def test_one_that_hangs_is_left_behind_at_the_end(self):
        result = self.trainhost("run", "job.toml", *fault("faulty_observer", "on_event", "hang"))
        self.assert_names(result.err, "observer/faulty_observer: did not come back from an event within 10 s; it is left alone", "events were dropped")
        self.assertEqual(self.run_folder("job").record()["status"], "finished")
        self.assert_undamaged(5, 10, 15, 20)

    def test_one_that_fails_is_muted(self):
        result = self.trainhost("run", "job.toml", *fault("faulty_observer", "on_event", "error", 2))
        self.assert_names(result.err, "observer/faulty_observer: is muted for the rest of the run after 3 errors in a row", "3 events failed, then it was muted; the last one: observer/faulty_observer: on_event: INTERNAL: failed on purpose")
        self.assert_undamaged(5, 10, 15, 20)

    def test_one_that_writes_where_nobody_reads_any_more_ends_nothing(self):
        self.trainhost("run", "job.toml", *fault("faulty_observer", "on_event", "SIGPIPE"))
        self.assert_undamaged(5, 10, 15, 20)

    def test_one_that_crashes_at_the_end_has_not_undone_the_run(self):
        result = self.trainhost("run", "job.toml", *fault("faulty_observer", "stop", "SIGSEGV"), code=-signal.SIGSEGV)
        self.assertIn("inside of stop of observer/faulty_observer", self.crash_report(result))
        self.assertEqual(self.run_folder("job").record()["status"], "finished")
        self.assert_undamaged(5, 10, 15, 20)


if __name__ == "__main__":
    main()
