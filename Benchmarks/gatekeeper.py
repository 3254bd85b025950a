#!/usr/bin/env python3
"""Measures judging by Gatekeeper constraints; called by `gatekeeper`.

A real API server holds 100 constraints of 20 templates of the Gatekeeper library, five of each. `bulwark gatekeeper audit` judges
its pods on one core; then `bulwark admission serve --gatekeeper` answers reviews of one pod, the load on the other core.
"""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.argv.insert(2, sys.executable)  # as admission.py wants it
import admission_parts as parts

data = pathlib.Path(os.environ["BULWARK_DATA"])
pods = int(os.environ.get("BENCH_AUDIT_PODS", "20000"))
runs = int(os.environ["BENCH_RUNS"])
TEMPLATES = [
    "general/allowedrepos", "general/containerlimits", "general/containerrequests", "general/disallowedrepos", "general/disallowedtags",
    "general/disallowinteractive", "general/imagedigests", "general/requiredannotations", "general/requiredlabels",
    "pod-security-policy/allow-privilege-escalation", "pod-security-policy/apparmor", "pod-security-policy/capabilities",
    "pod-security-policy/flexvolume-drivers", "pod-security-policy/forbidden-sysctls", "pod-security-policy/fsgroup",
    "pod-security-policy/host-namespaces", "pod-security-policy/host-network-ports", "pod-security-policy/privileged-containers",
    "pod-security-policy/proc-mount", "pod-security-policy/read-only-root-filesystem", "pod-security-policy/seccomp",
    "pod-security-policy/selinux", "pod-security-policy/users", "pod-security-policy/volumes", "general/requiredprobes",
    "pod-security-policy/host-filesystem",
]


def library():
    """Twenty templates, those whose code judges pods, with five constraints each: the sample's, renamed, and matching all pods."""
    found = []
    for name in TEMPLATES:
        folder = data / "policy/gatekeeper-library" / name
        if not (folder / "template.yaml").exists() or len(found) == 20:
            continue
        template = yaml.safe_load((folder / "template.yaml").read_text())
        sample = sorted((folder / "samples").glob("*/constraint.yaml"))[0]
        constraint = yaml.safe_load(sample.read_text())
        constraint["spec"]["match"] = {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}
        copies = []
        for number in range(5):
            copy = json.loads(json.dumps(constraint))
            copy["metadata"] = {"name": f"{constraint['metadata']['name']}-{number}"}
            # Reviews of the bench are to be admitted, audits are to find everything.
            copy["spec"]["enforcementAction"] = "dryrun"
            # As few as can be have equal parameters, whose answer is shared.
            parameters = copy["spec"].setdefault("parameters", {})
            texts = [value for value in parameters.values() if isinstance(value, list) and value and isinstance(value[0], str)]
            if texts:
                texts[0].append(f"other-{number}")
            else:
                parameters["exemptImages"] = [f"nowhere/{number}/*"]
            copies.append(copy)
        found.append((template, copies))
    if len(found) < 20:
        sys.exit(f"{len(found)} of 20 templates found below {data}: set BULWARK_DATA")
    return found


def put(cluster, made):
    for template, copies in made:
        cluster.call("POST", "/apis/templates.gatekeeper.sh/v1/constrainttemplates", template)
    for template, copies in made:
        path = f"/apis/constraints.gatekeeper.sh/v1beta1/{template['metadata']['name']}"
        deadline = time.time() + 120
        while True:
            try:
                cluster.call("GET", path)
                break
            except SystemExit:
                if time.time() > deadline:
                    raise
                time.sleep(0.2)
        for copy in copies:
            cluster.call("POST", path, copy)


def audit(cluster):
    started = time.perf_counter()
    process = subprocess.Popen(
        ["taskset", "-c", "0", parts.binary, "gatekeeper", "audit", "--kubeconfig", cluster.kubeconfig, "--output", "json"],
        stdout=open(parts.folder + "/audit.json", "wb"), stderr=subprocess.PIPE, text=True)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"the audit ended with {os.waitstatus_to_exitcode(status)}: {errors[-1500:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, time.perf_counter() - started, errors.strip().splitlines()[-1]


