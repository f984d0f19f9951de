#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rules 4 and 5: a function fits on a screen, a file in an evening, no #if inside a function.

Usage: check_shape.py [ROOT]. Function lengths come from universal-ctags.
"""

import json
import re
import subprocess
import sys

from rules import ROOT, Tap, files_under, read

MAX_FUNCTION_LINES = 70
MAX_FILE_LINES = 800
MAX_COLUMNS = 100
TAB = 8

FOLDERS = ["include", "src", "platform", "sim", "drivers", "tools", "tests", "examples", "bench",
           "fuzz", "proofs"]

# Folder -> reason. The reason is printed.
EXEMPT = {
    "bench/workloads/": "kept as it was when the reference figures were measured",
}

CONDITIONAL = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|else)\b")


def functions(root, paths):
    """{path: [(name, first line, last line)]} of all function definitions."""
    found = {p: [] for p in paths}
    out = subprocess.run(
        ["ctags", "--output-format=json", "--languages=C", "--map-C=+.h", "--kinds-C=f",
         "--fields=+ne", "-f", "-", "-L", "-"],
        input="\n".join(paths), cwd=root, capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        tag = json.loads(line)
        if tag.get("_type") == "tag" and "end" in tag:
            found[tag["path"]].append((tag["name"], tag["line"], tag["end"]))
    return found


def findings(path, text, funcs):
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    found = []
    if len(lines) > MAX_FILE_LINES:
        found.append(f"{path}: {len(lines)} lines, at most {MAX_FILE_LINES}")
    for nr, line in enumerate(lines, 1):
        columns = len(line.expandtabs(TAB))
        if columns > MAX_COLUMNS:
            found.append(f"{path}:{nr}: {columns} columns, at most {MAX_COLUMNS}")
        if line.endswith((" ", "\t")):
            found.append(f"{path}:{nr}: white space at the end of the line")
    if "SPDX-License-Identifier: BSD-2-Clause" not in "\n".join(lines[:2]):
        found.append(f"{path}:1: no SPDX-License-Identifier: BSD-2-Clause")
    for name, first, last in funcs:
        if last - first + 1 > MAX_FUNCTION_LINES:
            found.append(f"{path}:{first}: {name}() has {last - first + 1} lines, "
                         f"at most {MAX_FUNCTION_LINES}")
        for nr in range(first, last):
            if CONDITIONAL.match(lines[nr]):
                found.append(f"{path}:{nr + 1}: #{lines[nr].strip().lstrip('# ')} "
                             f"inside {name}()")
    return found


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else ROOT
    tap = Tap()
    paths = files_under(root, FOLDERS, (".c", ".h"))
    funcs = functions(root, paths)
    for path in paths:
        reasons = [why for folder, why in EXEMPT.items() if path.startswith(folder)]
        if reasons:
            tap.skip(path, reasons[0])
        else:
            tap.check(path, findings(path, read(root, path), funcs[path]))
    tap.finish()


main()
