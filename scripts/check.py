#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Everything that must hold before a change is merged: make check.

Usage: check.py [STAGE...]. Each stage is one build configuration and the tests it runs. A stage
that does not build counts as one failure. The last line is the sum over all stages.
"""

import json
import os
import re
import subprocess
import sys
import time

from rules import ROOT

BUILDS = os.path.join(ROOT, "build")

# Stage -> (environment, meson options, arguments of meson test). Everything is built with -Werror.
WERROR = "-Dwerror=true"
STAGES = {
    # Every suite with the address and undefined-behaviour sanitizers.
    "asan": ({"CC": "gcc"}, ["-Db_sanitize=address,undefined"], ["--no-suite", "rules"]),
    # The other compiler, optimised, as it is installed; and the rules of the house.
    "clang": ({"CC": "clang"}, ["-Dbuildtype=release"],
              ["--suite", "unit", "--suite", "format", "--suite", "rules"]),
    # The concurrent suites with the thread sanitizer, without suppressions.
    "tsan": ({"CC": "clang"}, ["-Db_sanitize=thread", "-Db_lundef=false"],
             ["--suite", "threads", "-t", "5"]),
    # One CPU and no threads, as on bare metal; what can run without threads does.
    "cpu": ({"CC": "gcc"}, ["-Dcontext=cpu", "-Dnr_slots=1", "-Dparts=core",
                            "-Db_sanitize=address,undefined"], ["--suite", "cross"]),
}
for cpu in ("aarch64", "arm", "riscv64", "s390x"):
    # src/ on other CPUs under qemu-user: 32-bit, weakly ordered, big-endian.
    STAGES[cpu] = ({}, ["-Dparts=core", "-Dbuildtype=debugoptimized", "--cross-file",
                        os.path.join(ROOT, "cross", cpu + ".ini")],
                   ["--suite", "cross", "-t", "5"])

POINT = re.compile(r"^(not )?ok\b(?:\s+\d+)?[^#\n]*(#\s*SKIP)?", re.I | re.M)


class Count:
    """Tests passed, failed, skipped."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def count_one(record):
    """Count of one test program, from its line in meson's log."""
    result = record["result"]
    points = list(POINT.finditer(record.get("stdout", ""))) if is_tap(record) else []
    count = Count()
    for point in points:
        if point.group(2):
            count.skipped += 1
        elif point.group(1):
            count.failed += 1
        else:
            count.passed += 1
    if result == "SKIP" and not points:
        count.skipped += 1
    elif result in ("OK", "EXPECTEDFAIL") and not points:
        count.passed += 1
    elif result not in ("OK", "EXPECTEDFAIL", "SKIP") and count.failed == 0:
        count.failed += 1  # it crashed, ran out of time or did not do all it had planned
    return count


def is_tap(record):
    return re.search(r"^1\.\.\d+", record.get("stdout", ""), re.M) is not None


def explain(record):
    """What a failed test said: its failures with the comments before them, or its end."""
    print(f"--- {record['name']}: {record['result']}, {record['duration']:.1f} s")
    lines = (record.get("stdout", "") + record.get("stderr", "")).splitlines()
    wanted = [line for line in lines if not re.match(r"ok\b", line)]
    print("\n".join(wanted[-60:]))
    print(f"    again: {' '.join(record['command'])}", flush=True)


def run(command, env, log):
    with open(log, "ab") as f:
        return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                              stdout=f, stderr=subprocess.STDOUT, check=False).returncode


def build(folder, env, options, log):
    """True when the stage is built."""
    setup = ["meson", "setup", folder, WERROR] + options
    if os.path.exists(os.path.join(folder, "build.ninja")):
        setup = ["meson", "setup", "--reconfigure", folder, WERROR] + \
            [o for o in options if o.startswith("-D")]
    return run(setup, env, log) == 0 and run(["ninja", "-k", "0", "-C", folder], env, log) == 0


def explain_build(log):
    """The errors of a build; without any, how it ended."""
    with open(log, encoding="utf-8", errors="replace") as f:
        lines = f.read().splitlines()
    errors = [i for i, line in enumerate(lines) if re.search(r"\b(error|undefined reference)\b", line)
              and not line.startswith(("cc ", "gcc ", "clang "))]
    wanted = sorted({j for i in errors for j in range(i, min(i + 3, len(lines)))})
    print("\n".join([lines[j] for j in wanted][:120] if wanted else lines[-40:]))
    print(f"    whole log: {log}", flush=True)


def stage(name):
    env, options, test_args = STAGES[name]
    folder = os.path.join(BUILDS, "check-" + name)
    log = os.path.join(BUILDS, f"check-{name}.log")
    json_log = os.path.join(folder, "meson-logs", "testlog.json")
    count = Count()
    start = time.monotonic()
    os.makedirs(BUILDS, exist_ok=True)
    if os.path.exists(log):
        os.remove(log)
    built = build(folder, env, options, log)
    build_s = time.monotonic() - start
    if not built:
        explain_build(log)
        count.failed += 1
    else:
        if os.path.exists(json_log):
            os.remove(json_log)
        run(["meson", "test", "-C", folder, "--no-rebuild"] + test_args, env, log)
        with open(json_log, encoding="utf-8") as f:
            for record in map(json.loads, f):
                one = count_one(record)
                if one.failed:
                    explain(record)
                count += one
    total_s = time.monotonic() - start
    print(f"{name:8} {count}; build {build_s:.0f} s, tests {total_s - build_s:.0f} s", flush=True)
    return count


def main():
    total = Count()
    start = time.monotonic()
    for name in sys.argv[1:] or STAGES:
        total += stage(name)
    if total.passed + total.failed == 0:
        total.failed += 1  # a run that checked nothing is no success
    print(f"in {time.monotonic() - start:.0f} s")
    print(total)
    sys.exit(1 if total.failed else 0)


main()
