#!/usr/bin/env python3
"""Runs gator's suites: conformance-gatekeeper.py BINARY FOLDER. A case of a suite is counted."""
import json
import os
import subprocess
import sys


def main():
    binary, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    done = subprocess.run(
        [binary, "gatekeeper", "verify", "--output", "json", folder], capture_output=True, text=True, timeout=1200)
    if done.returncode not in (0, 1, 3) or not done.stdout:
        print(f"exit {done.returncode}: {done.stderr.strip()}")
        return 1
    counts = {"pass": 0, "fail": 0, "error": 0, "skip": 0}
    for result in json.loads(done.stdout)["results"]:
        counts[result["outcome"]] += 1
        name = f"{result['suite']}: {result['test']}/{result['case']}"
        if result["outcome"] in ("fail", "error"):
            print(f"FAIL {name}: {result['message']}")
        elif result["outcome"] == "skip":
            print(f"SKIP {name}: the suite says so")
    failed = counts["fail"] + counts["error"]
    print(f"{counts['pass']} passed, {failed} failed, {counts['skip']} skipped")
    return 1 if failed else 0


sys.exit(main())
