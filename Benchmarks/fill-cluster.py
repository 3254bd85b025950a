#!/usr/bin/env python3
"""fill-cluster.py KUBECONFIG FIRST COUNT: creates the pods FIRST to FIRST+COUNT of podlist.py in an API server.

For kubeconfigs of scripts/test-cluster: client certificate, data inline. Prints the seconds it took.
"""
import base64
import http.client
import importlib.util
import json
import os
import random
import re
import ssl
import sys
import tempfile
import threading
import time
from urllib.parse import urlsplit

WORKERS = 8


def connection(kubeconfig):
    text = open(kubeconfig).read()
    value = lambda key: re.search(rf"\b{key}: *\"?([^\s,}}\"]+)", text).group(1)
    context = ssl.create_default_context(cadata=base64.b64decode(value("certificate-authority-data")).decode())
    with tempfile.NamedTemporaryFile() as pair:
        for key in ("client-certificate-data", "client-key-data"):
            pair.write(base64.b64decode(value(key)))
        pair.flush()
        context.load_cert_chain(pair.name)
    server = urlsplit(value("server"))
    return lambda: http.client.HTTPSConnection(server.hostname, server.port, context=context)


def post(client, path, body):
    client.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = client.getresponse()
    text = answer.read()
    if answer.status not in (201, 409):
        sys.exit(f"{path}: {answer.status} {text[:300]}")


def main():
    kubeconfig, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    spec = importlib.util.spec_from_file_location("podlist", os.path.join(os.path.dirname(__file__), "podlist.py"))
    podlist = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(podlist)
    connect = connection(kubeconfig)
    client = connect()
    for number in range(50):
        post(client, "/api/v1/namespaces", {"metadata": {"name": f"team-{number}"}})
    started, failed = time.perf_counter(), []

    def work(worker):
        try:
            client, source = connect(), random.Random(first * WORKERS + worker)
            for index in range(first + worker, first + count, WORKERS):
                pod = podlist.pod(source, index)
                for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
                    del pod["metadata"][key]
                del pod["status"]
                # What a list may hold and a server refuses: probes before the start, one port of the host twice.
                for container in pod["spec"].get("initContainers", []):
                    for key in ("livenessProbe", "readinessProbe"):
                        container.pop(key, None)
                for container in pod["spec"]["containers"][1:]:
                    del container["ports"]
                post(client, f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods", pod)
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work, args=(worker,)) for worker in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed:
        sys.exit(f"{failed[0]}")
    print(f"{time.perf_counter() - started:.0f}")


if __name__ == "__main__":
    main()
