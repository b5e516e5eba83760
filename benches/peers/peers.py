#!/usr/bin/env python3
"""wgpool's workloads in other libraries, in turn with wgpool. See README.md beside this."""

import argparse
import ctypes
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import with_program as program
from oracle import Oracle

RUST = ["tract", "candle"]
OWN = ["burn", "meganeura"]
CPU = ["torch", "torch-channels-last", "onnxruntime", *RUST]
CUDA = ["torch-cuda", "torch-cuda-tf32"]
WEBGPU = ["onnxruntime-webgpu", "onnxruntime-webgpu-nchw"]
ADAPTER = ["ncnn", "wonnx", *OWN, "tfjs"]
EVERY = CPU + CUDA + WEBGPU + ADAPTER

# Errors as multiples of wgpool's own bound: peers may use other algorithms (Winograd), and TF32 has 13 bits less.
ALLOWED = {"torch-cuda-tf32": 2.0**13}
ALLOWED_ELSE = 16.0

# As `Effort` of crates/wgpool-testing/src/bench/measure.rs.
FULL = (15, 0.030, 6.0)
QUICK = (3, 0.003, 0.3)


def keep_memory():
    """Has glibc keep what is freed, here and in the programs that are started, wgpool's own too.

    By default it gives large tensors back to the kernel, more or less of them by what was allocated before, and the next run
    pays for its pages again: PyTorch's C5 takes 2.2 ms so, and 0.26 ms behind a case with large tensors.
    """
    os.environ.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(2**31 - 1))
    if platform.libc_ver()[0] == "glibc":
        # M_MMAP_MAX and M_TRIM_THRESHOLD, for this process, which read its environment before.
        ctypes.CDLL(None).mallopt(-4, 0)
        ctypes.CDLL(None).mallopt(-1, 2**31 - 1)


def make(peer, args, folder):
    """A peer's name, and what makes a run of a case and its inputs."""
    if peer.startswith("torch"):
        from with_torch import Torch

        device, options = "cuda" if peer in CUDA else "cpu", (peer.endswith("tf32"), peer.endswith("channels-last"))
        return Torch.name(device, *options), lambda case, inputs: Torch(case, inputs, device, args.threads, *options)
    if peer == "ncnn":
        from with_ncnn import Ncnn

        return Ncnn.name(), lambda case, inputs: Ncnn(case, inputs, args.device["name"])
    if peer == "wonnx":
        from with_wonnx import Wonnx

        return Wonnx.name(), Wonnx
    if peer in OWN:
        return program.name(peer), lambda case, inputs: program.on_adapter(case, built(args, peer), args.device["software"])
    if peer == "tfjs":
        return program.name(peer), lambda case, inputs: program.tfjs(case, folder, args.device["name"])
    if peer in RUST:
        return program.name(peer), lambda case, inputs: program.on_cpu(peer, case, inputs, args.rust, folder, args.threads)
    import with_onnxruntime as onnx

    if peer == "onnxruntime":
        return onnx.Cpu.name(), lambda case, inputs: onnx.Cpu(case, inputs, args.threads)
    layout = "NCHW" if peer.endswith("nchw") else "NHWC"
    return onnx.WebGpu.name(layout), lambda case, inputs: onnx.WebGpu(case, inputs, layout)


