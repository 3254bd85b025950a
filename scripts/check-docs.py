#!/usr/bin/env python3
"""Documents that must stay true: links resolve, every module and every check is described, files stay short."""
import pathlib
import re
import subprocess
import sys

problems = []
tracked = [pathlib.Path(p) for p in subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.split()]
tracked = [p for p in tracked if p.is_file()]

for page in (p for p in tracked if p.suffix == ".md"):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
            problems.append(f"{page}: the link {target} leads nowhere")

modules = pathlib.Path("docs/modules.md").read_text()
for package in {p.parts[2] for p in tracked if p.parts[0] == "Sources" and len(p.parts) > 3 and p.parts[1] != "Tools"}:
    if f"`{package}`" not in modules:
        problems.append(f"docs/modules.md does not mention `{package}`")

catalogue = pathlib.Path("docs/inspection/catalogue.md").read_text()
for check in pathlib.Path("checks").glob("*/*/check.yaml"):
    identifier = re.search(r"^id: (\S+)", check.read_text(), re.M).group(1)
    if identifier not in catalogue:
        problems.append(f"docs/inspection/catalogue.md lacks {identifier}: run 'make docs'")
    for kind in ("pass", "fail"):
        if not list((check.parent / "examples" / kind).glob("*.yaml")):
            problems.append(f"{check.parent} has no {kind} example")

for source in (p for p in tracked if p.suffix in (".swift", ".py", ".sh", ".js", ".css", ".cpp") or p.parts[0] == "scripts"):
    lines = source.read_text().count("\n")
    if lines > 700:
        problems.append(f"{source}: {lines} lines, more than 700")

for problem in problems:
    print(f"docs: {problem}", file=sys.stderr)
sys.exit(1 if problems else 0)
