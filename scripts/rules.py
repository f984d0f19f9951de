# SPDX-License-Identifier: BSD-2-Clause
"""What the rule scripts share: findings as TAP, and the files of the project."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Tap:
    """One TAP line per thing checked; findings as comments before it."""

    def __init__(self):
        self.nr = 0
        self.nr_failed = 0

    def check(self, name, findings=()):
        self.nr += 1
        for finding in findings:
            print(f"# {finding}")
        self.nr_failed += bool(findings)
        print(f"{'not ok' if findings else 'ok'} {self.nr} - {name}", flush=True)

    def skip(self, name, why):
        self.nr += 1
        print(f"ok {self.nr} - {name} # SKIP {why}", flush=True)

    def finish(self):
        if self.nr == 0:
            self.check("something to check exists", ["nothing was found to check"])
        print(f"1..{self.nr}", flush=True)
        sys.exit(1 if self.nr_failed else 0)


def files_under(root, folders, endings):
    """Paths relative to root, sorted."""
    found = []
    for folder in folders:
        for path, dirs, names in os.walk(os.path.join(root, folder)):
            dirs[:] = [d for d in dirs if d[0] != "." and not d.startswith("build")]
            found += [os.path.relpath(os.path.join(path, n), root)
                      for n in names if n.endswith(endings)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()
