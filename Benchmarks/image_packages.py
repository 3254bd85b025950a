#!/usr/bin/env python3
"""image_packages.py OSV COUNT: a CycloneDX bill of COUNT packages on standard output.

Names come from the advisories under OSV (<Ecosystem>/all.zip), taken from the ecosystems in turn, each with the last version at
which an advisory of it ends, so that all have advisories to be held against and few are left over, as in an image that is
kept up. When the names are used up, others of which nothing is known follow. The same input gives the same bill.
"""
import json
import pathlib
import re
import sys
import urllib.parse
import zipfile

TYPES = {
    "Debian": "deb", "PyPI": "pypi", "npm": "npm", "Go": "golang", "crates.io": "cargo", "RubyGems": "gem",
    "Packagist": "composer", "Maven": "maven",
}


def names(path, ecosystem):
    found = {}
    with zipfile.ZipFile(path) as archive:
        for entry in sorted(archive.namelist()):
            record = json.loads(archive.read(entry))
            for affected in record.get("affected", []):
                package = affected.get("package", {})
                if package.get("ecosystem", "").split(":")[0] != ecosystem or not package.get("name"):
                    continue
                for kind in affected.get("ranges", []):
                    for event in kind.get("events", []) if kind.get("type") != "GIT" else []:
                        version = event.get("fixed") or event.get("last_affected")
                        if version:
                            found.setdefault(package["name"], set()).add(version)
    order = lambda version: [int(part) if part.isdigit() else -1 for part in re.split(r"[^0-9a-z]+", version)]
    for name in sorted(found):
        yield name, max(sorted(found[name]), key=order)
    for number in range(100_000):
        yield f"unknown-{number}", "1.0.0"


def url(kind, name, version):
    quoted = lambda text: urllib.parse.quote(text, safe="")
    if kind == "deb":
        return f"pkg:deb/debian/{quoted(name)}@{quoted(version)}?arch=amd64&distro=debian-12"
    if kind == "maven":
        name = name.replace(":", "/")
    if kind == "golang" and not version.startswith("v"):
        version = "v" + version
    return f"pkg:{kind}/{'/'.join(quoted(part) for part in name.split('/'))}@{quoted(version)}"


def main():
    osv, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    sources = {kind: names(osv / name / "all.zip", name) for name, kind in TYPES.items()}
    components = [{"type": "operating-system", "bom-ref": "os", "name": "debian", "version": "12"}]
    seen = set()
    while len(components) <= count:
        for kind in sources:
            item = next(sources[kind])
            purl = url(kind, *item)
            if purl in seen or len(components) > count:
                continue
            seen.add(purl)
            # In full, as syft and Trivy write it: Trivy goes by the name, not by the package URL.
            name = item[0].split(":")[-1]
            components.append({"type": "library", "bom-ref": purl, "name": name, "version": item[1], "purl": purl})
    subject = {"bom-ref": "subject", "type": "container", "name": "ten-thousand"}
    json.dump({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"component": subject},
        "components": components,
    }, sys.stdout)


main()
