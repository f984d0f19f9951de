#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make bench: the workloads beside Linux's figures and the targets; the figures also as JSON.

Usage: bench.py [--ms MS] [--reps N] [--only GLOB] [--json FILE]
Rows, figures and targets are in bench/targets.json. A row whose program does not exist is left out,
and named. Nothing fails because a target is missed: timing is judged by people.
"""

import argparse
import csv
import fnmatch
import json
import os
import re
import statistics
import subprocess
import sys
import time

from rules import ROOT

BUILD = os.path.join(ROOT, "build", "bench")
INSTR_OPS = 10000


def quietly(*command):
    """Runs a step of the build; its output is shown only when it fails."""
    run = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode != 0:
        sys.exit(run.stdout[-4000:] + f"{' '.join(command)}: failed")


def build():
    # Configured anew each time, so that a peer added since the last run is found.
    again = ["--reconfigure"] if os.path.exists(os.path.join(BUILD, "build.ninja")) else []
    quietly("meson", "setup", *again, BUILD, "-Dbuildtype=plain", "-Doptimization=2",
            "-Ddebug=true", "-Dasserts=false")
    quietly("ninja", "-C", BUILD, "benches")


def program(name):
    return os.path.join(BUILD, "bench", "bench_" + name)


def measure(name, workloads, options):
    """{(workload, metric): median} of one program."""
    out = os.path.join(BUILD, name + ".csv")
    if os.path.exists(out):
        os.remove(out)
    only = ",".join("*/" + wl for wl in workloads)
    subprocess.run([program(name), "--csv", out, "--only", only, "--ms", str(options.ms),
                    "--reps", str(options.reps)],
                   check=True, stdout=subprocess.DEVNULL)
    figures = {}
    with open(out, encoding="utf-8", newline="") as f:
        for row in csv.reader(f):
            figures[row[1], row[3]] = float(row[4])
    return figures


def instructions(name, workload):
    """Instructions of one operation, loop included: callgrind's exact count, set-up taken off."""
    counts = []
    for ops in (INSTR_OPS, 2 * INSTR_OPS):
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program(name),
             "--only", "*/" + workload, "--reps", "1", "--n", str(ops), "--noperf"],
            capture_output=True, text=True, check=False)
        match = re.search(r"Collected : (\d+)", run.stderr)
        if run.returncode != 0 or not match:
            print(f"valgrind: {run.stderr.strip()[-300:]}", file=sys.stderr)
            return None
        counts.append(int(match.group(1)))
    return (counts[1] - counts[0]) / INSTR_OPS


def time_of(figures, workload):
    """CPU time of one thread; wall time of two."""
    return figures.get((workload, "wall_ns" if workload.endswith(".t2") else "cpu_ns"))


def value_of(row, figures, instr):
    """What the row shows, or None when it was not measured."""
    if "gain_of" in row:
        times = [time_of(figures, wl) for wl in (row["gain_of"], row["wl"], row["limit"],
                                                 row["limit"] + ".t2")]
        if not all(times):
            return None
        one, two, limit_one, limit_two = times
        return (one / two) / (limit_one / limit_two)
    if row.get("metric") == "instr":
        return instr.get(row["wl"])
    if "metric" in row:
        return figures.get((row["wl"], row["metric"]))
    return time_of(figures, row["wl"])


def machine_factor(reference, figures):
    """How much longer plain stores, loads and copies take here: the median over the limits."""
    return statistics.median(figures[wl, "cpu_ns"] / ns for wl, ns in reference.items())


def number(v):
    if v is None:
        return "-"
    return f"{v:,.0f}" if v >= 1000 else f"{v:.3g}"


def span(values):
    if not values:
        return "-"
    low, high = values
    return number(low) if low == high else f"{number(low)} .. {number(high)}"


def print_table(rows):
    form = "{:22} {:>10} {:>18} {:>8} {:>9} {:>7}  {}"
    print(form.format("workload", "measured", "Linux", "best", "target", "ratio", "one operation is"))
    for r in rows:
        higher = r.get("higher") or "gain_of" in r
        target = (">= " if higher else "<= ") + number(r["target"])
        unit = " (instr)" if r.get("metric") == "instr" else ""
        print(form.format(r["wl"], number(r["measured"]), span(r.get("linux")),
                          number(r.get("best")), target, f"{r['ratio']:.2f}", r["what"] + unit))
    print("ns unless it says otherwise; ratio: measured / target, for >= target / measured: "
          "1 or less is reached")


def main():
    parser = argparse.ArgumentParser(description="the workloads beside Linux's figures")
    parser.add_argument("--ms", type=int, default=50)
    parser.add_argument("--reps", type=int, default=9)
    parser.add_argument("--only", default="*")
    parser.add_argument("--json", default=os.path.join(ROOT, "build", "bench.json"))
    options = parser.parse_args()

    start = time.monotonic()
    build()
    with open(os.path.join(ROOT, "bench", "targets.json"), encoding="utf-8") as f:
        targets = json.load(f)
    wanted = [r for r in targets["rows"] if fnmatch.fnmatch(r["wl"], options.only)]
    missing = sorted({r["program"] for r in wanted if not os.path.exists(program(r["program"]))})
    wanted = [r for r in wanted if r["program"] not in missing]
    if (os.cpu_count() or 1) < 2:
        wanted = [r for r in wanted if not r["wl"].endswith(".t2")]

    needed = {"limits": set(targets["machine"])}
    for r in wanted:
        needed.setdefault(r["program"], set()).update({r["wl"], r.get("gain_of", r["wl"])})
        if "limit" in r:
            needed["limits"].update({r["limit"], r["limit"] + ".t2"})
    figures, instr = {}, {}
    for name, workloads in needed.items():
        figures.update(measure(name, sorted(workloads), options))
    slower = machine_factor(targets["machine"], figures)
    for r in wanted:
        if r.get("metric") == "instr":
            instr[r["wl"]] = instructions(r["program"], r["wl"])

    rows = []
    for r in wanted:
        measured = value_of(r, figures, instr)
        if measured is None:
            print(f"not measured: {r['wl']}")
            continue
        higher = r.get("higher") or "gain_of" in r
        ratio = r["target"] / measured if higher else measured / r["target"]
        rows.append({**r, "measured": measured, "ratio": ratio})
    print_table(rows)
    print(f"this machine now takes {slower:.2f} x the time of the one on which the figures above were "
          f"taken")
    for name in missing:
        print(f"bench/peer_{name}.c does not exist: its workloads are left out")
    os.makedirs(os.path.dirname(options.json), exist_ok=True)
    with open(options.json, "w", encoding="utf-8") as f:
        json.dump({"rows": rows, "machine_factor": slower, "figures": {f"{w}/{m}": v for (w, m), v in figures.items()}}, f,
                  indent="\t")
        f.write("\n")
    print(f"{options.json}, {time.monotonic() - start:.0f} s")


main()
