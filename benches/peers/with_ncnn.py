"""A workload as layers of ncnn on its Vulkan device."""

import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import ncnn
import numpy as np

# Layers that are recorded together at most: each has its own weights.
TOGETHER = 16


class Ncnn:
    """Tensors of 32 bits throughout; the algorithm (Winograd, GEMM) is ncnn's choice, and so is the packing of channels.

    Its Python interface records, uploads, runs and reads back in one call. So the input is a constant on the device, a net
    runs the workload several times and reads back one element of each result, and the time of a net that reads one
    element of the input instead is taken off.
    """

    def __init__(self, case, inputs, adapter):
        devices = [ncnn.get_gpu_info(i).device_name() for i in range(ncnn.get_gpu_count())]
        if adapter not in devices:
            raise RuntimeError(f"ncnn finds no {adapter}, but {devices}")
        if case["pool"] and max(case["pool"]["dilation"]) > 1:
            raise NotImplementedError("ncnn's pooling has no dilation")
        self.device, self.index = adapter, devices.index(adapter)
        self.case, self.inputs, self.nets = case, inputs, {}
        net, names = self.load(1, False)
        self.output = np.stack([self.extract(net, name) for name in names]).reshape(case["output"])

    @staticmethod
    def name():
        return f"ncnn {version('ncnn')}"

    def load(self, copies, small):
        """A net of the workload `copies` times (0: of its input alone), with `small` results joined to one."""
        images, param, weights = self.images(), [], []

        def layer(kind, bottoms, tops, **options):
            given = " ".join(f"{key[1:]}={value}" for key, value in options.items())
            name = f"{kind.lower()}{len(param)}"
            param.append(f"{kind} {name} {len(bottoms)} {len(tops)} {' '.join(bottoms + tops)} {given}")

        ends = []
        for i, image in enumerate(images):
            c, h, w = image.shape
            layer("MemoryData", [], [f"x{i}"], _0=w, _1=h, _2=c)
            weights.append(image.tobytes())
            taken = [f"x{i}c{copy}" for copy in range(max(copies, 1))]
            layer("Split", [f"x{i}"], taken)
            for x in taken:
                y = self.workload(layer, weights, x) if copies else x
                if small:
                    layer("Crop", [y], [f"{x}e"], _0=0, _1=0, _2=0, _3=1, _4=1, _5=1)
                ends.append(f"{x}e" if small else y)
        if small:
            layer("Concat", ends, ["y"], _0=0)
            ends = ["y"]
        blobs = sum(int(line.split()[3]) for line in param)
        net = ncnn.Net()
        net.set_vulkan_device(self.index)
        net.opt.use_vulkan_compute = True
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_packed = net.opt.use_bf16_storage = False
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "weights.bin"
            file.write_bytes(b"".join(weights))
            document = "\n".join(["7767517", f"{len(param)} {blobs}", *param, ""])
            if net.load_param_mem(document) or net.load_model(str(file)):
                raise RuntimeError("ncnn does not load it")
        if other := [layer.type for layer in net.layers() if not layer.support_vulkan]:
            raise RuntimeError(f"ncnn would run {other} on the CPU")
        return net, ends

    def images(self):
        """ncnn's nets have no batches: planes of pooling are channels, images of convolution come one after another."""
        x = self.inputs[0]
        return list(x) if self.case["conv"] else [x.reshape(-1, *x.shape[2:])]

    def workload(self, layer, weights, x):
        if conv := self.case["conv"]:
            _, w, bias = self.inputs
            groups = {"_7": conv["groups"]} if conv["groups"] > 1 else {}
            kind = "ConvolutionDepthWise" if groups else "Convolution"
            y = f"{x}v"
            layer(kind, [x], [y], _0=w.shape[0], **axes(conv["window"], 1, 11), **axes(conv["dilation"], 2, 12),
                  **axes(conv["stride"], 3, 13), **axes(conv["pad_before"], 4, 14), **axes(conv["pad_after"], 15, 16),
                  _5=1, _6=w.size, **groups, _9=int(conv["activation"] == "relu"))
            # The flag says 32 bits.
            weights.extend([bytes(4), w.tobytes(), bias.tobytes()])
            x = y
        if pool := self.case["pool"]:
            y = f"{x}p"
            whole = pool["window"] == self.case["inputs"][0][2:] and not self.case["conv"]
            layer("Pooling", [x], [y], _0=int(pool["kind"] != "max"), **axes(pool["window"], 1, 11),
                  **axes(pool["stride"], 2, 12), **axes(pool["pad_before"], 3, 13), **axes(pool["pad_after"], 14, 15),
                  _4=int(whole), _5=1, _6=int(pool["kind"] == "average_with_padding"))
            x = y
        return x

    def extract(self, net, name):
        extractor = net.create_extractor()
        status, out = extractor.extract(name)
        if status:
            raise RuntimeError(f"ncnn's status is {status}")
        return np.array(out)

    def result(self):
        return self.output

    def net(self, copies):
        if copies not in self.nets:
            self.nets[copies], _ = self.load(copies, True)
            self.extract(self.nets[copies], "y")
        return self.nets[copies]

    def time(self, count):
        copies = min(count, TOGETHER)
        repeats = -(-count // copies)
        spans = []
        for net in (self.net(copies), self.net(0)):
            start = time.perf_counter()
            for _ in range(repeats):
                self.extract(net, "y")
            spans.append(time.perf_counter() - start)
        return (spans[0] - spans[1]) / repeats / copies, None


def axes(values, width, height):
    """ncnn's parameters of width and height."""
    return {f"_{width}": values[1], f"_{height}": values[0]}
