#!/usr/bin/env python3
"""The kernels of a `bellman bench --json OURS` in PyTorch, on the same devices, timed.

    bellman bench --json ours.json
    python3 torch_kernels.py ours.json theirs.json
    bellman bench --from ours.json --compare theirs.json

Measures what OURS holds, with its shapes, precisions and threads, and writes the same JSON: matrix
products, convolutions (in both memory formats; the faster counts), Adam (in all its forms; the
fastest counts), and those kernels that only move memory which PyTorch has as one call that writes
where it is told. On a GPU twenty calls are one CUDA graph, as ours are. BF16 is left out: PyTorch
has no such products of float32 matrices.

Needs PyTorch (1.13 or newer); runs on CUDA where OURS did and this PyTorch can.
"""

import argparse
import json
import math
import re
import statistics
import sys
import time

import torch
from torch.nn import functional

CALLS = 20  # of a CUDA graph
T_999 = {3: 31.6, 5: 8.61, 10: 4.78}  # Student's t for a 99.9 % interval, by rounds

CONVOLUTIONS = {  # height, width, in, out, kernel, stride, padding
    "conv1": (64, 84, 6, 32, 8, 4, 0),
    "conv1-folded": (16, 21, 96, 32, 2, 1, 0),
    "conv2": (15, 20, 32, 64, 4, 2, 0),
    "conv3": (6, 9, 64, 64, 3, 1, 0),
    "resnet": (56, 56, 64, 64, 3, 1, 1),
}


def uniform(device, *shape):
    return torch.rand(*shape, device=device) - 0.25


def product(device, text):
    """C = op(A) op(B), written in place. Returns the calls to choose from and the FLOP of one."""
    m, n, k, a, b = re.fullmatch(r"(\d+)x(\d+)x(\d+)(?::([nt])([nt]))?", text).groups()
    m, n, k = int(m), int(n), int(k)
    left = uniform(device, k, m).t() if a == "t" else uniform(device, m, k)
    right = uniform(device, n, k).t() if b == "t" else uniform(device, k, n)
    result = torch.empty(m, n, device=device)
    expected = left.double() @ right.double()
    torch.mm(left, right, out=result)
    assert (result - expected).abs().max() <= 0.02 * expected.abs().max()
    return {"": lambda: torch.mm(left, right, out=result)}, 2.0 * m * n * k


