#!/usr/bin/env python3
"""Writes bf16.safetensors: operations on bf16 by PyTorch on the CPU (2.15 was used).

Of each case: its inputs in bf16, the result of the same operation in 64-bit floats, and PyTorch's own in bf16.
"""

import json
import pathlib
import struct

import torch
from torch.nn import functional as F

torch.manual_seed(16)
IMAGE = (2, 3, 7, 8)
CASES = {
    "max": (lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 1)), [IMAGE]),
    "average": (lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), [IMAGE]),
    "adaptive": (lambda x: F.adaptive_avg_pool2d(x, (4, 5)), [IMAGE]),
    "conv": (lambda x, w, b: F.conv2d(x, w, b, (2, 1), 1), [IMAGE, (5, 3, 3, 3), (5,)]),
    "depthwise": (lambda x, w: F.conv2d(x, w, None, 1, 2, 2, 3), [IMAGE, (6, 1, 3, 3)]),
    "transposed": (lambda x, w: F.conv_transpose2d(x, w, None, 2, 1), [IMAGE, (3, 4, 3, 2)]),
    "dense": (F.linear, [(3, 67), (7, 67), (7,)]),
    "softmax": (lambda x: F.softmax(x, -1), [(5, 3, 67)]),
    "silu": (F.silu, [(67, 3)]),
}
KINDS = {torch.bfloat16: "BF16", torch.float64: "F64"}


def main():
    header, data = {}, b""

    def add(name, tensor):
        nonlocal data
        plain = tensor.contiguous().flatten()
        plain = plain.view(torch.int16) if tensor.dtype == torch.bfloat16 else plain
        begin, data = len(data), data + plain.numpy().tobytes()
        header[name] = {
            "dtype": KINDS[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, len(data)],
        }

    for name, (function, shapes) in CASES.items():
        inputs = [torch.randn(shape).to(torch.bfloat16) for shape in shapes]
        add(f"{name}.exact", function(*[x.double() for x in inputs]))
        for i, x in enumerate(inputs):
            add(f"{name}.in{i}", x)
        add(f"{name}.torch", function(*inputs))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = pathlib.Path(__file__).with_suffix(".safetensors")
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    main()
