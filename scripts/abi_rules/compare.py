"""What differs between a recorded ABI and the present one: breaks, and additions that every plugin file survives. One sentence for each."""
import itertools
import re

# What rises with each release, and is no promise by itself.
FREE_VALUES = {"TRAINHOST_ABI_MINOR"}


def compare(old, new):
    """Returns (breaks, additions), two lists of sentences: what, was, is, what to do."""
    breaks, additions = [], []
    for name in (name for name in new.headers if name not in old.headers):
        additions.append(f"{name} is new in {new.headers[name]}")
    for name in old.headers:
        if name not in new.headers:
            breaks.append(f"{name} was declared in {old.headers[name]} and is gone; put it back, since files that use it are in the world")
        elif name in old.structs and name in new.structs:
            _compare_structs(name, old.structs[name], new.structs[name], breaks, additions)
        elif name not in FREE_VALUES:
            _compare_texts(name, old, new, breaks)
    return breaks, additions


def _compare_texts(name, old, new, breaks):
    was, now = (abi.values.get(name, abi.types.get(name, "a struct")) for abi in (old, new))
    if was != now:
        advice = "a value keeps its meaning for ever: give the new meaning a new name and number" if name in old.values else \
            "declare the new form under a new name"
        breaks.append(f"{name} was {was} and is {now}; {advice}")


def _compare_structs(name, old, new, breaks, additions):
    if old.id != new.id:
        breaks.append(f"{name} had the id {old.id} and has {new.id}; keep the id, and put a new table with the new id beside it")
    if old.sort != new.sort and "table" not in (old.sort, new.sort):
        breaks.append(f"{name} was {_marked(old)} and is {_marked(new)}; files rely on it: keep the mark, and make a new struct for what is new")
    found = list(_moved_fields(name, old, new))
    breaks += found
    appended = [part for part in new.fields if part.name not in _names(old)]
    if old.sort == "grows":
        if not found and appended:
            additions.append(f"{name} grows by {', '.join(part.name for part in appended)} from byte {old.size} on")
        if not appended and new.size != old.size:
            breaks.append(f"{name} had {old.size} bytes and has {new.size}; its bytes change with its fields alone: look for an attribute or padding")
    elif not found and (appended or new.size != old.size):
        breaks.append(f"{name} had {old.size} bytes and has {new.size}{_because_of(appended)}; {_frozen_advice(old)}")


def _marked(struct):
    return 'marked "Grows"' if struct.sort == "grows" else 'without the mark "Grows"'


def _because_of(appended):
    return f", with {', '.join(part.name for part in appended)} at its end" if appended else ""


def _frozen_advice(struct):
    if struct.sort == "table":
        return "a table is frozen: put the new functions into a new table under a new id"
    return "it is frozen: leave it, and make a new struct for what is new"


def _names(struct):
    return {part.name: part for part in struct.fields}


def _moved_fields(name, old, new):
    """Fields of the old struct that are not where and what they were. Fields that moved only because of another break are passed over."""
    now = _names(new)
    gone = [part for part in old.fields if part.name not in now]
    inserted = [part for part in new.fields if part.name not in _names(old) and part.offset < old.size]
    for part in gone:
        heir = next((other for other in inserted if (other.offset, other.type) == (part.offset, part.type)), None)
        if heir:
            inserted.remove(heir)
            yield f"{name}.{part.name} is called {heir.name} now; sources that use it no longer compile: keep the name"
        else:
            yield f"{name}.{part.name} was {part.type} at byte {part.offset} and is gone; keep the field, and say in its comment that it is unused"
    for part in inserted:
        yield f"{name}.{part.name} is new at byte {part.offset}, where the first {old.size} bytes were taken; {_insertion_advice(old)}"
    kept = [(part, now[part.name]) for part in old.fields if part.name in now]
    retyped = [(was, part) for was, part in kept if was.type != part.type]
    for was, part in retyped:
        yield f"{name}.{_retyped(was, part)}; {_retype_advice(old)}"
    moved = [(was, part) for was, part in kept if was.offset != part.offset]
    if moved and not (gone or inserted or retyped):
        was, part = moved[0]
        more = f" (as do {len(moved) - 1} more)" if len(moved) > 1 else ""
        yield f"{name}.{part.name} stood at byte {was.offset} and stands at {part.offset}{more}; put the fields back into their order"


def _insertion_advice(struct):
    return "a struct that grows gets new fields at its end" if struct.sort == "grows" else _frozen_advice(struct)


def _retype_advice(struct):
    if struct.sort == "table":
        return "a function never changes: put the new one into a new table under a new id"
    return "keep the type, and put the value in its new type into a new field at the end" if struct.sort == "grows" else _frozen_advice(struct)


def _retyped(was, now):
    """The parameter that differs, where both are functions of as many parameters."""
    old, new = _parameters(was.type), _parameters(now.type)
    if old and new and old[0] == new[0] and len(old[1]) == len(new[1]):
        number, (before, after) = next((n, pair) for n, pair in enumerate(zip(old[1], new[1]), 1) if pair[0] != pair[1])
        return f"{was.name}: parameter {number} was {before} and is {after}"
    if old and new and len(old[1]) != len(new[1]):
        return f"{was.name} took {len(old[1])} parameters and takes {len(new[1])}"
    return f"{was.name} was {was.type} and is {now.type}"


def _parameters(text):
    """"int (*)(a, b)" -> ("int", ["a", "b"]); None for what is no pointer to a function."""
    match = re.fullmatch(r"(.+?) ?\(\*\)\((.*)\)", text)
    if not match:
        return None
    depth = list(itertools.accumulate((letter == "(") - (letter == ")") for letter in match[2]))
    cuts = [-1, *(i for i, letter in enumerate(match[2]) if letter == "," and depth[i] == 0), len(match[2])]
    return match[1], [match[2][begin + 1:end].strip() for begin, end in itertools.pairwise(cuts)]
