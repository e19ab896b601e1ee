"""The ABI as plain data, and the text that sdk/abi/golden.txt holds of it."""
import hashlib
import re
from dataclasses import dataclass, field

HEAD = "# The ABI that the headers of sdk/include/trainhost declare: sizes, offsets, types, values, ids. Written by `scripts/abi record`, see docs/abi.md.\n"
SORTS = ("table", "grows", "frozen")


class AbiError(Exception):
    """The headers, the golden layout or the machine are not as they must be; the text says place, what and next step."""


@dataclass
class Field:
    offset: int
    name: str
    type: str


@dataclass
class Struct:
    sort: str  # one of SORTS
    size: int
    id: str | None = None  # of a table
    header: str = ""
    fields: list = field(default_factory=list)


@dataclass
class Abi:
    """Every dictionary is in the order of the headers."""
    structs: dict = field(default_factory=dict)  # name -> Struct
    types: dict = field(default_factory=dict)    # typedefs, opaque structs, functions: name -> text
    values: dict = field(default_factory=dict)   # enumerators -> number, macros -> text
    headers: dict = field(default_factory=dict)  # name of any of these -> header

    def minor(self):
        return int(self.values["TRAINHOST_ABI_MINOR"].rstrip("u"))

    def version(self):
        return f"{self.values['TRAINHOST_ABI_MAJOR'].rstrip('u')}.{self.minor()}"


def render(abi):
    """Each header's declarations under its name, in the order in which they stand there."""
    lines = []
    for header in dict.fromkeys(abi.headers.values()):
        lines.append(f"\n# {header}")
        for name in (name for name, place in abi.headers.items() if place == header):
            lines += _lines(abi, name)
    return HEAD + "\n".join(lines) + "\n"


def _lines(abi, name):
    if name in abi.values:
        return [f"value {name} = {abi.values[name]}"]
    if name in abi.types:
        return [f"type {name} = {abi.types[name]}"]
    struct = abi.structs[name]
    first = f'{struct.sort} {name}: {struct.size} bytes{f", id {struct.id}" if struct.id else ""}'
    return [first, *(f"  {part.offset} {part.name}: {part.type}" for part in struct.fields)]


PATTERNS = (
    ("header", re.compile(r"# (\S+\.h)")),
    ("value", re.compile(r"value (\w+) = (.+)")),
    ("type", re.compile(r"type (\w+) = (.+)")),
    ("struct", re.compile(r"(table|grows|frozen) (\w+): (\d+) bytes(?:, id (\S+))?")),
    ("field", re.compile(r"  (\d+) (\w+): (.+)")),
)


def parse(text, place="sdk/abi/golden.txt"):
    """What render wrote. Throws AbiError for a line that it cannot have written."""
    abi, header, struct = Abi(), "", None
    for number, line in enumerate(text.splitlines(), 1):
        sort, match = next(((sort, match) for sort, pattern in PATTERNS if (match := pattern.fullmatch(line))), (None, None))
        if sort == "header":
            header = match[1]
        elif sort == "field" and struct:
            struct.fields.append(Field(int(match[1]), match[2], match[3]))
        elif sort == "struct":
            struct = abi.structs[match[2]] = Struct(match[1], int(match[3]), match[4], header)
            abi.headers[match[2]] = header
        elif sort in ("value", "type"):
            (abi.values if sort == "value" else abi.types)[match[1]] = match[2]
            abi.headers[match[1]] = header
        elif line and not line.startswith("#"):
            raise AbiError(f"{place}:{number}: \"{line}\" is no line that scripts/abi writes; record the layout again")
    return abi


def fingerprint(text):
    """The name under which CHANGELOG.md speaks of a layout."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
