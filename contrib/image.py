#!/usr/bin/python3
"""image.py FOLDER - a container image of the nameserver, and what is in it.

FOLDER/waymark.tar is an image in OCI's layout (podman load -i, skopeo copy oci-archive:): waymarkd, waymarkctl, their shared libraries, the
GeoIP database, the example, and nothing else: no shell and no packages. It runs as user 990, and nothing in it has to be written but
/var/lib/waymark and /run/waymark, so that its root may be read-only:

    podman run --read-only --user 990:990 --cap-drop all --tmpfs /run/waymark:mode=0700,U -v waymark:/var/lib/waymark:U -v /etc/waymark:/etc/waymark:ro \\
        -p 53:5300/udp -p 53:5300/tcp waymark

FOLDER/waymark.spdx.json lists each file with its SHA-256, and each package that a library is from with its version (SPDX 2.3). The same programs and
libraries give the same bytes. Debian's dpkg tells what a library is from.
"""
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
USER = 990
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH") or subprocess.run(["git", "-C", TOP, "log", "-1", "--format=%ct"], capture_output=True, text=True).stdout or 0)
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
# Read by the C library and by TLS at run time.
FILES = ["/etc/ssl/certs/ca-certificates.crt"]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def libraries(program):
    """Where the loader finds what the program wants, and the loader itself."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(?m)^\s*(?:\S+ => )?(/\S+) \(0x", said))


def tree(version):
    """Path in the image: (bytes, mode, owner), and where each came from."""
    found, source = {}, {}

    def put(path, data, mode=0o644, owner=0, of=None):
        found[path.lstrip("/")] = (data, mode, owner)
        source[path.lstrip("/")] = of

    def copy(path, to=None, mode=0o644):
        with open(path, "rb") as f:
            put(to or path, f.read(), mode, of=path if not to or path.startswith("/usr/lib") or path.startswith("/lib") else None)

    wanted = set()
    for name in ("waymarkd", "waymarkctl"):
        copy("%s/%s" % (BUILD, name), "/usr/sbin/" + name, 0o755)
        wanted |= libraries("%s/%s" % (BUILD, name))
    for path in sorted(wanted):
        copy(path, mode=0o755)
    for path in FILES:
        if os.path.exists(path):
            copy(path)
    copy(TOP + "/geoip/city.mmdb", "/usr/share/waymark/city.mmdb")
    copy(TOP + "/geoip/README.md", "/usr/share/waymark/README.md")
    copy(TOP + "/LICENSE", "/usr/share/doc/waymark/LICENSE")
    with open(TOP + "/contrib/waymark.yaml") as f:
        text = "".join(f.readlines()[2:])
    text = re.sub(r"listen: .*", 'listen: [ "0.0.0.0:5300" ]', text)
    text = re.sub(r"(?m)^control: .*", "control: { socket: /run/waymark/control.sock, state: /var/lib/waymark/state }", text)
    text = text.replace("../geoip/", "/usr/share/waymark/").replace("dir: ../zones", "dir: zones")
    put("/etc/waymark/waymark.yaml", text.encode())
    for zone in sorted(os.listdir(TOP + "/zones")):
        copy(TOP + "/zones/" + zone, "/etc/waymark/zones/" + zone)
    put("/etc/passwd", b"root:x:0:0:root:/:/\nwaymark:x:%d:%d:Waymark:/var/lib/waymark:/\n" % (USER, USER))
    put("/etc/group", b"root:x:0:\nwaymark:x:%d:\n" % USER)
    put("/etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    put("/etc/waymark-release", version.encode() + b"\n")
    return found, source


def tar_of(found, folders=()):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        dirs = {os.path.dirname(p) for p in found}
        while True:
            more = {os.path.dirname(d) for d in dirs} - dirs - {""}
            if not more:
                break
            dirs |= more
        for path in sorted(dirs | set(found) | {f for f, _, _ in folders}):
            info = tarfile.TarInfo(path)
            info.mtime = EPOCH
            extra = [row for row in folders if row[0] == path]
            if path in found:
                data, info.mode, owner = found[path]
                info.size, info.uid, info.gid = len(data), owner, owner
                tar.addfile(info, io.BytesIO(data))
            elif path:
                info.type, info.mode = tarfile.DIRTYPE, extra[0][1] if extra else 0o755
                info.uid = info.gid = extra[0][2] if extra else 0
                tar.addfile(info)
    return out.getvalue()


def packages(source):
    """Of which Debian package, and which version of it, each file is."""
    rows = {}
    for path in sorted(p for p in source.values() if p):
        for name in (path, os.path.realpath(path), os.path.realpath(path).replace("/usr/lib", "/lib", 1)):
            said = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True).stdout
            if said:
                package = said.split(": ")[0].split(",")[0]
                rows[path] = (package, subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True).stdout)
                break
    return rows


def spdx(version, found, source):
    of = packages(source)
    when = subprocess.run(["date", "-u", "-d", "@%d" % EPOCH, "+%Y-%m-%dT%H:%M:%SZ"], capture_output=True, text=True).stdout.strip()
    ident = lambda kind, name: "SPDXRef-%s-%s" % (kind, re.sub(r"[^A-Za-z0-9.]", "-", name))        # noqa: E731
    files = [{"SPDXID": ident("File", path), "fileName": "./" + path, "checksums": [{"algorithm": "SHA256", "checksumValue": digest(found[path][0])}]} for path in sorted(found)]
    list_of = [{"SPDXID": "SPDXRef-waymark", "name": "waymark", "versionInfo": version, "downloadLocation": "NOASSERTION", "licenseDeclared": "BSD-2-Clause",
                "filesAnalyzed": False}]
    links = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-waymark"}]
    for package, number in sorted(set(of.values())):
        list_of.append({"SPDXID": ident("Package", package), "name": package, "versionInfo": number, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
                        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:deb/debian/%s@%s" % (package.split(":")[0], number)}]})
        links.append({"spdxElementId": "SPDXRef-waymark", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": ident("Package", package)})
    for path in sorted(found):
        package = of.get(source.get(path))
        links.append({"spdxElementId": ident("Package", package[0]) if package else "SPDXRef-waymark", "relationshipType": "CONTAINS", "relatedSpdxElement": ident("File", path)})
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "waymark-" + version,
            "documentNamespace": "https://waymark.example.org/spdx/%s/%s" % (version, digest(b"".join(found[p][0] for p in sorted(found)))),
            "creationInfo": {"created": when, "creators": ["Tool: contrib/image.py"]}, "packages": list_of, "files": files, "relationships": links}


def main():
    to = sys.argv[1] if len(sys.argv) > 1 else BUILD + "/image"
    os.makedirs(to, exist_ok=True)
    version = re.search(r"AC_INIT\(\[waymark\], \[(.*)\]\)", open(TOP + "/configure.ac").read()).group(1)
    found, source = tree(version)
    layer = tar_of(found, [("run/waymark", 0o700, USER), ("var/lib/waymark", 0o700, USER), ("tmp", 0o1777, 0)])
    blob = gzip.compress(layer, 9, mtime=0)
    config = json.dumps({"architecture": ARCH, "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer)]},
                         "config": {"User": "%d:%d" % (USER, USER), "Entrypoint": ["/usr/sbin/waymarkd", "-c", "/etc/waymark/waymark.yaml"], "WorkingDir": "/",
                                    "ExposedPorts": {"5300/udp": {}, "5300/tcp": {}}, "Volumes": {"/var/lib/waymark": {}}, "StopSignal": "SIGTERM",
                                    "Labels": {"org.opencontainers.image.title": "waymark", "org.opencontainers.image.version": version,
                                               "org.opencontainers.image.licenses": "BSD-2-Clause AND CC-BY-4.0"}}}, sort_keys=True).encode()

    def described(kind, data):
        return {"mediaType": kind, "digest": "sha256:" + digest(data), "size": len(data)}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": described("application/vnd.oci.image.config.v1+json", config),
                           "layers": [described("application/vnd.oci.image.layer.v1.tar+gzip", blob)]}, sort_keys=True).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [dict(described("application/vnd.oci.image.manifest.v1+json", manifest),
                                                              annotations={"org.opencontainers.image.ref.name": "waymark:" + version})]}, sort_keys=True).encode()
    whole = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
    for data in (blob, config, manifest):
        whole["blobs/sha256/" + digest(data)] = data
    with open(to + "/waymark.tar", "wb") as f:
        f.write(tar_of({path: (data, 0o644, 0) for path, data in whole.items()}))
    with open(to + "/waymark.spdx.json", "w") as f:
        json.dump(spdx(version, found, source), f, indent=1, sort_keys=True)
    print("image: %s/waymark.tar, %.1f MB, %d files; %s/waymark.spdx.json" % (to, os.path.getsize(to + "/waymark.tar") / 1e6, len(found), to))


main()
