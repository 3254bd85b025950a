#!/usr/bin/env python3
"""Compares package databases with lists of what is in them: conformance-packages.py BINARY FOLDER.

FOLDER holds a root file system a folder, with expected.packages.tsv beside it: name and version between a tab, comments by #.
`bulwark image inventory ROOT --output tsv` gives lines of kind, name, version (more columns may follow), comments by #.
"""
import pathlib
import subprocess
import sys


def rows(text, first):
    """The pairs of name and version, which begin at a column."""
    found = set()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            columns = line.split("\t")
            found.add((columns[first], columns[first + 1]))
    return found


def main():
    binary, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    passed = failed = 0
    for expected in sorted(folder.glob("*/expected.packages.tsv")):
        name = expected.parent.name
        run = subprocess.run(
            [binary, "image", "inventory", str(expected.parent), "--output", "tsv"], capture_output=True, text=True)
        wanted = rows(expected.read_text(), 0)
        got = rows(run.stdout, 1) if run.returncode == 0 else set()
        if run.returncode == 0 and got == wanted:
            passed += 1
            continue
        failed += 1
        print(f"FAILED {name}: {len(wanted)} packages expected, got {len(got)}, exit status {run.returncode}")
        for package in sorted(wanted - got)[:20]:
            print(f"  missing {' '.join(package)}")
        for package in sorted(got - wanted)[:20]:
            print(f"  not expected {' '.join(package)}")
        if run.stderr:
            print("  " + run.stderr.strip().replace("\n", "\n  ")[:2000])
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed or not passed else 0)


main()
