"""Which plugin files are loaded: where they are looked for, who may have written them, and what a lock says."""

import hashlib
import json
import shutil

from harness import BUILD, MLP, TEST_PLUGINS, TestCase, main

CHOSEN = ["accumulation_schedule/accum", "checkpoint_backend/localckpt", "data_source/synthetic", "lr_schedule/cosine", "model/mlp", "optimizer/adamw",
          "precision_policy/fp32"]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class SearchPath(TestCase):
    def setUp(self):
        super().setUp()
        self.trouble = next(TEST_PLUGINS.glob("*trouble.so"))

    def test_the_working_folder_is_never_searched_by_accident(self):
        shutil.copy(self.trouble, self.folder / "trouble.so")
        for path in ("", ":", "::/no/such/folder:"):
            self.assertNotIn("trouble", self.trainhost("plugins", "list", TRAINHOST_PLUGIN_PATH=path).out)
            self.assert_names(self.trainhost("plugins", "info", "trouble", code=13, TRAINHOST_PLUGIN_PATH=path).err, 'unknown plugin "trouble"')
        for path in (".", "plugins", "/usr:..:"):
            self.assert_names(self.trainhost("plugins", "list", code=2, TRAINHOST_PLUGIN_PATH=path).err, "TRAINHOST_PLUGIN_PATH", "is relative")
        self.assert_names(self.trainhost("plugins", "info", "trouble.so", code=13).err, "./trouble.so")
        self.assertIn("stopping_rule/trouble", self.trainhost("plugins", "info", "./trouble.so").out)
        self.assertIn("trouble", self.trainhost("plugins", "list", TRAINHOST_PLUGIN_PATH=str(self.folder)).out)

    def test_paths_in_a_config_are_relative_to_it(self):
        (self.folder / "jobs/more").mkdir(parents=True)
        (self.folder / "elsewhere").mkdir()
        shutil.copy(self.trouble, self.folder / "jobs/more/trouble.so")
        self.write("jobs/a.toml", 'plugin_path = ["more"]\n' + MLP.replace('"localckpt"', '"localckpt", "trouble"'))
        self.write("jobs/b.toml", MLP.replace('"localckpt"', '"localckpt", "./more/trouble.so"'))
        for job in ("a", "b"):
            self.trainhost("config", "check", f"jobs/{job}.toml")
            plugins = self.trainhost("config", "show", f"jobs/{job}.toml", "--json").json()["plugins"]
            self.assertIn("stopping_rule/trouble", plugins)
        self.trainhost("run", "jobs/b.toml", "max=2step")
        self.trainhost("evaluate", "runs/b")
        self.assert_names(self.trainhost("config", "check", "jobs/a.toml", "plugin_path=['more']", code=2).err, str(self.folder / "more"), "is no folder")
        self.assert_names(self.trainhost("config", "check", "jobs/a.toml", code=2, TRAINHOST__PLUGIN_PATH="['more']").err, "TRAINHOST__PLUGIN_PATH", "relative path")


class WritableFiles(TestCase):
    def setUp(self):
        super().setUp()
        self.write("mlp.toml", 'plugin_path = ["plugins"]\n' + MLP.replace('"localckpt"', '"localckpt", "trouble"'))
        (self.folder / "plugins").mkdir()
        self.file = self.folder / "plugins/trouble.so"
        shutil.copy(next(TEST_PLUGINS.glob("*trouble.so")), self.file)

    def test_refused_and_listed_with_the_reason_unless_allowed(self):
        self.trainhost("config", "check", "mlp.toml")
        for path, mode in ((self.file, 0o666), (self.file.parent, 0o777), (self.file.parent, 0o1777)):
            usual = path.stat().st_mode
            path.chmod(mode)
            refused = self.trainhost("run", "mlp.toml", "max=2step", code=13)
            self.assert_names(refused.err, f"{path}: may be written to by everybody (mode {mode:o})", f"chmod o-w {path}", "allow_writable_plugins = true")
            self.assertFalse((self.folder / "runs").exists())
            listed = self.trainhost("plugins", "list", "--json", TRAINHOST_PLUGIN_PATH=str(self.file.parent)).json()
            broken = [entry for entry in listed["broken"] if entry["file"] == str(self.file)]
            self.assertEqual(broken[0]["names"], ["stopping_rule/trouble"])
            self.assertIn("may be written to by everybody", broken[0]["reason"])
            self.trainhost("config", "check", "mlp.toml", "allow_writable_plugins=true")
            path.chmod(usual)
        self.trainhost("config", "check", "mlp.toml")


