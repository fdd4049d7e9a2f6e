"""servers - how each server is told to serve a workload: on a loopback port, out of a folder of its own, in the foreground.

Each is set up to do well: minimal answers, no rate limits, no logs of queries, as many threads as it is given.
"""
import hashlib
import os
import shutil
import subprocess

from lib import BUILD, free_port
from workloads import EDGES

ADDRESS = "198.51.100.%d"               # of the n-th edge


class Server:
    """`program` is what must be installed. supports() returns why not, or None."""
    name = program = None

    def __init__(self, workload, folder, threads, waymarkd):
        self.workload, self.threads, self.waymarkd = workload, threads, waymarkd
        self.dir = os.path.join(folder, self.name)
        self.port, self.tls_port, self.https_port = free_port(), free_port(), free_port()
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)

    @classmethod
    def path(cls, _waymarkd):
        """Debian has servers in a folder that is not in everybody's PATH."""
        return shutil.which(cls.program, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin")

    @classmethod
    def supports(cls, workload):
        return "speaks no TLS" if workload.tls else None

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def configure(self):
        pass

    def argv(self):
        raise NotImplementedError

    def each_zone(self, text):
        return "".join(text.format(origin=origin, file=file) for origin, file in self.workload.zones)

    def geo_zone(self, record):
        """The zone of W5 with what makes it choose."""
        origin, file = self.workload.zones[0]
        with open(file) as f:
            return self.write("zones/" + origin, f.read() + record)


def hash_of(text):
    return hashlib.sha256(text.encode()).digest()


class Floor(Server):
    """What the kernel alone costs. Its answers have the right RCODE and as many records as are expected."""
    name = "floor"

    @classmethod
    def path(cls, _waymarkd):
        path = BUILD + "/bench/floor"
        return path if os.access(path, os.X_OK) else None

    def argv(self):
        w = self.workload
        return [self.path(None), "-p", str(self.port), "-j", str(self.threads), "-r", str(w.rcode), "-a", str(w.answers)] + (
            ["-T"] if w.tcp else [])


def tree_of(edges):
    """A share over pools in order over nearest ones, with the edges of W5."""
    names = [e[0] for e in edges]
    return ("pools:\n  cdn: { edges: [ own, { pool: partner, weight: 5%% } ], policy: ordered }\n  own: { edges: [ first, second ], policy: ordered }\n"
            "  first: { edges: [ %s ] }\n  second: { edges: [ %s ] }\n  partner: { edges: [ %s ] }\n" % tuple(
                ", ".join(part) for part in (names[:16], names[16:18], names[18:])))


class Waymark(Server):
    name = "waymark"

    @classmethod
    def supports(cls, _workload):
        return None

    @classmethod
    def path(cls, waymarkd):
        return waymarkd if os.access(waymarkd, os.X_OK) else None

    def configure(self):
        w, zones, geo = self.workload, self.workload.zone_dir, ""
        if w.geo:
            names = ["cdn"] if w.pools == 1 else ["cdn%d" % i for i in range(w.pools)]
            zones = os.path.dirname(self.geo_zone("".join("%s 60 EDGE %s\n" % (name, name) for name in names)))
            geo = "geoip: { city: { file: \"%s\" } }\nedges:\n" % w.mmdb
            for i, (edge, lat, lon) in enumerate(EDGES):
                geo += "  %s: { at: \"%s,%s\", a: [ %s ] }\n" % (edge, lat, lon, ADDRESS % (i + 1))
            # The same edges in another order each, so that no two are one.
            pools = [sorted(EDGES, key=lambda e: hash_of(name + e[0])) if i else EDGES for i, name in enumerate(names)]
            pin = ", pin: [ { clients: many, to: %s } ]" % EDGES[0][0] if w.nets else ""
            geo += tree_of(EDGES) if w.tree else "pools: { %s }\n" % ", ".join(
                "%s: { edges: [ %s ], policy: nearest%s }" % (name, ", ".join(e[0] for e in pool), pin) for name, pool in zip(names, pools))
            geo += "clients: { many: { file: \"%s\" } }\n" % w.nets_file if w.nets else ""
        signs = "dnssec: auto, " if w.signs else ""
        if w.signs:
            geo += "store: { file: waymark.db }\n"
        listen, tls = "\"127.0.0.1:%d\"" % self.port, ""
        if w.tls:
            listen += ", \"tls:127.0.0.1:%d\", \"https:127.0.0.1:%d/dns-query\"" % (self.tls_port, self.https_port)
            tls = ", tls-handshakes-per-net: 1000000, tls: [ { cert: \"%s\", key: \"%s\" } ]" % (w.cert, w.key)
        self.write("waymark.yaml", "server: { listen: [ %s ], workers: %d%s }\nzones: [ { %sdir: \"%s\" } ]\n%s" % (
            listen, self.threads, tls, signs, zones, geo))

    def argv(self):
        return [self.waymarkd, "-c", os.path.join(self.dir, "waymark.yaml")]


class Gdnsd(Server):
    name = program = "gdnsd"

    @classmethod
    def supports(cls, workload):
        return "knows no pools in pools" if workload.tree else "is set up without nets" if workload.nets else "speaks no TLS" if workload.tls else "knows no DNSSEC" if workload.signed else "is set up for one pool" if workload.pools > 1 else None

    def configure(self):
        plugins = ""
        if self.workload.geo:
            self.geo_zone("cdn 60 DYNA geoip!cdn\n")
            os.rename(self.dir + "/zones", self.dir + "/etc-zones")
            names = [e[0] for e in EDGES]
            coords = ", ".join("%s => [ %s, %s ]" % e for e in EDGES)
            addresses = ", ".join("%s => %s" % (e, ADDRESS % (i + 1)) for i, e in enumerate(names))
            plugins = ("plugins => { geoip => { maps => { world => { geoip2_db => \"%s\", datacenters => [ %s ], auto_dc_coords => { %s } } },\n"
                       "resources => { cdn => { map => world, dcmap => { %s } } } } }\n" % (
                           self.workload.mmdb, ", ".join(names), coords, addresses))
        self.write("etc/config", "options => { listen => [ 127.0.0.1:%d ], udp_threads => %d, tcp_threads => %d, run_dir => \"%s\", "
                   "state_dir => \"%s\" }\n%s" % (self.port, self.threads, self.threads, self.dir + "/run", self.dir + "/state", plugins))
        os.symlink(self.dir + "/etc-zones" if self.workload.geo else self.workload.zone_dir, self.dir + "/etc/zones")
        for folder in ("run", "state"):
            os.mkdir(os.path.join(self.dir, folder))

    def argv(self):
        return [self.path(None), "-c", self.dir + "/etc", "start"]


class Nsd(Server):
    name = program = "nsd"

    @classmethod
    def supports(cls, workload):
        return "does not choose by client" if workload.geo else "speaks no HTTPS" if workload.tls == "doh" else None

    def configure(self):
        w = self.workload
        tls = "  ip-address: 127.0.0.1@%d\n  tls-port: %d\n  tls-service-key: \"%s\"\n  tls-service-pem: \"%s\"\n  tcp-query-count: 0\n" % (
            self.tls_port, self.tls_port, w.key, w.cert) if w.tls else ""
        self.write("nsd.conf", """server:
{tls}  ip-address: 127.0.0.1@{port}
  server-count: {threads}
  reuseport: {many}
  username: ""
  database: ""
  zonesdir: "{dir}"
  zonelistfile: "{dir}/zone.list"
  xfrdfile: "{dir}/xfrd.state"
  xfrdir: "{dir}"
  pidfile: "{dir}/nsd.pid"
  logfile: "{dir}/log"
  minimal-responses: yes
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  tcp-count: 100
remote-control:
  control-enable: no
""".format(port=self.port, tls=tls, threads=self.threads, many="yes" if self.threads > 1 else "no", dir=self.dir) +
                   self.each_zone("zone:\n  name: \"{origin}\"\n  zonefile: \"{file}\"\n"))

    def argv(self):
        return [self.path(None), "-d", "-c", self.dir + "/nsd.conf"]


class Knot(Server):
    """Its module geoip chooses by what a database says literally (a country, say), so that each country is dealt to an edge by
    hand: that is less work than to find the nearest, and another answer."""
    name, program = "knot", "knotd"

    @classmethod
    def supports(cls, workload):
        return "chooses by country, not the nearest" if workload.geo else super().supports(workload)

    def configure(self):
        self.write("knot.conf", """server:
    rundir: "{dir}"
    listen: 127.0.0.1@{port}
    udp-workers: {threads}
    tcp-workers: {threads}
    background-workers: 1
    tcp-idle-timeout: 60
log:
  - target: stderr
    any: error
database:
    storage: "{dir}"
template:
  - id: default
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
""".format(dir=self.dir, port=self.port, threads=self.threads) + self.each_zone("  - domain: \"{origin}\"\n    file: \"{file}\"\n"))

    def argv(self):
        return [self.path(None), "-c", self.dir + "/knot.conf"]


class Named(Server):
    name = program = "named"

    @classmethod
    def supports(cls, workload):
        return "does not heed client subnets" if workload.geo else None

    def configure(self):
        w, listen, tls = self.workload, "", ""
        if w.tls:
            listen = ("listen-on port %d tls t { 127.0.0.1; }; listen-on port %d tls t http h { 127.0.0.1; }; http-listener-clients 0; "
                      "http-streams-per-connection 0; " % (self.tls_port, self.https_port))
            tls = "tls t { cert-file \"%s\"; key-file \"%s\"; };\nhttp h { endpoints { \"/dns-query\"; }; };\n" % (w.cert, w.key)
        self.write("named.conf", """options {{
    directory "{dir}"; pid-file "{dir}/named.pid"; session-keyfile "{dir}/session.key"; lock-file none;
    listen-on port {port} {{ 127.0.0.1; }}; {listen}listen-on-v6 {{ none; }};
    recursion no; minimal-responses yes; notify no; dnssec-validation no; tcp-clients 200;
}};
controls {{ }};
{tls}logging {{ category default {{ null; }}; }};
""".format(dir=self.dir, port=self.port, listen=listen, tls=tls) + self.each_zone("zone \"{origin}\" {{ type primary; file \"{file}\"; }};\n"))

    def argv(self):
        return [self.path(None), "-f", "-n", str(self.threads), "-c", self.dir + "/named.conf"]


class Pdns(Server):
    name, program = "pdns", "pdns_server"

    @classmethod
    def supports(cls, workload):
        if workload.geo:
            return "chooses by country, not the nearest"
        if workload.tls:
            return super().supports(workload)
        if workload.signed and not shutil.which("pdnsutil"):
            return "pdnsutil is not installed, which tells it that a zone is signed"
        return None

    def configure(self):
        self.write("pdns.conf", """launch=bind
bind-config={dir}/zones.conf
local-address=127.0.0.1
local-port={port}
receiver-threads={threads}
distributor-threads=1
daemon=no
guardian=no
socket-dir={dir}
security-poll-suffix=
loglevel=3
max-tcp-connections=200
max-tcp-connections-per-client=0
""".format(dir=self.dir, port=self.port, threads=self.threads) +
                   ("bind-dnssec-db={dir}/signed.db\n".format(dir=self.dir) if self.workload.signed else ""))
        self.write("zones.conf", self.each_zone("zone \"{origin}\" {{ type master; file \"{file}\"; }};\n"))
        if self.workload.signed:
            self.util("create-bind-db", self.dir + "/signed.db")
            for origin, _ in self.workload.zones:
                self.util("set-presigned", origin)
                if self.workload.nsec3:
                    self.util("set-nsec3", origin, "1 0 0 -")

    def util(self, *words):
        subprocess.run(["pdnsutil", "--config-dir=" + self.dir] + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)

    def argv(self):
        return [self.path(None), "--config-dir=" + self.dir]


ALL = (Floor, Waymark, Gdnsd, Nsd, Knot, Named, Pdns)
