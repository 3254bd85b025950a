#!/usr/bin/env python3
"""One decision by the example policy on a pod of three containers: cel.py, called by `cel`.

The policy forbids privileged containers but for the images of a list, with a binding, a namespace selector and parameters. The
peer, CEL's C++ runtime through its Python binding, knows no policies: it evaluates the policy's variables and its validation
as one expression, with the pod as values of its own that were made before. Both run in turns and count CPU time.
"""
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import yaml
from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_strings

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import podlist

binary, runs = os.environ["BULWARK_BINARY"], int(os.environ["BENCH_RUNS"])
folder = pathlib.Path(__file__).parent.parent / "examples/admission-policies"


def pod():
    """A pod of podlist.py with three containers, in the namespace that the policy is bound to."""
    made = podlist.pod(random.Random(84), 1)
    made.pop("status")
    made["metadata"]["namespace"] = "shop"
    return {"apiVersion": "v1", "kind": "Pod", **made}


def expression(policy):
    """The validation inside of its variables, each bound by a name."""
    text = policy["spec"]["validations"][0]["expression"]
    for variable in reversed(policy["spec"]["variables"]):
        text = f"cel.bind({variable['name']}, {variable['expression']}, {text})"
    return text.replace("variables.", "").replace("request.operation", "operation")


def peer(objects, object):
    policy = next(o for o in objects if o["kind"] == "ValidatingAdmissionPolicy")
    params = next(o for o in objects if o["kind"] == policy["spec"]["paramKind"]["kind"])
    environment = cel.NewEnv(
        variables={"object": cel.Type.DYN, "params": cel.Type.DYN, "operation": cel.Type.STRING},
        extensions=[ext_bindings.ExtBindings(), ext_strings.ExtStrings()])
    program = environment.compile(expression(policy))
    activation = environment.Activation({"object": object, "params": params, "operation": "CREATE"})
    if program.eval(activation).value() is not True:
        sys.exit("the peer answers otherwise")
    count = 5000
    for _ in range(500):
        program.eval(activation)
    start = time.process_time()
    for _ in range(count):
        program.eval(activation)
    return (time.process_time() - start) / count * 1e6


def main():
    objects = [o for path in sorted(folder.glob("*.yaml")) for o in yaml.safe_load_all(path.read_text())]
    object = pod()
    text = json.dumps(object, separators=(",", ":"))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(text)
        file.flush()
        alone, whole, theirs = [], [], []
        for _ in range(runs):
            done = subprocess.run(
                [binary, "cel", "bench", "-f", str(folder), "-i", file.name], check=True, capture_output=True, text=True)
            answer = json.loads(done.stdout)
            if answer["violations"]:
                sys.exit(f"the pod is not admitted: {done.stdout}")
            alone.append(answer["evaluationMicroseconds"])
            whole.append(answer["roundMicroseconds"])
            theirs.append(peer(objects, object))
    ours, other = statistics.median(alone), statistics.median(theirs)
    print(f"one policy, a pod of {len(text)} bytes with {len(object['spec']['containers'])} containers")
    print("\n| what | CPU us a decision |\n|---|---|")
    print(f"| bulwark, the decision | {ours:.2f} ({min(alone):.2f} to {max(alone):.2f}) |")
    print(f"| bulwark, reading the pod's JSON too | {statistics.median(whole):.2f} |")
    print(f"| CEL's C++ runtime, the expressions alone | {other:.1f} ({min(theirs):.1f} to {max(theirs):.1f}) |")
    print(f"\nunder 5 us: {'met' if ours < 5 else 'missed'}; load after: {' '.join(open('/proc/loadavg').read().split()[:3])}")
    print("unit: CPU microseconds a decision, ours with matching, parameters and binding over the expressions alone")
    print(f"ratio cel {ours / other:.3f}")


main()
