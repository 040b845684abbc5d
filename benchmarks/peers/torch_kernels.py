#!/usr/bin/env python3
"""The kernels of a `bellman bench --json OURS` in PyTorch, on the same devices, timed.

    bellman bench --json ours.json
    python3 torch_kernels.py ours.json theirs.json
    bellman bench --from ours.json --compare theirs.json

Measures what OURS holds, with its shapes, precisions and threads, and writes the same JSON: matrix
products, convolutions (in both memory formats), Adam (in all its forms), and those kernels that
only move memory which PyTorch has as one call that writes where it is told. Of several forms a
short look finds the fastest, which is then timed and named. On a GPU twenty calls are one CUDA
graph, as ours are. BF16 is left out: PyTorch has no such products of float32 matrices.

Products, convolutions and Adam are checked before they are timed. The file is written anew after
each result, so that a run that is cut off keeps what it has.

Needs PyTorch (1.13 or newer); runs on CUDA where OURS did and this PyTorch can.
"""

import argparse
import collections
import json
import math
import os
import re
import statistics
import sys
import time

BEGIN = time.perf_counter()  # loading PyTorch counts

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
    return torch.rand(*shape, device=device).sub_(0.25)


def near(expected, actual, what):
    """Both in float64; TF32 has 10 bits behind the point."""
    error = (actual - expected).abs().max() / expected.abs().max()
    assert error <= 0.02, f"{what}: the error is {error:.2g} of the largest element"


def product(device, text):
    """C = op(A) op(B), written in place. Returns the calls to choose from and the FLOP of one."""
    m, n, k, a, b = re.fullmatch(r"(\d+)x(\d+)x(\d+)(?::([nt])([nt]))?", text).groups()
    m, n, k = int(m), int(n), int(k)
    left = uniform(device, k, m).t() if a == "t" else uniform(device, m, k)
    right = uniform(device, n, k).t() if b == "t" else uniform(device, k, n)
    result = torch.empty(m, n, device=device)
    torch.mm(left, right, out=result)
    v = torch.randint(2, (n, 1), device=device).double() * 2 - 1
    near(left.double() @ (right.double() @ v), result.double() @ v, f"C v of {text}")
    return {"": lambda: torch.mm(left, right, out=result)}, 2.0 * m * n * k


