#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rules 1 to 3: who may include whom, from the dependencies that the compiler itself wrote down.

Usage: check_layers.py BUILD_DIR             after a build with ninja
       check_layers.py --make FILE [ROOT]    dependencies as gcc -M prints them

Two things are checked for every compiled file: everything it saw, directly or not (layers,
headers of the operating system), and the #include lines of every project file it saw (a foreign
folder is entered through its door header).
"""

import os
import re
import subprocess
import sys

from rules import ROOT, Tap, read

# Layers of src/. A file sees its own folder and lower numbers.
LAYER = {"core": 1, "arch": 1, "iova": 2, "pgtable": 2, "bus": 2, "firmware": 2, "iommu": 3,
         "dma": 5, "sanitizer": 6}
HARDWARE_LAYER = 4  # src/iommu/<hardware>/
ALL_DOORS = {"core", "arch"}  # L1: every header is a door
MORE_DOORS = {
    # The template: a layer above includes it once per format, so that planning, walking and
    # storing are one translation unit.
    "src/pgtable/walk.h",
}

# Who else may see which roots, besides its own folder and include/.
OTHERS = {
    "platform/process": ["src/core", "src/arch"],
    "platform/sim": ["platform/process", "sim"],
    "platform/qemu": ["platform/process"],
    "platform/linux": ["platform/process"],
    "sim": ["platform/sim", "platform/process"],
    "drivers": [],
    "examples": [],
    "src/dmabuf": [],
    "src/vb2": [],
    "tools": ["sim", "platform", "drivers"],
    "proofs": [],
}
FREE = ["tests", "bench", "fuzz"]  # may see everything

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
FREESTANDING = re.compile(r"/(lib/gcc[^/]*/.*|lib/clang/.*|lib/llvm[^/]*/lib/clang/.*)/include/[a-z0-9_-]+\.h$")


def under(path, folder):
    return path == folder or path.startswith(folder + "/")


def parse_ninja(build):
    """[(source, [other files])] from ninja's own record of what the compiler read."""
    out = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True,
                         check=True).stdout
    result = []
    for block in out.split("\n\n"):
        lines = block.strip().split("\n")
        if len(lines) < 2 or not re.search(r"\.o: #deps", lines[0]):
            continue
        if "(VALID)" not in lines[0]:
            continue
        if lines[0].startswith("tests/"):
            continue  # a test may build a copy of anything with headers of its own
        deps = [os.path.normpath(os.path.join(build, line.strip())) for line in lines[1:]]
        result.append((deps[0], deps[1:]))
    return result


def parse_make(path, base):
    with open(path, encoding="utf-8") as f:
        text = f.read().replace("\\\n", " ")
    result = []
    for line in text.splitlines():
        deps = [os.path.normpath(os.path.join(base, d)) for d in line.split(":", 1)[-1].split()]
        if deps:
            result.append((deps[0], deps[1:]))
    return result


def src_place(path):
    """(folder, layer) of a file under src/; a hardware driver's folder is iommu/<name>."""
    parts = path.split("/")
    if parts[1] == "iommu" and len(parts) > 3:
        return "iommu/" + parts[2], HARDWARE_LAYER
    return parts[1], LAYER.get(parts[1])


def src_may_see(source, dep):
    """None, or why a file of src/ may not see another."""
    folder, layer = src_place(source)
    dep_folder, dep_layer = src_place(dep)
    if layer is None:
        return f"src/{folder}/ has no layer (scripts/check_layers.py)"
    if folder == dep_folder or dep_folder in ALL_DOORS:
        return None
    if folder == "sanitizer":
        return "the sanitizer sees include/ and core/ only"
    if dep_layer == HARDWARE_LAYER:
        return "nothing includes a hardware driver's folder"
    if dep_layer is None or dep_layer >= layer:
        return f"layer {layer} may not see layer {dep_layer}"
    return None


def may_see(source, dep):
    """None, or why source may not see dep; both relative to the root."""
    if any(under(source, f) for f in FREE) or under(dep, "include"):
        return None
    clients = [f for f in OTHERS if under(source, f)]
    if not clients and under(source, "src"):
        return src_may_see(source, dep) if under(dep, "src") else "src/ sees src/ and include/ only"
    if under(source, "include"):
        return "a public header includes public headers only"
    if not clients:
        return "this folder has no rule (scripts/check_layers.py)"
    home = max(clients, key=len)
    if under(dep, home) or any(under(dep, f) for f in OTHERS[home]):
        return None
    return f"{home}/ may see {', '.join(['include'] + OTHERS[home])} only"


def is_freestanding(source):
    return (under(source, "src") and not any(under(source, f) for f in OTHERS)) or \
        under(source, "include")


def door_findings(root, path, seen):
    """#include lines of a file of src/ that enter a foreign folder other than by its door."""
    found = []
    folder = src_place(path)[0]
    text = read(root, path)
    for match in INCLUDE.finditer(text):
        target = "src/" + match.group(2)
        if match.group(1) == "<" or target not in seen:
            continue
        dep_folder = src_place(target)[0]
        if dep_folder == folder or dep_folder in ALL_DOORS:
            continue
        door = f"src/{dep_folder}/{dep_folder.split('/')[-1]}.h"
        if target != door and target not in MORE_DOORS:
            nr = text.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{nr}: {target} is not the door header {door}")
    return found


def findings(root, source, deps):
    found = []
    ours = [d for d in deps if not d.startswith("..")]
    for dep in ours:
        why = may_see(source, dep)
        if why:
            found.append(f"{source}: sees {dep}: {why}")
    if is_freestanding(source):
        # clang lists a header that its own of the same name only asked for (__has_include_next);
        # had it really been read, the C library's features.h would be there as well.
        own = {os.path.basename(d) for d in deps if FREESTANDING.search(d)}
        for dep in deps:
            if dep.startswith("..") and not FREESTANDING.search(dep) and \
                    os.path.basename(dep) not in own:
                found.append(f"{source}: sees {os.path.join(root, dep)}: not a freestanding header")
    for path in [source] + ours:
        if under(path, "src") and src_place(path)[1] is not None:
            found += door_findings(root, path, set(ours))
    return found


def header_findings(source, deps, root):
    """Layers of headers among themselves, by their own #include lines."""
    found = []
    for path in [d for d in deps if not d.startswith("..")]:
        for match in INCLUDE.finditer(read(root, path)):
            for prefix in ("src/", "include/", ""):
                target = prefix + match.group(2)
                if target in deps:
                    why = may_see(path, target)
                    if why:
                        found.append(f"{path}: includes {target}: {why}")
                    break
    return found


def main():
    if sys.argv[1] == "--make":
        root = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else ROOT
        units = parse_make(sys.argv[2], root)
    else:
        root = ROOT
        units = parse_ninja(sys.argv[1])
    tap = Tap()
    build = os.path.relpath(sys.argv[1], root)
    for source, deps in sorted(units):
        source = os.path.relpath(source, root)
        deps = [os.path.relpath(d, root) for d in deps]
        if source.startswith("..") or under(source, build):
            continue
        deps = [d for d in deps if not under(d, build)]
        found = findings(root, source, deps) + header_findings(source, set(deps), root)
        tap.check(source, sorted(set(found)))
    tap.finish()


main()
