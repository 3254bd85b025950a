#!/usr/bin/env python3
"""Runs OPA's cases: conformance-rego.py BINARY FOLDER.

FOLDER ends in -v0 or -v1, which is the dialect of its modules, and holds NAME.json: {"folder", "cases": [{"note", "query",
"modules", "data"?, "input"? | "input_term"?, "want_result"? | "want_error_code"? | "want_error"?, "strict_error"?,
"sort_bindings"?}]}. All cases are evaluated in one run of `bulwark rego eval --batch`.
"""
import json
import os
import pathlib
import subprocess
import sys
from decimal import Decimal

# What is left out, by the functions that a case's modules and query name; docs/policies/rego.md says why.
SKIPPED = {
    "http.send": "network access is off",
    "net.lookup_ip_addr": "network access is off",
}


def reason_to_skip(case):
    text = case["query"] + "\n".join(case.get("modules") or [])
    return next((why for name, why in SKIPPED.items() if name in text), None)


def loose(value, as_sets):
    """The value with numbers compared by value; with `as_sets`, arrays in any order, as sets come as arrays."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    if isinstance(value, (int, Decimal)):
        return ("number", Decimal(value))
    if isinstance(value, list):
        parts = [loose(v, as_sets) for v in value]
        return ("array", tuple(sorted(parts, key=repr) if as_sets else parts))
    return ("object", tuple(sorted((k, loose(v, as_sets)) for k, v in value.items())))


def verdict(case, answer):
    error = answer.get("error")
    if "want_error_code" in case or "want_error" in case:
        wanted = case.get("want_error_code") or "an error"
        if error and (wanted == "an error" or error["code"] == wanted):
            return None
        return f"expected {wanted}, got {json.dumps(answer, default=str)[:300]}"
    wanted = case.get("want_result") or []
    if error:
        return f"expected {json.dumps(wanted, default=str)[:300]}, got {error['code']}: {error['message']}"
    got = answer["result"]
    # The answers of a query come in no order of their own.
    same = lambda as_sets: sorted((loose(w, as_sets) for w in wanted), key=repr) == sorted(
        (loose(g, as_sets) for g in got), key=repr)
    if same(False) or (case.get("sort_bindings") and same(True)):
        return None
    return f"expected {json.dumps(wanted, default=str)[:300]}, got {json.dumps(got, default=str)[:300]}"


def main():
    binary, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    dialect = folder.resolve().name[-2:]
    if dialect not in ("v0", "v1"):
        print(f"{folder}: the name ends in neither -v0 nor -v1")
        return 2
    parse = lambda text: json.loads(text, parse_float=Decimal, parse_int=lambda t: Decimal(t))
    cases = [case for file in sorted(folder.glob("*.json")) for case in parse(file.read_text())["cases"]]
    if not cases:
        print(f"no cases in {folder}")
        return 1
    raw = [case for file in sorted(folder.glob("*.json")) for case in json.loads(file.read_text())["cases"]]
    lines = []
    for case in raw:
        keys = ("modules", "query", "data", "input", "input_term")
        request = {key: case[key] for key in keys if case.get(key) is not None}
        request["strict"] = bool(case.get("strict_error"))
        lines.append(json.dumps(request))
    done = subprocess.run(
        [binary, "rego", "eval", f"--{dialect}-compatible", "--batch", "-"], input="\n".join(lines) + "\n",
        capture_output=True, text=True, timeout=1200)
    answers = done.stdout.splitlines()
    if len(answers) != len(cases):
        print(f"exit {done.returncode} after {len(answers)} of {len(cases)} cases: {done.stderr.strip()[-2000:]}")
        return 1
    passed, failed, skipped = 0, 0, {}
    for case, answer in zip(cases, answers):
        why = reason_to_skip(case)
        if why:
            skipped[why] = skipped.get(why, 0) + 1
            print(f"SKIP {case['note']}: {why}")
            continue
        problem = verdict(case, parse(answer))
        if problem is None:
            passed += 1
        else:
            failed += 1
            print(f"FAIL {case['folder']}: {case['note']}: {problem}")
    print(f"{passed} passed, {failed} failed, {sum(skipped.values())} skipped")
    return 1 if failed else 0


sys.exit(main())
