#!/usr/bin/env python3
"""Runs the fixtures of Polaris, checkov and Kubescape: conformance-inspection.py BINARY FOLDER.

FOLDER holds polaris-checks, checkov-k8s, kubescape-rules and fixture-map.tsv, which maps a folder or rule to our checks.
A failing fixture agrees when one of the checks reports a problem on the object that the fixture is about, a passing one when
none does. docs/inspection/differences.md lists where we differ on purpose: such a case is skipped, with its reason, and a
listed case that agrees is a failure, so that the list stays true.
"""
import concurrent.futures
import csv
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BINARY, ROOT = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
DIFFERENCES = pathlib.Path("docs/inspection/differences.md")
PROBLEMS = {"fail", "warn", "error"}
# The kind of object that a Polaris folder is about, where it is not a workload.
POLARIS_KINDS = [
    (r"^clusterrolebinding", {"ClusterRoleBinding"}),
    (r"^rolebinding", {"RoleBinding"}),
    (r"^clusterrole", {"ClusterRole"}),
    (r"^role", {"Role"}),
    (r"^pdb", {"PodDisruptionBudget"}),
    (r"ConfigMap|Configmap", {"ConfigMap"}),
]
WORKLOADS = {"Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController"}


def differences():
    listed = {}
    if DIFFERENCES.exists():
        for line in DIFFERENCES.read_text().splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) >= 4 and cells[1].startswith("`"):
                listed[cells[1].strip("`")] = cells[2]
    return listed


def inspect(files, slugs, settings=()):
    """Problems by object: {(kind, name): {slug: outcome}}, of a file set."""
    command = [BINARY, "inspect", "--output", "json", *settings]
    for slug in slugs:
        command += ["--check", slug]
    done = subprocess.run(command + [str(f) for f in files], capture_output=True, text=True, timeout=60)
    if done.returncode not in (0, 2, 3):
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()}")
    report = json.loads(done.stdout)
    found = {}
    for result in report["results"]:
        if result["outcome"] in PROBLEMS:
            key = (result["subject"]["kind"], result["subject"].get("namespace", ""), result["subject"]["name"])
            found.setdefault(key, {})[report["checks"][result["check"]]["slug"]] = result["outcome"]
    return found


def expectation(name):
    lower = name.lower()
    if re.search(r"fail", lower):
        return "fail"
    if re.search(r"pass|success|mutated", lower):
        return "pass"
    return "unknown" if re.search(r"unkn?own", lower) else None


def polaris(folder, slugs):
    kinds = next((kinds for pattern, kinds in POLARIS_KINDS if re.search(pattern, folder.name)), WORKLOADS)
    for path in sorted(folder.glob("*.yaml")):
        expected = None if path.name.startswith("check") else expectation(path.name)
        if expected:
            yield path.name, expected, lambda path=path: judge(inspect([path], slugs), kinds)


def checkov(folder, slugs):
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        counts = dict((word, int(count)) for count, word in re.findall(r"(\d+)[-_]?(PASSED|FAILED)", path.name))
        if "FAILED" in counts:
            yield path.name, f"{counts['FAILED']} failing", lambda path=path: f"{len(inspect([path], slugs))} failing"
        elif expected := expectation(path.name):
            yield path.name, expected, lambda path=path: judge(inspect([path], slugs), None)


def kubescape(path, slugs):
    for case in json.loads(path.read_text()):
        expected = "fail" if case["expected"] else "pass"

        def run(case=case):
            controls = ((case.get("data") or {}).get("postureControlInputs")) or {}
            settings = []
            for registry in controls.get("imageRepositoryAllowList", []):
                settings += ["--allow-registry", registry]
            for tag in controls.get("floatingImageTags", []):
                settings += ["--floating-tag", tag]
            if not case["input"]:
                return "pass"
            with tempfile.TemporaryDirectory() as folder:
                files = []
                for number, item in enumerate(case["input"]):
                    files.append(pathlib.Path(folder) / f"{number}-{pathlib.Path(item['file']).name}")
                    files[-1].write_text(item["text"])
                return judge(inspect(files, slugs, settings), None)

        yield case["case"], expected, run


def judge(found, kinds):
    """fail, error when nothing but errors came, or pass; of the kinds that the fixture is about."""
    outcomes = {o for key, by_check in found.items() if kinds is None or key[0] in kinds for o in by_check.values()}
    return "pass" if not outcomes else "error" if outcomes == {"error"} else "fail"


def agrees(expected, got):
    # An object that no API server takes is an error with us. Where a tool says failed, that is the same refusal; where it
    # left the question open, so is an error; where it says passed, it is a difference.
    if expected == "unknown":
        return got in ("pass", "error")
    return expected == got or (expected == "fail" and got == "error")


def cases():
    with open(ROOT / "fixture-map.tsv") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            if row["slugs"] == "-":
                continue
            slugs = row["slugs"].split(",")
            if row["suite"] == "polaris-checks":
                source = polaris(ROOT / "polaris-checks" / row["folder_or_rule"], slugs)
            elif row["suite"] == "checkov-k8s":
                source = checkov(ROOT / "checkov-k8s" / row["folder_or_rule"], slugs)
            else:
                path = ROOT / "kubescape-rules" / f"{row['folder_or_rule']}.json"
                source = kubescape(path, slugs) if path.exists() else ()
            for name, expected, run in source:
                yield f"{row['suite']}/{row['folder_or_rule']}/{name}", expected, run


def attempt(case):
    name, expected, run = case
    try:
        got = run()
    except Exception as error:  # A case that cannot be run is a failing case.
        return name, expected, f"no answer: {error}"
    return name, expected, got


def main():
    listed, passed, failed, skipped = differences(), 0, 0, 0
    met, differing = set(), set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, expected, got in pool.map(attempt, cases()):
            entry = next((pattern for pattern in listed if fnmatch.fnmatchcase(name, pattern)), None)
            met.add(entry)
            if agrees(expected, got):
                passed += 1
            elif entry:
                skipped += 1
                differing.add(entry)
                print(f"SKIP {name}: expected {expected}, got {got}: {listed[entry]}")
            else:
                failed += 1
                print(f"FAIL {name}: expected {expected}, got {got}")
    for entry in sorted(met - differing - {None}):
        failed += 1
        print(f"FAIL {entry}: listed as a difference, but it agrees")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


sys.exit(main())
