#!/usr/bin/env python3
"""Whole ONNX networks on the host path and in ONNX Runtime on the CPU, in turn. See README.md beside this."""

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime

from peers import keep_memory, wgpool

# Two programs that round differently, seen at the largest element of an output.
ALLOWED = 1e-4


def arguments():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, help="ONNX files of one input of fixed shape")
    parser.add_argument("--wgpool", default=str(here / "../../target/release/wgpool"), help="the program [target/release]")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of both")
    parser.add_argument("--rounds", type=int, default=3, help="of ONNX Runtime, wgpool before, between and after them [3]")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter measurements")
    return parser.parse_args()


def ours(args, model, folder):
    """wgpool's median of a run in milliseconds."""
    file = folder / "ours.json"
    quick = ["--quick"] if args.quick else []
    wgpool(args, "bench", str(model), "--adapter", "host", "--json", str(file), *quick)
    return json.loads(file.read_text())["cases"][-1]["host"]["wall"]["median_ms"]


def theirs(session, feed, least):
    """ONNX Runtime's median of runs that take `least` seconds together."""
    samples, begun = [], time.perf_counter()
    while len(samples) < 5 or time.perf_counter() - begun < least:
        start = time.perf_counter()
        session.run(None, feed)
        samples.append((time.perf_counter() - start) * 1e3)
    return statistics.median(samples)


def check(args, session, feed, model, folder):
    """Ends the program unless both compute the same."""
    [(name, x)] = feed.items()
    np.save(folder / "x.npy", x)
    given = f"{name}={folder / 'x.npy'}"
    wgpool(args, "run", str(model), "--adapter", "host", "--input", given, "--out", str(folder / "out"))
    files = sorted((folder / "out").glob("*.npy"))
    outputs = session.run(None, feed)
    if len(files) != len(outputs):
        sys.exit(f"{model}: {len(files)} outputs, ONNX Runtime has {len(outputs)}")
    # As `wgpool run` names files.
    names = [re.sub("[^A-Za-z0-9_.-]", "_", output.name) for output in session.get_outputs()]
    for file in files:
        expected = outputs[names.index(file.stem)]
        error = np.abs(np.load(file) - expected).max() / np.abs(expected).max()
        if not error <= ALLOWED:
            sys.exit(f"{model}: {file.stem} differs from ONNX Runtime's by {error:.3g} of its largest element")


def measure(args, model, folder):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    [x] = session.get_inputs()
    feed = {x.name: np.random.default_rng(1).random(x.shape, np.float32)}
    check(args, session, feed, model, folder)
    least = 0.3 if args.quick else 2.0
    own, other = [ours(args, model, folder)], []
    for _ in range(args.rounds):
        other.append(theirs(session, feed, least))
        own.append(ours(args, model, folder))
    between = [statistics.mean(pair) for pair in zip(own, own[1:])]
    ratio = statistics.median(o / w for o, w in zip(other, between))
    print(f"| {model.stem} | {statistics.median(own):.3g} ({min(own):.3g} to {max(own):.3g}) | {statistics.median(other):.3g} ({ratio:.2f}x) |", flush=True)
    return ratio


def main():
    args = arguments()
    keep_memory()
    print(f"{args.threads} threads; x: ONNX Runtime's time over wgpool's\n\n| network | wgpool ms | ONNX Runtime {onnxruntime.__version__} ms (x) |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        ratios = []
        for i, model in enumerate(args.models):
            own = Path(folder, str(i))
            own.mkdir()
            ratios.append(measure(args, model, own))
    print(f"{statistics.geometric_mean(ratios):.2f} times wgpool's time in the geometric mean of {len(ratios)} networks")


if __name__ == "__main__":
    main()
