"""A workload in a library of Rust or JavaScript, which a program of this folder runs."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

CRATES = {"burn": "burn-wgpu", "meganeura": "meganeura", "tract": "tract-onnx", "candle": "candle-core", "rten": "rten"}


def name(library):
    if library == "tfjs":
        known = json.loads(Path(__file__).with_name("tfjs").joinpath("package.json").read_text())["dependencies"]
        return f"TensorFlow.js {known['@tensorflow/tfjs-core']} WebGPU"
    package = Path(__file__).with_name("Cargo.toml").read_text()
    version = re.search("\n" + CRATES[library] + r' = { version = "=([^"]+)"', package)[1]
    return f"{library} {version}" + ("" if library in ("burn", "meganeura") else " CPU")


def on_adapter(case, program, software):
    return Program(case, [program, short(case)], ["--software"] if software else [])


def on_cpu(library, case, inputs, program, folder, threads):
    """On all threads or on one, whichever is faster. `folder` is where `wgpool bench --export` wrote the case."""
    if library == "tract":
        from onnx_model import model

        Path(folder, short(case) + ".onnx").write_bytes(model(case, inputs, False))
    runs = []
    for count in sorted({1, threads}, reverse=True):
        call = [program, library, folder, short(case)]
        runs.append(Program(case, call, [str(count)], RAYON_NUM_THREADS=str(count)))
        runs[-1].threads = count
    together = max(1, int(0.02 / runs[0].time(1)[0]))
    best = min(runs, key=lambda run: min(run.time(together)[0] for _ in range(5)))
    for run in runs:
        if run is not best:
            run.close()
    return best


def tfjs(case, folder, adapter):
    program = Path(__file__).with_name("tfjs") / "main.mjs"
    return Program(case, ["node", str(program), folder, short(case)], [adapter])


def short(case):
    return case["name"].split()[0]


class Program:
    """A process that has the tensors where it computes, and times as many runs as it is told to."""

    def __init__(self, case, before, after, **variables):
        self.errors = tempfile.TemporaryFile("w+")
        with tempfile.TemporaryDirectory() as folder:
            result = os.path.join(folder, "result.f32")
            pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
            self.process = subprocess.Popen([*before, result, *after], **pipes, env=os.environ | variables, text=True)
            said = json.loads(self.answer())
            self.output = np.fromfile(result, np.float32).reshape(case["output"])
        self.device, self.first_result_ms = said["device"], said["first_result_ms"]

    def answer(self):
        if line := self.process.stdout.readline():
            return line
        status = self.process.wait()
        self.errors.seek(0)
        # Dawn warns of limits that it lowers.
        said = [line for line in self.errors.read().splitlines() if not line.startswith("Warning: ")]
        raise RuntimeError("\n".join(said).strip() or f"its program ended with status {status}")

    def result(self):
        return self.output

    def time(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return float(self.answer()), None

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()
