#!/usr/bin/env python3
"""Inventory and scans of one image, ours and the peers', in turn; then findings side by side."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

binary, images, peers, advisories = sys.argv[1:5]
measure = pathlib.Path(__file__).with_name("measure.py")
runs = os.environ.get("BENCH_RUNS", "5")
app, layout = f"{images}/app.tar", f"{images}/app-oci.tar"
offline = ["unshare", "-n"]
trivy = [
    *offline, f"{peers}/trivy", "--cache-dir", f"{peers}/trivy-cache", "image", "--skip-db-update", "--skip-java-db-update",
    "--offline-scan", "--cache-backend", "memory", "-q", "--format", "json",
]
syft = [*offline, f"{peers}/syft", "-q", "-o", "syft-json"]
scan = [binary, "image", "scan", "--database", advisories, "--output", "json"]
only = ["--scanners", "vuln"]


def table(title, commands):
    arguments = []
    for label, command in commands:
        arguments += ["--"] * bool(arguments) + [label, *command]
    text = subprocess.run(
        [sys.executable, measure, runs, *arguments], check=True, capture_output=True, text=True).stdout.strip()
    lines, data = text.rsplit("\n", 1)
    print(f"\n{title}\n{lines}")
    return json.loads(data)


print(f"image: {os.path.getsize(app) / 1e6:.0f} MB docker-archive, {os.path.getsize(layout) / 1e6:.0f} MB OCI archive")
with tempfile.TemporaryDirectory() as cache:
    os.environ["XDG_CACHE_HOME"] = cache
    inventory = table("inventory", [
        ("bulwark", [binary, "image", "inventory", "--no-cache", app]), ("syft 1.18.1", [*syft, f"docker-archive:{app}"]),
    ])
    found = table("vulnerabilities, every layer read anew", [
        ("bulwark", [*scan, "--scanners", "vulnerabilities", "--no-cache", app]), ("trivy 0.59.1", [*trivy, *only, "--input", app]),
    ])
    subprocess.run([*scan, "--scanners", "vulnerabilities", app], stdout=subprocess.DEVNULL)
    warm = table("vulnerabilities, layers known", [("bulwark", [*scan, "--scanners", "vulnerabilities", app])])
    unpacked = pathlib.Path(cache, "layout")
    unpacked.mkdir()
    subprocess.run(["tar", "-xf", layout, "-C", unpacked], check=True)
    packed = table("vulnerabilities, gzip layers of an OCI layout, every layer read anew", [
        ("bulwark", [*scan, "--scanners", "vulnerabilities", "--no-cache", str(unpacked)]),
        ("trivy 0.59.1", [*trivy, *only, "--input", str(unpacked)]),
        ("syft 1.18.1, inventory alone", [*syft, f"oci-dir:{unpacked}"]),
    ])
    many = pathlib.Path(cache, "packages.json")
    generator = pathlib.Path(__file__).with_name("image_packages.py")
    with many.open("w") as file:
        subprocess.run([sys.executable, generator, f"{os.environ['BULWARK_DATA']}/images/osv", "10000"], stdout=file, check=True)
    match = [*offline, f"{peers}/trivy", "--cache-dir", f"{peers}/trivy-cache", "sbom", "--skip-db-update",
             "--skip-java-db-update", "--offline-scan", "-q", "--format", "json", str(many)]
    matched = table("matching 10,000 packages of a bill against all advisories", [
        ("bulwark", [binary, "sbom", "scan", str(many), "--database", advisories, "--output", "json"]),
        ("trivy 0.59.1", match),
    ])
    os.environ["BENCH_RUNS"] = "1"
    runs = "1"
    every = table("everything in one pass", [
        ("bulwark", [*scan, "--no-cache", app]), ("trivy 0.59.1", [*trivy, "--scanners", "vuln,secret", "--input", app]),
    ])



def findings():
    """Both sides' findings on the same advisories: kind, id, package, version."""
    kinds = {
        "debian": "deb", "python-pkg": "pypi", "gobinary": "golang", "jar": "maven", "node-pkg": "npm",
        "rustbinary": "cargo", "composer-vendor": "composer", "gemspec": "gem",
    }
    run = subprocess.run([*scan, "--scanners", "vulnerabilities", app], capture_output=True, check=True)
    mine, peer = set(), set()
    for item in json.loads(run.stdout)["vulnerabilities"]:
        package = item["package"]
        mine.add((package["kind"], item["id"], package["name"].lower(), package["version"].lstrip("v")))
    for result in json.loads(subprocess.run([*trivy, *only, "--input", app], capture_output=True, check=True).stdout)["Results"]:
        for item in result.get("Vulnerabilities") or []:
            kind = kinds.get(result["Type"], result["Type"])
            peer.add((kind, item["VulnerabilityID"], item["PkgName"].lower(), item["InstalledVersion"].lstrip("v")))
    print(f"\nfindings: ours {len(mine)}, Trivy's {len(peer)}; only ours {len(mine - peer)}, only Trivy's {len(peer - mine)}")
    for title, items in (("only ours", mine - peer), ("only Trivy's", peer - mine)):
        for item in sorted(items)[:20]:
            print(f"  {title}: {' '.join(item)}")


findings()
ours, theirs = inventory["bulwark"], inventory["syft 1.18.1"]
targets = [
    ("inventory, CPU: syft's over ours", theirs["cpu"] / ours["cpu"], ">=", 5, "times"),
    ("inventory, memory: syft's over ours", theirs["memory"] / ours["memory"], ">=", 4, "times"),
    ("cold scan, CPU: Trivy's over ours", found["trivy 0.59.1"]["cpu"] / found["bulwark"]["cpu"], ">=", 1, "times"),
    ("cold scan, memory", found["bulwark"]["memory"], "<=", 200, "MB"),
    ("warm scan, elapsed", warm["bulwark"]["elapsed"] * 1000, "<", 50, "ms"),
    ("gzip layers, CPU: Trivy's over ours", packed["trivy 0.59.1"]["cpu"] / packed["bulwark"]["cpu"], ">=", 1, "times"),
    ("10,000 packages matched, elapsed", matched["bulwark"]["elapsed"] * 1000, "<", 200, "ms"),
    ("everything in one pass, CPU", every["bulwark"]["cpu"], "<", 10, "s"),
]
print("\n| target | asked | measured |\n|---|---|---|")
for name, value, sign, bound, unit in targets:
    met = value >= bound if sign == ">=" else value <= bound
    print(f"| {name} | {sign} {bound} {unit} | {value:.1f} {unit}{'' if met else ', missed'} |")
print("\nunit: CPU seconds of an inventory, ours over syft's")
print(f"ratio image {ours['cpu'] / theirs['cpu']:.4f}")
