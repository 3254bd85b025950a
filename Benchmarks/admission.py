#!/usr/bin/env python3
"""Measures `bulwark admission serve` under load; called by `admission`.

A real API server gives it policies; h2load sends it reviews. The server runs on one core, the load on the other. For 1, 20 and
100 policies that are bound to other accounts, and one that is bound to the pod's: reviews for each CPU second at full load,
then the latencies at 1,000 reviews a second; at last a million reviews, and the memory before and after.
"""
import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

test_cluster, peer = sys.argv[1:3]
binary, data = os.environ["BULWARK_BINARY"], pathlib.Path(os.environ["BULWARK_DATA"])
runs = int(os.environ["BENCH_RUNS"])
folder = tempfile.mkdtemp(prefix="bulwark-bench-")
million = int(os.environ.get("BENCH_REVIEWS", "1000000"))


def pod():
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    import random
    import podlist
    made = podlist.pod(random.Random(7), 1)
    made.pop("status")
    made["metadata"]["namespace"] = "shop"
    made["spec"]["serviceAccountName"] = "web"
    for key in ("hostNetwork", "hostPID"):
        made["spec"].pop(key, None)
    made["spec"]["volumes"] = [v for v in made["spec"]["volumes"] if "hostPath" not in v]
    made["spec"]["securityContext"] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for container in made["spec"]["containers"] + made["spec"].get("initContainers", []):
        container["securityContext"] = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}, "runAsUser": 1000}
    return {"apiVersion": "v1", "kind": "Pod", **made}


def review():
    return {
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "0f5c7d4e-6a0b-4c62-9f8e-0d3b7f1a2c55", "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"}, "name": "", "namespace": "shop", "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller",
                         "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"]},
            "object": pod(), "oldObject": None, "dryRun": False, "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
        }}


class Cluster:
    def __init__(self):
        self.folder = folder + "/cluster"
        subprocess.run([test_cluster, "up", self.folder, "--owner", str(os.getpid())], check=True, stdout=subprocess.DEVNULL)
        self.kubeconfig = self.folder + "/kubeconfig"
        text = open(self.kubeconfig).read()
        self.address = re.search(r"server: https://(\S+)", text)[1]
        context = ssl.create_default_context(cadata=base64.b64decode(re.search(r"certificate-authority-data: (\S+)", text)[1]).decode())
        pem = folder + "/client.pem"
        with open(os.open(pem, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            for key in ("client-certificate-data", "client-key-data"):
                file.write(base64.b64decode(re.search(key + r": (\S+)", text)[1]) + b"\n")
        context.load_cert_chain(pem)
        self.context = context

    def call(self, method, path, body=None):
        connection = http.client.HTTPSConnection(self.address, context=self.context, timeout=30)
        connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300 and answer.status != 409:
            sys.exit(f"{method} {path}: {answer.status} {text[:500]}")
        return json.loads(text)

    def policy(self, name, account):
        group = "/apis/policy.bulwark.dev/v1/"
        any_rule = {"rule": "RunAsAny"}
        self.call("POST", group + "podpolicies", {
            "apiVersion": "policy.bulwark.dev/v1", "kind": "PodPolicy", "metadata": {"name": name},
            "spec": {"mode": "enforce", "fields": {
                "privileged": False, "allowPrivilegeEscalation": False, "requiredDropCapabilities": ["ALL"], "volumes": ["configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim"],
                "runAsUser": {"rule": "MustRunAsNonRoot"}, "seLinux": any_rule, "fsGroup": any_rule, "supplementalGroups": any_rule, "readOnlyRootFilesystem": True}}})
        self.call("POST", group + "podpolicybindings", {
            "apiVersion": "policy.bulwark.dev/v1", "kind": "PodPolicyBinding", "metadata": {"name": name},
            "spec": {"policy": name, "subjects": [{"kind": "ServiceAccount", "namespace": "shop", "name": account}]}})


class Server:
    def __init__(self, cluster):
        self.port, self.probe = 19443, 18081
        self.log = open(folder + "/server.log", "w")
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", binary, "admission", "serve", "--kubeconfig", cluster.kubeconfig, "--address", "127.0.0.1", "--port", str(self.port),
             "--probe-port", str(self.probe), "--url", f"https://127.0.0.1:{self.port}", "--install"],
            stdout=self.log, stderr=self.log)
        deadline = time.time() + 60
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.probe, timeout=2)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            if time.time() > deadline or self.process.poll() is not None:
                sys.exit("the server did not become ready: " + open(folder + "/server.log").read()[-2000:])
            time.sleep(0.1)

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, what="VmRSS"):
        return int(re.search(what + r":\s+(\d+)", open(f"/proc/{self.process.pid}/status").read())[1]) / 1024

    def load(self, requests, connections, *more):
        result = subprocess.run(
            ["taskset", "-c", "1", "h2load", "--h1", "-n", str(requests), "-c", str(connections), "-t", "1", "-d", folder + "/review.json",
             "-H", "Content-Type: application/json", *more, f"https://127.0.0.1:{self.port}/validate?timeout=10s"],
            check=True, capture_output=True, text=True).stdout
        good = int(re.search(r"status codes: (\d+) 2xx", result)[1])
        if good != requests:
            sys.exit(f"{requests - good} of {requests} reviews failed:\n{result}")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))]


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
    cluster.policy("mine", "web")
    for count in (1, 20, 100):
        while made < count:
            cluster.policy(f"other-{made}", f"other-{made}")
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
