"""The tree as the rules see it: which files there are, their text, includes and functions."""
import bisect
import functools
import os
import pathlib
import re
import subprocess

CODE_SUFFIXES = {".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp"}
LIMITED_SUFFIXES = CODE_SUFFIXES | {".py", ".sh", ".cmake"}
NEVER_OURS = re.compile(r"^(build([-.].*)?|\.git|runs|__pycache__)$")


def is_test(path):
    """Tests and what only they use: x_test.cpp, x_testing.h, test_x.h, and folders named testing or tests."""
    *folders, name = path.split("/")
    return bool(re.search(r"^test_|_test(ing)?\.\w+$", name)) or not {"testing", "tests"}.isdisjoint(folders)


class Tree:
    """The files of a checkout: tracked and new ones where git knows them, else everything but build folders."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.paths = sorted(path for path in self._list() if (self.root / path).is_file())

    def _list(self):
        if (self.root / ".git").exists():
            listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=self.root, capture_output=True, text=True)
            if listed.returncode == 0:
                return set(listed.stdout.splitlines())
        found = set()
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = [name for name in subfolders if not NEVER_OURS.match(name)]
            found.update(os.path.relpath(os.path.join(folder, name), self.root) for name in names)
        return found

    @functools.cache
    def text(self, path):
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return ""  # a binary file, for which no rule speaks

    @functools.cache
    def code(self, under=""):
        return [path for path in self.paths if path.startswith(under) and pathlib.PurePath(path).suffix in CODE_SUFFIXES]

    @functools.cache
    def includes(self, path):
        """Triples of (line number, opening bracket or quote, header)."""
        pattern = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
        text = self.text(path)
        return [(text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in pattern.finditer(text)]

    @functools.cache
    def blanked(self, path):
        return blank(self.text(path))


NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)


def blank(text):
    """The text without comments, literals and preprocessor lines, every line and column where it was."""
    text = NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.M)


def functions(blanked):
    """Triples of (first line, name, number of lines) of every function body that stands outside of another one."""
    newlines = [match.start() for match in re.finditer("\n", blanked)]
    stack, header_start = [], 0
    for match in re.finditer(r"[{};]", blanked):
        if match[0] == "{":
            header = blanked[header_start:match.start()]
            inside = any(kind == "function" for kind, _, _ in stack)
            stack.append((_kind_of_block(header, inside), header, header_start))
        elif match[0] == "}" and stack:
            kind, header, start = stack.pop()
            if kind == "function":
                start += len(header) - len(header.lstrip())
                first = bisect.bisect_left(newlines, start) + 1
                yield first, _name_of_function(header), bisect.bisect_left(newlines, match.start()) + 2 - first
        if match[0] != "{" or stack[-1][0] != "initialiser":
            header_start = match.end()


def _kind_of_block(header, inside_function):
    if inside_function:
        return "block"
    if re.search(r"\b(namespace|extern)\b", header) or re.match(r"\s*(template\s*<.*>\s*)?(class|struct|union|enum)\b[^()]*$", header, re.S):
        return "scope"
    return "function" if re.search(r"\)[^=]*$|\)\s*:[^:]", header, re.S) else "initialiser"


def _name_of_function(header):
    match = re.search(r"([~\w:]+|operator\s*\S+)\s*\(\s*(\w*)", header)
    if not match:
        return "?"
    return f"{match[1]}({match[2]})" if match[1].isupper() else match[1]  # a macro: BOOST_AUTO_TEST_CASE(name)
