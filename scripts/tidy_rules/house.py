"""Rules about everything else: docs that follow the tree, whole plugin folders, words that never land."""
import pathlib
import re

TOPS = ("host", "sdk", "plugins", "configs", "tests", "fuzz", "bench", "docs", "scripts", "tools", "cmake")
# A path of the machine where somebody built, or the address of a package registry.
FOREIGN = re.compile(r"(?<![\w.$}])/(?:work|root|home/\w+|Users/\w+)/|\bpypi\.org\b|\bpythonhosted\.org\b|\bdeb\.debian\.org\b")
PLUGIN_FILES = ("CMakeLists.txt", "{name}.cpp", "{name}_test.cpp", "example.toml", "README.md")


def _documents(tree):
    return [path for path in tree.paths if path.endswith(".md")]


def document_paths(tree):
    """Paths in backticks and links of the docs lead somewhere."""
    for path in _documents(tree):
        folder = (tree.root / path).parent
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            for mention in re.findall(r"`([\w.*-]+(?:/[\w.*-]+)+/?)`", line):
                if mention.split("/")[0] in TOPS and not any(True for _ in tree.root.glob(mention.rstrip("/"))):
                    yield f"{path}:{number}: `{mention}` does not exist"
            for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", line):
                if "://" not in target and not target.startswith("mailto:") and not (folder / target).exists():
                    yield f"{path}:{number}: the link to {target} leads nowhere"


def document_commands(tree):
    """`make` targets and sub-commands of trainhost in fenced blocks of the docs exist."""
    targets = set(re.findall(r"^([a-z][\w-]*):", tree.text("Makefile"), re.M)) if "Makefile" in tree.paths else set()
    commands = {match[1].replace("_", "-") for path in tree.code("host/commands/") if (match := re.search(r"/(\w+)_command\.cpp$", path))}
    table = "host/commands/command_line.cpp"  # one file may hold several commands
    commands |= set(re.findall(r'^ *\{"([a-z-]+)", "', tree.text(table), re.M)) if table in tree.paths else set()
    for path in _documents(tree):
        for number, line in _fenced_lines(tree.text(path)):
            command = re.match(r"\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(make|(?:\S*/)?trainhost)\b(.*)", line)
            if not command:
                continue
            words = command[2].split("#")[0].split()
            if command[1] == "make":
                for word in words:
                    if "=" not in word and not word.startswith("-") and word not in targets:
                        yield f"{path}:{number}: `make {word}`: the Makefile has no such target"
            elif words and commands and re.fullmatch(r"[a-z][a-z-]*", words[0]) and words[0] not in commands | {"help"}:
                yield f"{path}:{number}: `trainhost {words[0]}`: no host/commands/{words[0].replace('-', '_')}_command.cpp"


def _fenced_lines(text):
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            yield number, line


def unwanted_words(tree):
    """Notes to self, and places that exist on one machine only, never land."""
    for path in tree.paths:
        if path.startswith("scripts/tidy_rules/") or path == "tests/tidy_self_test.py":
            continue
        text = tree.text(path)
        if "FIXME" not in text and not FOREIGN.search(text):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if "FIXME" in line:
                yield f"{path}:{number}: FIXME never lands; mend it, or write TODO(reason)"
            if match := FOREIGN.search(line):
                yield f"{path}:{number}: {match[0]} is a place outside of the product"


def plugin_folders(tree):
    """A plugin folder is whole, and its kind has an SDK header. What several plugins share lies in plugins/lib."""
    folders = sorted({pathlib.PurePath(path).parts[1:3] for path in tree.paths if re.match(r"plugins/(?!lib/)[^/]+/[^/]+/", path)})
    for kind, name in folders:
        for file in (pattern.format(name=name) for pattern in PLUGIN_FILES):
            if f"plugins/{kind}/{name}/{file}" not in tree.paths:
                yield f"plugins/{kind}/{name}: {file} is missing"
        if not any(f"sdk/include/trainhost/{header}" in tree.paths for header in (f"{kind}.h", f"torch/{kind}.h")):
            yield f"plugins/{kind}/{name}: the SDK has no header for the kind {kind}"


RULES = [document_paths, document_commands, unwanted_words, plugin_folders]
