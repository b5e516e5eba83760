"""The oracle takes right results and refuses wrong ones: `python3 -m unittest` in this folder, with NumPy alone."""

import unittest

import numpy as np

from oracle import Oracle

WINDOWS = {"window": [3, 3], "stride": [1, 1], "dilation": [1, 1], "pad_before": [1, 1], "pad_after": [1, 1]}


def slices(x, fill):
    """The nine shifted images whose taps a window of 3x3 has."""
    x = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=fill)
    h, w = x.shape[2] - 2, x.shape[3] - 2
    return [x[:, :, i : i + h, j : j + w] for i in range(3) for j in range(3)]


class OracleTest(unittest.TestCase):
    def setUp(self):
        draw = np.random.default_rng(2)
        self.x = draw.uniform(-1, 1, (2, 4, 6, 7)).astype(np.float32)
        self.w = draw.uniform(-1, 1, (6, 2, 3, 3)).astype(np.float32)
        self.b = draw.uniform(-1, 1, 6).astype(np.float32)

    def judge(self, case, right, inputs):
        case = {"conv": None, "pool": None, "inputs": [list(i.shape) for i in inputs], **case}
        case["output"] = list(right.shape)
        oracle = Oracle(case, inputs)
        self.assertLessEqual(oracle.judge(right.astype(np.float32)), 1)
        self.assertGreater(oracle.judge(np.roll(right, 1, axis=3).astype(np.float32)), 1)
        self.assertGreater(oracle.judge((right * 1.001).astype(np.float32)), 1)
        self.assertEqual(oracle.judge(right[:, :, :-1]), float("inf"))
        self.assertEqual(oracle.judge(np.full(right.shape, np.nan)), float("inf"))

    def conv(self):
        x = np.stack([s.astype(np.float64) for s in slices(self.x, 0.0)], axis=-1)
        sums = [np.einsum("nchwt,oct->nohw", x[:, 2 * g : 2 * g + 2], self.w[3 * g : 3 * g + 3].reshape(3, 2, 9)) for g in (0, 1)]
        return np.maximum(np.concatenate(sums, axis=1) + self.b[None, :, None, None], 0)

    def test_pooling(self):
        pool = {"kind": "max", **WINDOWS}
        self.judge({"pool": pool}, np.max(slices(self.x, -np.inf), axis=0), [self.x])
        mean = np.nanmean(np.array(slices(self.x, np.nan), np.float64), axis=0)
        self.judge({"pool": {**pool, "kind": "average"}}, mean, [self.x])
        mean = np.mean(np.array(slices(self.x, 0.0), np.float64), axis=0)
        self.judge({"pool": {**pool, "kind": "average_with_padding"}}, mean, [self.x])

    def test_grouped_convolution_and_pooling_of_it(self):
        conv = {"groups": 2, "activation": "relu", **WINDOWS}
        self.judge({"conv": conv}, self.conv(), [self.x, self.w, self.b])
        pool = {"kind": "max", **WINDOWS}
        self.judge({"conv": conv, "pool": pool}, np.max(slices(self.conv(), -np.inf), axis=0), [self.x, self.w, self.b])


if __name__ == "__main__":
    unittest.main()
