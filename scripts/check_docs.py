#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every public function has a kernel-doc comment that the kernel's own checker accepts, and the
code in README.md is compiled.

Usage: check_docs.py [ROOT]. Uses the kernel-doc script that Debian ships (linux-kbuild-6.1).
"""

import glob
import re
import subprocess
import sys

from rules import ROOT, Tap, files_under, read

API = re.compile(r"^DMA_API\b((?:[^;{]|\n)*?)\b(\w+)\s*\((?:[^;{])*?\)\s*(?:DMA_MUST_CHECK\s*)?;", re.M)


def kernel_doc():
    scripts = sorted(glob.glob("/usr/lib/linux-kbuild-*/scripts/kernel-doc"))
    return scripts[-1] if scripts else None


def comment_before(text, at):
    """The comment that ends right above position at, or ''."""
    head = text[:at].rstrip()
    if not head.endswith("*/"):
        return ""
    return head[head.rindex("/*"):]


def findings(path, text):
    found = []
    for match in API.finditer(text):
        name = match.group(2)
        nr = text.count("\n", 0, match.start()) + 1
        comment = comment_before(text, match.start())
        missing = []
        if not re.match(rf"/\*\*\n \* {name}\(\) - ", comment):
            missing.append("a kernel-doc comment with its name")
        if "\n * Context:" not in comment:
            missing.append("Context:")
        returns_void = re.fullmatch(r"\s*(DMA_MUST_CHECK\s+)?void\s*", match.group(1))
        if not returns_void and not re.search(r"\n \* Return:", comment):
            missing.append("Return:")
        if missing:
            found.append(f"{path}:{nr}: {name}() lacks {', '.join(missing)}")
    return found


def checker_findings(script, root, path):
    run = subprocess.run([script, "-none", "-Werror", path], cwd=root, capture_output=True,
                         text=True, check=False)
    if run.returncode == 0:
        return []
    return run.stderr.strip().splitlines() or [f"{path}: kernel-doc failed"]


def readme_findings(root, path):
    """Every C block of a README is the text of a file in examples/, which is compiled."""
    examples = [read(root, e) for e in files_under(root, ["examples"], (".c",))]
    blocks = re.findall(r"^```c\n(.*?)^```$", read(root, path), re.M | re.S)
    return [f"{path}: a block of C that is in no file of examples/: {block.splitlines()[0]}"
            for block in blocks if not any(block in e for e in examples)]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else ROOT
    script = kernel_doc()
    tap = Tap()
    for path in files_under(root, ["include"], (".h",)):
        text = read(root, path)
        found = findings(path, text)
        if script:
            found += checker_findings(script, root, path) if "/**" in text else []
        else:
            found.append("kernel-doc is missing: apt-get install linux-kbuild-6.1")
        tap.check(path, found)
    for path in files_under(root, ["."], ("README.md",)):
        tap.check(path, readme_findings(root, path))
    tap.finish()


main()
