#!/usr/bin/env python3
"""Runs the tests of Kyverno's ValidatingPolicies: conformance-kyverno-cel.py BINARY FOLDER.

FOLDER holds kyverno-test.yaml files, each with policies, resources and results. A result is counted once for each object that
it names. Left out is what needs more than CEL: Kyverno's own functions, and data that its tests put beside the cluster.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

OWN = re.compile(r"\b(resource\.(Get|List|Post)|http\.(Get|Post)|globalContext\.Get|image\(|images\.|\.GetMetadata\(|"
                 r"parseServiceAccount\(|parseImageReference|generator\.|json\.unmarshal|yaml\.parse)")


def parse(binary, text):
    """The document of a YAML text, by the program's own reader."""
    keys = dict.fromkeys(re.findall(r"(?m)^([A-Za-z]+):", text))
    expression = "{" + ", ".join(f"'{key}': {key}" for key in keys) + "}"
    done = subprocess.run([binary, "cel", "eval", expression, "--input", "-"], input=text, capture_output=True,
                          text=True)
    if done.returncode:
        raise ValueError(done.stderr.strip())
    return json.loads(done.stdout)


def main():
    binary, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    counts, reasons = {"passed": 0, "failed": 0, "skipped": 0}, {}

    def skip(label, why, count=1):
        counts["skipped"] += count
        reasons[why] = reasons.get(why, 0) + count
        print(f"SKIP {label}: {why}")

    for file in sorted(folder.rglob("kyverno-test.yaml")):
        test, home = parse(binary, file.read_text()), file.parent
        name = str(file.parent.parent.relative_to(folder))
        policies = [home / path for path in test["policies"]]
        resources = [home / path for path in test.get("resources", []) + test.get("targetResources", [])]
        label = lambda result: f"{name}/{result['policy']}/{result.get('kind', '')}"
        wanted = [(result, item) for result in test["results"] for item in result["resources"]]
        missing = [path for path in resources if not path.exists()]
        resources = [path for path in resources if path.exists()]
        if not resources:
            skip(name, "its file is not in the folder", len(wanted))
            continue
        own = OWN.search("\n".join(json.dumps(parse(binary, path.read_text())["spec"]) for path in policies))
        if own:
            skip(name, f"uses Kyverno's own function {own.group().strip('.(')}", len(wanted))
            continue
        if "context" in test:
            skip(name, "takes data from a context beside the cluster", len(wanted))
            continue
        command = [binary, "cel", "judge", "-o", "json"]
        for path in policies:
            command += ["-f", str(path)]
        if "userinfo" in test:
            info = parse(binary, (home / test["userinfo"]).read_text())["userInfo"]
            command += ["--user", info.get("username", "")]
            for group in info.get("groups", []):
                command += ["--group", group]
        if "variables" in test:
            for namespace in parse(binary, (home / test["variables"]).read_text()).get("namespaces", []):
                path = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"{os.getpid()}-{namespace['metadata']['name']}.json"
                path.write_text(json.dumps({"apiVersion": "v1", "kind": "Namespace"} | namespace))
                command += ["--namespaces", str(path)]
        done = subprocess.run(command + [str(path) for path in resources], capture_output=True, text=True, timeout=120)
        try:
            results = json.loads(done.stdout)["results"]
        except ValueError:
            counts["failed"] += len(wanted)
            print(f"FAIL {name}: {done.stderr.strip()[:300]}")
            continue
        for result, item in wanted:
            namespace, _, plain = item.rpartition("/")
            found = [r for r in results if r["subject"]["name"] == plain
                     and (not namespace or (r["subject"].get("namespace") or "default") == namespace)
                     and (not result.get("kind") or r["subject"]["kind"] == result["kind"])]
            if not found and missing:
                skip(f"{label(result)}/{item}", "its file is not in the folder")
                continue
            if not found:
                counts["failed"] += 1
                print(f"FAIL {label(result)}/{item}: the object is not there")
                continue
            got = []
            for entry in found:
                violations = [v for v in entry["violations"] + entry["ignored"] if v["policy"] == result["policy"]]
                if any(v["isError"] for v in violations):
                    got.append("error")
                elif violations:
                    got.append("fail")
                else:
                    got.append("pass" if result["policy"] in entry["policies"] else "skip")
            if all(outcome == result["result"] for outcome in got):
                counts["passed"] += 1
            else:
                counts["failed"] += 1
                detail = [v["message"] for r in found for v in r["violations"] + r["ignored"]] or done.stderr.strip()
                print(f"FAIL {label(result)}/{item}: expected {result['result']}, got {','.join(got)}: {str(detail)[:300]}")
    for why, count in sorted(reasons.items()):
        print(f"{count} left out: {why}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


sys.exit(main())
