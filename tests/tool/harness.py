# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the command line share: running the tool, making inputs, TAP."""

import hashlib
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import traceback
import zlib

WIDTH, HEIGHT = 1920, 1080
PIXELS = WIDTH * HEIGHT
TOOL, ORACLE, PHOTO = sys.argv[1:4]

TESTS = []


def test(func):
    """Registers a test; its name is the sentence. Arguments: an empty folder."""
    TESTS.append((func.__name__, func))
    return func


def each(cases):
    """Registers a test for each {name: arguments}."""
    def register(func):
        for name, args in cases.items():
            TESTS.append((f"{func.__name__}: {name}", lambda tmp, args=args: func(tmp, *args)))
        return func
    return register


class Failed(Exception):
    """A check that does not hold."""


def check(condition, what):
    if not condition:
        raise Failed(what)


def equal(got, want, what):
    if got != want:
        raise Failed(f"{what}: got {got!r:.200}, want {want!r:.200}")


def main():
    failed = 0
    print(f"1..{len(TESTS)}", flush=True)
    for nr, (name, func) in enumerate(TESTS, 1):
        tmp = tempfile.mkdtemp(prefix="dmamap-tool-")
        try:
            func(tmp)
            ok = True
        except Failed as why:
            print(f"# {why}")
            ok = False
        except Exception:  # a test that breaks is a test that fails
            print("# " + traceback.format_exc().replace("\n", "\n# "))
            ok = False
        shutil.rmtree(tmp)
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {nr} - {name}", flush=True)
    sys.exit(1 if failed else 0)


def run(*args, stdin=b"", **more):
    """dmamap pipeline with these arguments; status, standard output, standard error."""
    done = subprocess.run([TOOL, "pipeline", *args], input=stdin, capture_output=True,
                          timeout=120, check=False, **more)
    return done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")


def oracle(*args, stdin=b""):
    return subprocess.run([ORACLE, *args], input=stdin, capture_output=True, check=True,
                          timeout=120).stdout


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def noise(seed, length, low=16, high=235):
    """Random bytes of the legal range."""
    table = bytes(low + i * (high - low + 1) // 256 for i in range(256))
    return random.Random(seed).randbytes(length).translate(table)


def y4m(frames, width=WIDTH, height=HEIGHT, chroma="420jpeg", rate="25:1"):
    """A stream of frames given as planes one after the other."""
    head = f"YUV4MPEG2 W{width} H{height} F{rate} Ip A1:1 C{chroma}\n".encode()
    return head + b"".join(b"FRAME\n" + f for f in frames)


def noise_frames(seed, nr):
    """Full-HD 4:2:0 frames of noise: each luma, Cb, Cr."""
    return [noise(seed * 100 + i, PIXELS) + noise(seed * 100 + i + 50, PIXELS // 2, 16, 240)
            for i in range(nr)]


def nv12(frame):
    """A planar full-HD 4:2:0 frame as NV12."""
    out = bytearray(frame)
    out[PIXELS::2] = frame[PIXELS:PIXELS + PIXELS // 4]
    out[PIXELS + 1::2] = frame[PIXELS + PIXELS // 4:]
    return bytes(out)


def png(width, height, rgb):
    """A PNG picture; rgb: bytes of all lines."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    lines = b"".join(b"\0" + rgb[i * width * 3:(i + 1) * width * 3] for i in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(lines, 1)) + chunk(b"IEND", b""))


def files_in(folder):
    """Every file and folder below, relative."""
    return sorted(os.path.relpath(os.path.join(at, name), folder)
                  for at, dirs, names in os.walk(folder) for name in dirs + names)
