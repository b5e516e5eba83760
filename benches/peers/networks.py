#!/usr/bin/env python3
"""Whole ONNX networks in wgpool and in other libraries, in turn. See README.md beside this."""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime

import with_program
from peers import keep_memory, wgpool

# Two programs that round differently, seen at the largest element of an output.
ALLOWED = 1e-4


def arguments():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, help="ONNX files of one input of fixed shape")
    parser.add_argument("--wgpool", default=str(here / "../../target/release/wgpool"), help="the program [target/release]")
    parser.add_argument("--peers", default="onnxruntime", help="from onnxruntime, onnxruntime-webgpu, ncnn, tract, rten [onnxruntime]")
    parser.add_argument("--adapter", default="host", help="of wgpool: a GPU's name, or the host path [host]")
    parser.add_argument("--program", default=str(here / "target/release/wgpool-peers-networks"), help="of tract and rten")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of all")
    parser.add_argument("--rounds", type=int, default=3, help="of the others, wgpool before, between and after them [3]")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter measurements")
    return parser.parse_args()


def ours(args, model, folder):
    """wgpool's median of a run in milliseconds, from an input in host memory to the output there."""
    file = folder / "ours.json"
    quick = ["--quick"] if args.quick else []
    wgpool(args, "bench", str(model), "--adapter", args.adapter, "--json", str(file), *quick)
    place = "host" if args.adapter == "host" else "gpu"
    return json.loads(file.read_text())["cases"][-1][place]["wall"]["median_ms"]


def median_of(run, least):
    """In milliseconds, of five runs and `least` seconds."""
    samples, begun = [], time.perf_counter()
    while len(samples) < 5 or time.perf_counter() - begun < least:
        start = time.perf_counter()
        run()
        samples.append((time.perf_counter() - start) * 1e3)
    return statistics.median(samples)


class OnnxRuntime:
    """A session, and its median of runs."""

    def __init__(self, args, model, provider):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        start = time.perf_counter()
        self.session = onnxruntime.InferenceSession(str(model), options, providers=[provider])
        if self.session.get_providers()[0] != provider:
            sys.exit(f"{model}: ONNX Runtime has no {provider}")
        [x] = self.session.get_inputs()
        self.feed = {x.name: np.random.default_rng(1).random(x.shape, np.float32)}
        self.outputs = self.session.run(None, self.feed)
        self.first = (time.perf_counter() - start) * 1e3

    def time(self, least):
        return median_of(lambda: self.session.run(None, self.feed), least)


class Ncnn:
    """The network as `pnnx` makes it for ncnn, on its Vulkan device with tensors of 32 bits, and its median of runs."""

    def __init__(self, model, x, expected, folder):
        # Only its user needs it.
        import ncnn

        self.convert(model, folder)
        devices = [ncnn.get_gpu_info(i).device_name() for i in range(ncnn.get_gpu_count())]
        if len(devices) != 1:
            raise RuntimeError(f"ncnn finds {devices}: `VK_DRIVER_FILES` names the driver of one")
        start = time.perf_counter()
        self.net, self.image = ncnn.Net(), ncnn.Mat(x[0])
        self.net.set_vulkan_device(0)
        option = self.net.opt
        option.use_vulkan_compute = True
        option.use_fp16_packed = option.use_fp16_storage = option.use_fp16_arithmetic = False
        option.use_bf16_packed = option.use_bf16_storage = False
        if self.net.load_param(str(folder / "net.ncnn.param")) or self.net.load_model(str(folder / "net.ncnn.bin")):
            raise RuntimeError("ncnn does not load it")
        output = self.run()
        self.first = (time.perf_counter() - start) * 1e3
        if (error := distance(output.reshape(expected.shape), expected)) > ALLOWED:
            raise RuntimeError(f"its output differs by {error:.3g}")

    @staticmethod
    def convert(model, folder):
        """Writes the network's files beside a copy of the model, where the converter writes them."""
        shutil.copy(model, folder / "net.onnx")
        # Its program of C++, for its Python wants torch.
        pnnx = Path(find_spec("pnnx").origin).with_name("pnnx")
        done = subprocess.run([pnnx, "net.onnx", "fp16=0"], cwd=folder, capture_output=True, text=True)
        if not (folder / "net.ncnn.param").exists():
            raise RuntimeError(f"pnnx does not convert it: {done.stderr.strip()[-200:]}")

    def run(self):
        extractor = self.net.create_extractor()
        extractor.input("in0", self.image)
        status, output = extractor.extract("out0")
        if status:
            raise RuntimeError(f"ncnn's status is {status}")
        return np.array(output)

    def time(self, least):
        return median_of(self.run, least)


