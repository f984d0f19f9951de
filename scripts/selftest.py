#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each rule script notices a planted violation, and is content without it.

Usage: selftest.py. Builds tiny projects in a temporary folder and runs the rule scripts on them.
"""

import os
import subprocess
import sys
import tempfile

from rules import Tap

HERE = os.path.dirname(os.path.abspath(__file__))
SPDX = "/* SPDX-License-Identifier: BSD-2-Clause */\n"


def write(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)


def sh(root, *command):
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def script(name, *args):
    return subprocess.run([sys.executable, os.path.join(HERE, name), *args], capture_output=True,
                          text=True, check=False)


def run_shape(root):
    return script("check_shape.py", root)


def run_docs(root):
    return script("check_docs.py", root)


def run_headers(root):
    return script("check_headers.py", root)


def run_layers(root):
    units = [os.path.join(p, n) for p, _, names in os.walk(root) for n in names
             if n.endswith(".c")]
    with open(os.path.join(root, "deps"), "w", encoding="utf-8") as f:
        for unit in units:
            f.write(sh(root, "gcc", "-M", "-ffreestanding", "-Iinclude", "-Isrc", "-I.", unit))
    return script("check_layers.py", "--make", os.path.join(root, "deps"), root)


def run_symbols(root):
    sh(root, "gcc", "-fvisibility=hidden", "-O1", "-Iinclude", "-c", "src/a.c", "-o", "a.o")
    sh(root, "ar", "rcs", "internal.a", "a.o")
    sh(root, os.path.join(HERE, "prelink"), "product.a", "internal.a")
    return script("check_symbols.py", os.path.join(root, "product.a"),
                  os.path.join(root, "internal.a"), root)


def c(text):
    return SPDX + text


def function(nr_lines):
    return c("int f(void)\n{\n" + "\t;\n" * (nr_lines - 4) + "\treturn 0;\n}\n")


API = ("/**\n * dma_one() - one\n *\n * Context: any\n *\n * Return: 1\n */\n"
       "DMA_API int dma_one(void);\n")
DEFINE = '#define DMA_API __attribute__((visibility("default")))\n'

# Layers: a content tree; each planted file spoils it.
TREE = {
    "include/dmamap/types.h": c("#include <stdint.h>\n"),
    "src/core/bits.h": c("#include <stdint.h>\n"),
    "src/iova/iova.h": c('#include "core/bits.h"\n'),
    "src/iova/inner.h": c("extern int inner;\n"),
    "src/iova/iova.c": c('#include "iova/iova.h"\n#include "iova/inner.h"\n'),
    "src/iommu/iommu.h": c("extern int iommu;\n"),
    "src/iommu/smmuv3/smmuv3.h": c("extern int smmuv3;\n"),
    "src/iommu/smmuv3/cmdq.c": c('#include "iommu/smmuv3/smmuv3.h"\n#include "iommu/iommu.h"\n'),
    "src/dma/map.c": c('#include <dmamap/types.h>\n#include "iova/iova.h"\n'),
    "sim/bus.h": c("extern int bus;\n"),
    "sim/bus.c": c('#include <dmamap/types.h>\n#include "sim/bus.h"\n'),
    "drivers/camera.c": c("#include <dmamap/types.h>\n"),
}

# (what, runner, files that are fine, files that plant the violation, words of the finding)
CASES = [
    ("a function of 71 lines", run_shape, {"src/a.c": function(70)}, {"src/a.c": function(71)},
     "f() has 71 lines"),
    ("a static function of 71 lines in a header", run_shape,
     {"src/a.h": function(70).replace("int f", "static int f")},
     {"src/a.h": function(71).replace("int f", "static int f")}, "f() has 71 lines"),
    ("a file of 801 lines", run_shape, {"src/a.c": c("\n" * 799)}, {"src/a.c": c("\n" * 800)},
     "801 lines"),
    ("a line of 101 columns", run_shape, {"src/a.c": c("\t/*" + "x" * 88 + "*/\n")},
     {"src/a.c": c("\t/*" + "x" * 89 + "*/\n")}, "101 columns"),
    ("#ifdef inside a function", run_shape,
     {"src/a.c": c("#ifdef A\n#endif\nint f(void)\n{\n\treturn 0;\n}\n#ifdef A\n#endif\n")},
     {"src/a.c": c("int f(void)\n{\n#ifdef A\n#endif\n\treturn 0;\n}\n")}, "#ifdef A inside f()"),
    ("a file without a licence", run_shape, {"src/a.c": c("")}, {"src/a.c": "/* */\n"}, "SPDX"),
    ("a higher layer", run_layers, TREE,
     {"src/core/a.c": c('#include "iova/iova.h"\n')}, "layer 1 may not see layer 2"),
    ("the same layer", run_layers, {**TREE, "src/pgtable/pgtable.h": c("extern int p;\n")},
     {"src/iova/iova.c": c('#include "pgtable/pgtable.h"\n')}, "layer 2 may not see layer 2"),
    ("a higher layer through a header", run_layers, TREE,
     {"src/core/bits.h": c('#include "iommu/iommu.h"\n')}, "layer 1 may not see layer 3"),
    ("a door that was not used", run_layers, TREE,
     {"src/dma/map.c": c('#include "iova/inner.h"\n')}, "is not the door header"),
    ("a hardware driver included", run_layers, TREE,
     {"src/dma/map.c": c('#include "iommu/smmuv3/smmuv3.h"\n')}, "hardware driver's folder"),
    ("an OS header in src/", run_layers, TREE,
     {"src/dma/map.c": c("#include <stdio.h>\n")}, "not a freestanding header"),
    ("src/ including sim/", run_layers, TREE,
     {"src/dma/map.c": c('#include "sim/bus.h"\n')}, "src/ sees src/ and include/ only"),
    ("sim/ including src/", run_layers, TREE,
     {"sim/bus.c": c('#include "core/bits.h"\n')}, "sim/ may see"),
    ("a driver including a private header", run_layers, TREE,
     {"drivers/camera.c": c('#include "core/bits.h"\n')}, "drivers/ may see include only"),
    ("a public function without Context", run_docs, {"include/dmamap/a.h": DEFINE + API},
     {"include/dmamap/a.h": DEFINE + API.replace(" * Context: any\n", "")}, "lacks Context:"),
    ("a public function without Return", run_docs, {"include/dmamap/a.h": DEFINE + API},
     {"include/dmamap/a.h": DEFINE + API.replace(" * Return: 1\n", "")}, "lacks Return:"),
    ("a public function without a comment", run_docs, {"include/dmamap/a.h": DEFINE + API},
     {"include/dmamap/a.h": DEFINE + "\nDMA_API int dma_two(void);\n"}, "dma_two() lacks"),
    ("a parameter without a description", run_docs, {"include/dmamap/a.h": DEFINE + API},
     {"include/dmamap/a.h": DEFINE + API.replace("one(void)", "one(int x)")}, "'x' not described"),
    ("an example in README.md that is not compiled", run_docs,
     {"include/dmamap/a.h": DEFINE + API, "README.md": "```c\nint x;\n```\n",
      "examples/a.c": "int x;\n"},
     {"examples/a.c": "int y;\n"}, "in no file of examples/"),
    ("a header that needs another one", run_headers,
     {"include/dmamap/a.h": "#include <stdint.h>\nuint32_t f(void);\n"},
     {"include/dmamap/a.h": "uint32_t f(void);\n"}, "uint32_t"),
    ("a header without a guard", run_headers,
     {"include/dmamap/a.h": "#ifndef A\n#define A\nstruct a { int i; };\n#endif\n"},
     {"include/dmamap/a.h": "struct a { int i; };\n"}, "redefinition of"),
    ("a header with a word that C++ keeps", run_headers,
     {"include/dmamap/a.h": "struct a;\n"}, {"include/dmamap/a.h": "struct class;\n"}, "error"),
    ("an exported name outside the API", run_symbols,
     {"include/dmamap/a.h": DEFINE + API,
      "src/a.c": "#include <dmamap/a.h>\nint hidden;\nint dma_one(void) { return hidden; }\n"},
     {"src/a.c": "#include <dmamap/a.h>\nDMA_API int dma_two;\n"
                 "int dma_one(void) { return dma_two; }\n"},
     "dma_two is exported"),
    ("a declared function that does not exist", run_symbols,
     {"include/dmamap/a.h": DEFINE + API, "src/a.c": "#include <dmamap/a.h>\n"
      "int dma_one(void) { return 1; }\n"},
     {"src/a.c": "int hidden;\n"}, "does not define it"),
    ("a call of the C library in src/", run_symbols,
     {"include/dmamap/a.h": DEFINE + API, "src/a.c": "#include <dmamap/a.h>\n"
      "int dma_one(void) { return 1; }\n"},
     {"src/a.c": "#include <dmamap/a.h>\nint puts(const char *);\n"
                 "int dma_one(void) { return puts(\"\"); }\n"},
     "needs puts"),
]


def main():
    tap = Tap()
    for what, runner, fine, planted, words in CASES:
        with tempfile.TemporaryDirectory() as root:
            write(root, fine)
            content = runner(root)
            write(root, planted)
            run = runner(root)
        found = []
        if content.returncode != 0:
            found.append("fails without the violation:")
            found += (content.stdout + content.stderr).splitlines()
        if run.returncode == 0 or words not in run.stdout:
            found.append(f"not noticed (expected: {words}):")
            found += (run.stdout + run.stderr).splitlines()
        tap.check(f"{what} is noticed", found)
    tap.finish()


main()
