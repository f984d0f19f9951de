#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The library exports its public API and nothing else, and src/ needs nothing but its port.

Usage: check_symbols.py libdmamap.a libdmamap_internal.a [ROOT]
"""

import os
import re
import subprocess
import sys

from rules import ROOT, Tap, files_under, read

# Where exported names are declared, always marked DMA_API.
HEADERS = ["include", "platform/process"]
API = re.compile(r"^(?:extern\s+)?DMA_API\b[^;({]*?\b(\w+)\s*(?:\[[^\]]*\]\s*)?[;(]", re.M)

# What freestanding code may need from outside.
FROM_COMPILER = {"memcpy", "memmove", "memset", "memcmp", "_GLOBAL_OFFSET_TABLE_",
                 "__stack_chk_fail"}
FROM_PORT = {"dma_assert_failed", "dma_slot_attach_self", "dma_slot_wait", "dma_slot_of_thread"}
RUNTIME = re.compile(r"__(aeabi_\w+|(u?div|u?mod|ashl|ashr|lshr|clz|ctz|bswap)\w*[sdt]i\d?)$")


def names(archive):
    """(defined global names, undefined names) of an archive."""
    out = subprocess.run(["nm", "-g", archive], capture_output=True, text=True, check=True).stdout
    defined, undefined = set(), set()
    for line in out.splitlines():
        fields = line.split()
        if len(fields) == 3 and len(fields[1]) == 1:
            defined.add(fields[2])
        elif len(fields) == 2 and fields[0] in ("U", "w"):
            undefined.add(fields[1])
    return defined, undefined - defined


def declared(root):
    found = {}
    for path in files_under(root, HEADERS, (".h",)):
        for match in API.finditer(read(root, path)):
            found[match.group(1)] = path
    return found


def main():
    product, internal = sys.argv[1:3]
    root = sys.argv[3] if len(sys.argv) > 3 else ROOT
    tap = Tap()
    api = declared(root)
    exported = names(product)[0]
    tap.check("only the public API is exported",
              [f"{n} is exported, but no public header declares it as DMA_API"
               for n in sorted(exported - api.keys())])
    tap.check("every declared function exists",
              [f"{api[n]}: {n}() is declared, but the library does not define it"
               for n in sorted(api.keys() - exported)])
    tap.check("exported names begin with dma_, sg_ or iommu_",
              [n for n in sorted(exported) if not re.match(r"(dma_|sg_|iommu_|for_each_)", n)])
    needed = {n for n in names(internal)[1] if not RUNTIME.match(n)}
    tap.check("src/ needs only its port and what every compiler needs",
              [f"{os.path.basename(internal)} needs {n}"
               for n in sorted(needed - FROM_COMPILER - FROM_PORT)])
    tap.finish()


main()
