"""A workload in burn, which the program of this folder's Rust package runs."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np


class Burn:
    """A process that has the tensors on the device, and times as many runs as it is told to."""

    def __init__(self, case, program, software):
        self.shape = case["output"]
        with tempfile.TemporaryDirectory() as folder:
            result = os.path.join(folder, "result.f32")
            rest = ["--software"] if software else []
            call = [program, case["name"].split()[0], result, *rest]
            self.process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            said = json.loads(self.answer())
            self.output = np.fromfile(result, np.float32).reshape(self.shape)
        self.device, self.first_result_ms = said["device"], said["first_result_ms"]

    @staticmethod
    def name():
        package = Path(__file__).with_name("Cargo.toml").read_text()
        return "burn " + re.search(r'burn-wgpu = { version = "=([^"]+)"', package)[1]

    def answer(self):
        if line := self.process.stdout.readline():
            return line
        raise RuntimeError(f"burn's program ended with status {self.process.wait()}")

    def result(self):
        return self.output

    def time(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return float(self.answer()), None

    def close(self):
        self.process.stdin.close()
        self.process.wait()