class InRust:
    """A program that runs the network in tract or rten, and its median of runs."""

    def __init__(self, args, library, model, x, expected, folder):
        x.tofile(folder / "x.f32")
        case = {"name": model.stem, "output": expected.shape}
        call = [args.program, library, str(model), str(folder / "x.f32")]
        after = [str(args.threads), *map(str, x.shape)]
        threads = {name: str(args.threads) for name in ("RAYON_NUM_THREADS", "RTEN_NUM_THREADS")}
        self.program = with_program.Program(case, call, after, **threads)
        if (error := distance(self.program.result(), expected)) > ALLOWED:
            self.program.close()
            raise RuntimeError(f"its output differs by {error:.3g}")
        self.first = self.program.first_result_ms

    def time(self, least):
        samples, begun = [], time.perf_counter()
        while len(samples) < 5 or time.perf_counter() - begun < least:
            samples.append(self.program.time(1)[0] * 1e3)
        return statistics.median(samples)


def check(args, runtime, model, folder):
    """Ends the program unless both compute the same. Milliseconds of wgpool's whole process."""
    [(name, x)] = runtime.feed.items()
    np.save(folder / "x.npy", x)
    given = f"{name}={folder / 'x.npy'}"
    start = time.perf_counter()
    wgpool(args, "run", str(model), "--adapter", args.adapter, "--input", given, "--out", str(folder / "out"))
    took = (time.perf_counter() - start) * 1e3
    files = sorted((folder / "out").glob("*.npy"))
    outputs = runtime.outputs
    if len(files) != len(outputs):
        sys.exit(f"{model}: {len(files)} outputs, ONNX Runtime has {len(outputs)}")
    # As `wgpool run` names files.
    names = [re.sub("[^A-Za-z0-9_.-]", "_", output.name) for output in runtime.session.get_outputs()]
    for file in files:
        require(model, f"wgpool's {file.stem}", np.load(file), outputs[names.index(file.stem)])
    return took


def distance(output, expected):
    """As a share of the largest element."""
    return np.abs(output - expected).max() / np.abs(expected).max()


def require(model, whose, output, expected):
    """Ends the program unless an output is that of ONNX Runtime on the CPU."""
    if not (error := distance(output, expected)) <= ALLOWED:
        sys.exit(f"{model}: {whose} differs from ONNX Runtime's output by {error:.3g} of its largest element")


def measure(args, model, folder):
    """The ratio of each peer's time to wgpool's."""
    runtime = OnnxRuntime(args, model, "CPUExecutionProvider")
    took = check(args, runtime, model, folder)
    [x], [expected, *_] = runtime.feed.values(), runtime.outputs
    peers, refused = {}, {}
    for name in args.peers.split(","):
        if name == "onnxruntime":
            peers[name] = runtime
        elif name == "onnxruntime-webgpu":
            peers[name] = OnnxRuntime(args, model, "WebGpuExecutionProvider")
            require(model, name, peers[name].outputs[0], expected)
        else:
            # A library that computes something else, or refuses the file, is not timed.
            try:
                if name == "ncnn":
                    peers[name] = Ncnn(model, x, expected, folder)
                else:
                    peers[name] = InRust(args, name, model, x, expected, folder)
            except RuntimeError as error:
                refused[name] = str(error)
    least = 0.3 if args.quick else 2.0
    own, ratios, times = [ours(args, model, folder)], {name: [] for name in peers}, {name: [] for name in peers}
    for _ in range(args.rounds):
        for name, peer in peers.items():
            times[name].append(peer.time(least))
            own.append(ours(args, model, folder))
            ratios[name].append(times[name][-1] / statistics.mean(own[-2:]))
    ratios = {name: statistics.median(found) for name, found in ratios.items()}
    timed = {name: f"{statistics.median(times[name]):.3g} ({ratios[name]:.2f}x, {peers[name].first:.3g})" for name in peers}
    cells = [(timed | refused)[name] for name in args.peers.split(",")]
    print(f"| {model.stem} | {statistics.median(own):.3g} ({min(own):.3g} to {max(own):.3g}, {took:.3g}) | {' | '.join(cells)} |", flush=True)
    return ratios


def main():
    args = arguments()
    keep_memory()
    names = args.peers.split(",")
    runtime = f"ONNX Runtime {onnxruntime.__version__}"
    known = {"onnxruntime": runtime, "onnxruntime-webgpu": runtime + " WebGPU", "ncnn": "ncnn's Vulkan"}
    titles = [known[name] if name in known else with_program.name(name) for name in names]
    print(f"{args.threads} threads; ms of a run (x: over wgpool's; then ms from the file to the first result, wgpool's of its whole process)\n")
    print(f"| network | wgpool | {' | '.join(titles)} |\n|{'---|' * (len(names) + 2)}")
    with tempfile.TemporaryDirectory() as folder:
        ratios = []
        for i, model in enumerate(args.models):
            own = Path(folder, str(i))
            own.mkdir()
            ratios.append(measure(args, model, own))
    print()
    for name, title in zip(names, titles):
        if own := [found[name] for found in ratios if name in found]:
            print(f"{title}: {statistics.geometric_mean(own):.2f} times wgpool's time in the geometric mean of {len(own)} networks")


if __name__ == "__main__":
    main()
