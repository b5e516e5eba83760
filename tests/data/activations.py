#!/usr/bin/env python3
"""Writes activations.tsv: activations of 32-bit floats by the definitions in PyTorch's and ONNX' documentation.

Computed with 60 digits by mpmath (1.4 was used; `pip install mpmath`) and rounded to 64 bits. Each column is named as
`Activation` reads itself from text; the first holds the arguments.
"""

import pathlib
import struct

from mpmath import erf, exp, inf, isnan, log, mp, mpf, nan, pi, sqrt, tanh

mp.dps = 60


def single(x):
    """The nearest 32-bit float."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def clamp(x, low, high):
    return x if isnan(x) else min(max(x, low), high)


def sigmoid(x):
    return 1 / (1 + exp(-x))


def softplus(x):
    # Of a large number, its exponential takes more digits than there are.
    return x + log(1 + exp(-x)) if x > 60 else log(1 + exp(x)) if x > -100 else exp(x)


def hard_sigmoid(alpha, beta):
    return lambda x: clamp(mpf(single(alpha)) * x + mpf(single(beta)), 0, 1)


def leaky(alpha):
    return lambda x: x if x >= 0 else mpf(single(alpha)) * x


def elu(alpha):
    return lambda x: x if x > 0 else mpf(single(alpha)) * (exp(x) - 1)


FUNCTIONS = {
    "none": lambda x: x,
    "relu": lambda x: max(x, mpf(0)),
    "relu6": lambda x: clamp(x, 0, 6),
    "leaky-relu": leaky(0.01),
    "leaky-relu:0.3": leaky(0.3),
    "elu": elu(1),
    "elu:-0.7": elu(-0.7),
    "sigmoid": sigmoid,
    "hard-sigmoid": hard_sigmoid(single(1 / 6), 0.5),
    "hard-sigmoid:0.2,0.5": hard_sigmoid(0.2, 0.5),
    "tanh": tanh,
    "silu": lambda x: x * sigmoid(x),
    "hard-swish": lambda x: x * clamp(x + 3, 0, 6) / 6,
    "gelu": lambda x: x * (1 + erf(x / sqrt(2))) / 2,
    "gelu-tanh": lambda x: x * (1 + tanh(sqrt(2 / pi) * (x + mpf("0.044715") * x**3))) / 2,
    "mish": lambda x: x * tanh(softplus(x)),
    "softplus": softplus,
    # PReLU with PyTorch's initial slope.
    "prelu": leaky(0.25),
}


def arguments():
    yield from (0.0, -inf, inf)
    for i in range(-40, 41):
        yield single(i * 0.2371)
    for exponent in range(-30, 38, 4):
        for factor in (1.37, -2.61):
            yield single(factor * 10.0**exponent)
    for far in (15.3, 20.7, 44.1, 87.2, 88.9, 103.5):
        yield from (single(far), single(-far))


def written(value):
    return "NaN" if isnan(value) else repr(float(value))


def main():
    lines = ["\t".join(["x", *FUNCTIONS])]
    for x in arguments():
        # Sums of 1 and a small number keep the digits of both.
        mp.dps = 120
        lines.append("\t".join([repr(float(x)), *(written(f(mpf(x))) for f in FUNCTIONS.values())]))
    text = "\n".join(lines) + "\n"
    pathlib.Path(__file__).with_suffix(".tsv").write_text(text)


if __name__ == "__main__":
    main()
