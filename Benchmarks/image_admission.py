#!/usr/bin/env python3
"""Measures `bulwark admission serve --image-policies` under load; called by `image-admission`.

A real API server gives it policies and scans; h2load sends it reviews of a pod whose images have all been scanned. The server runs on
one core, the load on the other. For 1, 20 and 100 policies that all count for the pod: reviews for each CPU second at full load, then
the latencies at 1,000 reviews a second, and the memory. The pod is accepted, so every rule of every policy is asked about every image.
"""
import hashlib
import json
import os
import pathlib
import shutil
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from admission_parts import Cluster, Server, folder, million, percentile, review, runs

SCANS = int(os.environ.get("BENCH_SCANS", "2000"))
REVIEWS = int(os.environ.get("BENCH_BATCH", "20000"))
PATH = "/validate/images"
POLICIES = "/apis/policy.bulwark.dev/v1/imagepolicies"
SEVERITIES = ("critical", "high", "medium", "low", "informational", "unknown")


def reference(number):
    return f"registry.example.com/team-{number % 40}/app-{number}:1.{number % 9}.{number % 7}"


def scan(cluster, number):
    """What the server that scans writes: an object, and its status by the status' own door. Every fourth image is bad."""
    text = reference(number)
    name = f"app-{number}-{hashlib.sha256(text.encode()).hexdigest()[:40]}"
    path = "/apis/images.bulwark.dev/v1/imagescans"
    made = cluster.call("POST", path, {
        "apiVersion": "images.bulwark.dev/v1", "kind": "ImageScan",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "bulwark"}}, "spec": {"image": text}})
    bad = number % 4 == 3
    counts = dict(zip(SEVERITIES, (2 if bad else 0, 5, 12, 30, 0, 4)))
    fixable = dict(zip(SEVERITIES, (2 if bad else 0, 3, 6, 0, 0, 0)))
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    worst = [{"id": f"CVE-2026-{10000 + number + i}", "severity": "critical" if bad and i < 2 else "high", "package": f"lib{i}", "version": "1.2.3-1",
              "fixedVersion": "1.2.3-2"} for i in range(5)]
    made["status"] = {
        "phase": "Complete", "digest": "sha256:" + hashlib.sha256(name.encode()).hexdigest(), "resolved": now, "scanned": now, "advisories": now,
        "vulnerabilities": {"total": sum(counts.values()), **counts}, "fixable": {"total": sum(fixable.values()), **fixable}, "worst": worst,
        "malware": 0, "secrets": 0, "misconfigurations": 1}
    cluster.call("PUT", f"{path}/{name}/status", made)


def policy(cluster, name, mode="enforce", **rules):
    cluster.call("POST", POLICIES, {
        "apiVersion": "policy.bulwark.dev/v1", "kind": "ImagePolicy", "metadata": {"name": name},
        "spec": {"mode": mode, "namespaces": {"names": ["shop"]}, "images": ["registry.example.com/**"],
                 "rules": rules or {
                     "vulnerabilities": [{"severity": "critical", "onlyFixable": True}, {"severity": "high", "maxCount": 20}],
                     "malware": True, "secrets": True, "maxScanAge": "7d", "maxAdvisoryAge": "3d", "registries": ["registry.example.com"]},
                 "exemptions": [{"images": ["registry.example.com/legacy/*"], "owner": "anna@example.com", "reason": "is replaced"}]}})


def wait(what, is_there):
    deadline = time.time() + 120
    while not is_there():
        if time.time() > deadline:
            sys.exit(f"{what} did not come")
        time.sleep(0.2)


def settle(cluster, server):
    """Waits until the server knows every policy: watches tell in order, so one that warns is made last, and taken away again."""
    policy(cluster, "probe", "warn", requireDigest=True)
    wait("a warning", lambda: server.review(PATH).get("warnings"))
    cluster.call("DELETE", f"{POLICIES}/probe")
    wait("an answer without a warning", lambda: not server.review(PATH).get("warnings"))


def main():
    asked = review()
    spec = asked["request"]["object"]["spec"]
    containers = spec["containers"] + spec.get("initContainers", [])
    for index, container in enumerate(containers):
        container["image"] = reference(index * 4)
    body = json.dumps(asked, separators=(",", ":"))
    open(folder + "/review.json", "w").write(body)
    print(f"review: {len(body)} bytes, {len(containers)} images; {SCANS:,} scans; one core for the server, one for the load")
    cluster = Cluster()
    cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    server = Server(cluster, ["--image-policies"])
    time.sleep(2)  # until the webhooks stand in the cluster
    empty = server.memory()
    for number in range(SCANS):
        scan(cluster, number)
    policy(cluster, "policy-0")
    wait("an accepted review", lambda: server.review(PATH)["allowed"])
    settled = server.memory()
    print(f"memory: {empty:.0f} MB without scans, {settled:.0f} MB with them")
    print("\n| image policies | reviews per CPU s | us a review | p50 ms | p99 ms | memory MB |\n|---|---|---|---|---|---|")
    made, costs, worst = 1, {}, 0.0
    for count in (1, 20, 100):
        while made < count:
            policy(cluster, f"policy-{made}")
            made += 1
        settle(cluster, server)
        server.load(REVIEWS, 16, path=PATH)
        rates = []
        for _ in range(runs):
            before = server.cpu()
            server.load(REVIEWS, 16, path=PATH)
            rates.append(REVIEWS / (server.cpu() - before))
        log = folder + "/times"
        server.load(10000, 2, "--rps=500", f"--log-file={log}", path=PATH)
        times = sorted(int(line.split()[2]) / 1000 for line in open(log))
        os.remove(log)
        costs[count], worst = 1e6 / statistics.median(rates), max(worst, percentile(times, 0.99))
        print(f"| {count} | {1e6 / costs[count]:.0f} | {costs[count]:.1f} | {percentile(times, 0.5):.2f} | {percentile(times, 0.99):.2f} | {server.memory():.0f} |", flush=True)
    if not server.review(PATH)["allowed"]:
        sys.exit("the pod is not accepted at the end")
    containers[0]["image"] = reference(3)
    open(folder + "/review.json", "w").write(json.dumps(asked, separators=(",", ":")))
    if server.review(PATH)["allowed"]:
        sys.exit("an image with critical vulnerabilities is accepted")
    before = server.cpu()
    server.load(REVIEWS, 16, path=PATH)
    refused = (server.cpu() - before) / REVIEWS * 1e6
    start = server.memory()
    server.load(million // 5, 16, path=PATH)
    end = server.memory()
    server.stop()
    print(f"refused by all {made}: {refused:.1f} us a review; memory after {million // 5:,} refusals {end:.0f} MB ({end - start:+.1f})")
    print(f"load after: {' '.join(open('/proc/loadavg').read().split()[:3])}")
    print("\n| target | asked | measured |\n|---|---|---|")
    for name, value, bound, unit in [
            ("p99 at 1,000 reviews a second", worst, 2, "ms"), (f"memory of {SCANS:,} scans", settled - empty, 20, "MB"),
            ("resident memory at the end", end, 100, "MB")]:
        print(f"| {name} | < {bound} {unit} | {value:.1f} {unit}{'' if value < bound else ', missed'} |")
    print("\nunit: CPU time a review by 100 policies, over by one")
    print(f"ratio image-admission {costs[100] / costs[1]:.2f}")
    shutil.rmtree(folder, ignore_errors=True)


main()
