#!/usr/bin/env python3
# Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
"""Parts of scripts/test-image: the layers of a changing folder, what is planted into it, and the OCI layout."""
import gzip, hashlib, json, os, random, stat, sys, tarfile, zipfile, zlib


def layer(root, snapshot, out):
    """Writes what changed below root since the snapshot as a layer, and the new snapshot."""
    old = json.load(open(snapshot)) if os.path.exists(snapshot) else {}
    new = {}
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in folders + files:
            path = os.path.join(folder, name)
            s = os.lstat(path)
            new[os.path.relpath(path, root)] = [s.st_mode, s.st_uid, s.st_gid, s.st_size, s.st_mtime_ns, s.st_ino]
        folders[:] = [f for f in folders if not os.path.islink(os.path.join(folder, f))]
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        # A folder none of whose entries is left is marked as new, which hides all that was below it.
        kept = {os.path.dirname(p) for p in old if p in new}
        folders = {os.path.dirname(p) for p in old if p not in new and os.path.dirname(p)}
        replaced = {p for p in folders if p in new and stat.S_ISDIR(new[p][0]) and p not in kept}
        gone = [p for p in old if p not in new]
        def mark(folder, name):
            info = tarfile.TarInfo(os.path.join(folder, name))
            info.mode = 0o600
            tar.addfile(info)
        for path in sorted(new):
            if new[path] != old.get(path) or path in replaced:
                if stat.S_ISSOCK(new[path][0]): continue
                tar.add(os.path.join(root, path), path, recursive=False)
                if path in replaced: mark(path, ".wh..wh..opq")
        for path in sorted(gone):
            folder, name = os.path.split(path)
            if folder and (folder in gone or folder in replaced): continue
            mark(folder, ".wh." + name)
    json.dump(new, open(snapshot, "w"))


def pom(group, artifact, version):
    return f"groupId={group}\nartifactId={artifact}\nversion={version}\n"


def plant(app, work):
    """Secrets, EICAR, jars in jars, PHP, and what the Go and the Rust programs are made of. No secret is a real one."""
    draw = random.Random(20230312)
    pick = lambda alphabet, count: "".join(draw.choice(alphabet) for _ in range(count))
    letters = "abcdefghijklmnopqrstuvwxyz"
    everything = letters + letters.upper() + "0123456789"
    with open(app + "/.env", "w") as f:
        f.write("AWS_ACCESS_KEY_ID=AKIA" + pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16) + "\n")
        f.write("AWS_SECRET_ACCESS_KEY=" + pick(everything + "/+", 40) + "\n")
        f.write("GITHUB_TOKEN=ghp_" + pick(everything, 36) + "\n")
    with open(app + "/tmp/deploy_key.pem", "w") as f:
        body = "\n".join(pick(everything + "/+", 64) for _ in range(25))
        f.write(f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{body}\n-----END RSA {'PRIVATE'} KEY-----\n")
    with open(app + "/tmp/eicar.com", "w") as f:
        f.write("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE" + "!$H+H*")
    open(app + "/cache/old", "w").write("stale\n")
    jars = sorted(os.listdir(app + "/lib"))
    with zipfile.ZipFile(app + "/lib/example-app-0.1.0.war", "w") as war:
        place = "META-INF/maven/org.example/example-app/pom.properties"
        war.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nImplementation-Title: example-app\nImplementation-Version: 0.1.0\n")
        war.writestr(place, pom("org.example", "example-app", "0.1.0"))
        for jar in jars:
            if jar.startswith(("jackson", "guava", "commons-io")): war.write(app + "/lib/" + jar, "WEB-INF/lib/" + jar)
        for group, artifact, version in [
            ("org.apache.logging.log4j", "log4j-core", "2.14.1"), ("joda-time", "joda-time", "2.9.2"),
            ("org.apache.struts", "struts2-core", "2.3.30"), ("commons-collections", "commons-collections", "3.2.1"),
        ]:
            inner = f"{work}/{artifact}.jar"
            with zipfile.ZipFile(inner, "w") as z:
                z.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
                z.writestr(f"META-INF/maven/{group}/{artifact}/pom.properties", pom(group, artifact, version))
            war.write(inner, f"WEB-INF/lib/{artifact}-{version}.jar")
    php = [("asm89/stack-cors", "1.3.0"), ("behat/mink", "v1.8.1"), ("symfony/http-kernel", "v4.4.10"),
           ("twig/twig", "v2.12.0"), ("guzzlehttp/guzzle", "6.5.3"), ("monolog/monolog", "1.25.1")]
    packages = [{"name": n, "version": v, "type": "library", "license": ["MIT"]} for n, v in php]
    json.dump({"packages": packages, "dev": False, "dev-package-names": []}, open(app + "/php/vendor/composer/installed.json", "w"), indent=4)
    crates = [("itoa", "1.0.14"), ("memchr", "2.7.4"), ("ryu", "1.0.18"), ("serde", "1.0.217"), ("serde_json", "1.0.135"),
              ("smallvec", "1.6.0"), ("time", "0.1.43"), ("tokio", "1.8.0"), ("regex", "1.5.4")]
    listed = [{"name": n, "version": v, "source": "crates.io"} for n, v in crates]
    listed.append({"name": "uses_json", "version": "0.1.0", "source": "local", "dependencies": list(range(len(crates))), "root": True})
    open(work + "/dep-v0", "wb").write(zlib.compress(json.dumps({"packages": listed}).encode()))
    # Two modules whose sources are stubs here: what counts is what the linker writes into the program about them.
    go = {
        "go.mod": "module example.org/replaced\n\ngo 1.18\n\nrequire (\n\tgolang.org/x/text v0.3.5\n\tgolang.org/x/net v0.0.0-20210226172049-e18ecbb05110\n)\n\n"
                  "replace golang.org/x/text v0.3.5 => ./text\n\nreplace golang.org/x/net => ./net\n",
        "main.go": 'package main\n\nimport (\n\t"golang.org/x/net"\n\t"golang.org/x/text"\n)\n\nfunc main() { println(text.Name, net.Name) }\n',
        "text/go.mod": "module golang.org/x/text\n\ngo 1.18\n", "text/text.go": 'package text\n\nvar Name = "text"\n',
        "net/go.mod": "module golang.org/x/net\n\ngo 1.18\n", "net/net.go": 'package net\n\nvar Name = "net"\n',
    }
    for name, text in go.items():
        path = f"{work}/gomod/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").write(text)