def convolution(device, layer, which, batch):
    height, width, c, k, kernel, stride, padding = CONVOLUTIONS[layer]
    calls = {}
    for name, memory in (("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)):
        x = uniform(device, batch, c, height, width).contiguous(memory_format=memory)
        w = uniform(device, k, c, kernel, kernel).contiguous(memory_format=memory)
        bias = uniform(device, k)
        y = functional.conv2d(x, w, None, stride, padding)
        dy = torch.rand_like(y).contiguous(memory_format=memory)

        def backward(mask, x=x, w=w, dy=dy):
            return torch.ops.aten.convolution_backward(
                dy, x, w, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, mask)

        calls[name] = {
            "forward": lambda x=x, w=w: functional.conv2d(x, w, None, stride, padding),
            "relu": lambda x=x, w=w, b=bias: functional.conv2d(x, w, b, stride, padding).relu_(),
            "data": lambda backward=backward: backward([True, False, False]),
            "filter": lambda backward=backward: backward([False, True, False]),
        }[which]
    return calls, 2.0 * y.numel() * c * kernel * kernel


def memory(device, kernel, shape):
    """None where PyTorch has no one call that writes to a given place."""
    rows, cols = map(int, shape.split("x"))
    a, b = 0.25, 0.5
    x, x2, y = (uniform(device, rows, cols) for _ in range(3))
    row = uniform(device, cols)
    index = torch.randint(cols, (rows, 1), device=device)
    picked = torch.empty(rows, 1, device=device)
    best = torch.empty(rows, dtype=torch.long, device=device)
    one = torch.empty((), device=device)
    pixels = torch.randint(256, (rows, cols), dtype=torch.uint8, device=device)
    calls = {
        "copy": lambda: y.copy_(x),
        "copy_columns": lambda: y.copy_(x),
        "fill": lambda: y.fill_(0.5),
        "spread": lambda: y.copy_(one.expand_as(y)),
        "relu": lambda: torch.clamp(x, min=0, out=y),
        "tanh": lambda: torch.tanh(x, out=y),
        "sigmoid": lambda: torch.sigmoid(x, out=y),
        "exp": lambda: torch.exp(x, out=y),
        "sqrt": lambda: torch.sqrt(x, out=y),
        "square": lambda: torch.square(x, out=y),
        "scale": lambda: torch.mul(x, a, out=y),
        "shift": lambda: torch.add(x, a, out=y),
        "clip": lambda: torch.clamp(x, a, b, out=y),
        "abs": lambda: torch.abs(x, out=y),
        "add": lambda: torch.add(x, x2, out=y),
        "sub": lambda: torch.sub(x, x2, out=y),
        "mul": lambda: torch.mul(x, x2, out=y),
        "max": lambda: torch.maximum(x, x2, out=y),
        "to_float": lambda: torch.div(pixels, 255, out=y),
        "add_row": lambda: torch.add(x, row, out=y),
        "sum_rows": lambda: torch.sum(x, 0, out=row),
        "sum": lambda: torch.sum(x),
        "max_abs": lambda: torch.linalg.vector_norm(x, math.inf),
        "row_argmax": lambda: torch.argmax(x, 1, out=best),
        "pick": lambda: torch.gather(x, 1, index, out=picked),
        "permute": lambda: y.view(rows, cols // 4, 4).copy_(x.view(rows, 4, -1).transpose(1, 2)),
    }
    return {"": calls[kernel]} if kernel in calls else None


def adam(device, parameters):
    calls = {}
    for form in ("for_loop", "foreach", "fused"):
        p = torch.nn.Parameter(uniform(device, parameters))
        p.grad = uniform(device, parameters)
        options = {} if form == "for_loop" else {form: True}
        if device == "cuda":
            options["capturable"] = True
        try:
            calls[form] = torch.optim.Adam([p], lr=1e-3, **options).step
            calls[form]()
        except (RuntimeError, TypeError, ValueError) as refusal:  # an older release has not all
            calls.pop(form, None)
            print(f"Adam {form} left out: {refusal}", file=sys.stderr)
    return calls


def microseconds(device, call, seconds, rounds):
    """Mean of one call and half of its 99.9 % interval."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    for _ in range(3):
        call()
    wait()
    step, calls = call, 1
    if device == "cuda":
        graph, calls = torch.cuda.CUDAGraph(), CALLS
        with torch.cuda.graph(graph):
            for _ in range(CALLS):
                call()
        step = graph.replay
    means = []
    for turn in range(rounds + 1):
        done, begin = 0, time.perf_counter()
        while done == 0 or time.perf_counter() - begin < seconds:
            step()
            wait()
            done += 1
        if turn > 0:  # the first warms up
            means.append((time.perf_counter() - begin) / done / calls * 1e6)
    error = T_999[rounds] * statistics.stdev(means) / math.sqrt(rounds)
    return statistics.mean(means), error


def choices(result, device):
    """What measures the same as one of our results, and the FLOP of it; None if nothing does."""
    p = result["parameters"]
    name = result["benchmark"]
    if name == "GemmBenchmark.gemm" and p["rung"] == "library":
        return product(device, p["product"])
    if name == "ConvolutionBenchmark.pass":
        return convolution(device, p["layer"], p["pass"], int(p["batch"]))
    if name == "MemoryBenchmark.move":
        calls = memory(device, p["kernel"], p["shape"])
        return calls and (calls, None)
    if name == "AdamBenchmark.step":
        return adam(device, int(p["parameters"])), None
    return None


def measure(result, device, seconds, rounds):
    precision = result["parameters"].get("precision", "fp32")
    if precision == "bf16":
        return None
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    if device == "cpu":
        torch.set_num_threads(int(result["parameters"]["threads"]))
    found = choices(result, device)
    if not found or not found[0]:
        return None
    calls, flops = found
    assert flops is None or flops == result["flops"], (result, flops)
    times = {}
    for form, call in calls.items():
        try:
            times[form] = microseconds(device, call, seconds, rounds)
        except RuntimeError as refusal:  # not every call can be recorded
            print(f"{result['benchmark']} {form} left out: {refusal}", file=sys.stderr)
    if not times:
        return None
    form = min(times, key=lambda f: times[f][0])
    parameters = dict(result["parameters"], device=device)
    parameters.pop("calls", None)
    parameters.pop("rung", None)
    return {
        "benchmark": result["benchmark"], "parameters": parameters,
        "us": times[form][0], "error": times[form][1], "form": form,
        "flops": result["flops"], "bytes": result["bytes"],
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", help="what bellman bench --json wrote")
    parser.add_argument("theirs", help="the file to write")
    parser.add_argument("--time", type=float, default=0.3, help="seconds of a round")
    parser.add_argument("--rounds", type=int, default=5, choices=sorted(T_999))
    args = parser.parse_args()

    with open(args.ours, encoding="utf-8") as file:
        ours = json.load(file)
    torch.manual_seed(20)
    torch.backends.cudnn.benchmark = True
    devices = {"cpu": f"PyTorch {torch.__version__}"}
    if torch.cuda.is_available():
        devices["cuda"] = f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}"
    results, seen, absent = [], set(), 0
    with torch.no_grad():
        for result in ours["results"]:
            own = result["parameters"].get("device")
            if own is None:
                continue
            device = "cuda" if own.startswith("cuda") else "cpu"
            key = (result["benchmark"], device, json.dumps(
                {k: v for k, v in result["parameters"].items() if k not in ("device", "calls")},
                sort_keys=True))
            if key in seen or device not in devices:
                continue
            seen.add(key)
            theirs = measure(result, device, args.time, args.rounds)
            if theirs is None:
                absent += 1
                continue
            print(theirs["benchmark"], theirs["parameters"], theirs["form"],
                  f"{theirs['us']:.2f} µs", file=sys.stderr)
            results.append(theirs)
    with open(args.theirs, "w", encoding="utf-8") as file:
        json.dump({"engine": "torch", "devices": devices, "results": results}, file, indent=1)
    print(f"{len(results)} measured, {absent} have no counterpart here", file=sys.stderr)


if __name__ == "__main__":
    main()