class Lock(TestCase):
    def setUp(self):
        super().setUp()
        self.plugins = self.folder / "plugins"
        shutil.copytree(TEST_PLUGINS, self.plugins)
        self.write("jobs/mlp.toml", f'plugin_path = ["{self.plugins}"]\n' + MLP)

    def lock(self):
        return json.loads((self.folder / "jobs/plugins.lock").read_text())

    def test_written_sorted_with_the_digests_of_the_files(self):
        self.assertIn("jobs/plugins.lock", self.trainhost("plugins", "lock", "jobs/mlp.toml").out)
        entries = self.lock()["plugins"]
        self.assertEqual(list(entries), CHOSEN)
        listed = {f"{plugin['kind']}/{plugin['name']}": plugin for plugin in self.trainhost("plugins", "list", "--json").json()["plugins"]}
        for name, entry in entries.items():
            file = BUILD / "plugins" / f"{name.replace('/', '-')}.so"
            self.assertEqual(entry, {"version": listed[name]["version"], "sha256": sha256(file)})
            self.assertEqual(listed[name]["sha256"], entry["sha256"])
        self.assertIn(sha256(BUILD / "plugins/model-mlp.so"), self.trainhost("plugins", "info", "mlp").out)
        before = (self.folder / "jobs/plugins.lock").read_bytes()
        self.trainhost("plugins", "lock", "jobs/mlp.toml")
        self.assertEqual((self.folder / "jobs/plugins.lock").read_bytes(), before)

    def test_verified_wherever_plugins_are_loaded(self):
        self.trainhost("plugins", "lock", "jobs/mlp.toml")
        self.trainhost("run", "jobs/mlp.toml", "max=2step")
        lock = self.lock()
        wanted = lock["plugins"]["model/mlp"]["sha256"]
        lock["plugins"]["model/mlp"]["sha256"] = "0" * 64
        self.write("jobs/plugins.lock", json.dumps(lock))
        for command in (("run", "jobs/mlp.toml", "--name", "other"), ("run", "jobs/mlp.toml", "--dry-run"), ("smoke", "jobs/mlp.toml"), ("config", "check", "jobs/mlp.toml")):
            err = self.trainhost(*command, code=13).err
            self.assert_names(err, "jobs/plugins.lock: model/mlp", "model-mlp.so", wanted, "0" * 64, "`trainhost plugins lock jobs/mlp.toml`")
        self.assertFalse((self.folder / "runs/other").exists())
        self.trainhost("config", "show", "jobs/mlp.toml")
        self.trainhost("plugins", "lock", "jobs/mlp.toml")
        self.trainhost("run", "jobs/mlp.toml", "--name", "other", "max=2step")

    def test_a_plugin_that_is_not_locked_is_refused_until_it_is(self):
        self.trainhost("plugins", "lock", "jobs/mlp.toml")
        err = self.trainhost("config", "check", "jobs/mlp.toml", "--plugins", "trouble", code=13).err
        self.assert_names(err, "stopping_rule/trouble", "is not in the lock", "`trainhost plugins lock jobs/mlp.toml --plugins trouble`")
        self.trainhost("plugins", "lock", "jobs/mlp.toml", "--plugins", "trouble")
        self.trainhost("config", "check", "jobs/mlp.toml", "--plugins", "trouble")
        self.trainhost("config", "check", "jobs/mlp.toml")

    def test_named_by_a_key(self):
        self.assert_names(self.trainhost("config", "check", "jobs/mlp.toml", "plugins_lock=x.lock", code=13).err, str(self.folder / "x.lock"), "cannot be read")
        self.trainhost("plugins", "lock", "jobs/mlp.toml", "--out", "x.lock")
        self.assertFalse((self.folder / "jobs/plugins.lock").exists())
        self.trainhost("config", "check", "jobs/mlp.toml", "plugins_lock=x.lock")
        self.write("x.lock", '{"v": 1, "plugins": {}}')
        err = self.trainhost("config", "check", "jobs/mlp.toml", "plugins_lock=x.lock", code=13).err
        self.assert_names(err, "model/mlp", f"--out {self.folder / 'x.lock'}")
        self.assert_names(self.trainhost("plugins", "lock", code=2).err, "--out FILE")


