#!/usr/bin/env python3
"""One DQN update of the GridWorld network in PyTorch on a GPU, and one act, timed.

The update is that of torch_update_cpu.py, its batch already on the GPU, in the forms that are
fastest there:
  graph          one CUDA graph, Adam fused and capturable
  compile+graph  one of what torch.compile makes of the update
both in either memory format.
The act is eager: a picture as floats to the GPU, Q, argmax, the action back.

Two figures for each form: the median of calls that are waited for, and the mean of as many that
are given in a row before the one wait. Compare the latter with `bellman bench Update -p ahead=16`.
Needs PyTorch with CUDA, and NumPy. Prints one line of JSON, times in microseconds.
"""

import argparse
import copy
import json
import statistics
import sys
import time

import numpy as np
import torch
from torch.nn import functional

from torch_update_cpu import ACTIONS, CHANNELS, GAMMA, GOALS, HEIGHT, WIDTH, network

FORMATS = {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}


def update(batch, memory_format, fused):
    """The update as a function without arguments: each call learns from the same batch."""
    torch.manual_seed(20)
    online = network().cuda().to(memory_format=memory_format)
    target = copy.deepcopy(online).requires_grad_(False)
    adam = torch.optim.Adam(online.parameters(), lr=2.5e-4, capturable=True, fused=fused or None)
    shape = (batch, CHANNELS * GOALS, HEIGHT, WIDTH)
    s, s_next = (torch.rand(shape, device="cuda").to(memory_format=memory_format) for _ in "12")
    a = torch.randint(0, ACTIONS, (batch, 1), device="cuda")
    r = torch.randn(batch, device="cuda")
    discount = torch.full((batch,), GAMMA, device="cuda")

    def step():
        q = online(s).gather(1, a)[:, 0]
        with torch.no_grad():
            y = r + discount * target(s_next).amax(1)
        loss = functional.smooth_l1_loss(q, y)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        return loss.detach()

    return step


def graph(step):
    """The step as a CUDA graph, after some calls on a stream of their own."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    recorded = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recorded):
        loss = step()

    def replay():
        recorded.replay()
        return loss

    return replay


def act():
    net = network().cuda()
    picture = np.random.default_rng(20).random((1, CHANNELS * GOALS, HEIGHT, WIDTH), np.float32)

    def step():
        with torch.inference_mode():
            return net(torch.from_numpy(picture).cuda()).argmax(1).cpu().numpy()

    return step


def figures(step, calls):
    end = time.perf_counter() + 1
    while time.perf_counter() < end:
        step()
    torch.cuda.synchronize()
    waits = []
    for _ in range(calls):
        begin = time.perf_counter()
        step()
        torch.cuda.synchronize()
        waits.append((time.perf_counter() - begin) * 1e6)
    begin = time.perf_counter()
    for _ in range(calls):
        last = step()
    torch.cuda.synchronize()
    row = (time.perf_counter() - begin) * 1e6 / calls
    assert np.isfinite(np.asarray(last if isinstance(last, np.ndarray) else last.cpu())).all()
    return {"waits": round(statistics.median(waits), 1), "in a row": round(row, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[32, 1024])
    parser.add_argument("--calls", type=int, default=300, help="timed, for each figure")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("torch_update_cuda: this PyTorch sees no GPU")

    torch.backends.cudnn.benchmark = True
    microseconds = {}
    for precision in ("fp32", "tf32"):
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        for batch in args.batch:
            case = f"{precision} batch {batch}"
            for name, memory_format in FORMATS.items():
                step = graph(update(batch, memory_format, fused=True))
                microseconds[f"graph {name} {case}"] = figures(step, args.calls)
                try:
                    torch._dynamo.reset()
                    step = graph(torch.compile(update(batch, memory_format, fused=False)))
                    microseconds[f"compile+graph {name} {case}"] = figures(step, args.calls)
                except Exception as refusal:  # a compiler may be missing
                    print(f"compile+graph {name} {case} left out: {refusal}"[:300], file=sys.stderr)
        microseconds[f"act eager {precision}"] = figures(act(), args.calls)
    print(json.dumps({
        "engine": "torch", "version": torch.__version__, "gpu": torch.cuda.get_device_name(),
        "cudnn": torch.backends.cudnn.version(), "microseconds": microseconds,
    }))


if __name__ == "__main__":
    main()
