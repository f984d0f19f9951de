#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The figures of the summary can fail: the tool with drivers that do map and write their buffers.

Usage: figures_test.py TOOL ORACLE PHOTO; TOOL is built with the test copy of the drivers.
"""

import json
import os

from harness import PHOTO, check, each, equal, main, run


@each({f"coherent {coherent}, {'written' if write else 'not written'}": (coherent, write)
       for coherent in ("yes", "no") for write in (False, True)})
def mapped_buffers_show_in_the_summary(tmp, coherent, write):
    env = {**os.environ, **({"DMAMAP_TEST_WRITE": "1"} if write else {})}
    status, out, err = run("--input", PHOTO, "--frames", "2", "--json", "--coherent", coherent,
                           env=env)
    equal((status, err), (0, ""), "status and standard error")
    got = json.loads(out)
    equal(got["cpu_mapped_bytes"], 128 << 20, "cpu_mapped_bytes")
    if write:
        check(got["cpu_copies"] >= 20, f"cpu_copies {got['cpu_copies']}, not one for each buffer")
    else:
        equal(got["cpu_copies"], 0, "cpu_copies")


main()
