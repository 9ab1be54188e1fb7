#!/usr/bin/env python3
"""Times netform beside its peers, in turns, on one machine: one process a run, REPS runs each, medians.

    cargo build --release -p netform-bench
    python3 -m venv venv && venv/bin/pip install -r benches/peers/requirements.txt
    venv/bin/python benches/peers/compare.py --netform target/release/netform-bench [--peer NAME=PROGRAM ..]

A peer's program has netform-bench's command line and prints the same line of JSON; one that does not know
a workload fails, and the table says so. `--without NAME` leaves one out.

Prints one table a mode: microseconds a step, the median of the runs' medians, and how many times
netform's time that is. Load from other processes during a run is shown beside it.
"""
import argparse, json, os, statistics, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
p = argparse.ArgumentParser()
p.add_argument("--netform", required=True)
p.add_argument("--peer", action="append", default=[], metavar="NAME=PROGRAM", help="one more program")
p.add_argument("--without", action="append", default=[], metavar="NAME")
p.add_argument("--workloads", default="tiny,mlp,cnn,lstm,gru,gpt,seq2seq")
p.add_argument("--modes", default="train,infer")
p.add_argument("--threads", default="2,1")
p.add_argument("--reps", type=int, default=5)
p.add_argument("--seconds", type=float, default=1.5, help="about how long the timed part of a run is")
a = p.parse_args()

PEERS = {
    "netform": [a.netform],
    "torch eager": [sys.executable, f"{HERE}/torch_bench.py", "--variant", "eager"],
    "torch eager, fused optimizer": [sys.executable, f"{HERE}/torch_bench.py", "--variant", "eager-fused"],
    "torch.compile": [sys.executable, f"{HERE}/torch_bench.py", "--variant", "compile"],
    "jax": [sys.executable, f"{HERE}/jax_bench.py"],
}
for peer in a.peer:
    name, program = peer.split("=", 1)
    PEERS[name] = program.split()
for name in a.without:
    del PEERS[name]
# Microseconds a step, roughly, of training and of inference.
GUESS = {
    "tiny": (60, 10), "mlp": (4000, 60), "cnn": (50000, 300), "lstm": (10000, 400),
    "gru": (10000, 400), "gpt": (50000, 1000), "seq2seq": (60000, 3000),
}


def cpu():
    """Jiffies of work done by all processes."""
    f = list(map(int, open("/proc/stat").readline().split()[1:9]))
    return sum(f) - f[3] - f[4]


def run(argv, workload, mode, threads):
    guess = GUESS[workload][mode == "infer"]
    steps = max(20, min(20000, int(a.seconds * 1e6 / guess)))
    before, own = cpu(), os.times()
    out = subprocess.run(
        argv + ["--workload", workload, "--mode", mode, "--threads", str(threads), "--steps", str(steps)],
        capture_output=True, text=True, timeout=600)
    now = os.times()
    mine = (now.children_user + now.children_system - own.children_user - own.children_system) * os.sysconf("SC_CLK_TCK")
    other = max(0.0, cpu() - before - mine) / max(1.0, (now.elapsed - own.elapsed) * os.sysconf("SC_CLK_TCK"))
    lines = [l for l in out.stdout.splitlines() if l.startswith("{")]
    if not lines:
        return None
    return json.loads(lines[-1]) | {"other": other}


for mode in a.modes.split(","):
    for threads in map(int, a.threads.split(",")):
        print(f"\n{mode}, {threads} thread{'s' * (threads > 1)}\n")
        print("| workload | peer | us a step | range of the runs | times netform | load of others |\n|---|---|---|---|---|---|")
        for workload in a.workloads.split(","):
            rows = {name: [] for name in PEERS}
            for _ in range(a.reps):
                for name, argv in PEERS.items():
                    r = run(argv, workload, mode, threads)
                    if r:
                        rows[name].append(r)
            base = None
            for name, runs in rows.items():
                if not runs:
                    print(f"| {workload} | {name} | did not run | | | |")
                    continue
                t = [r["median_us"] for r in runs]
                m = statistics.median(t)
                base = base or m
                load = statistics.median(r["other"] for r in runs)
                print(f"| {workload} | {name} | {m:,.2f} | {min(t):,.2f} to {max(t):,.2f} | {m / base:.2f} | {load:.2f} |", flush=True)
