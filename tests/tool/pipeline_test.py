#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The pipeline's pictures against libswscale, and its figures, on every kind of machine.

Usage: pipeline_test.py TOOL ORACLE PHOTO
"""

import json
import os

from harness import (PHOTO, PIXELS, check, each, equal, main, noise_frames, nv12, oracle, run,
                     sha256, test, write, y4m)

FRAMES = 3
KEYS = {"frames", "dma_bytes", "cpu_copies", "cpu_mapped_bytes", "user_mapped_bytes",
        "buffer_bytes", "faults", "invalidations", "iova_segments_per_buffer", "output_sha256"}
BUFFER_BYTES = 128 << 20
# What each device transfers per frame: NV12 out; NV12 in and XRGB out; XRGB in.
FRAME_DMA_BYTES = PIXELS * 3 // 2 * 2 + PIXELS * 4 * 2


def summary(path, *args):
    status, out, err = run("--input", path, "--json", *args)
    equal((status, err), (0, ""), "status and standard error")
    return json.loads(out)


class Noise:
    """One stream for all tests, and what it must become."""
    stream = hash = None

    @classmethod
    def get(cls, tmp):
        if cls.stream is None:
            frames = noise_frames(1, FRAMES)
            cls.stream = y4m(frames)
            cls.hash = sha256(oracle("convert", stdin=b"".join(map(nv12, frames))))
        return write(os.path.join(tmp, "noise.y4m"), cls.stream), cls.hash


def check_summary(got, frames, user):
    check(KEYS <= got.keys(), f"keys {KEYS - got.keys()} are missing")
    equal(got["frames"], frames, "frames")
    equal(got["dma_bytes"], frames * FRAME_DMA_BYTES, "dma_bytes")
    equal(got["cpu_copies"], 0, "cpu_copies")
    equal(got["cpu_mapped_bytes"], 0, "cpu_mapped_bytes")
    equal(got["user_mapped_bytes"], BUFFER_BYTES if user else 0, "user_mapped_bytes")
    equal(got["buffer_bytes"], BUFFER_BYTES, "buffer_bytes")
    equal(got["faults"], 0, "faults")
    equal(got["iova_segments_per_buffer"], 1, "iova_segments_per_buffer")
    check(got["invalidations"] > 0, "something was invalidated at least once")


MATRIX = {f"{buffers}, coherent {coherent}, granule {granule}, seed {seed}":
          (buffers, coherent, granule, seed)
          for buffers in ("mmap", "user") for coherent in ("yes", "no")
          for granule in ("4k", "16k", "64k") for seed in ("1", "77")}


@each(MATRIX)
def the_output_is_libswscales(tmp, buffers, coherent, granule, seed):
    path, want = Noise.get(tmp)
    got = summary(path, "--buffers", buffers, "--coherent", coherent, "--granule", granule,
                  "--seed", seed)
    check_summary(got, FRAMES, buffers == "user")
    equal(got["output_sha256"], want, "output_sha256")
    page = {"4k": 4096, "16k": 16384, "64k": 65536}[granule]
    equal(got["options"], {"buffers": buffers, "coherent": coherent == "yes", "page_bytes": page,
                           "granule_bytes": page, "seed": int(seed)}, "options")
    check(got["phys_runs_per_buffer"] >= (8 << 20) // 65536, "buffers lie scattered")


# Allocations may have larger granules than the CPU's page; a program's memory may not.
MIXES = {f"page {page}, granule {granule}, {buffers}, coherent {coherent}":
         (page, granule, buffers, coherent)
         for page, granule in (("64k", "4k"), ("64k", "16k"), ("16k", "4k"), ("4k", "16k"),
                               ("4k", "64k"), ("16k", "64k"))
         for buffers in ("mmap", "user") for coherent in ("yes", "no")
         if buffers == "mmap" or int(page[:-1]) >= int(granule[:-1])}


@each(MIXES)
def page_and_granule_may_differ(tmp, page, granule, buffers, coherent):
    path, want = Noise.get(tmp)
    got = summary(path, "--page", page, "--granule", granule, "--buffers", buffers,
                  "--coherent", coherent, "--frames", "2")
    check_summary(got, 2, buffers == "user")
    frames = noise_frames(1, 2)
    equal(got["output_sha256"], sha256(oracle("convert", stdin=b"".join(map(nv12, frames)))),
          "output_sha256")
    check(want != got["output_sha256"], "two frames are not three")


SMALL_PAGES = {f"page {page}, granule {granule}, coherent {coherent}":
               (page, granule, value, need, coherent)
               for page, granule, value, need in (("4k", "64k", 4096, 65536),
                                                  ("4k", "16k", 4096, 16384),
                                                  ("16k", "64k", 16384, 65536))
               for coherent in ("yes", "no")}


@each(SMALL_PAGES)
def user_pages_below_the_granule_are_refused(tmp, page, granule, value, need, coherent):
    out = os.path.join(tmp, "out")
    status, text, err = run("--input", PHOTO, "--page", page, "--granule", granule, "--buffers",
                            "user", "--coherent", coherent, "--out", out)
    equal((status, text, err.count("\n")), (2, "", 1), "status, output, lines on standard error")
    check(f"rule granule (value {value}, need {need})" in err, err)
    check("map_user of 4194304 at 0x" in err, f"it names what was asked for: {err}")
    check(not os.path.exists(out), "an output folder is left")


@test
def the_photograph_is_converted_as_by_libswscale(tmp):
    for frames in (1, 4):
        got = summary(PHOTO, "--frames", str(frames))
        check_summary(got, frames, False)
        raw = oracle("frames", PHOTO, str(frames))
        equal(len(raw), frames * PIXELS * 3 // 2, "bytes of the frames")
        equal(got["output_sha256"], sha256(oracle("convert", stdin=raw)), "output_sha256")


@test
def more_frames_than_buffers_come_out_in_order(tmp):
    frames = noise_frames(3, 2)
    order = [0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 0]
    path = write(os.path.join(tmp, "many.y4m"), y4m([frames[i] for i in order]))
    got = summary(path, "--coherent", "no", "--buffers", "user")
    check_summary(got, len(order), True)
    pictures = [oracle("convert", stdin=nv12(f)) for f in frames]
    equal(got["output_sha256"], sha256(b"".join(pictures[i] for i in order)), "output_sha256")


@test
def the_same_seed_gives_the_same_run(tmp):
    path, _ = Noise.get(tmp)
    one, two, three = (summary(path, "--coherent", "no", "--seed", s) for s in ("5", "5", "6"))
    equal(one, two, "two runs with one seed")
    equal(one["output_sha256"], three["output_sha256"], "pictures with another seed")


main()