PEER = r'''
import json, sys, time
import regorus
made, body = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
queries = []
for template, copies in made:
    target = template["spec"]["targets"][0]
    rego, libs = target.get("rego"), target.get("libs", [])
    for code in target.get("code", []):
        if code["engine"] == "Rego":
            rego, libs = code["source"]["rego"], code["source"].get("libs", [])
    engine = regorus.Engine()
    engine.set_rego_v0(True)
    for index, text in enumerate(libs + [rego]):
        engine.add_policy(f"{index}.rego", text)
    package = [line.split()[1] for line in rego.splitlines() if line.startswith("package ")][0]
    for copy in copies:
        queries.append((engine, package, json.dumps({"review": body["request"], "parameters": copy["spec"].get("parameters", {})})))
def once():
    for engine, package, text in queries:
        engine.set_input_json(text)
        # As text: Python has no set of objects.
        engine.eval_rule_as_json(f"data.{package}.violation")
for _ in range(5): once()
start = time.process_time()
for _ in range(20): once()
print((time.process_time() - start) / 20)
'''


def peer_seconds(made):
    json.dump(made, open(parts.folder + "/library.json", "w"))
    answer = subprocess.run(
        ["taskset", "-c", "0", sys.executable, "-c", PEER, parts.folder + "/library.json", parts.folder + "/review.json"],
        capture_output=True, text=True)
    if answer.returncode:
        sys.exit("the peer failed: " + answer.stderr[-1500:])
    return float(answer.stdout)


def main():
    made = library()
    open(parts.folder + "/review.json", "w").write(json.dumps(parts.review(), separators=(",", ":")))
    cluster = parts.Cluster()
    seconds = subprocess.run(
        [sys.executable, str(pathlib.Path(__file__).parent / "fill-cluster.py"), cluster.kubeconfig, "0", str(pods)], check=True,
        capture_output=True, text=True).stdout.strip()
    print(f"created {pods} pods in {seconds} s")
    cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    server = parts.Server(cluster, ["--gatekeeper"])
    time.sleep(2)
    empty = server.memory()
    put(cluster, [(template, copies[:1]) for template, copies in made])
    time.sleep(5)
    one = server.memory()
    put(cluster, [(template, copies) for template, copies in made])
    time.sleep(5)
    hundred = server.memory()
    answer = server.review("/validate/gatekeeper")
    if answer.get("warnings") or not answer["allowed"]:
        sys.exit(f"the review was not judged: {json.dumps(answer)[:1500]}")
    server.load(2000, 4, path="/validate/gatekeeper")
    rates, worst = [], 0.0
    for _ in range(runs):
        before = server.cpu()
        server.load(2000, 8, path="/validate/gatekeeper")
        rates.append(2000 / (server.cpu() - before))
    log = parts.folder + "/times"

    def latencies(connections, rate):
        server.load(2000, connections, f"--rps={rate}", f"--log-file={log}", path="/validate/gatekeeper")
        times = sorted(int(line.split()[2]) / 1000 for line in open(log))
        os.remove(log)
        return parts.percentile(times, 0.5), parts.percentile(times, 0.99)

    p50, p99 = latencies(1, 100)
    pair50, pair99 = latencies(2, 50)
    served = server.memory()
    server.stop()
    theirs = statistics.median(peer_seconds(made) for _ in range(3)) * 1e6
    ours = 1e6 / statistics.median(rates)
    cpu, memory, elapsed, words = audit(cluster)
    print(f"audit: {words}; {cpu:.1f} CPU s, {elapsed:.1f} s, {memory:.0f} MB")
    print(f"reviews: {ours:.0f} us CPU each with TLS; memory {empty:.0f} MB with no template, {one:.0f} with one constraint of each, "
          f"{hundred:.0f} with five, {served:.0f} after the load; p50 {p50:.2f} and p99 {p99:.2f} ms at 100 a second one after the other, {pair50:.2f} and {pair99:.2f} when two always come together")
    print(f"load after: {' '.join(open('/proc/loadavg').read().split()[:3])}")
    print("\n| target | asked | measured |\n|---|---|---|")
    for name, value, bound, unit in [
            ("p99 of a review, 100 constraints over 20 templates, TLS, 100 a second", p99, 5, "ms"),
            (f"audit of {pods:,} pods by 100 constraints, one core", cpu, 60 * pods / 20000, "CPU s"),
            ("its memory", memory, 300, "MB"), ("memory of 80 more constraints of the same templates", hundred - one, 5, "MB")]:
        print(f"| {name} | < {bound:g} {unit} | {value:.2f} {unit}{'' if value < bound else ', missed'} |")
    print(f"\nthe same 100 judgements on regorus, the engine alone: {theirs:.0f} us")
    print("unit: CPU microseconds a review by 100 constraints, ours with TLS and HTTP over the engine alone")
    print(f"ratio gatekeeper {ours / theirs:.3f}")


main()
