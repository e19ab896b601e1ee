"""Other compilers and languages lay the structs out alike: a file of assertions that each of them compiles."""
import pathlib
import subprocess

from .model import AbiError

COMPILERS = (("gcc", "c", "c99"), ("g++", "c++", "c++20"), ("clang", "c", "c99"), ("clang++", "c++", "c++20"))


def assertions(abi):
    """C and C++ source that compiles only where every size, offset and value is as in `abi`. A typedef is C99's way of asserting."""
    claims = [(f"{name}_{part.name}", f"offsetof({name}, {part.name}) == {part.offset}") for name, struct in abi.structs.items() for part in struct.fields]
    claims += [(name, f"sizeof({name}) == {struct.size}") for name, struct in abi.structs.items()]
    claims += [(name, f"{name} == {value}") for name, value in abi.values.items() if value.lstrip("-").isdigit()]
    includes = "".join(f'#include "trainhost/{header}"\n' for header in dict.fromkeys(abi.headers.values()))
    return f"#include <stddef.h>\n{includes}" + "".join(f"typedef char claim_{name}[({claim}) ? 1 : -1];\n" for name, claim in claims)


def disagreements(abi, include):
    """One sentence for each compiler that lays something out otherwise."""
    source = assertions(abi)
    for compiler, language, standard in COMPILERS:
        command = [compiler, "-x", language, f"-std={standard}", "-fsyntax-only", "-I.", "-DTRAINHOST_TARGET_MINOR=TRAINHOST_ABI_MINOR", "-"]
        try:
            result = subprocess.run(command, input=source, cwd=pathlib.Path(include), capture_output=True, text=True)
        except FileNotFoundError:
            raise AbiError(f"{compiler} is not installed; run scripts/setup test, which installs it") from None
        if result.returncode:
            first = next((line for line in result.stderr.splitlines() if "claim_" in line), result.stderr.strip())
            yield f"{compiler} as {standard} lays out otherwise: {first}"
