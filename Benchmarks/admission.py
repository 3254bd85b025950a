#!/usr/bin/env python3
"""Measures `bulwark admission serve` under load; called by `admission`.

A real API server gives it policies; h2load sends it reviews. The server runs on one core, the load on the other. For 1, 20 and
100 policies that are bound to other accounts, and one that is bound to the pod's: reviews for each CPU second at full load,
then the latencies at 1,000 reviews a second; at last a million reviews, and the memory before and after.
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from admission_parts import Cluster, Server, data, folder, million, peer, percentile, review, runs


def policy(cluster, name, account):
    group = "/apis/policy.bulwark.dev/v1/"
    any_rule = {"rule": "RunAsAny"}
    cluster.call("POST", group + "podpolicies", {
        "apiVersion": "policy.bulwark.dev/v1", "kind": "PodPolicy", "metadata": {"name": name},
        "spec": {"mode": "enforce", "fields": {
            "privileged": False, "allowPrivilegeEscalation": False, "requiredDropCapabilities": ["ALL"], "volumes": ["configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim"],
            "runAsUser": {"rule": "MustRunAsNonRoot"}, "seLinux": any_rule, "fsGroup": any_rule, "supplementalGroups": any_rule, "readOnlyRootFilesystem": True}}})
    cluster.call("POST", group + "podpolicybindings", {
        "apiVersion": "policy.bulwark.dev/v1", "kind": "PodPolicyBinding", "metadata": {"name": name},
        "spec": {"policy": name, "subjects": [{"kind": "ServiceAccount", "namespace": "shop", "name": account}]}})


def peer_seconds():
    """CPU seconds of one review of the same pod by Gatekeeper's templates for the same controls, engine alone, no server."""
    library = (data / "policy/gatekeeper-library/pod-security-policy").resolve()
    if not library.is_dir():
        sys.exit(f"no policies at {library}: set BULWARK_DATA")
    program = r'''
import json, pathlib, sys, time
import regorus, yaml
library, body = pathlib.Path(sys.argv[1]), json.load(open(sys.argv[2]))
engines = []
for name in ("privileged-containers", "host-namespaces", "volumes", "users", "read-only-root-filesystem", "allow-privilege-escalation"):
    template = yaml.safe_load((library / name / "template.yaml").read_text())
    target = template["spec"]["targets"][0]
    rego = [target["rego"]] if "rego" in target else []
    libs = target.get("libs", [])
    for code in target.get("code", []):
        if code["engine"] == "Rego":
            rego, libs = [code["source"]["rego"]], code["source"].get("libs", [])
    engine = regorus.Engine()
    engine.set_rego_v0(True)
    for index, text in enumerate(libs + rego):
        engine.add_policy(f"{name}-{index}.rego", text)
    package = [line.split()[1] for line in rego[0].splitlines() if line.startswith("package ")][0]
    parameters = {"volumes": ["configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim"], "runAsUser": {"rule": "MustRunAsNonRoot", "ranges": []}}
    engines.append((engine, package, json.dumps({"review": body["request"], "parameters": parameters})))
def once():
    for engine, package, text in engines:
        engine.set_input_json(text)
        engine.eval_rule(f"data.{package}.violation")
for _ in range(50): once()
start = time.process_time()
for _ in range(500): once()
print((time.process_time() - start) / 500)
'''
    answer = subprocess.run(["taskset", "-c", "0", peer, "-c", program, str(library), folder + "/review.json"], capture_output=True, text=True)
    if answer.returncode:
        sys.exit("the peer failed: " + answer.stderr[-1500:])
    return float(answer.stdout)


def main():
    body = json.dumps(review(), separators=(",", ":"))
    open(folder + "/review.json", "w").write(body)
    print(f"review: {len(body)} bytes; one core for the server, one for the load")
    cluster = Cluster()
    server = Server(cluster)
    time.sleep(2)  # until the webhooks stand in the cluster
    print("\n| policies bound to others | reviews per CPU s | us a review | p50 ms | p99 ms | memory MB |\n|---|---|---|---|---|---|")
    made, costs, worst = 0, {}, 0.0
    policy(cluster, "mine", "web")
    for count in (1, 20, 100):
        while made < count:
            policy(cluster, f"other-{made}", f"other-{made}")
            made += 1
        time.sleep(1)  # until the watch has told it
        server.load(20000, 16)
        rates = []
        for _ in range(runs):
            before = server.cpu()
            server.load(20000, 16)
            rates.append(20000 / (server.cpu() - before))
        log = folder + "/times"
        server.load(10000, 2, "--rps=500", f"--log-file={log}")
        times = sorted(int(line.split()[2]) / 1000 for line in open(log))
        os.remove(log)
        rate = statistics.median(rates)
        costs[count], worst = 1e6 / rate, max(worst, percentile(times, 0.99))
        print(f"| {count} | {rate:.0f} | {1e6 / rate:.1f} | {percentile(times, 0.5):.2f} | {percentile(times, 0.99):.2f} | {server.memory():.0f} |", flush=True)
    start = server.memory()
    server.load(million, 16)
    end, peak = server.memory(), server.memory("VmHWM")
    server.stop()
    theirs = statistics.median(peer_seconds() for _ in range(3)) * 1e6
    print(f"load after: {' '.join(open('/proc/loadavg').read().split()[:3])}")
    spread = max(costs.values()) / min(costs.values()) - 1
    print("\n| target | asked | measured |\n|---|---|---|")
    for name, value, bound, unit in [
            ("p99 at 1,000 reviews a second", worst, 2, "ms"), ("time per review, 1 to 100 policies", spread * 100, 20, "% apart"),
            (f"resident memory after {million:,} reviews", end, 80, "MB"), ("its growth over them", end - start, 8, "MB")]:
        print(f"| {name} | < {bound} {unit} | {value:.1f} {unit}{'' if value < bound else ', missed'} |")
    print(f"\npeak memory {peak:.0f} MB. Gatekeeper's six templates for the same controls on regorus, the engine alone: {theirs:.0f} us a review")
    print("unit: CPU microseconds a review, ours with TLS and HTTP over the engine alone")
    print(f"ratio admission {costs[100] / theirs:.3f}")
    shutil.rmtree(folder, ignore_errors=True)


main()