class Record(TestCase):
    """What a run says about the files that made it."""

    def setUp(self):
        super().setUp()
        self.plugins = self.folder / "plugins"
        self.plugins.mkdir()
        self.rule = self.plugins / "trouble.so"
        shutil.copy(next(TEST_PLUGINS.glob("*trouble.so")), self.rule)
        self.write("mlp.toml", 'plugin_path = ["plugins"]\n' + MLP.replace('"localckpt"', '"localckpt", "trouble"'))

    def test_digests_are_in_run_json_log_and_checkpoints_and_another_file_is_told(self):
        self.trainhost("run", "mlp.toml", "max=5step")
        run = self.run_folder("mlp")
        before = sha256(self.rule)

        def digest(entries):
            return {entry["plugin"]: entry["sha256"] for entry in entries}

        expected = {name: sha256(BUILD / "plugins" / f"{name.replace('/', '-')}.so") for name in CHOSEN} | {"stopping_rule/trouble": before}
        self.assertEqual(digest(run.record()["plugins"]), expected)
        self.assertEqual(digest(run.events("run_start")[0]["plugins"]), expected)
        self.assertEqual(digest(json.loads((run.newest() / "run_state.json").read_text())["plugins"]), expected)
        self.assertNotIn("was written with version", self.trainhost("run", "mlp.toml", "max=6step").err)
        with open(self.rule, "ab") as file:
            file.write(b"\0")  # behind everything that the loader reads
        err = self.trainhost("run", "mlp.toml", "max=10step").err
        self.assert_names(err, "stopping_rule/trouble: checkpoint step-", before, sha256(self.rule), str(self.rule))
        self.assertEqual(err.count("was written with version"), 1)
        self.assertEqual(digest(run.record()["plugins"])["stopping_rule/trouble"], sha256(self.rule))


class Secrets(TestCase):
    def test_reach_the_plugin_and_nobody_else(self):
        self.write("mlp.toml", f'plugin_path = ["{TEST_PLUGINS}"]\n' + MLP.replace('"localckpt"', '"localckpt", "trouble"') + '[trouble]\ntoken = "hunter2"\n')
        ways = {"file": ((), {}), "override": (("trouble.token=hunter2",), {}), "environment": ((), {"TRAINHOST__TROUBLE__TOKEN": "hunter2"})}
        for name, (words, environment) in ways.items():
            result = self.trainhost("run", "mlp.toml", "--name", name, "--json", "max=5step", *words, **environment)
            self.assertIn("the token has 7 characters; others are not told of it", result.err)
            self.assertNotIn("hunter2", result.out + result.err)
            for path in (self.folder / "runs" / name).rglob("*"):
                if path.is_file():
                    self.assertNotIn(b"hunter2", path.read_bytes(), path)
            for options in ((), ("--origins",), ("--json",), ("--json", "--origins")):
                self.assertNotIn("hunter2", self.trainhost("config", "show", "mlp.toml", *options, *words, **environment).out)
        self.assertIn("TRAINHOST__TROUBLE__TOKEN", (self.folder / "runs/file/config.toml").read_text())
        self.assertRegex(self.trainhost("plugins", "info", "trouble", TRAINHOST_PLUGIN_PATH=str(TEST_PLUGINS)).out, r"token +string, secret")

    def test_another_secret_goes_on_and_one_of_digits_is_a_text(self):
        self.write("mlp.toml", f'plugin_path = ["{TEST_PLUGINS}"]\n' + MLP.replace('"localckpt"', '"localckpt", "trouble"'))
        self.trainhost("run", "mlp.toml", "max=5step", "trouble.token=hunter2")
        result = self.trainhost("run", "mlp.toml", "max=8step", TRAINHOST__TROUBLE__TOKEN="1234567890")
        self.assertIn("the token has 10 characters", result.err)
        self.assertEqual(self.run_folder("mlp").record()["attempts"], 2)
        self.trainhost("evaluate", "runs/mlp", TRAINHOST__TROUBLE__TOKEN="1234567890")


if __name__ == "__main__":
    main()