def convolution(device, layer, which, batch):
    """One pass on the same numbers in both memory formats, and its FLOP."""
    height, width, c, k, kernel, stride, padding = CONVOLUTIONS[layer]
    outputs = [(size + 2 * padding - kernel) // stride + 1 for size in (height, width)]
    x = uniform(device, batch, c, height, width)
    w = uniform(device, k, c, kernel, kernel)
    bias = uniform(device, k)
    dy = uniform(device, batch, k, *outputs)

    def call(x, w, bias, dy):
        def backward(mask):
            return torch.ops.aten.convolution_backward(
                dy, x, w, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, mask)

        return {
            "forward": lambda: functional.conv2d(x, w, None, stride, padding),
            "relu": lambda: functional.conv2d(x, w, bias, stride, padding).relu_(),
            "data": lambda: backward([True, False, False])[0],
            "filter": lambda: backward([False, True, False])[1],
        }[which]

    torch.backends.cudnn.enabled = False
    expected = call(x.double(), w.double(), bias.double(), dy.double())()
    torch.backends.cudnn.enabled = True
    calls = {}
    for name, memory in (("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)):
        operands = [t.contiguous(memory_format=memory) for t in (x, w, dy)]
        calls[name] = call(operands[0], operands[1], bias, operands[2])
        near(expected, calls[name]().double(), f"{layer} {which} {name}")
    return calls, 2.0 * dy.numel() * c * kernel * kernel


def memory(device, kernel, shape):
    """None where PyTorch has no one call that writes to a given place."""
    rows, cols = map(int, shape.split("x"))
    a, b = 0.25, 0.5
    x = uniform(device, rows, cols)
    x2, y = x.clone(), torch.empty_like(x)
    row = uniform(device, cols)
    index = torch.randint(cols, (rows, 1), device=device)
    picked = torch.empty(rows, 1, device=device)
    best = torch.empty(rows, dtype=torch.long, device=device)
    one = torch.empty((), device=device)
    pixels = x.mul(256).to(torch.int32).to(torch.uint8)
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
            before = p.double()
            calls[form]()
            g = p.grad.double()  # the first step goes by lr g / (|g| + ε)
            near(1e-3 * g / (g.abs() + 1e-8), before - p, f"Adam {form}")
        except (RuntimeError, TypeError, ValueError) as refusal:  # an older release has not all
            calls.pop(form, None)
            print(f"Adam {form} left out: {refusal}", file=sys.stderr)
    return calls


def stepping(device, call):
    """What to run and wait for, and how many calls that is."""
    for _ in range(3):
        call()
    if device == "cpu":
        return call, 1
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(CALLS):
            call()

    def step():
        graph.replay()
        torch.cuda.synchronize()

    return step, CALLS


def microseconds(step, calls, seconds):
    """Mean of one call in a round."""
    done, begin = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - begin < seconds:
        step()
        done += 1
    return (time.perf_counter() - begin) / done / calls * 1e6


def choices(result, device):
    """What measures the same as one of our results, and the FLOP of it; None if nothing does."""
    p = result["parameters"]
    name = result["benchmark"]
    if name == "GemmBenchmark.gemm" and p["rung"] == "engine":
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
    steps = {}
    for form, call in calls.items():
        try:
            steps[form] = stepping(device, call)
        except RuntimeError as refusal:  # not every call can be recorded
            print(f"{result['benchmark']} {form} left out: {refusal}", file=sys.stderr)
    if not steps:
        return None
    looks = {form: [] for form in steps}  # which warm up, too
    for _ in range(2):
        for form, step in steps.items():
            looks[form].append(microseconds(*step, seconds / 3))
    form = min(looks, key=lambda f: min(looks[f]))
    means = [microseconds(*steps[form], seconds) for _ in range(rounds)]
    parameters = dict(result["parameters"], device=device)
    parameters.pop("calls", None)
    parameters.pop("rung", None)
    if form:
        parameters["form"] = form
    return {
        "benchmark": result["benchmark"],
        "parameters": parameters,
        "us": statistics.mean(means),
        "error": T_999[rounds] * statistics.stdev(means) / math.sqrt(rounds),
        "flops": result["flops"],
        "bytes": result["bytes"],
    }


def wanted(ours, devices):
    """Our results with the device each is measured on, once where several of ours are one here."""
    seen = set()
    for result in ours["results"]:
        own = result["parameters"].get("device")
        if own is None:
            continue
        device = "cuda" if own.startswith("cuda") else "cpu"  # onednn, java, reference
        nothing = ("device", "calls") + (("threads",) if device == "cuda" else ())
        key = (result["benchmark"], device, json.dumps(
            {k: v for k, v in result["parameters"].items() if k not in nothing}, sort_keys=True))
        if key not in seen and device in devices:
            seen.add(key)
            yield result, device


def write(file, content):
    """All of it or nothing."""
    part = file + ".part"
    with open(part, "w", encoding="utf-8") as out:
        json.dump(content, out, indent=1)
    os.replace(part, file)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", help="what bellman bench --json wrote")
    parser.add_argument("theirs", help="the file to write")
    parser.add_argument("--device", choices=("cuda", "cpu"), help="only this; default: both")
    parser.add_argument("--seconds", type=float, default=math.inf, metavar="N",
                        help="begin nothing new after so many; default: no limit")
    parser.add_argument("--time", type=float, default=0.1, metavar="S",
                        help="seconds of a round; default: 0.1")
    parser.add_argument("--rounds", type=int, default=5, choices=sorted(T_999), help="default: 5")
    args = parser.parse_args()

    with open(args.ours, encoding="utf-8") as file:
        ours = json.load(file)
    torch.manual_seed(20)
    torch.backends.cudnn.benchmark = True
    devices = {"cpu": f"PyTorch {torch.__version__}"}
    if torch.cuda.is_available():
        devices["cuda"] = f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}"
    else:
        print(f"PyTorch {torch.__version__} sees no GPU here", file=sys.stderr)
    if args.device:
        if args.device not in devices:
            parser.error(f"--device {args.device}: PyTorch {torch.__version__} cannot")
        devices = {args.device: devices[args.device]}
    results, absent, late = [], 0, collections.Counter()
    with torch.no_grad():
        for result, device in wanted(ours, devices):
            if time.perf_counter() - BEGIN > args.seconds:
                late[f"{result['benchmark']} on {device}"] += 1
                continue
            theirs = measure(result, device, args.time, args.rounds)
            if theirs is None:
                absent += 1
                continue
            print(theirs["benchmark"], *(f"{k}={v}" for k, v in theirs["parameters"].items()),
                  f"{theirs['us']:.2f} ± {theirs['error']:.2g} µs", file=sys.stderr, flush=True)
            results.append(theirs)
            write(args.theirs, {"engine": "torch", "devices": devices, "results": results})
    print(f"{len(results)} measured in {time.perf_counter() - BEGIN:.0f} s, "
          f"{absent} have no counterpart here", file=sys.stderr)
    if late:
        print(f"left out, the {args.seconds:g} s are over: "
              + ", ".join(f"{n} {what}" for what, n in late.items()), file=sys.stderr)
    if not results:
        sys.exit("nothing was measured, so nothing was written")


if __name__ == "__main__":
    main()
