"""What a plugin may do wrong during a run: what the host says, and that no checkpoint suffers. The table in tests/fakes/README.md lists every fault."""

import re
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import MLP, PROGRAM, TEST_PLUGINS, Folder, TestCase, loop_state, main

JOB = f'plugin_path = ["{TEST_PLUGINS}"]\n' + MLP.replace('every = "5step"\n[telemetry]', 'every = "5step"\nkeep_last = 9\n[telemetry]')


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
        self.assertIn(text, result.err)
        return text


class Crashes(BadPluginCase):
    def assert_crash(self, number, plugin, function, how, after=0, steps=()):
        result = self.trainhost("run", "job.toml", *fault(plugin.split("/")[1], function, how, after), code=-number)
        report = self.crash_report(result)
        self.assert_names(report, f"crash: {number.name} (", f" inside of {function} of {plugin}, file {TEST_PLUGINS}/faulty.so\n", f"leave {plugin} out")
        self.assertRegex(report, rf"(?m)^crash: #0 {re.escape(str(TEST_PLUGINS))}/faulty.so\+0x[0-9a-f]+$")
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
        self.assert_crash(signal.SIGSEGV, "checkpoint_backend/faulty_backend", "put_part", "SIGSEGV")

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
        result = self.trainhost("run", "job.toml", *fault("faulty_rule", "check", "sleep", 19))
        self.assertRegex(result.err, r"warning: stopping_rule/faulty_rule: check took 1\.\d+ s, in which training stood still")
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

    def test_a_leak_is_survived(self):
        self.trainhost("run", "job.toml", *fault("faulty_rule", "create", "leak"))
        self.assert_undamaged(5, 10, 15, 20)


if __name__ == "__main__":
    main()
