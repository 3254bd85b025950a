#!/usr/bin/env python3
"""What the benchmarks of admission share: a cluster, a server on one core, a load on the other, and the pod that is reviewed."""
import atexit
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



class Server:
    def __init__(self, cluster, more=()):
        self.port, self.probe = 19443, 18081
        self.log = open(folder + "/server.log", "w")
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", binary, "admission", "serve", "--kubeconfig", cluster.kubeconfig, "--address", "127.0.0.1", "--port", str(self.port),
             "--probe-port", str(self.probe), "--url", f"https://127.0.0.1:{self.port}", "--install", *more],
            stdout=self.log, stderr=self.log)
        atexit.register(self.process.kill)  # also when the benchmark ends halfway
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

    def load(self, requests, connections, *more, path="/validate"):
        result = subprocess.run(
            ["taskset", "-c", "1", "h2load", "--h1", "-n", str(requests), "-c", str(connections), "-t", "1", "-d", folder + "/review.json",
             "-H", "Content-Type: application/json", *more, f"https://127.0.0.1:{self.port}{path}?timeout=10s"],
            check=True, capture_output=True, text=True).stdout
        good = int(re.search(r"status codes: (\d+) 2xx", result)[1])
        if good != requests:
            sys.exit(f"{requests - good} of {requests} reviews failed:\n{result}")

    def review(self, path):
        """One review, and the answer to it."""
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        connection.request("POST", path + "?timeout=10s", open(folder + "/review.json").read(), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())["response"]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))]
