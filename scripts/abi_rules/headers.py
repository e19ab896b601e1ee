"""Reads the released C headers through clang: nothing is listed by hand, and what this file does not understand is an error, never left out."""
import json
import pathlib
import re
import subprocess

from .model import Abi, AbiError, Field, Struct

OURS = "./trainhost/"
INPUTS = {"TRAINHOST_TARGET_MINOR"}  # set by who includes the headers, so no part of what they declare


def read(include, target_minor="TRAINHOST_ABI_MINOR"):
    """The ABI of the headers include/trainhost/*.h as a file sees it that is built for hosts from `target_minor` on; left out: all of it."""
    include = pathlib.Path(include)
    names = sorted(path.name for path in (include / "trainhost").glob("*.h"))
    if not names:
        raise AbiError(f"{include}: holds no trainhost/*.h; name the include folder of an SDK")
    source = "".join(f'#include "trainhost/{name}"\n' for name in names)
    options = [f"-DTRAINHOST_TARGET_MINOR={target_minor}"]
    tree = json.loads(_clang(include, source, *options, "-fsyntax-only", "-Xclang", "-ast-dump=json"))
    layouts = _layouts(_clang(include, source, *options, "-fsyntax-only", "-Xclang", "-fdump-record-layouts-complete"))
    abi = Abi()
    macros = _macros(_clang(include, source, *options, "-E", "-dD"))
    _mark_places(tree, {"file": "", "line": 0})
    declarations = [node for node in tree["inner"] if _place(node)["file"].startswith(OURS)]
    for header in names:
        _read_macros(abi, header, macros)
        for node in (node for node in declarations if _header(node) == header):
            _read_declaration(abi, node, include, layouts)
    _name_tables(abi)
    return abi


def _clang(include, source, *options):
    command = ["clang", "-x", "c", "-std=c99", "-Werror", "-I.", *options, "-"]
    try:
        result = subprocess.run(command, input=source, cwd=include, capture_output=True, text=True)
    except FileNotFoundError:
        raise AbiError("clang is not installed; run scripts/setup test, which installs it") from None
    if result.returncode:
        raise AbiError(f"the headers in {include} do not compile:\n{result.stderr}")
    return result.stdout


def _mark_places(value, place):
    """Clang prints file and line only where they differ from the place that it printed before."""
    if isinstance(value, dict):
        if "offset" in value:
            place.update({key: value[key] for key in ("file", "line") if key in value})
            value.update(place)
        for part in list(value.values()):
            _mark_places(part, place)
    elif isinstance(value, list):
        for part in value:
            _mark_places(part, place)


def _place(node):
    place = node.get("loc", {})
    place = place.get("expansionLoc", place)
    return place if "file" in place else {"file": "", "line": 0}


def _header(node):
    return _place(node)["file"].removeprefix(OURS)


def _layouts(text):
    """Struct -> (size, offsets of its members), out of the tables that clang prints."""
    layouts = {}
    for block in text.split("*** Dumping AST Record Layout")[1:]:
        name = re.search(r"\| (?:struct|union) (\w+)$", block, re.M)
        size = re.search(r"\[sizeof=(\d+)", block)
        if name and size:
            members = re.findall(r"^ *(\d+) \|   (?! ).*?(\w+)$", block, re.M)
            layouts[name[1]] = (int(size[1]), {member: int(offset) for offset, member in members})
    return layouts


def _macros(text):
    """Name -> (header, text) of our headers' object-like macros that stand for something."""
    found, file = {}, ""
    for line in text.splitlines():
        if marker := re.match(r'# \d+ "([^"]*)"', line):
            file = marker[1]
        elif (macro := re.match(r"#define (\w+)(\(?)(.*)", line)) and file.startswith(OURS):
            name, call, value = macro.groups()
            if call:
                raise AbiError(f"{file}: the macro {name} takes arguments, which no dump can guard; declare a function instead")
            if value.strip() and name not in INPUTS:
                found[name] = (file.removeprefix(OURS), value.strip())
    return found


def _read_macros(abi, header, macros):
    for name, (place, value) in macros.items():
        if place == header:
            abi.values[name] = value
            abi.headers[name] = header


def _read_declaration(abi, node, include, layouts):
    kind, name = node["kind"], node.get("name", "")
    if kind == "RecordDecl" and node.get("completeDefinition"):
        _read_struct(abi, node, include, layouts)
    elif kind == "RecordDecl":
        if name not in abi.structs:
            abi.types.setdefault(name, "opaque")
    elif kind == "EnumDecl":
        _read_enumerators(abi, node)
        return
    elif kind == "TypedefDecl":
        if node["type"]["qualType"] == f"struct {name}":
            return
        abi.types[name] = node["type"]["qualType"]
    elif kind == "FunctionDecl":
        abi.types[name] = node["type"]["qualType"]
    else:
        raise AbiError(f"{_where(node)}: {kind} {name} is nothing that scripts/abi can guard; teach it, or declare it otherwise")
    abi.headers.setdefault(name, _header(node))


def _read_struct(abi, node, include, layouts):
    name = node["name"] if node.get("tagUsed") == "struct" and "name" in node else None
    if name not in layouts:
        raise AbiError(f"{_where(node)}: only structs with a name can be guarded")
    size, offsets = layouts[name]
    struct = Struct("grows" if _grows(include, _place(node)) else "frozen", size, header=_header(node))
    for part in node["inner"]:
        if part["kind"] != "FieldDecl" or part.get("isBitfield") or "name" not in part:
            raise AbiError(f"{_where(node)}: {name} holds a {part['kind']}, which scripts/abi cannot guard; use plain fields")
        struct.fields.append(Field(offsets[part["name"]], part["name"], part["type"]["qualType"]))
    abi.types.pop(name, None)  # declared before it was defined
    abi.structs[name] = struct
    abi.headers.pop(name, None)


def _read_enumerators(abi, node):
    value = -1
    for part in node["inner"]:
        value = int(part["inner"][0]["value"]) if part.get("inner") else value + 1
        abi.values[part["name"]] = str(value)
        abi.headers[part["name"]] = _header(node)


def _grows(include, place):
    """Whether the comment that ends right above the declaration begins with the word "Grows"."""
    above = "".join((include / place["file"]).read_text().splitlines(keepends=True)[:place["line"] - 1]).rstrip()
    return above.endswith("*/") and bool(re.match(r"/\*\s*Grows\b", above[above.rindex("/*"):]))


def _where(node):
    place = _place(node)
    return f"{place['file'].removeprefix('./')}:{place['line']}"


def _name_tables(abi):
    """A macro that holds an id makes the struct of the same name a table."""
    owners = {}
    for name, value in abi.values.items():
        if not value.startswith('"'):
            continue
        struct = abi.structs.get(name.lower())
        if not struct or struct.sort == "grows":
            raise AbiError(f"{abi.headers[name]}: {name} is the id {value}, but {name.lower()} is {'marked as growing' if struct else 'no struct'}; "
                           "an id names the frozen table that is spelled like it")
        if value in owners:
            raise AbiError(f"{abi.headers[name]}: {name} and {owners[value]} have the one id {value}; each table needs its own")
        owners[value] = name
        struct.sort, struct.id = "table", value.strip('"')
