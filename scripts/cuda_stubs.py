"""Lets Python import a CUDA build of torch where no CUDA libraries are installed: only the tests' PyTorch oracle needs this, never our programs.

Each library that torch's CUDA side is linked to, but that is not there, becomes a small one whose functions all trap; nothing calls them without a GPU.
Usage: cuda_stubs.py SITE_PACKAGES
"""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def needed(library):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", str(library)))


def undefined_symbols(library):
    """Pairs of (name, version); the version is empty where the symbol has none."""
    for line in output("nm", "-D", "--undefined-only", str(library)).splitlines():
        name, _, version = line.split()[-1].partition("@")
        yield name, version.lstrip("@")


def build(path, version, symbols):
    source = "".join(f".globl {name}\n.type {name},@function\n{name}:\n" for name in sorted(symbols))
    source = f'.text\n{source}ud2\n.section .note.GNU-stack,"",@progbits\n'
    with tempfile.NamedTemporaryFile("w", suffix=".map") as script:
        script.write(f"{version} {{ global: *; }};\n")
        script.flush()
        output("cc", "-x", "assembler", "-", "-shared", "-nostdlib", f"-Wl,-soname,{path.name}",
               f"-Wl,--version-script={script.name}", "-o", str(path), input=source)


def main(site_packages):
    torch_libraries = site_packages / "torch" / "lib"
    present = {path.name for path in [*torch_libraries.iterdir(), *site_packages.glob("nvidia/*/lib/*")]}
    cuda_side = sorted(torch_libraries.glob("libtorch_*.so"))
    missing = sorted({name for library in cuda_side for name in needed(library)
                      if name not in present and re.match(r"lib(cu|nccl|nvshmem|nvrtc)", name)})
    by_version = collections.defaultdict(set)
    for library in cuda_side:
        for name, version in undefined_symbols(library):
            if re.match(r"cu|nccl|nvshmem|nvrtc", name) and version not in present:
                by_version[version].add(name)
    # A version is the name of its library, but for NVSHMEM; what has no version may be found in any of them.
    owner = {version: version for version in by_version if version in missing}
    owner["NVSHMEM"] = "libnvshmem_host.so.3"
    target = site_packages / "nvidia" / "cu13" / "lib"
    for name in missing:
        version = next((v for v in by_version if owner.get(v) == name), "")
        build(target / name, version, by_version[version])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
