"""A workload as an ONNX model in wonnx."""

import time
from importlib.metadata import version

import numpy as np
import wonnx

import onnx_model

# As many copies of a workload are recorded together: each has buffers of its own.
TOGETHER = 4
FEED = {"zero": [0.0]}


class Wonnx:
    """On the adapter that its wgpu prefers, which wonnx does not name.

    Its Python interface takes and gives lists of numbers. So the input is a constant on the device, a session runs the
    workload several times and gives the sum of one element of each plane, and the time of a session that runs it once is
    taken off. Picking and adding the elements are two small dispatches a workload.
    """

    device = None

    def __init__(self, case, inputs):
        self.case, self.inputs, self.sessions = case, inputs, {}
        (values,) = self.run(self.load(onnx_model.once(case, inputs))).values()
        self.output = np.array(values, np.float32).reshape(case["output"])

    @staticmethod
    def name():
        return f"wonnx {version('wonnx')}"

    def load(self, document):
        return failing(lambda: wonnx.Session.from_bytes(document))

    def run(self, session):
        return failing(lambda: session.run(FEED))

    def result(self):
        return self.output

    def session(self, copies):
        if copies not in self.sessions:
            self.sessions[copies] = self.load(onnx_model.repeated(self.case, self.inputs, copies))
            self.run(self.sessions[copies])
        return self.sessions[copies]

    def time(self, count):
        repeats = -(-count // (TOGETHER - 1))
        spans = []
        for session in (self.session(TOGETHER), self.session(1)):
            start = time.perf_counter()
            for _ in range(repeats):
                self.run(session)
            spans.append(time.perf_counter() - start)
        return (spans[0] - spans[1]) / repeats / (TOGETHER - 1), None


def failing(call):
    try:
        return call()
    except BaseException as panic:
        # Its panics are no `Exception`.
        if type(panic).__name__ != "PanicException":
            raise
        raise RuntimeError(f"wonnx: {panic}") from None
