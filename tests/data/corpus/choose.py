#!/usr/bin/env python3
"""Chooses the cases of this folder from the whole corpora: choose.py CORPUS (a folder with onnx/, torch/ and grad/).

ONNX: every case but for a few large files. PyTorch and gradients: of each operation the third with the smallest files, all
that must be refused, and for each operation and tag, and for each type, at least the smallest case that has it.
The same input always gives the same choice.
"""

import json
import shutil
import sys
from pathlib import Path

MOST_BYTES_ONNX = 512 * 1024  # the six cases beyond hold nine tenths of all bytes
MOST_BYTES = 64 * 1024  # of a PyTorch case, where a smaller one has the same tags


def size(folder, case):
    return (folder / case["file"]).stat().st_size if case["file"] else 0


def onnx(folder, cases):
    return [case for case in cases if size(folder, case) <= MOST_BYTES_ONNX]


def torch(folder, cases):
    smallest = sorted(cases, key=lambda case: (size(folder, case), case["name"]))
    chosen = set()
    wanted = {}
    for case in smallest:
        wanted[case["op"]] = wanted.get(case["op"], 0) + 1 / 3
    seen = set()
    taken = {}
    for case in smallest:
        marks = {(case["op"], tag) for tag in case["tags"]} | {(case["op"], case["dtype"])}
        new = marks - seen
        fits = taken.get(case["op"], 0) < wanted[case["op"]] and size(folder, case) <= MOST_BYTES
        if case["expect"] == "error" or new or fits:
            chosen.add(case["name"])
            seen |= marks
            taken[case["op"]] = taken.get(case["op"], 0) + 1
    return [case for case in cases if case["name"] in chosen]


def write(source, target, choose):
    manifest = json.loads((source / "manifest.json").read_text())
    cases = choose(source, manifest["cases"])
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for case in cases:
        if case["file"]:
            shutil.copyfile(source / case["file"], target / case["file"])
    manifest = {key: value for key, value in manifest.items() if key not in ("cases", "skipped")}
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    head = json.dumps(manifest, separators=(",", ":"))[:-1]
    (target / "manifest.json").write_text(f'{head},"cases":[\n{lines}\n]}}\n')
    print(f"{target.name}: {len(cases)} cases, {sum(size(source, case) for case in cases)} bytes")


def main():
    source, here = Path(sys.argv[1]), Path(__file__).parent
    write(source / "onnx", here / "onnx", onnx)
    write(source / "torch", here / "torch", torch)
    write(source / "grad", here / "grad", torch)


main()
