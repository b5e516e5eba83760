"""A workload in PyTorch, as its user writes it (eager)."""

import time

import torch
import torch.nn.functional as F


class Torch:
    """`device` is `cpu` or `cuda`; TF32 is for the tensor cores of the latter.

    With `channels_last`, input, weights and output lie so in memory; else NCHW.
    """

    def __init__(self, case, inputs, device, threads, tf32=False, channels_last=False):
        torch.set_num_threads(threads)
        self.case, self.cuda, self.tf32 = case, device == "cuda", tf32
        layout = lambda t: torch.channels_last if channels_last and t.dim() == 4 else torch.contiguous_format
        self.tensors = [t.to(device).contiguous(memory_format=layout(t)) for t in map(torch.from_numpy, inputs)]
        self.configure()

    @staticmethod
    def name(device, tf32=False, channels_last=False):
        what = torch.cuda.get_device_name() + (" TF32" if tf32 else "") if device == "cuda" else "CPU"
        return f"PyTorch {torch.__version__} {what}" + (" channels_last" if channels_last else "")

    def configure(self):
        if self.cuda:
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = self.tf32
            torch.backends.cudnn.benchmark = True

    def run(self):
        x = self.tensors[0]
        if conv := self.case["conv"]:
            _, w, bias = self.tensors
            x, pad = padded(x, conv, 0.0)
            x = F.conv2d(x, w, bias, conv["stride"], pad, conv["dilation"], conv["groups"])
            x = torch.relu_(x) if conv["activation"] == "relu" else x
        if pool := self.case["pool"]:
            if pool["kind"] == "max":
                x, pad = padded(x, pool, float("-inf"))
                x = F.max_pool2d(x, pool["window"], pool["stride"], pad, pool["dilation"])
            else:
                if pool["pad_before"] != pool["pad_after"]:
                    raise NotImplementedError("average pooling with uneven padding")
                with_padding = pool["kind"] == "average_with_padding"
                x = F.avg_pool2d(x, pool["window"], pool["stride"], pool["pad_before"], False, with_padding)
        return x

    def result(self):
        with torch.inference_mode():
            self.configure()
            return self.run().cpu().numpy()

    def time(self, count):
        """Seconds of one of `count` runs: by the wall, and by the device's own events or None."""
        with torch.inference_mode():
            self.configure()
            if not self.cuda:
                start = time.perf_counter()
                for _ in range(count):
                    self.run()
                return (time.perf_counter() - start) / count, None
            events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
            torch.cuda.synchronize()
            start = time.perf_counter()
            events[0].record()
            for _ in range(count):
                self.run()
            events[1].record()
            torch.cuda.synchronize()
            wall = time.perf_counter() - start
            return wall / count, events[0].elapsed_time(events[1]) / 1e3 / count


def padded(x, windows, value):
    """Padding that differs before and after an axis is a step of its own."""
    before, after = windows["pad_before"], windows["pad_after"]
    if before == after:
        return x, before
    sides = [n for pair in zip(before[::-1], after[::-1]) for n in pair]
    return F.pad(x, sides, value=value), [0] * len(before)
