#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Inputs of dmamap pipeline: what is refused, how, and what other formats and sizes become.

Usage: input_test.py TOOL ORACLE PHOTO
"""

import json
import os

from harness import (HEIGHT, PHOTO, PIXELS, WIDTH, check, each, equal, files_in, main, noise,
                     noise_frames, nv12, oracle, png, read, run, sha256, test, write, y4m)

SMALL = 64 * 36 * 3 // 2  # bytes of a small 4:2:0 frame


def refused(tmp, args, words, stdin=b"", cwd=None):
    """One line on standard error with these words, status 2, nothing left."""
    before = files_in(tmp)
    status, out, err = run(*args, stdin=stdin, cwd=cwd)
    equal(status, 2, f"status ({err!r})")
    equal(out, "", "standard output")
    equal(err.count("\n"), 1, f"lines on standard error ({err!r})")
    check(err.startswith("dmamap pipeline: "), f"who speaks: {err}")
    check(err.endswith("\n") and len(err) <= 300, f"one line: {err}")
    for word in words:
        check(word in err, f"{word!r} is not in {err!r}")
    equal(files_in(tmp), before, "files")


def small(chroma=b"", size=b"W64 H36", body=None):
    head = b"YUV4MPEG2 " + size + b" F25:1" + chroma + b"\n"
    return head + (b"FRAME\n" + noise(1, SMALL) if body is None else body)


def damaged_jpeg():
    data = bytearray(read(PHOTO))
    at = data.index(b"\xff\xda") + 600  # inside the entropy-coded data
    data[at:at + 400] = b"\xff\xd9" * 200
    return bytes(data)


def damaged_png(at=200):
    data = bytearray(png(64, 36, noise(2, 64 * 36 * 3)))
    data[at] ^= 0x55
    return bytes(data)


FILES = {
    "empty": (b"", ["empty"]),
    "unknown format": (b"GIF89a" + bytes(100), ["neither a Y4M stream nor a PNG or JPEG picture"]),
    "one byte": (b"Y", ["neither"]),
    "header that does not end": (b"YUV4MPEG2 W64 H36", ["Y4M"]),
    "header without end of line, long": (b"YUV4MPEG2 W64 H36 X" + b"a" * 5000, ["Y4M"]),
    "only a magic": (b"YUV4MPEG2\n", ["no size"]),
    "header without height": (b"YUV4MPEG2 W64\n", ["no size"]),
    "magic that goes on": (b"YUV4MPEG2000 W64 H36\nFRAME\n" + bytes(SMALL), ["Y4M"]),
    "no frames": (small(body=b""), ["no frames"]),
    "truncated in frame header": (small(body=b"FRA"), ["truncated", "frame 0"]),
    "truncated in luma": (small(body=b"FRAME\n" + bytes(100)), ["truncated", "frame 0"]),
    "truncated in Cr": (small(body=b"FRAME\n" + bytes(SMALL - 1)), ["truncated", "frame 0"]),
    "truncated in second frame": (small() + b"FRAME\n" + bytes(SMALL - 1),
                                  ["truncated", "frame 1"]),
    "truncated in second frame header": (small() + b"F", ["truncated", "frame 1"]),
    "garbage between frames": (small() + b"FRAMED\n" + bytes(SMALL), ["frame 1", "FRAME"]),
    "bytes after the last frame": (small() + b"\n" + bytes(SMALL), ["frame 1", "FRAME"]),
    "odd width": (small(size=b"W63 H36"), ["odd size 63x36", "even"]),
    "odd height": (small(size=b"W64 H35"), ["odd size 64x35", "even"]),
    "zero width": (small(size=b"W0 H36"), ["'W0'"]),
    "negative height": (small(size=b"W64 H-36"), ["'H-36'"]),
    "no number": (small(size=b"Wx H36"), ["'Wx'"]),
    "empty number": (small(size=b"W H36"), ["'W'"]),
    "too wide": (small(size=b"W16386 H36"), ["'W16386'"]),
    "width beyond 64 bits": (small(size=b"W99999999999999999999 H36"), ["'W999"]),
    "width beyond 32 bits": (small(size=b"W4294967360 H36"), ["'W4294967360'"]),
    "zero rate": (small(size=b"W64 H36 F0:1"), ["'F0:1'"]),
    "no rate": (small(size=b"W64 H36 F25"), ["'F25'"]),
    "10 bits": (small(chroma=b" C420p10"), ["'C420p10'"]),
    "4:1:1": (small(chroma=b" C411"), ["'C411'"]),
    "bare PNG magic": (b"\x89PNG\r\n\x1a\n", []),
    "truncated PNG": (png(64, 36, noise(2, 64 * 36 * 3))[:3000], []),
    "damaged PNG": (damaged_png(), []),
    "damaged PNG header": (damaged_png(at=20), []),
    "tiny PNG": (png(8, 8, bytes(192)), ["8x8"]),
    "narrow PNG": (png(16, 12000, bytes(16 * 12000 * 3)), ["too narrow"]),
    "bare JPEG magic": (b"\xff\xd8\xff", []),
    "truncated JPEG": (read(PHOTO)[:100000], []),
    "truncated JPEG header": (read(PHOTO)[:50], []),
    "damaged JPEG": (damaged_jpeg(), []),
}


@each(FILES)
def a_bad_file_is_refused(tmp, data, words):
    path = write(os.path.join(tmp, "bad"), data)
    refused(tmp, ["--input", path], [path] + words if words != ["no frames"] else words)
    refused(tmp, ["--input", path, "--out", os.path.join(tmp, "out"), "--json"], words)


@each({name: args for name, args in FILES.items() if args[0][:4] == b"YUV4"})
def a_bad_stream_on_standard_input_is_refused(tmp, data, words):
    refused(tmp, ["--input", "-", "--out", os.path.join(tmp, "out")], words, stdin=data)


@test
def standard_input_without_anything_is_refused(tmp):
    refused(tmp, ["--input", "-", "--out", os.path.join(tmp, "out")], ["standard input"])
    refused(tmp, ["--input", "-"], ["standard input"], stdin=read(PHOTO))


@test
def a_file_that_is_not_there_is_refused(tmp):
    out = ["--out", os.path.join(tmp, "out")]
    refused(tmp, ["--input", os.path.join(tmp, "none")] + out, ["No such file"])
    refused(tmp, ["--input", os.path.join(PHOTO, "none")] + out, ["Not a directory"])
    refused(tmp, ["--input", tmp] + out, ["Is a directory"])
    refused(tmp, ["--input", ""] + out, [])
    refused(tmp, ["--input", "/" + "x" * 300] + out, ["File name too long"])


OPTIONS = {
    "zero frames": (["--frames", "0"], ["--frames '0'"]),
    "negative frames": (["--frames", "-1"], ["--frames '-1'"]),
    "too many frames": (["--frames", "1000001"], ["1000000"]),
    "no number of frames": (["--frames", "many"], ["'many'"]),
    "half a number of frames": (["--frames", "6x"], ["'6x'"]),
    "empty number of frames": (["--frames="], ["''"]),
    "frames beyond 64 bits": (["--frames", "18446744073709551617"], ["--frames"]),
    "buffers": (["--buffers", "heap"], ["--buffers 'heap'", "mmap or user"]),
    "empty buffers": (["--buffers="], ["mmap or user"]),
    "coherent": (["--coherent", "maybe"], ["--coherent 'maybe'", "yes or no"]),
    "page": (["--page", "8k"], ["--page '8k'", "4k, 16k or 64k"]),
    "page in bytes": (["--page", "4096"], ["4k, 16k or 64k"]),
    "granule": (["--granule", "2m"], ["--granule '2m'", "4k, 16k or 64k"]),
    "seed": (["--seed", "x"], ["--seed 'x'"]),
    "negative seed": (["--seed", "-1"], ["--seed '-1'"]),
    "seed beyond 64 bits": (["--seed", "18446744073709551616"], ["--seed"]),
    "argument": (["more"], ["'more'"]),
    "empty out": (["--out="], ["--out"]),
}


@each(OPTIONS)
def a_bad_option_is_refused(tmp, args, words):
    refused(tmp, ["--input", PHOTO, "--out", os.path.join(tmp, "out")] + args, words)


@each({"unknown": ["--colour"], "a letter": ["-z"], "without a value": ["--seed"],
       "with a value too many": ["--json=yes"]})
def an_unknown_option_is_refused(tmp, arg):
    refused(tmp, ["--input", PHOTO, "--out", os.path.join(tmp, "out"), arg], [f"'{arg}'", "--help"])


@test
def an_input_must_be_named(tmp):
    refused(tmp, [], ["--input"])


@test
def an_output_folder_that_cannot_be_is_refused(tmp):
    there = write(os.path.join(tmp, "file"), b"mine")
    refused(tmp, ["--input", PHOTO, "--out", there], [there])
    refused(tmp, ["--input", PHOTO, "--out", os.path.join(there, "below")], ["Not a directory"])
    refused(tmp, ["--input", PHOTO, "--out", os.path.join(tmp, "a", "b")], ["No such file"])
    refused(tmp, ["--input", PHOTO, "--out", "/proc/dmamap"], ["/proc/dmamap"])
    refused(tmp, ["--input", PHOTO, "--out", "/proc/self"], ["/proc/self"])
    equal(read(there), b"mine", "the file in the way")


@test
def a_failed_run_leaves_earlier_output_alone(tmp):
    out = os.path.join(tmp, "out")
    equal(run("--input", PHOTO, "--frames", "1", "--out", out)[0], 0, "status of a good run")
    before = {name: read(os.path.join(out, name)) for name in files_in(out)}
    bad = write(os.path.join(tmp, "bad.y4m"), small() + b"FRAME\n" + bytes(3))
    refused(tmp, ["--input", bad, "--out", out], ["truncated"])
    refused(tmp, ["--input", PHOTO, "--out", out, "--page", "4k", "--granule", "64k", "--buffers",
                  "user"], ["granule"])
    equal({name: read(os.path.join(out, name)) for name in files_in(out)}, before, "the files")


def frames_of(tmp, data, nr=0):
    path = write(os.path.join(tmp, "in"), data)
    return oracle("frames", path, str(nr))


def planes(width, height, step_x, step_y, seed):
    """Luma, Cb, Cr of noise with chroma planes of a fraction of the size."""
    chroma = width // step_x * (height // step_y)
    return (noise(seed, width * height), noise(seed + 1, chroma, 16, 240),
            noise(seed + 2, chroma, 16, 240))


@test
def full_hd_420_passes_unchanged(tmp):
    frames = noise_frames(7, 2)
    for chroma in ("420jpeg", "420mpeg2", "420paldv", "420"):
        got = frames_of(tmp, y4m(frames, chroma=chroma))
        check(got == b"".join(map(nv12, frames)), f"{chroma} is changed")
    head = b"YUV4MPEG2 W1920 H1080 F25:1\nFRAME Ip Xcomment\n"
    check(frames_of(tmp, head + frames[0]) == nv12(frames[0]), "4:2:0 without a C field is changed")


@test
def a_grey_stream_has_no_colour(tmp):
    luma = noise(9, PIXELS)
    check(frames_of(tmp, y4m([luma], chroma="mono")) == luma + bytes([128]) * (PIXELS // 2),
          "grey is not grey")


@each({"4:2:2": ("422", 2, 1), "4:4:4": ("444", 1, 1)})
def more_chroma_is_averaged_over_2x2_blocks(tmp, name, step_x, step_y):
    y, cb, cr = planes(WIDTH, HEIGHT, step_x, step_y, 11)
    got = frames_of(tmp, y4m([y + cb + cr], chroma=name))
    check(got[:PIXELS] == y, "luma is changed")
    width, rows, cols = WIDTH // step_x, 2 // step_y, 2 // step_x
    for at in range(0, PIXELS // 4, 997):
        row, col = divmod(at, WIDTH // 2)
        for k, plane in enumerate((cb, cr)):
            block = [plane[(row * rows + r) * width + col * cols + c]
                     for r in range(rows) for c in range(cols)]
            want = sum(block) / len(block)
            check(abs(got[PIXELS + 2 * at + k] - want) <= 0.5 + 1e-9,
                  f"chroma {k} of block {col}, {row}: {got[PIXELS + 2 * at + k]}, not {want}")


# Size of the stream -> where it lies in the frame: left, top, width, height.
BOXES = {
    "64x36": (64, 36, 0, 0, 1920, 1080),
    "3840x2160": (3840, 2160, 0, 0, 1920, 1080),
    "4x3": (640, 480, 240, 0, 1440, 1080),
    "wide": (1920, 800, 0, 140, 1920, 800),
    "portrait": (1080, 1920, 656, 0, 606, 1080),
    "a line": (2048, 2, 0, 538, 1920, 2),
    "a column": (2, 2048, 958, 0, 2, 1080),
    "2x2": (2, 2, 420, 0, 1080, 1080),
}


@each(BOXES)
def another_size_is_letterboxed(tmp, width, height, left, top, box_width, box_height):
    frame = (bytes([200]) * (width * height) + bytes([90]) * (width * height // 4)
             + bytes([170]) * (width * height // 4))
    got = frames_of(tmp, y4m([frame], width=width, height=height))
    inside = bytes([16]) * left + bytes([200]) * box_width + bytes([16]) * (WIDTH - left - box_width)
    colour = (b"\x80\x80" * (left // 2) + b"\x5a\xaa" * (box_width // 2)
              + b"\x80\x80" * ((WIDTH - left - box_width) // 2))
    want = (bytes([16]) * WIDTH * top + inside * box_height
            + bytes([16]) * WIDTH * (HEIGHT - top - box_height)
            + b"\x80" * (WIDTH * top // 2) + colour * (box_height // 2)
            + b"\x80" * (WIDTH * (HEIGHT - top - box_height) // 2))
    at = next((i for i in range(len(want)) if got[i] != want[i]), None) if got != want else None
    check(got == want, f"byte {at} of the frame: line {(at or 0) // WIDTH}, column {(at or 0) % WIDTH}")


@test
def scaling_keeps_a_gradient(tmp):
    """Bilinear: a ramp stays one, where it was."""
    width, height = 320, 180
    luma = bytes(20 + x * 200 // (width - 1) for x in range(width)) * height
    got = frames_of(tmp, y4m([luma + b"\x80" * (width * height // 2)], width=width, height=height))
    for row in (0, 1, 540, 1079):
        line = list(got[WIDTH * row:WIDTH * (row + 1)])
        equal(line, sorted(line), "the ramp")
        for x in range(WIDTH):
            want = 20 + ((x + 0.5) / 6 - 0.5) * 200 / (width - 1)
            check(abs(line[x] - want) < 1.5, f"column {x}: {line[x]}, not {want:.1f}")


@test
def frames_limits_a_stream(tmp):
    frames = noise_frames(13, 3)
    path = write(os.path.join(tmp, "in.y4m"), y4m(frames))
    for nr in (1, 2, 3, 9):
        status, out, _ = run("--input", path, "--frames", str(nr), "--json")
        equal(status, 0, "status")
        raw = b"".join(map(nv12, frames[:nr]))
        equal(json.loads(out)["frames"], min(nr, 3), "frames")
        equal(json.loads(out)["output_sha256"], sha256(oracle("convert", stdin=raw)), "hash")


@test
def a_stream_on_standard_input_is_taken(tmp):
    frames = noise_frames(15, 2)
    status, out, err = run("--input", "-", "--json", stdin=y4m(frames))
    equal((status, err), (0, ""), "status and standard error")
    raw = b"".join(map(nv12, frames))
    equal(json.loads(out)["output_sha256"], sha256(oracle("convert", stdin=raw)), "hash")


@test
def a_png_of_one_colour_stays_one_colour(tmp):
    """White, through the whole pipeline: XRGB white, to the last byte."""
    path = write(os.path.join(tmp, "white.png"), png(320, 200, b"\xff" * 320 * 200 * 3))
    status, out, _ = run("--input", path, "--frames", "1", "--json")
    equal(status, 0, "status")
    equal(json.loads(out)["output_sha256"], sha256(b"\xff\xff\xff\x00" * PIXELS), "hash")


@test
def a_picture_is_panned_across(tmp):
    raw = oracle("frames", PHOTO, "8")
    size = PIXELS * 3 // 2
    frames = [raw[i * size:(i + 1) * size] for i in range(8)]
    check(len(set(frames)) >= 4, "the picture moves")
    equal(frames[0], frames[7], "first and last frame")


main()
