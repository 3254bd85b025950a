#!/usr/bin/env python3
"""conformance-bills.py BINARY FOLDER: bills of materials of the images (*.tar) in FOLDER.

Ours must be valid by the published schemas (CycloneDX's by cyclonedx-python-lib, SPDX's rules by spdx-tools, both from PyPI, kept
in the cache), and `sbom scan` of each must find just what the scan of the image finds. Bills of syft and Trivy, where
scripts/scan-peers has fetched them, are read in all their forms: what is found otherwise is listed, and must be a package of a
language that belongs to one of the distribution, which their CycloneDX does not say.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

binary, folder = sys.argv[1], pathlib.Path(sys.argv[2])
cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "bulwark"
advisories = os.environ.get("BULWARK_ADVISORIES", str(cache / "advisories"))
tools = ["cyclonedx-python-lib[validation]==11.12.0", "spdx-tools==0.8.5"]
checker = """
import sys
name, kind = sys.argv[1:]
if kind == "cyclonedx":
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(name).read())
    errors = [str(error)] if error else []
else:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
    errors = [item.validation_message for item in validate_full_spdx_document(parse_file(name))]
print("\\n".join(errors[:10]))
sys.exit(bool(errors))
"""
failures = []


def python():
    place = cache / "bills" / "venv"
    if not (place / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([place / "bin" / "python", "-m", "pip", "-q", "install", *tools], check=True)
    return place / "bin" / "python"


def ours(*arguments):
    command = [binary, *arguments, "--database", advisories, "--scanners", "vulnerabilities"]
    run = subprocess.run(command, capture_output=True)
    if run.returncode not in (0, 3):
        sys.exit(f"{' '.join(command)}: {run.stderr.decode()}")
    return run.stdout


def report(*arguments):
    return json.loads(ours(*arguments, "--output", "json", "--all"))


def findings(found):
    return {
        (item["package"]["kind"], item["id"], item["package"]["name"].lower(), item["package"]["version"])
        for item in found["vulnerabilities"]
    }


def peers(image, scratch):
    """Bills of the peers, by name."""
    syft, trivy = cache / "peers" / "syft", cache / "peers" / "trivy"
    if not syft.exists() or not trivy.exists():
        print("SKIPPED: bills of syft and Trivy; run scripts/scan-peers to fetch them")
        return
    os.environ["SYFT_CHECK_FOR_APP_UPDATE"] = "false"
    kinds = ["cyclonedx-json@1.4", "cyclonedx-json@1.5", "cyclonedx-json@1.6", "cyclonedx-xml", "spdx-json@2.2", "spdx-json@2.3",
             "spdx-tag-value@2.2", "spdx-tag-value@2.3"]
    outputs = [word for kind in kinds for word in ("-o", f"{kind}={scratch}/syft-{kind}")]
    subprocess.run(["unshare", "-n", syft, "-q", f"docker-archive:{image}", *outputs], check=True)
    for kind in ("cyclonedx", "spdx-json", "spdx"):
        subprocess.run([
            "unshare", "-n", trivy, "--cache-dir", cache / "peers" / "trivy-cache", "image", "--input", image, "--skip-db-update",
            "--skip-java-db-update", "--offline-scan", "--cache-backend", "memory", "-q", "--list-all-pkgs", "--format", kind,
            "-o", f"{scratch}/trivy-{kind}"], check=True)
    for name in [f"syft-{kind}" for kind in kinds] + ["trivy-cyclonedx", "trivy-spdx-json", "trivy-spdx"]:
        yield name, f"{scratch}/{name}"


def main():
    images = sorted(path for path in folder.glob("*.tar") if "oci" not in path.name)
    if not images:
        sys.exit(f"{folder} holds no image")
    interpreter = python()
    for image in images:
        whole = report("image", "scan", str(image))
        owned = {(p["kind"], p["name"].lower(), p["version"]) for p in whole["packages"] if p["owner"]}
        print(f"{image.name}: {len(whole['packages'])} packages, {len(whole['vulnerabilities'])} vulnerabilities")
        with tempfile.TemporaryDirectory() as scratch:
            for kind in ("cyclonedx", "spdx"):
                path = pathlib.Path(scratch, f"bill.{kind}.json")
                path.write_bytes(ours("image", "scan", str(image), "--output", kind))
                check = subprocess.run([interpreter, "-c", checker, path, kind], capture_output=True, text=True)
                back = report("sbom", "scan", str(path))
                same = [back[key] == whole[key] for key in ("vulnerabilities", "packages")]
                print(f"  ours, {kind}: {'valid' if check.returncode == 0 else 'NOT VALID: ' + check.stdout + check.stderr[-500:]}, "
                      f"vulnerabilities {'identical' if same[0] else 'DIFFER'}, packages {'identical' if same[1] else 'DIFFER'}")
                if check.returncode or not all(same):
                    failures.append(f"{image.name} {kind}")
            for name, path in peers(image, scratch):
                found = findings(report("sbom", "scan", path))
                missing, more = findings(whole) - found, found - findings(whole)
                unexplained = missing | {item for item in more if (item[0], item[2], item[3]) not in owned}
                kinds = collections.Counter(item[0] for item in more)
                print(f"  {name}: {len(found)} findings, {len(missing)} missing, {len(more)} more"
                      f"{' of packages that the distribution owns: ' + str(dict(kinds)) if more else ''}")
                for item in sorted(unexplained)[:20]:
                    print(f"    unexplained: {' '.join(item)}")
                if unexplained:
                    failures.append(f"{image.name} {name}")
    print(f"failed: {', '.join(failures)}" if failures else "all as expected")
    sys.exit(bool(failures))


main()
