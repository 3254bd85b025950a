#!/usr/bin/env python3
"""Runs tables of versions: conformance-versions.py BINARY FOLDER.

FOLDER holds SCHEME.tsv, rows `a op b source` with op one of < = >, tried both ways round, and constraints-SCHEME.tsv, rows
`constraint version true|false`. A row counts once. Rows that contradict the packaging system itself are named, with the reason,
in conformance-versions.exceptions.
"""
import os
import pathlib
import re
import subprocess
import sys

FLIPPED = {"<": ">", ">": "<", "=": "="}


def exceptions():
    path = pathlib.Path(__file__).with_suffix(".exceptions")
    rows = [line.split("\t", 1) for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [(re.compile(pattern), reason) for pattern, reason in rows]


def answers(binary, scheme, questions):
    """One answer for each question: <, =, >, true, false or `error ...`."""
    text = "".join("\t".join(question) + "\n" for question in questions)
    done = subprocess.run([binary, "advisories", "versions", scheme], input=text, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) != len(questions):
        sys.exit(f"{binary} advisories versions {scheme}: {done.stderr.strip() or 'gave too few answers'}")
    return lines


def rows(file):
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            yield line, line.split("\t")


def main():
    binary, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    excused, counts = exceptions(), {"passed": 0, "failed": 0, "skipped": 0}
    files = sorted(folder.glob("*.tsv"))
    if not files:
        sys.exit(f"{folder} holds no tables of versions")
    for file in files:
        table, known = file.stem, list(rows(file))
        passed = counts["passed"]
        if table.startswith("constraints-"):
            scheme = table.removeprefix("constraints-")
            questions = [("holds", fields[0], fields[1]) for _, fields in known]
            results = [[(" ".join(question[1:]), fields[2], got)]
                       for question, (_, fields), got in zip(questions, known, answers(binary, scheme, questions))]
        else:
            scheme = table
            there = [("compare", fields[0], fields[2]) for _, fields in known]
            back = [("compare", fields[2], fields[0]) for _, fields in known]
            got = answers(binary, scheme, there + back)
            results = [[(f"{a} ? {b}", fields[1], one), (f"{b} ? {a}", FLIPPED[fields[1]], other)]
                       for (_, a, b), (_, fields), one, other in zip(there, known, got, got[len(there):])]
        for (line, _), cases in zip(known, results):
            wrong = [case for case in cases if case[1] != case[2]]
            if not wrong:
                counts["passed"] += 1
                continue
            reason = next((reason for pattern, reason in excused if pattern.search(f"{table}\t{line}")), None)
            if reason:
                counts["skipped"] += 1
                print(f"SKIP {table}: {line}: {reason}")
            else:
                counts["failed"] += 1
                for question, expected, got in wrong:
                    print(f"FAIL {table}: {question}: expected {expected}, got {got}")
        print(f"{table}: {counts['passed'] - passed} of {len(known)}")
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
