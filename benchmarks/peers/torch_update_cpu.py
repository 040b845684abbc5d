#!/usr/bin/env python3
"""One DQN update of the GridWorld network in PyTorch on the CPU, timed.

What UpdateBenchmark measures for Bellman: draw 32 transitions, gather their pictures behind the
goal gate, Q(s) with gradient and Q(s') without, smooth L1, backward, Adam. The replay is laid out
as Bellman's: byte frames stored once, transitions that name two of them.

Two figures for each memory format and each of PyTorch's Adams:
  sampled  the whole update, the batch drawn from the replay (compare this one)
  ready    the same with the batch's tensors made beforehand

Needs PyTorch and NumPy. Prints one line of JSON, times in ms.
"""

import argparse
import copy
import json
import statistics
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

HEIGHT, WIDTH, CHANNELS, GOALS, ACTIONS = 64, 84, 3, 2, 4
GAMMA, EPISODE = 0.9, 16


def network():
    """The network of Mnih et al. 2015 for 6 x 64 x 84: 1,002,148 parameters."""
    return nn.Sequential(
        nn.Conv2d(CHANNELS * GOALS, 32, 8, stride=4), nn.ReLU(),
        nn.Conv2d(32, 64, 4, stride=2), nn.ReLU(),
        nn.Conv2d(64, 64, 3), nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 4 * 7, 512), nn.ReLU(),
        nn.Linear(512, ACTIONS),
    )


class Replay:
    """N transitions over byte frames; random pictures, episodes of EPISODE steps."""

    def __init__(self, n, rng):
        step = np.arange(n)
        self.s = step + step // EPISODE  # an episode of k steps has k + 1 frames
        count = int(self.s[-1]) + 2
        self.frames = rng.integers(0, 256, (count, HEIGHT, WIDTH, CHANNELS), dtype=np.uint8)
        self.goals = rng.integers(0, GOALS, count)
        self.a = rng.integers(0, ACTIONS, n)
        last = step % EPISODE == EPISODE - 1
        self.r = np.where(last, rng.choice([-1.0, 1.0], n), -0.01).astype(np.float32)
        self.discount = np.where(last, 0.0, GAMMA).astype(np.float32)
        self.rng = rng

    def sample(self, batch, memory_format):
        i = self.rng.integers(0, len(self.a), batch)
        return (
            self.pictures(self.s[i], memory_format),
            torch.from_numpy(self.a[i]),
            torch.from_numpy(self.r[i]),
            torch.from_numpy(self.discount[i]),
            self.pictures(self.s[i] + 1, memory_format),
        )

    def pictures(self, index, memory_format):
        """[B, goals * channels, H, W], 0...1 in the goal's channels and 0 in the others."""
        batch = len(index)
        pixels = torch.from_numpy(self.frames[index])  # [B, H, W, C]
        rows, goals = torch.arange(batch), torch.from_numpy(self.goals[index])
        if memory_format == torch.channels_last:
            gated = torch.zeros(batch, HEIGHT, WIDTH, GOALS, CHANNELS)
            gated[rows, :, :, goals] = pixels.float().div_(255)
            return gated.view(batch, HEIGHT, WIDTH, GOALS * CHANNELS).permute(0, 3, 1, 2)
        gated = torch.zeros(batch, GOALS, CHANNELS, HEIGHT, WIDTH)
        gated[rows, goals] = pixels.permute(0, 3, 1, 2).float().div_(255)
        return gated.view(batch, GOALS * CHANNELS, HEIGHT, WIDTH)


class Learner:
    def __init__(self, memory_format, fused):
        torch.manual_seed(20)
        self.online = network().to(memory_format=memory_format)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.adam = torch.optim.Adam(self.online.parameters(), lr=2.5e-4, fused=fused or None)

    def update(self, s, a, r, discount, s_next):
        q = self.online(s).gather(1, a[:, None])[:, 0]
        with torch.no_grad():
            y = r + discount * self.target(s_next).amax(1)
        loss = functional.smooth_l1_loss(q, y)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        self.adam.step()
        return loss


def check(replay):
    """The two layouts hold equal pictures, and the gate is where it should be."""
    index = np.arange(8)
    plain = replay.pictures(index, torch.contiguous_format)
    last = replay.pictures(index, torch.channels_last)
    assert torch.equal(plain, last)
    assert plain.is_contiguous()
    assert last.is_contiguous(memory_format=torch.channels_last)
    for b in range(8):
        goal = replay.goals[b]
        seen = plain[b, goal * CHANNELS:(goal + 1) * CHANNELS]
        assert np.array_equal(
            seen.permute(1, 2, 0).numpy(), replay.frames[b].astype(np.float32) / np.float32(255))
        assert plain[b].sum() == seen.sum()


def median_ms(step, warm_up_seconds, updates):
    end = time.perf_counter() + warm_up_seconds
    while time.perf_counter() < end:
        step()
    times = []
    for _ in range(updates):
        begin = time.perf_counter()
        loss = step()
        times.append((time.perf_counter() - begin) * 1e3)
    assert torch.isfinite(loss)
    return round(statistics.median(times), 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--transitions", type=int, default=2000)
    parser.add_argument("--updates", type=int, default=100, help="timed, for each figure")
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds, for each figure")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    replay = Replay(args.transitions, np.random.default_rng(20))
    check(replay)
    medians = {}
    formats = {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}
    for name, memory_format in formats.items():
        for adam, fused in (("adam", False), ("fused_adam", True)):
            try:
                learner = Learner(memory_format, fused)
            except RuntimeError as refusal:  # before 2.4 the fused Adam is CUDA's alone
                print(f"{adam} left out: {refusal}", file=sys.stderr)
                continue
            ready = replay.sample(args.batch, memory_format)
            figures = {
                "sampled": lambda: learner.update(*replay.sample(args.batch, memory_format)),
                "ready": lambda: learner.update(*ready),
            }
            for figure, step in figures.items():
                medians[f"{figure} {name} {adam}"] = median_ms(step, args.warm_up, args.updates)
    print(json.dumps({
        "engine": "torch", "version": torch.__version__, "threads": torch.get_num_threads(),
        "batch": args.batch, "updates": args.updates, "median_ms": medians,
    }))


if __name__ == "__main__":
    main()
