"""Whole runs that are killed: at system calls of their saves and of their recovery, and at random moments; and a run that another one has replaced.

Sampled and FewKills are quick; Every and HundredKills take their time. All points follow from seeds.
"""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "run"))

from harness import BUILD, MLP, PROGRAM, Folder, TestCase, main  # noqa: E402  (it lies beside this folder)

KILL_AT = BUILD / "tests" / "trainhost_kill_at"
SHORT = ("mlp.toml", "max=6step", "checkpoint.every=2step", "checkpoint.keep_last=1", "evaluation.heldout.every=3step", "--plugins", "constant")

ENDLESS = "max=100000000step"


def newest_step(folder):
    return int(folder.newest().name.split("-")[1])


class AtSystemCalls(TestCase):
    """A run of three saves; the undisturbed one says how many calls there are."""

    def setUp(self):
        super().setUp()
        self.write("mlp.toml", MLP)
        self.num_calls = {side: self.observe("whole-" + side, side, 0)[1] for side in ("before", "after")}
        self.whole = self.run_folder("whole-before")

    def observe(self, name, side, number):
        """Whether the run was killed, and the calls until then."""
        place = self.folder / "runs" / name / "checkpoints"
        done = subprocess.run([KILL_AT, place, side, str(number), PROGRAM, "run", *SHORT, "--name", name], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        self.assertIn(done.returncode, (0, 137), done.stderr)
        return done.returncode == 137, int(done.stderr.splitlines()[-1].split()[1])

    def kill_at(self, *points):
        """Each process is killed at its point, and the last one goes on to the end."""
        name = "cut-" + "-".join(f"{side}{number}" for side, number in points)
        with self.subTest(name):
            for side, number in points:
                self.observe(name, side, number)
            self.trainhost("run", *SHORT, "--name", name)
            cut = self.run_folder(name)
            self.assert_same_state(self.whole.newest(), cut.newest())
            self.assertEqual(self.whole.evaluations(), cut.evaluations())
            self.assertEqual(list((cut.path / "checkpoints").rglob("~*")), [])

    def draw(self, source):
        side = source.choice(["before", "after"])
        return side, source.randint(1, self.num_calls[side])


class Sampled(AtSystemCalls):
    def test_killed_at_some_calls_and_again_while_it_recovers(self):
        source = random.Random(1)
        for _ in range(4):
            self.kill_at(self.draw(source))
        for _ in range(2):
            self.kill_at(self.draw(source), self.draw(source))


class Every(AtSystemCalls):
    def test_killed_at_every_call(self):
        for side, count in self.num_calls.items():
            for number in range(1, count + 1):
                self.kill_at((side, number))

    def test_killed_twice_and_thrice(self):
        source = random.Random(2)
        for _ in range(100):
            self.kill_at(*(self.draw(source) for _ in range(source.randint(2, 3))))


class AtRandom(TestCase):
    """kill -9 at moments that a seed draws: while the process starts, restores, trains and saves after each step."""

    def kill_often(self, data_threads, num_kills, seed):
        self.write("mlp.toml", MLP)
        options = ("mlp.toml", "cosine.length=100step", "checkpoint.every=1step", "evaluation.heldout.every=1step", f"data.threads={data_threads}")
        started = time.monotonic()
        self.trainhost("run", *options, "max=1step", "--name", "warm")
        start_seconds = time.monotonic() - started
        source = random.Random(seed)
        num_restored = sum(self.kill_once(options, source, start_seconds, number) for number in range(num_kills))
        cut = self.run_folder("cut")
        end = f"max={max(cut.losses()) + 10}step"  # the log is ahead of the checkpoints
        for name in ("cut", "whole"):
            self.trainhost("run", *options, end, "--name", name)
        whole = self.run_folder("whole")
        self.assert_same_state(whole.newest(), cut.newest())
        self.assertEqual(whole.losses(), cut.losses())
        self.assertEqual(whole.evaluations(), cut.evaluations())
        self.assertGreaterEqual(len(cut.events("restored")), num_restored)

    def kill_once(self, options, source, start_seconds, number):
        """Whether the process must have found a checkpoint. The first one trains; in mode sync two evaluations have a save between them."""
        mode = "sync" if number == 0 else source.choice(["sync", "overlap"])
        process = self.start("run", *options, ENDLESS, f"checkpoint.mode={mode}", "--name", "cut")
        is_training = number == 0 or source.random() < 0.75
        if is_training:
            for _ in range(source.randint(2, 5)):
                self.assertTrue(process.wait_for("evaluation heldout at step"), "".join(process.lines))
        time.sleep(source.uniform(0, 0.01 if is_training else start_seconds))
        process.signal(signal.SIGKILL)
        self.assertEqual(process.end().code, -signal.SIGKILL)
        return is_training and number > 0


class FewKills(AtRandom):
    def test_one_data_thread(self):
        self.kill_often(1, 6, 1)

    def test_four_data_threads(self):
        self.kill_often(4, 6, 2)


class HundredKills(AtRandom):
    def test_one_data_thread(self):
        self.kill_often(1, 100, 3)

    def test_four_data_threads(self):
        self.kill_often(4, 100, 4)


class Takeover(TestCase):
    def test_a_run_that_slept_while_another_took_its_place_saves_no_more(self):
        self.write("mlp.toml", MLP)
        # Below the place each run has a folder of its name; this one makes it look like a run folder.
        options = ("mlp.toml", "cosine.length=100step", "--name", "checkpoints", f"checkpoint.uri=file:{self.folder}/shared")
        endless = (*options, ENDLESS, "evaluation.heldout.every=20step")
        sleeper = self.start("run", *endless, "--out", "first")
        self.assertTrue(sleeper.wait_for("evaluation heldout at step 20:"), "".join(sleeper.lines))
        sleeper.signal(signal.SIGSTOP)
        successor = self.start("run", *endless, "--out", "second")
        for _ in range(2):
            self.assertTrue(successor.wait_for("evaluation heldout at step"), "".join(successor.lines))
        successor.signal(signal.SIGINT)
        self.assertEqual(successor.end().code, 75)
        sleeper.signal(signal.SIGCONT)
        ended = sleeper.end()
        self.assertEqual(ended.code, 16, ended.err)
        self.assert_names(ended.err, "was taken over by a newer process (attempt 2, this one is attempt 1)", "let the newer one go on")
        self.go_on_and_compare(options)

    def go_on_and_compare(self, options):
        """A third one goes on from what the successor saved, as a run that nobody disturbed."""
        saved = Folder(self.folder / "second" / "checkpoints").events("run_end")[-1]["step"]
        shared, end = Folder(self.folder / "shared"), f"max={saved + 10}step"
        self.assertEqual(newest_step(shared), saved)
        self.trainhost("run", *options, end, "--out", "third")
        self.assertEqual(Folder(self.folder / "third" / "checkpoints").events("restored")[-1]["step"], saved)
        self.trainhost("run", *options[:2], end, "--name", "straight")
        self.assert_same_state(self.run_folder("straight").newest(), shared.newest())


if __name__ == "__main__":
    main()
