#!/usr/bin/env python3
"""image_packages.py OSV COUNT: a CycloneDX bill of COUNT packages on standard output.

Names and versions come from the advisories under OSV (<Ecosystem>/all.zip), taken from the ecosystems in turn, so that most
packages have advisories to be looked at, and many of their versions are affected. The same input gives the same bill.
"""
import json
import pathlib
import sys
import urllib.parse
import zipfile

TYPES = {
    "Debian": "deb", "PyPI": "pypi", "npm": "npm", "Go": "golang", "crates.io": "cargo", "RubyGems": "gem",
    "Packagist": "composer", "Maven": "maven",
}


def names(path, ecosystem):
    """Names with up to six versions each, at which some advisory ends: others of the name may still apply."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for entry in sorted(archive.namelist()):
            record = json.loads(archive.read(entry))
            for affected in record.get("affected", []):
                package = affected.get("package", {})
                if package.get("ecosystem", "").split(":")[0] != ecosystem or not package.get("name"):
                    continue
                for kind in affected.get("ranges", []):
                    for event in kind.get("events", []):
                        version = event.get("fixed") or event.get("last_affected")
                        if version:
                            found.setdefault(package["name"], set()).add(version)
    for name in sorted(found):
        versions = sorted(found[name])
        for version in versions[:5] + versions[-1:]:
            yield name, version


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
    sources = {kind: names(osv / name / "all.zip", name) for name, kind in TYPES.items() if (osv / name / "all.zip").exists()}
    components = [{"type": "operating-system", "bom-ref": "os", "name": "debian", "version": "12"}]
    seen = set()
    while sources and len(components) <= count:
        for kind in list(sources):
            item = next(sources[kind], None)
            if item is None:
                del sources[kind]
                continue
            purl = url(kind, *item)
            if purl in seen or len(components) > count:
                continue
            seen.add(purl)
            name = item[0].split("/")[-1].split(":")[-1]
            components.append({"type": "library", "bom-ref": purl, "name": name, "version": item[1], "purl": purl})
    subject = {"bom-ref": "subject", "type": "container", "name": "ten-thousand"}
    json.dump({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"component": subject},
        "components": components,
    }, sys.stdout)


main()
