"""What a workload's elements are: a sample of them in 64 bits, each with the bound that wgpool's reference states."""

import numpy as np

EPS = 2.0**-23
SAMPLE = 200


class Oracle:
    """Values and bounds of SAMPLE elements of one case, drawn by a fixed seed."""

    def __init__(self, case, inputs):
        self.case, self.inputs = case, inputs
        draw = np.random.default_rng(1)
        self.places = [tuple(int(draw.integers(n)) for n in case["output"]) for _ in range(SAMPLE)]
        self.exact, self.bound = map(np.array, zip(*map(self.element, self.places)))

    def element(self, place):
        if self.case["pool"] is None:
            return self.conv(place)
        n, c, *at = place
        pool = self.case["pool"]
        if self.case["conv"] is None:
            taps = [(float(self.inputs[0][(n, c, *p)]), 0.0) for p in inside(pool, at, self.inputs[0].shape[2:])]
        else:
            shape = conv_shape(self.case)
            taps = [self.conv((n, c, *p)) for p in inside(pool, at, shape)]
        values, bounds = map(np.array, zip(*taps))
        if pool["kind"] == "max":
            return values.max(), bounds.max()
        count = np.prod(pool["window"]) if pool["kind"] == "average_with_padding" else len(values)
        return values.sum() / count, bounds.sum() / count + 8 * EPS * np.abs(values).sum() / count

    def conv(self, place):
        n, o, *at = place
        conv, (x, w, bias) = self.case["conv"], self.inputs
        first = o // (w.shape[0] // conv["groups"]) * w.shape[1]
        channels = x[n, first : first + w.shape[1]].astype(np.float64)
        terms = [float(bias[o])]
        for tap in np.ndindex(*conv["window"]):
            p = position(conv, at, tap)
            if all(0 <= i < length for i, length in zip(p, x.shape[2:])):
                terms.extend(channels[(slice(None), *p)] * w[(o, slice(None), *tap)].astype(np.float64))
        value = float(np.sum(terms))
        if conv["activation"] == "relu":
            value = max(value, 0.0)
        return value, 8 * EPS * float(np.abs(terms).sum())

    def judge(self, result):
        """The largest error as a multiple of the bound; infinite for a wrong shape, or where no error is allowed."""
        if list(result.shape) != self.case["output"] or not np.isfinite(result).all():
            return float("inf")
        error = np.abs(np.array([float(result[p]) for p in self.places]) - self.exact)
        return float(np.max(np.where(error == 0, 0.0, error / np.maximum(self.bound, 1e-300))))


def position(windows, at, tap):
    every = zip(at, tap, windows["stride"], windows["dilation"], windows["pad_before"])
    return tuple(a * stride + t * dilation - pad for a, t, stride, dilation, pad in every)


def inside(windows, at, shape):
    places = (position(windows, at, tap) for tap in np.ndindex(*windows["window"]))
    return [p for p in places if all(0 <= i < n for i, n in zip(p, shape))]


def conv_shape(case):
    """Spatial lengths between convolution and pooling."""
    conv, shape = case["conv"], case["inputs"][0][2:]
    every = zip(shape, *(conv[k] for k in ("window", "stride", "dilation", "pad_before", "pad_after")))
    return [(n + before + after - dilation * (k - 1) - 1) // s + 1 for n, k, s, dilation, before, after in every]
