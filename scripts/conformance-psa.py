#!/usr/bin/env python3
"""Runs the fixtures of the Pod Security Standards: conformance-psa.py BINARY FOLDER.

FOLDER holds pods.jsonl: a line is {"name", "expect": {"LEVEL/pass|fail": [versions]}, "pod"}. Each version is a case. All
pods are judged at all versions in one run of `bulwark policy judge`.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile


def main():
    binary, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    fixtures = [json.loads(line) for line in (folder / "pods.jsonl").read_text().splitlines() if line.strip()]
    if not fixtures:
        print(f"no pods in {folder}/pods.jsonl")
        return 1
    standards = sorted({f"{key.split('/')[0]}@{v}" for f in fixtures for key, vs in f["expect"].items() for v in vs})
    with tempfile.NamedTemporaryFile("w", suffix=".json") as pods:
        for fixture in fixtures:
            pods.write(json.dumps(fixture["pod"]) + "\n")
        pods.flush()
        command = [binary, "policy", "judge", "--output", "json", pods.name]
        for standard in standards:
            command += ["--standard", standard]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode not in (0, 3):
        print(f"exit {done.returncode}: {done.stderr.strip()}")
        return 1
    # Results come in the order of the pods, for each in the order of the standards.
    results = iter(json.loads(done.stdout)["results"])
    passed = failed = 0
    for number, fixture in enumerate(fixtures, 1):
        got = {standard: next(results) for standard in standards}
        for key, versions in fixture["expect"].items():
            level, expected = key.split("/")
            for version in versions:
                result = got[f"{level}@{version}"]
                assert result["policy"] == f"{level}@{version}", "the order of the results is not that of the pods"
                outcome = {True: "pass", False: "fail", None: f"error: {result['error']}"}[result["allowed"]]
                if outcome == expected:
                    passed += 1
                    continue
                failed += 1
                reasons = "; ".join(f"{v['control']} {v['path']}" for v in result["violations"])
                print(f"FAIL line {number} {fixture['name']} {level}@{version}: expected {expected}, got {outcome} {reasons}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
