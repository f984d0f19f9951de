#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a run of dmamap pipeline leaves behind and prints.

Usage: output_test.py TOOL ORACLE PHOTO
"""

import html.parser
import json
import os
import pty
import re
import subprocess
import xml.etree.ElementTree as ET

from harness import (HEIGHT, PHOTO, PIXELS, TOOL, WIDTH, check, each, equal, files_in, main,
                     noise_frames, nv12, oracle, read, run, sha256, test, write, y4m)

FILES = ["frames.y4m", "last.png", "report.html", "summary.json"]


def good_run(tmp, *args):
    out = os.path.join(tmp, "out")
    status, text, err = run("--out", out, *args)
    equal((status, err), (0, ""), "status and standard error")
    equal(files_in(out), FILES, "files")
    return out, text


@test
def the_last_picture_is_the_last_frame(tmp):
    frames = noise_frames(21, 3)
    path = write(os.path.join(tmp, "in.y4m"), y4m(frames))
    out, _ = good_run(tmp, "--input", path)
    check(oracle("png", os.path.join(out, "last.png")) == oracle("convert", stdin=nv12(frames[2])),
          "last.png is not the last frame")


def parse_y4m(data):
    end = data.index(b"\n")
    fields = data[:end].decode().split(" ")
    equal(fields[0], "YUV4MPEG2", "magic")
    frames, at, size = [], end + 1, PIXELS * 3
    while at < len(data):
        equal(data[at:at + 6], b"FRAME\n", f"header of frame {len(frames)}")
        frames.append(data[at + 6:at + 6 + size])
        equal(len(frames[-1]), size, f"bytes of frame {len(frames) - 1}")
        at += 6 + size
    return fields[1:], frames


@test
def the_stream_is_valid_y4m_of_the_frames(tmp):
    """Mild colours, constant in each 2x2 block: they come back within one, except for rounding."""
    frames = []
    for i in range(2):
        line = bytes(90 + (x // 2 * 7 + i * 31) % 60 for x in range(WIDTH))
        cb = bytes(120 + (x * 3 + i) % 16 for x in range(WIDTH // 2))
        cr = bytes(120 + (x * 5 + i) % 16 for x in range(WIDTH // 2))
        frames.append(line * HEIGHT + cb * (HEIGHT // 2) + cr * (HEIGHT // 2))
    path = write(os.path.join(tmp, "in.y4m"), y4m(frames, rate="30000:1001"))
    out, _ = good_run(tmp, "--input", path)
    fields, got = parse_y4m(read(os.path.join(out, "frames.y4m")))
    check({"W1920", "H1080", "F30000:1001", "C444"} <= set(fields), f"header {fields}")
    equal(len(got), 2, "frames")
    for frame, want in zip(got, frames):
        for x in range(WIDTH):
            at = 700 * WIDTH + x
            check(abs(frame[at] - want[at]) <= 1, f"luma of column {x}")
            for k in (0, 1):
                chroma = want[PIXELS + k * PIXELS // 4 + 350 * WIDTH // 2 + x // 2]
                check(abs(frame[(1 + k) * PIXELS + at] - chroma) <= 1, f"chroma {k} of column {x}")


@test
def the_stream_can_be_an_input_again(tmp):
    out, _ = good_run(tmp, "--input", PHOTO, "--frames", "2")
    status, text, _ = run("--input", os.path.join(out, "frames.y4m"), "--json")
    equal((status, json.loads(text)["frames"]), (0, 2), "status and frames")


@test
def the_summary_is_the_same_printed_and_in_the_file(tmp):
    out, text = good_run(tmp, "--input", PHOTO, "--frames", "2", "--json")
    equal(json.loads(read(os.path.join(out, "summary.json"))), json.loads(text), "summary")


@test
def the_line_names_the_figures(tmp):
    status, text, err = run("--input", PHOTO, "--frames", "2")
    equal((status, err, text.count("\n")), (0, "", 1), "status, standard error, lines")
    for words in ("frames 2,", "copies 0,", "cpu-mapped 0 B of 128 MiB,", "faults 0,"):
        check(words in text, f"{words!r} is not in {text!r}")


class Page(html.parser.HTMLParser):
    """Do the tags nest?"""
    VOID = {"meta", "link", "br", "hr", "img", "input", "col"}

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.problems, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        self.text.append(data)


@each({"mmap": ("mmap", "4k"), "user": ("user", "4k"), "64k": ("mmap", "64k")})
def the_report_is_well_formed_and_stands_alone(tmp, buffers, granule):
    out, text = good_run(tmp, "--input", PHOTO, "--frames", "1", "--json", "--buffers", buffers,
                         "--granule", granule)
    source = read(os.path.join(out, "report.html")).decode()
    page = Page()
    page.feed(source)
    page.close()
    equal((page.problems, page.open), ([], []), "tags that do not nest")
    check(source.lower().startswith("<!doctype html>"), "doctype")
    for tag, attrs in page.seen:
        check(tag not in ("script", "iframe", "link"), f"<{tag}>")
        for key in ("src", "href"):
            check(":" not in attrs.get(key, ""), f"{key} {attrs.get(key)} is outside")
    pictures = re.findall(r"<svg.*?</svg>", source, re.S)
    check(pictures, "no picture")
    shapes = 0
    for picture in pictures:
        shapes += sum(1 for e in ET.fromstring(picture).iter() if e.tag.split("}")[-1] in
                      ("rect", "path", "line", "polygon", "use"))
    check(shapes >= 60, f"{shapes} shapes: 20 buffers in memory and in 3 address spaces")
    words = " ".join(page.text)
    for word in ("camera", "converter", "display", json.loads(text)["output_sha256"]):
        check(word in words, f"{word!r} is not in the report")


@test
def the_report_escapes_the_name_of_the_input(tmp):
    path = write(os.path.join(tmp, "<b>&'\".jpg"), read(PHOTO))
    out, _ = good_run(tmp, "--input", path, "--frames", "1")
    check("<b>&" not in read(os.path.join(out, "report.html")).decode(), "markup from outside")


@test
def output_goes_into_a_folder_that_exists_and_keeps_the_rest(tmp):
    os.mkdir(os.path.join(tmp, "out"))
    write(os.path.join(tmp, "out", "mine"), b"mine")
    write(os.path.join(tmp, "out", "last.png"), b"old")
    status, _, _ = run("--input", PHOTO, "--frames", "1", "--out", os.path.join(tmp, "out"))
    equal(status, 0, "status")
    equal(files_in(os.path.join(tmp, "out")), sorted(FILES + ["mine"]), "files")
    check(read(os.path.join(tmp, "out", "last.png"))[:4] == b"\x89PNG", "last.png is still old")


@test
def a_full_disk_is_a_failure(tmp):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([TOOL, "pipeline", "--input", PHOTO, "--frames", "1"], stdout=full,
                              stderr=subprocess.PIPE, check=False, timeout=60)
    equal((done.returncode, done.stderr.count(b"\n")), (1, 1), "status and lines")


@each({name: (name,) for name in FILES})
def a_file_that_cannot_be_written_is_a_failure_without_output(tmp, name):
    out = os.path.join(tmp, "out")
    os.mkdir(out)
    os.symlink("/dev/full", os.path.join(out, name + ".part"))
    status, text, err = run("--input", PHOTO, "--frames", "1", "--out", out)
    equal((status, text, err.count("\n")), (1, "", 1), "status, output, lines")
    check(name in err, err)
    equal(files_in(out), [], "files")


@test
def a_name_that_is_taken_by_a_folder_is_a_failure_without_output(tmp):
    out = os.path.join(tmp, "out")
    os.makedirs(os.path.join(out, "last.png", "mine"))
    status, text, err = run("--input", PHOTO, "--frames", "1", "--out", out)
    equal((status, text, err.count("\n")), (1, "", 1), "status, output, lines")
    equal(files_in(out), ["last.png", "last.png/mine"], "files")


def on_a_terminal(*args):
    """Status and what a terminal on standard error showed."""
    main_end, tool_end = pty.openpty()
    done = subprocess.Popen([TOOL, "pipeline", *args], stdout=subprocess.DEVNULL, stderr=tool_end)
    os.close(tool_end)
    shown = b""
    while True:
        try:
            piece = os.read(main_end, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(main_end)
    return done.wait(60), shown.decode()


@test
def a_terminal_shows_a_progress_bar_and_keeps_nothing_of_it(tmp):
    status, shown = on_a_terminal("--input", PHOTO, "--frames", "3")
    equal(status, 0, "status")
    check("[####" in shown and "frame 3 of 3" in shown, shown)
    equal(shown.rsplit("\r", 1)[1], "\x1b[K", "what is left at the end")
    check("\n" not in shown, "the bar is more than one line")


@test
def an_error_on_a_terminal_has_a_line_of_its_own(tmp):
    path = write(os.path.join(tmp, "bad.y4m"), y4m(noise_frames(23, 2))[:-1])
    status, shown = on_a_terminal("--input", path)
    equal(status, 2, "status")
    last = shown.rsplit("\r\x1b[K", 1)[1]
    check(last.startswith("dmamap pipeline: ") and last.count("\n") == 1, repr(last))


@each({"help": ["--help"], "version": ["--version"], "usage": ["--usage"]})
def asking_for_help_is_no_error(tmp, *args):
    status, text, err = run(*args)
    equal((status, err), (0, ""), "status and standard error")
    check("dmamap" in text, text)


@test
def without_a_command_there_is_a_hint(tmp):
    for args in ([], ["paint"]):
        done = subprocess.run([TOOL, *args], capture_output=True, check=False, timeout=60)
        equal((done.returncode, done.stdout), (2, b""), "status and standard output")
        check(b"pipeline" in done.stderr, done.stderr)


main()
