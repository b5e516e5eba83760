#!/usr/bin/env python3
"""Writes elementwise.tsv: functions of elements by NumPy (2.4 was used), in 64 bits, of 32-bit floats and each two of them.

The first two columns hold the operands; others are named as `Elementwise::named` knows the functions. Those of one operand
take the first.
"""

import math
import pathlib

import numpy as np

UNARY = {
    "negate": np.negative,
    "absolute": np.abs,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "reciprocal": lambda x: 1 / x,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "sign": np.sign,
    "erf": np.vectorize(math.erf),
}
BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "power": np.power,
    "equal": np.equal,
    "less": np.less,
    "less_or_equal": np.less_equal,
    "greater": np.greater,
    "greater_or_equal": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
}
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, -4.0, 1.1e-5, 87.25, math.inf, -math.inf, math.nan]


def main():
    numbers = np.array(NUMBERS, np.float32).astype(np.float64)
    a, b = (grid.ravel() for grid in np.meshgrid(numbers, numbers, indexing="ij"))
    with np.errstate(all="ignore"):
        columns = [a, b, *(f(a) for f in UNARY.values()), *(f(a, b) for f in BINARY.values())]
    lines = ["\t".join(["a", "b", *UNARY, *BINARY])]
    for row in zip(*columns):
        lines.append("\t".join("NaN" if math.isnan(x) else repr(float(x)).removesuffix(".0") for x in row))
    pathlib.Path(__file__).with_suffix(".tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
