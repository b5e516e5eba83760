#!/usr/bin/env python3
"""Shrinks the stored activations of a Keras model to what the tests need.

Usage: sample_activations.py FROM TO [FULL]

FROM and TO are files of safetensors with one tensor for each layer and one named "input", all F32 with the batch
first. Only the first image is kept. Layers with more than FULL elements (default 20,000) are replaced by 2,000
of their elements, drawn with a fixed seed: "<layer>.positions" (I32, row-major), "<layer>.values" (F32) and
"<layer>.shape" (I32). The input is always kept whole. Needs nothing beyond Python's standard library.
"""

import json
import random
import struct
import sys

SAMPLES = 2000


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    for name, entry in header.items():
        assert entry["dtype"] == "F32", name
        begin, end = entry["data_offsets"]
        yield name, entry["shape"], data[begin:end]


def write(path, tensors):
    header, data = {}, b""
    for name, dtype, shape, content in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def shrink(tensors, full):
    for name, shape, content in sorted(tensors):
        shape = [1] + shape[1:]
        elements = 1
        for length in shape:
            elements *= length
        content = content[: 4 * elements]
        if name == "input" or elements <= full:
            yield name, "F32", shape, content
            continue
        positions = sorted(random.Random(name).sample(range(elements), SAMPLES))
        values = b"".join(content[4 * at : 4 * at + 4] for at in positions)
        yield name + ".positions", "I32", [SAMPLES], struct.pack(f"<{SAMPLES}i", *positions)
        yield name + ".shape", "I32", [len(shape)], struct.pack(f"<{len(shape)}i", *shape)
        yield name + ".values", "F32", [SAMPLES], values


if __name__ == "__main__":
    full = int(sys.argv[3]) if len(sys.argv) > 3 else 20_000
    write(sys.argv[2], shrink(read(sys.argv[1]), full))
