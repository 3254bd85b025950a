#!/usr/bin/env python3
"""podlist.py COUNT [KIND]: writes a PodList (or List) of that many pods, about 5 KB each, as an API server returns them.

Equal arguments give equal bytes. The pods differ in what checks look at: privileges, users, images, resources, probes,
volumes, environment, labels, and carry status and managedFields as real ones do.
"""
import json
import random
import sys

IMAGES = ["shop/cart", "shop/api", "library/nginx", "library/redis", "bitnami/postgresql", "grafana/loki", "team/worker"]
REGISTRIES = ["registry.example.com", "ghcr.io", "docker.io", ""]
CAPABILITIES = ["NET_BIND_SERVICE", "NET_ADMIN", "SYS_ADMIN", "CHOWN", "NET_RAW"]


def some(random, share):
    return random.random() < share


def container(r, name, namespace):
    registry, image = r.choice(REGISTRIES), r.choice(IMAGES)
    tag = r.choice([":latest", f":{r.randint(1, 9)}.{r.randint(0, 30)}.{r.randint(0, 9)}", "", "@sha256:" + "%064x" % r.getrandbits(256)])
    result = {
        "name": name,
        "image": (registry + "/" if registry else "") + image + tag,
        "imagePullPolicy": r.choice(["Always", "IfNotPresent"]),
        "command": ["/usr/local/bin/server"],
        "args": ["--listen=:8080", f"--log-level={r.choice(['info', 'debug', 'warn'])}", "--config=/etc/app/config.yaml"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}, {"name": "metrics", "containerPort": 9090, "protocol": "TCP"}],
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}},
            {"name": "DATABASE_HOST", "value": f"postgres.{namespace}.svc.cluster.local"},
            {"name": "CACHE_URL", "value": f"redis://redis-{r.randint(0, 9)}.{namespace}.svc.cluster.local:6379/0"},
            {"name": "FEATURES", "value": ",".join(f"feature-{r.randint(0, 99)}" for _ in range(6))},
        ],
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/app", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True},
        ],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    if some(r, 0.2):
        result["env"].append({"name": "DB_PASSWORD", "value": "%016x" % r.getrandbits(64)})
    if some(r, 0.7):
        result["resources"] = {"requests": {"cpu": "100m", "memory": "128Mi"}}
        if some(r, 0.6):
            result["resources"]["limits"] = {"cpu": "1", "memory": f"{r.randint(1, 8) * 128}Mi"}
    if some(r, 0.6):
        probe = {"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "initialDelaySeconds": 5, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
        result["livenessProbe"] = probe
        if some(r, 0.8):
            result["readinessProbe"] = dict(probe, httpGet={"path": "/readyz", "port": 8080, "scheme": "HTTP"})
    if some(r, 0.75):
        context = {"allowPrivilegeEscalation": some(r, 0.3), "readOnlyRootFilesystem": some(r, 0.5), "capabilities": {"drop": ["ALL"] if some(r, 0.6) else ["NET_RAW"]}}
        if some(r, 0.3):
            context["capabilities"]["add"] = [r.choice(CAPABILITIES)]
        if some(r, 0.04):
            context = {"privileged": True}
        if some(r, 0.5):
            context["runAsNonRoot"] = True
            context["runAsUser"] = r.choice([0, 1000, 10001, 65534])
        result["securityContext"] = context
    return result


def status(r, names):
    at = f"2026-02-{r.randint(1, 28):02}T{r.randint(0, 23):02}:{r.randint(0, 59):02}:00Z"
    return {
        "phase": "Running",
        "conditions": [{"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": at} for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")],
        "hostIP": f"10.0.{r.randint(0, 255)}.{r.randint(1, 254)}",
        "podIP": f"10.244.{r.randint(0, 255)}.{r.randint(1, 254)}",
        "startTime": at,
        "containerStatuses": [
            {
                "name": name, "state": {"running": {"startedAt": at}}, "lastState": {}, "ready": True, "restartCount": r.randint(0, 9),
                "image": "registry.example.com/shop/cart:1.4.2", "imageID": "registry.example.com/shop/cart@sha256:%064x" % r.getrandbits(256),
                "containerID": "containerd://%064x" % r.getrandbits(256), "started": True,
            }
            for name in names
        ],
        "qosClass": "Burstable",
    }


def pod(r, index):
    namespace = f"team-{r.randint(0, 49)}"
    app = f"{r.choice(['cart', 'api', 'web', 'worker', 'loader', 'db'])}-{r.randint(0, 400)}"
    names = ["app"] + (["proxy"] if some(r, 0.25) else []) + (["logs"] if some(r, 0.08) else [])
    spec = {
        "volumes": [
            {"name": "config", "configMap": {"name": f"{app}-config", "defaultMode": 420}},
            {"name": "tmp", "emptyDir": {}},
            {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}]}},
        ],
        "containers": [container(r, name, namespace) for name in names],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": r.choice(["default", app]),
        "nodeName": f"node-{r.randint(0, 199)}",
        "schedulerName": "default-scheduler",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}} if some(r, 0.4) else {},
        "tolerations": [
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
    }
    if some(r, 0.05):
        spec["hostNetwork"] = True
    if some(r, 0.02):
        spec["hostPID"] = True
    if some(r, 0.1):
        spec["volumes"].append({"name": "host", "hostPath": {"path": r.choice(["/var/log", "/", "/var/run/docker.sock", "/data"]), "type": ""}})
    if some(r, 0.3):
        spec["automountServiceAccountToken"] = False
    if some(r, 0.2):
        spec["initContainers"] = [container(r, "init", namespace)]
    metadata = {
        "name": f"{app}-{r.getrandbits(36):09x}-{index:05x}",
        "generateName": f"{app}-",
        "namespace": namespace,
        "uid": "%08x-%04x-4%03x-8%03x-%012x" % (r.getrandbits(32), r.getrandbits(16), r.getrandbits(12), r.getrandbits(12), r.getrandbits(48)),
        "resourceVersion": str(1_000_000 + index),
        "creationTimestamp": "2026-02-01T08:00:00Z",
        "labels": {"app.kubernetes.io/name": app, "app.kubernetes.io/instance": app, "pod-template-hash": "%09x" % r.getrandbits(36), "team": namespace},
        "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9090", "example.com/config-hash": "%064x" % r.getrandbits(256)},
        "managedFields": [{
            "manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": "2026-02-01T08:00:10Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:status": {"f:conditions": {f'k:{{"type":"{kind}"}}': {".": {}, "f:lastProbeTime": {}, "f:status": {}, "f:type": {}} for kind in ("Ready", "Initialized", "ContainersReady")}, "f:containerStatuses": {}, "f:hostIP": {}, "f:phase": {}, "f:podIP": {}, "f:startTime": {}}}}],
    }
    return {"metadata": metadata, "spec": spec, "status": status(r, names)}


def main():
    count, kind = int(sys.argv[1]), (sys.argv[2] if len(sys.argv) > 2 else "PodList")
    r = random.Random(20260301)
    out = sys.stdout
    out.write('{"kind":"%s","apiVersion":"v1","metadata":{"resourceVersion":"1050000"},"items":[' % kind)
    for index in range(count):
        item = pod(r, index)
        if kind == "List":
            item = {"kind": "Pod", "apiVersion": "v1", **item}
        out.write(("," if index else "") + json.dumps(item, separators=(",", ":")))
    out.write("]}\n")


if __name__ == "__main__":
    main()
