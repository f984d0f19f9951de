#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each public header alone compiles as C11, C17, C++17 and freestanding, twice in a row.

Usage: check_headers.py [ROOT]
"""

import os
import shutil
import subprocess
import sys
import tempfile

from rules import ROOT, Tap, files_under

WARN = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wundef", "-Werror", "-fsyntax-only"]
MODES = [
    ("gcc c11", ["gcc", "-x", "c", "-std=c11"]),
    ("gcc c17", ["gcc", "-x", "c", "-std=c17"]),
    ("gcc c11 freestanding", ["gcc", "-x", "c", "-std=c11", "-ffreestanding"]),
    ("clang c11 freestanding", ["clang", "-x", "c", "-std=c11", "-ffreestanding"]),
    ("clang c++17", ["clang", "-x", "c++", "-std=c++17"]),
    ("g++ c++17", ["g++", "-x", "c++", "-std=c++17"]),
]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else ROOT
    tap = Tap()
    modes = [m for m in MODES if m[0] != "g++ c++17" or shutil.which("g++")]
    for header in files_under(root, ["include"], (".h",)):
        line = f"#include <{os.path.relpath(header, 'include')}>\n"
        with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
            # Twice: the include guard works. A declaration: an empty program is not valid C.
            f.write(line + line + "extern int not_empty;\n")
            f.flush()
            for mode, command in modes:
                run = subprocess.run(command + WARN + ["-I" + os.path.join(root, "include"), f.name],
                                     capture_output=True, text=True, check=False)
                tap.check(f"{header}: {mode}", run.stderr.splitlines() if run.returncode else [])
    tap.finish()


main()
