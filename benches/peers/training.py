#!/usr/bin/env python3
"""Steps of training in wgpool and in other libraries, in turn. See README.md beside this."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from peers import keep_memory

BATCH = 32
NETWORKS = {"nopool": "without pooling", "pool": "with pooling", "resnet20": "ResNet-20"}
RATES = {"nopool": 1e-3, "pool": 1e-3, "resnet20": 0.05}
CPU = ["torch", "torch-channels-last"]
RUST = ["burn", "meganeura"]
# How far losses of the first step may lie from PyTorch's, and those of three more steps: as a share of the first.
ALLOWED, ALLOWED_LATER = 2e-5, 5e-3


def arguments():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of sandal_sneaker.safetensors and init_*_224.safetensors")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--peers", default=",".join(CPU), help=f"from {', '.join(CPU + RUST)} [{','.join(CPU)}]")
    parser.add_argument("--adapter", default="host", choices=["host", "software", "gpu"], help="of wgpool [host]")
    parser.add_argument("--programs", type=Path, default=here / "target/release", help="folder of the programs in Rust")
    parser.add_argument("--layout", default="nhwc", choices=["nhwc", "nchw"], help="wgpool's [nhwc]")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of all")
    parser.add_argument("--rounds", type=int, default=5, help="of the others, wgpool before, between and after them [5]")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a measurement, of one step at least [2]")
    parser.add_argument("--default-memory", action="store_true", help="leave it to the C library what becomes of freed memory")
    return parser.parse_args()


def safetensors(path):
    """Every tensor of a file."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    types = {"F32": np.float32, "U8": np.uint8, "I64": np.int64, "I32": np.int32, "U16": np.uint16, "U32": np.uint32}
    found = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            begin, end = (8 + length + at for at in entry["data_offsets"])
            found[name] = np.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return found