def pack(out, layers):
    """An OCI layout of the layers, gzipped."""
    os.makedirs(out + "/blobs/sha256")
    def blob(data):
        digest = hashlib.sha256(data).hexdigest()
        open(f"{out}/blobs/sha256/{digest}", "wb").write(data)
        return {"digest": "sha256:" + digest, "size": len(data)}
    steps = ["debootstrap --variant=minbase bookworm", "RUN apt-get install openssl curl nginx-light ruby-rack",
             "COPY app /app", "RUN rm -rf /app/tmp/deploy_key.pem /app/tmp/eicar.com flask"]
    descriptors, ids = [], []
    for path in layers:
        data = open(path, "rb").read()
        ids.append("sha256:" + hashlib.sha256(data).hexdigest())
        kind = "application/vnd.oci.image.layer.v1.tar+gzip"
        descriptors.append({"mediaType": kind, **blob(gzip.compress(data, 6, mtime=0))})
    history = [{"created": "2026-01-01T00:00:00Z", "created_by": s} for s in steps]
    history.append({"created": "2026-01-01T00:00:00Z", "created_by": "CMD [\"/app/bin/replaced\"]", "empty_layer": True})
    config = {"architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z", "history": history,
              "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "APP_MODE=production"], "Cmd": ["/app/bin/replaced"],
                         "ExposedPorts": {"8080/tcp": {}}, "Labels": {"org.opencontainers.image.title": "app"}},
              "rootfs": {"type": "layers", "diff_ids": ids}}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(json.dumps(config).encode())},
                "layers": descriptors}
    index = {"schemaVersion": 2, "manifests": [{"mediaType": manifest["mediaType"], **blob(json.dumps(manifest).encode()),
             "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}
    json.dump(index, open(out + "/index.json", "w"))
    json.dump({"imageLayoutVersion": "1.0.0"}, open(out + "/oci-layout", "w"))


if __name__ == "__main__":
    verb, arguments = sys.argv[1], sys.argv[2:]
    if verb == "layer": layer(*arguments)
    elif verb == "plant": plant(*arguments)
    elif verb == "pack": pack(arguments[0], arguments[1:])
