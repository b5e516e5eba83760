"""A workload in ONNX Runtime."""

import json
import os
import tempfile
import time

import numpy as np
import onnxruntime as ort

from onnx_model import model

WEBGPU = "WebGpuExecutionProvider"


class Cpu:
    """The CPU provider."""

    def __init__(self, case, inputs, threads):
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        # Its threads rest when it is another's turn.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.session = ort.InferenceSession(model(case, inputs, False), options, providers=["CPUExecutionProvider"])
        self.feed = {"x": ort.OrtValue.ortvalue_from_numpy(inputs[0])}

    @staticmethod
    def name():
        return f"ONNX Runtime {ort.__version__} CPU"

    def result(self):
        return self.session.run_with_ort_values(None, self.feed)[0].numpy()

    def time(self, count):
        start = time.perf_counter()
        for _ in range(count):
            self.session.run_with_ort_values(None, self.feed)
        return (time.perf_counter() - start) / count, None


class WebGpu:
    """The WebGPU provider, with tensors on the device, in its own layout (`NHWC`: it transposes) or in `NCHW`.

    It is proved by a profile that this provider ran every node: without an adapter that Dawn supports, ONNX Runtime
    would compute on the CPU.
    """

    def __init__(self, case, inputs, layout):
        self.layout = layout
        self.document = model(case, inputs, True)
        self.prove()
        self.session = self.open(ort.SessionOptions())
        self.binding = self.session.io_binding()
        self.binding.bind_output("y", "webgpu")
        self.fence = ort.InferenceSession(FENCE, providers=[WEBGPU])

    @staticmethod
    def name(layout):
        return f"ONNX Runtime {ort.__version__} WebGPU {layout}"

    def open(self, options):
        options.log_severity_level = 4
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        options.add_session_config_entry("ep.webgpuexecutionprovider.preferredLayout", self.layout)
        # The input is a constant, which must not make the output one.
        try:
            return ort.InferenceSession(
                self.document, options, providers=[WEBGPU], disabled_optimizers=["ConstantFolding"]
            )
        except Exception as error:
            # Without an adapter, or for an operation that it lacks, it would go on with the CPU: the options above forbid it.
            raise RuntimeError(f"the WebGPU provider does not take it: {error}") from error

    def prove(self):
        with tempfile.TemporaryDirectory() as folder:
            options = ort.SessionOptions()
            options.enable_profiling = True
            options.profile_file_prefix = os.path.join(folder, "profile")
            session = self.open(options)
            self.output = session.run(None, {})[0]
            with open(session.end_profiling()) as file:
                events = [e["args"] for e in json.load(file) if e.get("cat") == "Node"]
        ran = [(e.get("op_name"), e.get("provider")) for e in events if e.get("provider")]
        wrong = [pair for pair in ran if pair[1] != WEBGPU]
        if wrong or not any("Conv" in str(op) or "Pool" in str(op) for op, _ in ran):
            raise RuntimeError(f"the WebGPU provider did not run every node: {ran}")
        self.nodes = [op for op, _ in ran]

    def result(self):
        return self.output

    def time(self, count):
        """A small result, read back through the same queue, says when the device is done."""
        start = time.perf_counter()
        for _ in range(count):
            self.session.run_with_iobinding(self.binding)
        self.fence.run(None, {"x": SMALL})
        return (time.perf_counter() - start) / count, None


SMALL = np.zeros((1, 1, 2, 2), np.float32)
FENCE = model(
    {
        "conv": None,
        "pool": {"kind": "max", **dict.fromkeys(["window", "stride"], [2, 2]), "dilation": [1, 1],
                 **dict.fromkeys(["pad_before", "pad_after"], [0, 0])},
        "inputs": [[1, 1, 2, 2]],
        "output": [1, 1, 1, 1],
    },
    [SMALL],
    False,
)
