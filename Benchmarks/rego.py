#!/usr/bin/env python3
"""One decision of the Gatekeeper library's privileged-container template on a 4 KB pod: rego.py, called by `rego`.

JSON bytes in, answer as JSON out, policies compiled once. Both sides run in turns, in one process each, and count CPU time.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

PEER = """
import json, sys, time, regorus
engine = regorus.Engine()
engine.set_rego_v0(True)
for path in sys.argv[3:]:
    engine.add_policy(path, open(path).read())
text = open(sys.argv[1]).read()
count = int(sys.argv[2])
def round():
    engine.set_input_json(text)
    return engine.eval_query_as_json("data.k8spspprivileged.violation")
answer = round()
for _ in range(500):
    round()
start = time.process_time()
for _ in range(count):
    round()
print((time.process_time() - start) / count * 1e6)
"""


def pod():
    def container(i):
        return {
            "name": f"c{i}", "image": f"example.org/app{i}:1.{i}", "imagePullPolicy": "IfNotPresent",
            "args": ["--port=80", "--verbose=2"],
            "env": [{"name": "A", "value": "b"}, {"name": "C", "value": "d"},
                    {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
            "ports": [{"containerPort": 8080 + i, "name": "http", "protocol": "TCP"}],
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
            "securityContext": {"privileged": i == 2, "readOnlyRootFilesystem": True},
            "volumeMounts": [{"mountPath": "/data", "name": "data"},
                             {"mountPath": "/var/run/secrets/token", "name": "token", "readOnly": True}],
        }
    containers = [container(i) for i in range(6)]
    spec = {"containers": containers[:5], "initContainers": containers[5:], "serviceAccountName": "web",
            "volumes": [{"name": "data", "emptyDir": {}}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
            "spec": spec}


def rego_of(template):
    """The modules of a template, cut out of its YAML by indentation."""
    lines, blocks, at = template.read_text().splitlines(), [], 0
    inside = False
    while at < len(lines):
        line = lines[at]
        inside = inside or "engine: Rego" in line
        opener = line.strip()
        if inside and (opener in ("rego: |", "- |")):
            depth = len(line) - len(line.lstrip())
            block = []
            at += 1
            while at < len(lines) and (not lines[at].strip() or len(lines[at]) - len(lines[at].lstrip()) > depth):
                block.append(lines[at])
                at += 1
            cut = min(len(l) - len(l.lstrip()) for l in block if l.strip())
            blocks.append("\n".join(l[cut:] for l in block))
            continue
        at += 1
    return blocks


def main():
    binary, python, runs = os.environ["BULWARK_BINARY"], sys.argv[1], int(os.environ.get("BENCH_RUNS", "5"))
    library = pathlib.Path(os.environ["BULWARK_DATA"]) / "policy/gatekeeper-library/pod-security-policy"
    modules = rego_of(library / "privileged-containers/template.yaml")
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, text in enumerate(modules):
            paths.append(f"{folder}/{number}.rego")
            pathlib.Path(paths[-1]).write_text(text)
        review = {"uid": "x", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE",
                  "name": "web", "namespace": "shop", "userInfo": {"username": "u"}, "object": pod()}
        text = json.dumps({"parameters": {"exemptImages": ["quay.io/trusted/*"]}, "review": review},
                          separators=(",", ":"))
        pathlib.Path(f"{folder}/input.json").write_text(text)
        pathlib.Path(f"{folder}/peer.py").write_text(PEER)
        ours, alone, theirs = [], [], []
        for _ in range(runs):
            command = [binary, "rego", "bench", "data.k8spspprivileged.violation", "-i", f"{folder}/input.json",
                       "--v0-compatible"] + [word for path in paths for word in ("-d", path)]
            answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            assert answer["answerBytes"] > 50, "the policy found nothing"
            ours.append(answer["roundMicroseconds"])
            alone.append(answer["evaluationMicroseconds"])
            peer = subprocess.run([python, f"{folder}/peer.py", f"{folder}/input.json", "5000", *paths], check=True,
                                  capture_output=True, text=True)
            theirs.append(float(peer.stdout))
        print(f"input {len(text)} bytes, {len(modules)} modules, median of {runs}, CPU us a decision")
        print(f"bulwark, JSON in and out   {statistics.median(ours):8.1f}  ({min(ours):.1f} to {max(ours):.1f})")
        print(f"bulwark, evaluation alone  {statistics.median(alone):8.1f}  ({min(alone):.1f} to {max(alone):.1f})")
        print(f"regorus, JSON in and out   {statistics.median(theirs):8.1f}  ({min(theirs):.1f} to {max(theirs):.1f})")
        print(f"ratio rego {statistics.median(theirs) / statistics.median(ours):.2f}")


main()
