#!/usr/bin/env python3
"""Runs commands in turn and prints a table of what each took.

measure.py RUNS LABEL COMMAND... [-- LABEL COMMAND...]...

Round by round every command runs once, so that all are measured in the same minutes. Each run is a process from start to
exit: CPU seconds (user + system, with its children), elapsed seconds, seconds to the first byte of output, the largest
resident memory, and the length of the output, which is read and thrown away. Medians are printed as a table and, as the
last line, as JSON. The kernel counts this program's own memory (some 10 MB) at the start of each command, so a smaller
figure than that cannot be seen.
"""
import json
import os
import select
import statistics
import subprocess
import sys
import time


def run(command):
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    pipe, first, length = process.stdout.fileno(), None, 0
    while True:
        select.select([pipe], [], [])
        block = os.read(pipe, 1 << 20)
        if first is None and block:
            first = time.perf_counter() - started
        if not block:
            break
        length += len(block)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "cpu": usage.ru_utime + usage.ru_stime,
        "elapsed": time.perf_counter() - started,
        "first": first if first is not None else float("nan"),
        "memory": usage.ru_maxrss / 1024,
        "output": length / 1e6,
        "status": process.returncode,
    }


def main():
    runs, arguments = int(sys.argv[1]), sys.argv[2:]
    commands, current = [], []
    for argument in arguments + ["--"]:
        if argument == "--":
            commands.append((current[0], current[1:]))
            current = []
        else:
            current.append(argument)
    for _, command in commands:
        run(command)  # warms the page cache; not counted
    taken = {label: [] for label, _ in commands}
    for _ in range(runs):
        for label, command in commands:
            taken[label].append(run(command))
    print("\n| what | CPU s | min-max | elapsed s | first byte s | memory MB | output MB | exit |")
    print("|---|---|---|---|---|---|---|---|")
    medians = {}
    for label, results in taken.items():
        median = {key: statistics.median(r[key] for r in results) for key in results[0]}
        medians[label] = median
        low, high = min(r["cpu"] for r in results), max(r["cpu"] for r in results)
        print(
            f"| {label} | {median['cpu']:.3f} | {low:.3f}-{high:.3f} | {median['elapsed']:.3f} | {median['first']:.3f} "
            f"| {median['memory']:.0f} | {median['output']:.1f} | {median['status']:.0f} |"
        )
    print(json.dumps(medians))


main()
