#!/usr/bin/env python3
"""Holds README.md and docs/ against the tree and the program.

  tests/docs_test.py            check; TRAINHOST_BUILD_DIR names the build folder (default: build)
  tests/docs_test.py --update   write anew what stands between markers, then check

A marker takes everything up to <!-- end -->:
  <!-- quote PATH -->                        the whole file
  <!-- quote PATH from "START" to "END" -->  the lines from the first that contains START to the next that contains END; until: without the last one
  <!-- output trainhost ARGUMENTS -->        what the program prints on stdout
  <!-- table scripts/NAME ARGUMENTS -->      the Markdown that a script of the tree prints
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("TRAINHOST_BUILD_DIR", ROOT / "build"))
PROGRAM = BUILD / "bin/trainhost"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARKED = re.compile(r"^<!-- (quote|output|table) (.+?) -->\n.*?^<!-- end -->$", re.M | re.S)
LANGUAGES = {".c": "c", ".cpp": "cpp", ".h": "c", ".hpp": "cpp", ".toml": "toml", ".txt": "cmake", ".rs": "rust", ".cmake": "cmake"}


def run(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)


def quoted(what):
    match = re.fullmatch(r'(\S+)(?: from "(.+)" (to|until) "(.+)")?', what)
    path, first, how, last = match.groups()
    lines = (ROOT / path).read_text().splitlines()
    if first:
        begin = next(number for number, line in enumerate(lines) if first in line)
        end = next(number for number, line in enumerate(lines) if number >= begin and last in line)
        lines = lines[begin:end + (how == "to")]
    return LANGUAGES[pathlib.Path(path).suffix], "\n".join(lines).rstrip("\n")


def printed(what):
    program, *arguments = shlex.split(what)
    assert program == "trainhost", what
    result = run(*arguments, check=True)
    return "text", result.stdout.rstrip("\n")


def table(what):
    script, *arguments = shlex.split(what)
    return subprocess.run([ROOT / script, *arguments], capture_output=True, text=True, check=True).stdout


def with_fresh_marks(text):
    def fresh(match):
        if match[1] == "table":
            return f"<!-- table {match[2]} -->\n{table(match[2])}<!-- end -->"
        language, body = (quoted if match[1] == "quote" else printed)(match[2])
        return f"<!-- {match[1]} {match[2]} -->\n```{language}\n{body}\n```\n<!-- end -->"
    return MARKED.sub(fresh, text)


def fenced_blocks(text):
    """Pairs of language and lines, shell continuations joined."""
    for language, body in re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.M | re.S):
        yield language, body.replace("\\\n", " ").splitlines()


def commands(text):
    """The arguments of every `trainhost ...` in fenced blocks of shell and YAML."""
    for language, lines in fenced_blocks(text):
        for line in lines:
            if language == "yaml" and (listed := re.search(r'\["trainhost", .*\]', line)):
                yield json.loads(listed[0])[1:]
            elif language in {"sh", "console", "yaml"} and re.match(r"\s*(?:\$ |run: |srun |sudo |source <\()*(?:[A-Z_]+=\S+ )*(?:\S*/)?trainhost\b", line):
                words = shlex.split(line.rstrip(")"), comments=True)
                words = words[next(i for i, word in enumerate(words) if re.search(r"(^|/|\()trainhost$", word)) + 1:]
                yield words[:next((i for i, word in enumerate(words) if re.fullmatch(r"\|+|&+|;|[0-9]?>+.*|\|\|", word)), len(words))]


class Docs(unittest.TestCase):
    maxDiff = None

    def test_quoted_code_and_printed_text_are_current(self):
        for page in PAGES:
            with self.subTest(page=page.name):
                self.assertEqual(page.read_text(), with_fresh_marks(page.read_text()), "out of date; run tests/docs_test.py --update")

    def test_commands_are_understood(self):
        for page in PAGES:
            for arguments in commands(page.read_text()):
                with self.subTest(page=page.name, command=arguments):
                    result = run(*arguments, "--help")
                    self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_help_topics_exist(self):
        for page in PAGES:
            for topic in re.findall(r"`trainhost help ([a-z-]+)`", page.read_text()):
                with self.subTest(page=page.name, topic=topic):
                    self.assertEqual(run("help", topic).returncode, 0)

    def test_pieces_of_config_are_accepted(self):
        """A block of TOML is a whole config, or goes on top of the quickstart job."""
        names = {plugin["name"] for plugin in json.loads(run("plugins", "list", "--json", check=True).stdout)["plugins"]}
        if "gpt" not in names:
            self.skipTest("this build has no LibTorch, so the quickstart job's model is not installed")
        for page in PAGES:
            for number, (language, lines) in enumerate(fenced_blocks(page.read_text())):
                if language != "toml" or "my_plugin" in "".join(lines):
                    continue
                with self.subTest(page=page.name, block=lines[0]), tempfile.TemporaryDirectory() as folder:
                    config = pathlib.Path(folder) / f"{page.stem}-{number}.toml"
                    config.write_text(f'include = ["{ROOT}/configs/quickstart.toml"]\n' + "\n".join(line for line in lines if not line.startswith("include")) + "\n")
                    result = run("config", "check", str(config))
                    self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_messages_are_those_of_the_program(self):
        """Rows `| message | ..` under a heading of messages: each piece between dots stands in the host's source."""
        source = "".join(path.read_text() for path in [*ROOT.glob("host/**/*.cpp"), *ROOT.glob("host/**/*.h")])
        source = re.sub(r'"\s*\n\s*"', "", source).replace('\\"', '"')
        page = (ROOT / "docs/plugin-author-guide.md").read_text()
        messages = re.findall(r"^\| `([^`]+…[^`]*)` \|", page, re.M)
        self.assertGreater(len(messages), 5)
        for message in messages:
            for piece in message.split("…"):
                with self.subTest(piece=piece):
                    self.assertIn(piece.strip(), source)

    def test_readme_names_every_plugin_in_the_row_of_its_kind(self):
        rows = dict(re.findall(r"^\| `(\w+)` (\|.*)$", (ROOT / "README.md").read_text(), re.M))
        for folder in ROOT.glob("plugins/*/*/"):
            if folder.parent.name != "lib" and (folder / "CMakeLists.txt").exists():
                with self.subTest(plugin=f"{folder.parent.name}/{folder.name}"):
                    self.assertIn(f"`{folder.name}`", rows[folder.parent.name])

    def test_every_page_is_reached_from_the_readme(self):
        text = (ROOT / "README.md").read_text()
        for page in PAGES[1:]:
            self.assertIn(f"(docs/{page.name})", text)


if __name__ == "__main__":
    if "--update" in sys.argv:
        sys.argv.remove("--update")
        for page in PAGES:
            page.write_text(with_fresh_marks(page.read_text()))
    unittest.main()