def wgpool(args, *rest):
    env = dict(os.environ, RAYON_NUM_THREADS=str(args.threads))
    done = subprocess.run([args.wgpool, *rest], env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"wgpool {' '.join(rest)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def ours(args, short, folder):
    """What `wgpool bench` says of one case."""
    file = os.path.join(folder, "ours.json")
    rest = ["--case", short, "--adapter", args.adapter, "--kernels", args.kernels, "--json", file]
    wgpool(args, "bench", *rest, *(["--quick"] if args.quick else []))
    with open(file) as text:
        return json.load(text)


def in_turn(runs, effort):
    """Times every run, round by round: what else the machine does meets all alike."""
    rounds, target, most = effort
    counts, whole = {}, 0.0
    for name, run in runs.items():
        count = 1
        while (took := run.time(count)[0] * count) < target / 2 and count < 4096:
            count = min(4096, max(count + 1, int(count * min(16.0, max(2.0, target / max(took, 1e-9))))))
        counts[name] = count
        whole += took
    rounds = min(rounds, max(3, int(most / max(whole, 1e-9))))
    samples = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            # Threads of the one before it come to rest.
            time.sleep(0.005)
            samples[name].append(run.time(counts[name]))
    return {name: timing(samples[name], counts[name]) for name in runs}


def timing(samples, count):
    walls, devices = zip(*samples)
    stamps = None if None in devices else spread(devices)
    return {"wall": spread(walls), "timestamp": stamps, "runs_together": count, "samples": len(samples)}


def spread(seconds):
    ordered = sorted(seconds)
    at = lambda share: ordered[round(share * (len(ordered) - 1))] * 1e3
    return {"median_ms": at(0.5), "p10_ms": at(0.1), "p90_ms": at(0.9)}


def known(side, stamps):
    return side["timestamp" if stamps else "wall"]["median_ms"]


def measure(args, case, folder):
    """wgpool, the peers in turn, and wgpool again; its JSON with a field `peer` in the case."""
    short = case["name"].split()[0]
    load = lambda role: np.load(os.path.join(folder, f"{short}.{role}.npy"))
    inputs = [load(f"in{i}") for i in range(len(case["inputs"]))]
    oracle = Oracle(case, inputs)
    if (error := oracle.judge(load("out"))) > 1:
        sys.exit(f"{case['name']}: wgpool's own result is {error:.3g} times its bound away from a sample in 64 bits")

    runs, peers = {}, {}
    for peer in args.peers:
        name, start = make(peer, args, folder)
        try:
            run = start(case, inputs)
            error = oracle.judge(run.result())
        except (NotImplementedError, RuntimeError) as reason:
            peers[name] = {"faults": [str(reason)]}
            continue
        if error > ALLOWED.get(peer, ALLOWED_ELSE):
            peers[name] = {"faults": [f"{error:.3g} times the bound away from a sample in 64 bits"]}
            continue
        device = getattr(run, "device", None)
        if device not in (None, (args.device or {}).get("name")):
            sys.exit(f"{name} took {device}, wgpool {args.device['name']}")
        known_of = {of: getattr(run, of, None) for of in ("first_result_ms", "threads")}
        peers[name] = {"faults": [], "error_of_bound": error, **known_of}
        runs[name] = run

    side = "host" if args.adapter == "host" else "gpu"
    reports, rounds = [ours(args, short, folder)], []
    for _ in range(args.rounds):
        rounds.append(in_turn(runs, QUICK if args.quick else FULL))
        reports.append(ours(args, short, folder))
    for run in runs.values():
        getattr(run, "close", lambda: None)()
    own = [report["cases"][0][side] for report in reports]
    if None in own:
        sys.exit(f"{case['name']}: wgpool was not timed: {[report['cases'][0]['faults'] for report in reports]}")
    report, found = reports[0], reports[0]["cases"][0]
    found["again"] = own[1:]
    for name in runs:
        timed = [timings[name] for timings in rounds]
        stamps = all(t["timestamp"] for t in timed + own)
        # Each round is between two of wgpool's own times.
        between = [statistics.mean(known(t, stamps) for t in pair) for pair in zip(own, own[1:])]
        ratio = statistics.median(known(t, stamps) / o for t, o in zip(timed, between))
        middle = sorted(timed, key=lambda t: known(t, stamps))[(len(timed) - 1) // 2]
        milliseconds = known(middle, stamps)
        rates = {"gbs": case["bytes"] / milliseconds / 1e6, "gflops": case["flops"] / milliseconds / 1e6}
        peers[name].update(middle, **rates, rounds=timed, ours_ms=statistics.median(between), ratio=ratio)
    found["peer"] = peers
    return report


def table(cases, side):
    names = list(dict.fromkeys(name for case in cases for name in case["peer"]))
    yield "| case | wgpool ms | " + " | ".join(f"{name} ms (x)" for name in names) + " |"
    yield "|---" * (2 + len(names)) + "|"
    for case in cases:
        own = [timing["wall"]["median_ms"] for timing in (case[side], *case["again"])]
        cells = [case["name"], f"{statistics.median(own):.3g} ({min(own):.3g} to {max(own):.3g})"]
        for name in names:
            peer = case["peer"][name]
            cells.append("; ".join(" ".join(f.split())[:200] for f in peer["faults"]) or f"{peer['wall']['median_ms']:.3g} ({peer['ratio']:.2f}x)")
        yield "| " + " | ".join(cells) + " |"
    for name in names:
        ratios = [case["peer"][name]["ratio"] for case in cases if "ratio" in case["peer"][name]]
        if ratios:
            mean = statistics.geometric_mean(ratios)
            yield f"{name}: {mean:.2f} times wgpool's time in the geometric mean of {len(ratios)} cases"


def arguments():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wgpool", default=str(here / "../../target/release/wgpool"), help="the program [target/release]")
    parser.add_argument("--peers", help=f"of {', '.join(EVERY)} [CPU's for --adapter host, else what there is]")
    programs = str(here / "target/release/wgpool-peers-")
    parser.add_argument("--programs", default=programs, help="burn's and meganeura's, without their names [%(default)s]")
    parser.add_argument("--rust", default=programs + "cpu", help="tract's and candle's program [%(default)s]")
    parser.add_argument("--case", help="as P1,C2 [all]")
    parser.add_argument("--adapter", default="host", help="wgpool's: host (the host path), gpu, software, or a name [host]")
    parser.add_argument("--kernels", default="auto", choices=["auto", "hardware"], help="wgpool's [auto]")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of CPU peers and of the host path")
    parser.add_argument("--rounds", type=int, default=1, help="of all peers, wgpool before, between and after them [1]")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter measurements")
    parser.add_argument("--json", type=Path, help="file for all figures, in the schema of `wgpool bench --json`")
    args = parser.parse_args()
    args.peers = args.peers.split(",") if args.peers else default_peers(args)
    if unknown := set(args.peers) - set(EVERY):
        parser.error(f"unknown peers: {', '.join(sorted(unknown))}")
    if args.rounds < 1:
        parser.error("--rounds takes at least 1")
    if args.adapter == "host" and set(args.peers) - set(CPU):
        parser.error("the host path is timed beside peers on the CPU; name an --adapter")
    for peer in args.peers:
        path = built(args, peer) if peer in OWN else args.rust
        if peer in (*OWN, *RUST) and not os.path.exists(path):
            parser.error(f"{peer}'s program is not built: there is no {path}")
    return args


def built(args, peer):
    return args.programs + peer


def default_peers(args):
    if args.adapter == "host":
        return [peer for peer in CPU if peer not in RUST or os.path.exists(args.rust)]
    there = lambda name: importlib.util.find_spec(name) is not None
    found = [name for name in ("ncnn", "wonnx") if there(name)]
    found += [name for name in OWN if os.path.exists(built(args, name))]
    found += ["tfjs"] if Path(__file__).with_name("tfjs").joinpath("node_modules").exists() else []
    if there("torch"):
        import torch

        found += CUDA if torch.cuda.is_available() else []
    if there("onnxruntime"):
        import onnxruntime

        found += WEBGPU if "WebGpuExecutionProvider" in onnxruntime.get_available_providers() else []
    return found or sys.exit("no peer computes on an adapter here: see README.md")


def main():
    args = arguments()
    keep_memory()
    with tempfile.TemporaryDirectory() as folder:
        wgpool(args, "bench", "--export", folder, *(["--case", args.case] if args.case else []))
        with open(os.path.join(folder, "cases.json")) as text:
            cases = json.load(text)["cases"]
        whole = None
        args.device = None if args.adapter == "host" else ours(args, cases[0]["name"].split()[0], folder)["adapter"]
        for case in cases:
            print(f"{case['name']} ...", file=sys.stderr, flush=True)
            report = measure(args, case, folder)
            if whole is None:
                whole = report
            else:
                whole["cases"] += report["cases"]
            if args.json:
                args.json.write_text(json.dumps(whole, indent=2) + "\n")
    device = whole["adapter"]["name"] + ", " + whole["adapter"]["driver"] if whole["adapter"] else "host path"
    print(f"{whole['date']}, {device}, {args.threads} threads, Python {platform.python_version()}; x: the peer's time over wgpool's")
    print("\n".join(table(whole["cases"], "host" if args.adapter == "host" else "gpu")))
    faults = [f for case in whole["cases"] for peer in case["peer"].values() for f in peer["faults"]]
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
