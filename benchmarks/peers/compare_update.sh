#!/usr/bin/env bash
# One DQN update on the CPU, Bellman beside PyTorch: rounds of the one and the other in turn, on
# the same cores, so that a machine that grows slower does so for both. Prints the medians of the
# rounds and the ratio. Leave the machine idle otherwise.
#
#   benchmarks/peers/compare_update.sh THREADS ROUNDS
#
#   PYTHON    the Python that has PyTorch and NumPy; default: python3
#   DEVICE    onednn (default) or java
#   CORES     cores for both, as taskset has them; default: 0-(THREADS-1)
#   WARM_UP   seconds of each warm-up; default: 10 for Java, 2 for each figure of PyTorch
#   UPDATES   timed in a round, for each figure; default: 200
#   BATCH     default: 32
set -euo pipefail

[[ ${1:-} =~ ^[1-9][0-9]*$ && ${2:-} =~ ^[1-9][0-9]*$ && $# == 2 ]] || {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}
threads=$1 rounds=$2
peers=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=$(cd "$peers/../.." && pwd)
python=${PYTHON:-python3}
java=java
[ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
batch=${BATCH:-32} updates=${UPDATES:-200}

"$python" -c 'import torch, numpy' || {
  echo "compare_update: $python has no PyTorch or no NumPy; set PYTHON to one that has" >&2
  exit 1
}
"$home/bellman" --version >&2 # builds what is missing
on=()
if command -v taskset >/dev/null; then
  on=(taskset -c "${CORES:-0-$((threads - 1))}")
else
  echo "compare_update: no taskset: the system chooses the cores" >&2
fi

# OpenMP's threads wait for each other: whatever else wants a core multiplies the time, and most
# where they spin, as PyTorch's do.
if [ -r /proc/loadavg ]; then
  read -r load _ </proc/loadavg
  [ "${load%.*}" = 0 ] || echo "compare_update: the machine is busy (load $load): do not trust these figures" >&2
fi

results=$(mktemp)
trap 'rm -f "$results"' EXIT

ours() { # as the launcher starts it
  OMP_NUM_THREADS=$threads OMP_WAIT_POLICY=passive ${on[@]+"${on[@]}"} "$java" \
    -Xshare:auto -XX:+UseSerialGC -Xms64m -Xmx768m -cp "$home/benchmarks/target/app/*" \
    bellman.benchmarks.UpdateTimes "${DEVICE:-onednn}" "$threads" "$batch" "${WARM_UP:-10}" "$updates"
}

theirs() { # as PyTorch comes, threads apart
  env -u OMP_WAIT_POLICY OMP_NUM_THREADS="$threads" ${on[@]+"${on[@]}"} "$python" \
    "$peers/torch_update_cpu.py" \
    --threads "$threads" --batch "$batch" --warm-up "${WARM_UP:-2}" --updates "$updates"
}

for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds" >&2
  # Who goes first changes, so that neither always finds the machine cooler.
  if ((round % 2)); then
    ours | tee -a "$results" >&2
    theirs | tee -a "$results" >&2
  else
    theirs | tee -a "$results" >&2
    ours | tee -a "$results" >&2
  fi
done

"$python" - "$results" <<'PYTHON'
import json, statistics, sys

rounds = {}
for line in open(sys.argv[1]):
    result = json.loads(line)
    for figure, ms in result["median_ms"].items():
        rounds.setdefault((result["engine"], figure), []).append(ms)
medians = {key: statistics.median(times) for key, times in rounds.items()}
ours = medians["bellman", "sampled"]
print(f"{'engine':8} {'figure':33} {'ms':>8} {'min':>8} {'max':>8} {'/ours':>6}")
for (engine, figure), ms in medians.items():
    times = rounds[engine, figure]
    print(f"{engine:8} {figure:33} {ms:8.3f} {min(times):8.3f} {max(times):8.3f} {ms / ours:6.2f}")
for kind in ("sampled", "ready"):
    best = min((ms, f) for (e, f), ms in medians.items() if e == "torch" and f.startswith(kind))
    print(f"PyTorch's best, {kind} ({best[1]}): {best[0]:.3f} ms = {best[0] / ours:.2f} x Bellman's {ours:.3f} ms")
PYTHON
