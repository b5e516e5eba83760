#!/usr/bin/env python3
"""Writes torch_activations.tsv: activations of 32-bit floats as PyTorch computes them in 64 bits on the CPU.

PyTorch 2.15.0 was used (`pip install torch`). Each column is named as `Activation` reads itself from text, that of PReLU
with its slope behind a space; the first holds the arguments.
"""

import math
import pathlib

import torch
from torch.nn import functional as F

SLOPES = (0.25, 0.0, -0.5, math.inf, -math.inf, math.nan)


def prelu(slope):
    return lambda x: F.prelu(x, torch.tensor([slope], dtype=torch.float64))


FUNCTIONS = {
    "elu": F.elu,
    "elu:0.5": lambda x: F.elu(x, 0.5),
    "hard-sigmoid": F.hardsigmoid,
    "hard-swish": F.hardswish,
    "mish": F.mish,
    "softplus": F.softplus,
    **{f"prelu {slope}": prelu(slope) for slope in SLOPES},
}


def main():
    ends = [math.inf, 1e30, 100.0, 30.0, 20.0, 6.0, 3.0, 1e-3, 1e-20, 0.0]
    arguments = [*ends, *(-x for x in ends), math.nan, *(i * 0.4375 for i in range(-20, 21))]
    x = torch.tensor(arguments, dtype=torch.float32).to(torch.float64)
    columns = [x, *(function(x) for function in FUNCTIONS.values())]
    rows = (map(str, row) for row in zip(*(column.tolist() for column in columns)))
    lines = ["\t".join(["x", *FUNCTIONS]), *map("\t".join, rows)]
    pathlib.Path(__file__).with_suffix(".tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