def enlarged(images, size):
    """As the reference of training has it: two zeros on every side, then bilinear in whole numbers."""
    scale = size // 32
    images = np.pad(images, ((0, 0), (2, 2), (2, 2))).astype(np.int64)
    at = 2 * np.arange(size) + 1 - scale
    low = np.floor_divide(at, 2 * scale)
    after = at - low * 2 * scale
    before = 2 * scale - after
    a, b = np.clip(low, 0, 31), np.clip(low + 1, 0, 31)
    rows = images[:, a, :] * before[None, :, None] + images[:, b, :] * after[None, :, None]
    both = rows[:, :, a] * before[None, None, :] + rows[:, :, b] * after[None, None, :]
    return ((both + 2 * scale * scale) // (4 * scale * scale)).astype(np.uint8)


class Tutorial(nn.Module):
    def __init__(self, pools):
        super().__init__()
        self.pools = pools
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(3, 10, 3), nn.Conv2d(10, 10, 3), nn.Conv2d(10, 10, 3)
        self.dense_out = nn.Linear((26 if pools else 218) ** 2 * 10, 1)

    def forward(self, x):
        for number, conv in enumerate([self.conv1, self.conv2, self.conv3]):
            x = conv(x)
            x = F.relu(x) if self.pools or number == 0 else x
            x = F.max_pool2d(x, 2) if self.pools else x
        return torch.sigmoid(self.dense_out(x.flatten(1)))


class Normed(nn.Sequential):
    def __init__(self, before, channels, window, stride):
        conv = nn.Conv2d(before, channels, window, stride, window // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(channels))


class Block(nn.Module):
    def __init__(self, before, channels, stride):
        super().__init__()
        self.a, self.b = Normed(before, channels, 3, stride), Normed(channels, channels, 3, 1)
        self.c = Normed(before, channels, 1, stride) if before != channels else nn.Identity()

    def forward(self, x):
        return F.relu(self.b(F.relu(self.a(x))) + self.c(x))


class ResNet20(nn.Module):
    """He et al. (2015), section 4.2, with convolutions in the shortcuts that change shapes."""

    def __init__(self):
        super().__init__()
        self.stem = Normed(3, 16, 3, 1)
        stages = [(16, 16), (16, 32), (32, 64)]
        ends = [(stages[at // 3][0 if at % 3 == 0 else 1], stages[at // 3][1], 2 if at in (3, 6) else 1) for at in range(9)]
        self.blocks = nn.ModuleList(Block(*end) for end in ends)
        self.dense = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.dense(x.mean((2, 3)))


class Torch:
    """PyTorch's own step on the CPU."""

    def __init__(self, name, data, threads, channels_last):
        torch.set_num_threads(threads)
        # The same weights and examples for all.
        torch.manual_seed(1)
        self.name = name
        if name == "resnet20":
            self.model = ResNet20()
            self.x, self.y = torch.randn(BATCH, 3, 32, 32), torch.arange(BATCH) % 10
            self.loss = nn.CrossEntropyLoss()
            self.optimizer = torch.optim.SGD(self.model.parameters(), RATES[name], momentum=0.9)
        else:
            self.model = Tutorial(name == "pool")
            given = safetensors(data / f"init_{name}_224.safetensors")
            side = 26 if name == "pool" else 218
            own = dict(self.model.named_parameters())
            for key, value in given.items():
                if key.endswith("kernel") and value.ndim == 4:
                    value = value.transpose(3, 2, 0, 1)
                elif key.endswith("kernel"):
                    value = value.reshape(side, side, 10).transpose(2, 0, 1).reshape(1, -1)
                own[key.replace("kernel", "weight")].data.copy_(torch.from_numpy(value.copy()))
            photographs = safetensors(data / "sandal_sneaker.safetensors")
            grey = enlarged(photographs["train_images"][:BATCH], 224).astype(np.float32) / np.float32(255)
            self.x = torch.from_numpy(np.repeat(grey[:, None], 3, 1))
            self.y = torch.from_numpy(photographs["train_labels"][:BATCH].astype(np.float32)[:, None])
            self.loss = nn.BCELoss()
            self.optimizer = torch.optim.Adam(self.model.parameters(), RATES[name], eps=1e-7)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)

    def write(self, folder):
        """Weights and examples as the programs in Rust take them."""
        for order in ("nchw", "nhwc"):
            (folder / order).mkdir()

        def both(key, nchw, nhwc):
            for order, value in (("nchw", nchw), ("nhwc", nhwc)):
                np.ascontiguousarray(value, np.float32).tofile(folder / order / f"{key}.f32")

        x = self.x.numpy()
        both("x", x, x.transpose(0, 2, 3, 1))
        both("y", self.y.numpy(), self.y.numpy())
        side = {"pool": 26, "nopool": 218, "resnet20": 1}[self.name]
        for key, value in self.model.named_parameters():
            value = value.detach().numpy()
            key = key.replace("blocks.", "block").replace("weight", "kernel").replace(".0.kernel", ".kernel")
            if value.ndim == 4:
                both(key, value, value.transpose(2, 3, 1, 0))
            elif value.ndim == 2:
                units = value.shape[0]
                rows = value.reshape(units, -1, side, side).transpose(0, 2, 3, 1).reshape(units, -1)
                both(key, value.T, rows.T)
            elif ".1." not in key:
                both(key, value, value)

    def step(self):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def time(self, count):
        start = time.perf_counter()
        for _ in range(count):
            self.step()
        return (time.perf_counter() - start) / count

    def close(self):
        pass


class Program:
    """A library in Rust, in a process of its own."""

    def __init__(self, call, threads):
        self.errors = tempfile.TemporaryFile("w+")
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        env = os.environ | {"RAYON_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen([*map(str, call)], **pipes, env=env, text=True)
        said = json.loads(self.answer())
        self.device, self.losses, self.first = said["device"], said["losses"], said["first_step_ms"]

    def answer(self):
        # Libraries log there too.
        while line := self.process.stdout.readline():
            if line[0] in "{0123456789":
                return line
        status = self.process.wait()
        self.errors.seek(0)
        raise RuntimeError(self.errors.read().strip()[-600:] or f"its program ended with status {status}")

    def time(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return float(self.answer())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def agree(losses, expected):
    """Raises unless the first steps' losses are PyTorch's."""
    for at, (loss, wanted) in enumerate(zip(losses, expected)):
        if not abs(loss - wanted) <= (ALLOWED if at == 0 else ALLOWED_LATER) * abs(expected[0]):
            raise RuntimeError(f"the loss of step {at + 1} is {loss:.6g}, PyTorch's {wanted:.6g}")


def measure(args, name, folder):
    peers, refused, ratios = {}, {}, {}
    plain = Torch(name, args.data, args.threads, False)
    plain.write(folder)
    expected = [plain.step() for _ in range(4)]
    program = args.programs / "wgpool-peers-training"
    own = Program([program, name, folder, args.adapter, *(["nchw"] if args.layout == "nchw" else [])], args.threads)
    agree(own.losses, expected)
    for peer in args.peers.split(","):
        try:
            if peer in CPU:
                made = Torch(name, args.data, args.threads, peer.endswith("last"))
                made.losses = [made.step() for _ in range(4)]
            else:
                call = [args.programs / f"wgpool-peers-training-{peer}", name, folder]
                made = Program([*call, *(["--software"] if args.adapter == "software" else [])], args.threads)
            agree(made.losses, expected)
            peers[peer] = made
        except RuntimeError as error:
            refused[peer] = str(error)
    everyone = {"wgpool": own, **peers}
    counts = {key: max(1, int(args.seconds / one.time(1))) for key, one in everyone.items()}
    timed = {key: lambda key=key: everyone[key].time(counts[key]) * 1e3 for key in everyone}
    ours, times, ratios = [timed["wgpool"]()], {peer: [] for peer in peers}, {peer: [] for peer in peers}
    for _ in range(args.rounds):
        for peer in peers:
            times[peer].append(timed[peer]())
            ours.append(timed["wgpool"]())
            ratios[peer].append(times[peer][-1] / statistics.mean(ours[-2:]))
    for one in everyone.values():
        one.close()
    ratios = {peer: statistics.median(found) for peer, found in ratios.items()}
    said = {peer: f"{statistics.median(times[peer]):.3g} ({ratios[peer]:.2f}x)" for peer in peers} | refused
    cells = [said[peer].replace("\n", " ") for peer in args.peers.split(",")]
    print(f"| {NETWORKS[name]} | {statistics.median(ours):.3g} ({min(ours):.3g} to {max(ours):.3g}) | {' | '.join(cells)} |", flush=True)
    return ratios


def main():
    args = arguments()
    if not args.default_memory:
        keep_memory()
    names, peers = args.networks.split(","), args.peers.split(",")
    if unknown := [name for name in names if name not in NETWORKS] + [peer for peer in peers if peer not in CPU + RUST]:
        sys.exit(f"unknown: {', '.join(unknown)}")
    print(f"{args.threads} threads, {args.adapter}, PyTorch {torch.__version__}; ms of a step of {BATCH} (x: over wgpool's)\n")
    print(f"| network | wgpool | {' | '.join(peers)} |\n|{'---|' * (len(peers) + 2)}", flush=True)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            measure(args, name, Path(folder))


if __name__ == "__main__":
    main()
