#!/usr/bin/env python3
"""Reads `swift package dump-package` and fails on an arrow that points back.

Platform <- capability <- Application; capabilities do not import each other, but DeliveryChain may import ImageScanning
and ImageTrust, ImageScanning what it is made of, and ClusterImages what scans and what is told of it; Findings depends on nothing; what bulwark-node links never reaches Store.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOM_ORDER = {"Platform": 0, "capability": 1, "Application": 2}
ALLOWED_BETWEEN_CAPABILITIES = {
    ("DeliveryChain", "ImageScanning"), ("DeliveryChain", "ImageTrust"),
    ("ImageScanning", "Inventory"), ("ImageScanning", "Advisories"), ("ImageScanning", "Secrets"),
    ("ClusterImages", "Inventory"), ("ClusterImages", "Advisories"), ("ClusterImages", "Secrets"), ("ClusterImages", "ImageScanning"),
    ("ClusterImages", "ImagePolicies"),
}


def room(path):
    parts = pathlib.PurePath(path).parts
    if len(parts) < 3 or parts[0] != "Sources" or parts[1] == "Tools":
        return None
    return parts[1] if parts[1] in ("Platform", "Application") else "capability"


def main():
    package = json.loads(subprocess.run(["swift", "package", "dump-package"], check=True, capture_output=True).stdout)
    targets = {t["name"]: t for t in package["targets"] if room(t.get("path") or "")}
    arrows = {}
    for name, target in targets.items():
        found = set()
        for dependency in target["dependencies"]:
            other = (dependency.get("byName") or dependency.get("target") or [None])[0]
            if other in targets:
                found.add(other)
        arrows[name] = found
    problems = []
    for name, others in arrows.items():
        own = room(targets[name]["path"])
        for other in others:
            theirs = room(targets[other]["path"])
            if ROOM_ORDER[theirs] > ROOM_ORDER[own]:
                problems.append(f"{name} ({own}) must not depend on {other} ({theirs})")
            if own == theirs == "capability" and (name, other) not in ALLOWED_BETWEEN_CAPABILITIES:
                if not other.startswith(name) and not name.startswith(other):
                    problems.append(f"capability {name} must not depend on capability {other}")
    if arrows.get("Findings"):
        problems.append("Findings must depend on nothing")
    reach, queue = set(), ["bulwark-node"] if "bulwark-node" in targets else []
    while queue:
        for other in arrows[queue.pop()] - reach:
            reach.add(other)
            queue.append(other)
    if "Store" in reach:
        problems.append("bulwark-node must not reach Store")
    # What a file imports must be what its target says it depends on.
    for name, target in targets.items():
        for source in pathlib.Path(target["path"]).rglob("*.swift"):
            for module in re.findall(r"^(?:package |internal |public )?import (\w+)", source.read_text(), re.M):
                if module in targets and module not in arrows[name] and module != name:
                    problems.append(f"{source} imports {module}, which {name} does not depend on")
    for problem in problems:
        print(f"layers: {problem}", file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
