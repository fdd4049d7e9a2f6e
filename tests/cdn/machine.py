"""machine - all that the CDN's laboratory is made of, started, killed and started again: cities, two Waymarks, a Redis, an authority for
certificates, an origin, edges with their agents, resolvers. Each is a real program in the network namespace of its city.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../serve"), os.path.join(HERE, "../lab")]
import lib                                                  # noqa: E402
import places                                               # noqa: E402
from inside import at, sh                                   # noqa: E402

FOLDERS = "/usr/sbin:/sbin:/usr/bin:/bin:" + os.environ.get("PATH", "")
os.environ["PATH"] = FOLDERS
TTL_S, CAPACITY = 20, {"lax": 20}                           # requests a second; of the others:
CAPACITY_ELSE = 100
NICE = -15
NEEDED = ["nginx", "unbound", "openssl", "dig"]
# What each city's clients ask. Of these only the last sends no client subnet.
KINDS = {"barcelona": "unbound", "tbilisi": "dnsdist", "telaviv": "recursor", "nairobi": "unbound", "lagos": "plain", "delhi": "recursor",
         "saigon": "dnsdist", "sapporo": "unbound", "perth": "plain", "frisco": "unbound", "quito": "recursor", "pessoa": "unbound"}
CALLED = {"unbound": "unbound, client subnet", "plain": "unbound without client subnet", "recursor": "PowerDNS Recursor", "dnsdist": "dnsdist"}
NAMES = ("www.cdn.test", "map.cdn.test", "one.cdn.test")    # each has pictures of its own at the edges; all others share those of the last
SLOW_SHOP, SHOP_MS = "lon", 300                             # whose application needs so long


def has(program):
    return shutil.which(program, path=FOLDERS)


def before_others(pid):
    """Where that is allowed: what is late for want of a processor tells nothing of edges. A session has a share of its own (sched(7), "The autogroup
    feature"), in which nice(2) is a matter between its own processes."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
        with open("/proc/%d/autogroup" % pid, "w") as f:
            f.write(str(NICE))


def missing():
    return [p for p in NEEDED if not has(p)]


class Machine:
    def __init__(self, ms, images):
        self.ms, self.images = dict(ms), images
        self.dir = tempfile.mkdtemp(prefix="waymark-cdn.")
        os.chmod(self.dir, 0o755)
        self.procs, self.visits, self.killed = {}, [], set()
        self.quick = False                                  # certbot waits for its record to be everywhere, lego looks
        self.kinds = {c: k if k in ("unbound", "plain") or has({"recursor": "pdns_recursor"}.get(k, k)) else "unbound" for c, k in KINDS.items()}

    # ------------------------------------------------------------------ processes

    def start(self, name, *words, **more):
        log = open("%s/%s.log" % (self.dir, name), "a")
        more.setdefault("stdin", subprocess.DEVNULL)
        self.procs[name] = subprocess.Popen(words, stdout=more.pop("stdout", log), stderr=log, start_new_session=True, **more)
        self.killed.discard(name)
        before_others(self.procs[name].pid)
        return self.procs[name]

    def kill(self, name):
        """At once, as power does it."""
        self.killed.add(name)
        os.killpg(self.procs[name].pid, signal.SIGKILL)
        self.procs[name].wait()

    def stop(self):
        for p in reversed(list(self.procs.values())):
            if p.poll() is None:
                try:
                    os.killpg(p.pid, signal.SIGKILL)
                    p.wait(5)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    pass
        shutil.rmtree(self.dir, ignore_errors=True)

    def said(self, name):
        with open("%s/%s.log" % (self.dir, name), errors="replace") as f:
            return f.read()

    def write(self, name, text, mode=0o644):
        path = "%s/%s" % (self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        new = "%s.%d.new" % (path, threading.get_ident())   # loads are told by a thread of their own
        with open(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w") as f:
            f.write(text)
        os.rename(new, path)
        return path

    def wait(self, what, holds, seconds=60):
        end = time.monotonic() + seconds * lib.SLOW
        while not holds():
            self.well()
            if time.monotonic() > end:
                raise AssertionError("%s: not within %d s\n%s" % (what, seconds, self.last_words()))
            time.sleep(0.1)

    def well(self):
        for name, p in self.procs.items():
            if p.poll() is not None and name not in self.killed:
                raise AssertionError("%s ended with %s: %s" % (name, p.returncode, self.said(name)[-800:]))

    def last_words(self):
        return "\n".join("%s: %s" % (n, self.said(n)[-500:]) for n in self.procs if n.startswith("ns"))

    # ------------------------------------------------------------------ cities

    def build(self):
        sh("mount", "-t", "tmpfs", "lab", "/run")
        for city in places.ALL:
            sh("ip", "netns", "add", city)
        self.router = self.start("router", lib.BUILD + "/lab_router", *["%s=%s.0.0/16" % (c, places.ALL[c][3]) for c in places.ALL],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lib.same(self.router.stdout.readline(), "ready\n", "router: " + self.said("router"))
        for city in places.ALL:
            batch = "link set lo up\naddr add %s/32 dev wan\nlink set wan up\nroute add default dev wan\nroute add local %s.0.0/16 dev lo\n" % (
                places.address(city, 53), places.ALL[city][3])
            sh("ip", "-n", city, "-batch", "-", input=batch)
        for (a, b), ms in self.ms.items():
            self.delay(a, b, ms)

    def delay(self, a, b, ms):
        """There and back."""
        for x, y in ((a, b), (b, a)):
            self.router.stdin.write("delay %s %s %g\n" % (x, y, ms / 2))
        self.router.stdin.flush()

    # ------------------------------------------------------------------ nameservers

    def start_authority(self):
        """pebble beside ns1; or, where it is not installed, nobody: the certificates are signed by a key of our own."""
        self.ca, self.acme = self.dir + "/ca.pem", None
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=lab", "-addext",
           "subjectAltName=IP:" + places.address("ns1", 53), "-keyout", self.dir + "/own.key", "-out", self.dir + "/own.pem")
        if not has("pebble") or not (has("certbot") or has("lego")):
            shutil.copy(self.dir + "/own.pem", self.ca)
            return
        here = places.address("ns1", 53)
        self.write("pebble.json", json.dumps({"pebble": {
            "listenAddress": here + ":14000", "managementListenAddress": here + ":15000", "certificate": self.dir + "/own.pem",
            "privateKey": self.dir + "/own.key", "httpPort": 5002, "tlsPort": 5001}}))
        self.start("pebble", *at("ns1", has("pebble"), "-config", self.dir + "/pebble.json", "-dnsserver", here + ":53"),
                   env=dict(os.environ, PEBBLE_VA_NOSLEEP="1"))
        self.acme = "https://%s:14000/dir" % here
        self.wait("pebble", lambda: subprocess.run(at("ns1", "curl", "-sf", "--cacert", self.dir + "/own.pem", "-o", self.ca, "https://%s:15000/roots/0" % here),
                                                   capture_output=True).returncode == 0)

    def secret(self):
        return sh("openssl", "rand", "-base64", "32").strip()

    def plain_conf(self, name):
        """Of a nameserver beside, which knows the map alone, and nothing measured: what the CDN is held against, with as many edges an answer."""
        return """server: { listen: [ "%s:53" ], workers: 1 }
control: { socket: control.sock }
geoip: { city: { file: %s/geoip/city.mmdb } }
%szones: [ { name: bymap.test, file: bymap.test.zone } ]
""" % (places.address(name, 54), lib.TOP, self.steering(web="policy: nearest, answers: 2", one="policy: nearest, answers: 1"))

    def steering(self, **pools):
        edges = "".join('  %s: { at: "%g,%g", a: [ %s ], capacity: %d }\n' % (e, lat, lon, places.address(e), CAPACITY.get(e, CAPACITY_ELSE))
                        for e, (_, lat, lon, _) in places.EDGES.items())
        return """balance: { every: 2s, slow-start: %s }
probes:
  web: { kind: https, host: www.cdn.test, path: /healthz, ca: %s, every: 2s, timeout: 2s, rise: %d, fall: 2, load-from: { body: load } }
edges:
%spools:
%s""" % ("0s" if self.quick else "20s", self.ca, 1 if self.quick else 2, edges, "".join("  %s: { edges: [ %s ], %s, probe: web, ttl: %ds }\n" % (
            pool, ", ".join(places.EDGES), how, TTL_S) for pool, how in pools.items()))

    def conf(self, name, pool="policy: nearest"):
        first, here = name == "ns1", places.address(name, 53)
        zone = ("{ name: cdn.test, file: cdn.test.zone, write-back: store, dnssec: auto, transfer: ns2, notify: ns2, update: "
                "{ key: acme, names: [ _acme-challenge, _acme-challenge.* ], types: TXT } }" if first else
                "{ name: cdn.test, primary: ns1, dnssec: auto }")
        fleet = 'fleet: { redis: [ "redis://%s:6379" ], name: lab, server: %s, secret: "%s" }\n' % (
            places.address("ns1", 53), name, self.keys["fleet"]) if has("redis-server") else ""
        return """server: { listen: [ "%s:53" ], workers: 1 }
control: { socket: control.sock }
management: { listen: "%s:9953" }
store: { file: waymark.db }
geoip: { city: { file: %s/geoip/city.mmdb } }
keys: { xfr: { secret: "%s" }, acme: { secret: "%s" } }
peers: { %s: { at: %s, key: xfr, edge-as: record } }
%slatency: { half-life: 10m, agents: { %s } }
%szones: [ %s ]
""" % (here, here, lib.TOP, self.keys["xfr"], self.keys["acme"], "ns2" if first else "ns1", places.address("ns2" if first else "ns1", 53), fleet,
            ", ".join('%s: { key: "%s" }' % (e, self.keys[e]) for e in places.EDGES),
            self.steering(web=pool + ", answers: 2", one="policy: nearest, answers: 1", shop="policy: nearest, answers: 1, goal: ttfb"), zone)     # who has one that is killed goes on with the other

    def start_nameservers(self):
        self.keys = {k: self.secret() for k in ["xfr", "acme", "fleet", *places.EDGES]}
        if has("redis-server"):
            self.start("redis", *at("ns1", "redis-server", "--bind", places.address("ns1", 53), "--save", "", "--protected-mode", "no",
                                    "--dir", self.dir))
        self.write("ns1/cdn.test.zone", "$TTL 1h\n@ SOA ns1 host 1 7200 900 1209600 60\n@ NS ns1\n@ NS ns2\nns1 A %s\nns2 A %s\norigin A %s\n"
                   "www 60 EDGE web\none 60 EDGE one\nshop 60 EDGE shop\nshop-rtt 60 EDGE one\n" % tuple(places.address(n, 53) for n in places.SERVERS) +
                   "".join("%s A %s\n" % (e, places.address(e)) for e in places.EDGES))
        for name in ("ns1", "ns2"):
            self.write(name + "/waymark.yaml", self.conf(name))
            self.write("map-%s/bymap.test.zone" % name, "$TTL 1h\n@ SOA ns host 1 7200 900 1209600 60\n@ NS ns\nns A %s\nwww 60 EDGE web\none 60 EDGE one\n" % places.address(name, 54))
            self.write("map-%s/waymark.yaml" % name, self.plain_conf(name))
        self.start_nameserver("ns1", "map-ns1", "map-ns2")
        self.wait("signed", lambda: "RRSIG" in sh(*at("ns1", "dig", "@" + places.address("ns1", 53), "www.cdn.test", "TXT", "+dnssec", "+tries=1")))
        shutil.copytree(self.dir + "/ns1/keys", self.dir + "/ns2/keys")
        self.start_nameserver("ns2")
        self.wait("the secondary", lambda: "status: NOERROR" in sh(*at("ns2", "dig", "@" + places.address("ns2", 53), "cdn.test", "SOA", "+tries=1")))
        self.ds = " ".join([l for l in self.ctl("ns1", "dnssec", "ds", "cdn.test").split("\n") if " IN DS " in l][0].split()[3:])

    def start_nameserver(self, *names):
        before = {name: self.said(name).count("ready:") if name in self.procs else 0 for name in names}
        for name in names:
            self.start(name, *at(name.replace("map-", ""), lib.WAYMARKD, "-c", "%s/%s/waymark.yaml" % (self.dir, name)))
        for name in names:
            self.wait(name + " is ready", lambda name=name: self.said(name).count("ready:") > before[name])

    def ctl(self, name, *words):
        return sh(lib.WAYMARKCTL, "-c", "%s/%s/waymark.yaml" % (self.dir, name), *words)

    def alone(self, *words):
        """To those that go by the map, each for itself."""
        for name in ("map-ns1", "map-ns2"):
            self.ctl(name, *words)

    def both(self, *words):
        return [self.ctl(name, *words) for name in ("ns1", "ns2")]

    # ------------------------------------------------------------------ certificates

    def certify(self):
        """How it was got, in words; for all names one certificate, for the origin and all edges."""
        self.cert, self.cert_key = self.dir + "/cert.pem", self.dir + "/cert.key"
        server, names = places.address("ns1", 53), ["-d", "*.cdn.test"]
        if self.acme and has("certbot") and not (self.quick and has("lego")):
            ini = self.write("certbot.ini", "dns_rfc2136_server = %s\ndns_rfc2136_name = acme\ndns_rfc2136_secret = %s\n"
                             "dns_rfc2136_algorithm = HMAC-SHA256\n" % (server, self.keys["acme"]), 0o600)
            folder = self.dir + "/certbot"
            sh(*at("origin", "certbot", "certonly", "--server", self.acme, "--agree-tos", "-m", "a@cdn.test", "--no-eff-email", "-n", "--dns-rfc2136",
                   "--key-type", "ecdsa", "--dns-rfc2136-credentials", ini, "--dns-rfc2136-propagation-seconds", "3", *names, "--config-dir", folder,
                   "--work-dir", folder, "--logs-dir", folder), env=dict(os.environ, REQUESTS_CA_BUNDLE=self.dir + "/own.pem"), timeout=120)
            live = folder + "/live/cdn.test/"
            shutil.copy(live + "fullchain.pem", self.cert)
            shutil.copy(live + "privkey.pem", self.cert_key)
            return "from pebble by certbot, through RFC 2136 (DNS-01)"
        if self.acme:
            folder = self.dir + "/lego"
            sh(*at("origin", "lego", "--server", self.acme, "--accept-tos", "--email", "a@cdn.test", "--path", folder, "--dns", "rfc2136", "--dns.resolvers",
                   server, "--dns.disable-cp", *names, "run"), timeout=120, env=dict(
                       os.environ, LEGO_CA_CERTIFICATES=self.dir + "/own.pem", RFC2136_NAMESERVER=server, RFC2136_TSIG_ALGORITHM="hmac-sha256.",
                       RFC2136_TSIG_KEY="acme", RFC2136_TSIG_SECRET=self.keys["acme"], RFC2136_PROPAGATION_TIMEOUT="20", RFC2136_SEQUENCE_INTERVAL="0",
                       RFC2136_POLLING_INTERVAL="1"))
            for end, to in ((".crt", self.cert), (".key", self.cert_key)):
                shutil.copy(folder + "/certificates/_.cdn.test" + end, to)
            return "from pebble by lego, through RFC 2136 (DNS-01)"
        sh("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=www.cdn.test", "-keyout", self.cert_key, "-out",
           self.dir + "/csr.pem", "-x509", "-days", "2", "-CA", self.ca, "-CAkey", self.dir + "/own.key", "-addext",
           "subjectAltName=DNS:*.cdn.test", "-out", self.cert)
        return "from a key of our own, since pebble and certbot (or lego) are not installed"

    # ------------------------------------------------------------------ the origin and the edges

    def nginx(self, name, http):
        folder = "%s/%s" % (self.dir, name)
        os.makedirs(folder, exist_ok=True)
        temporary = "".join("%s_temp_path %s/%s; " % (x, folder, x) for x in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self.write(name + "/nginx.conf", """daemon off; user root root; worker_processes 1; pid %s/pid; error_log %s/error.log;
events { worker_connections 1024; }
http {
	log_format lab '$msec $host $status $upstream_cache_status $remote_addr';
	access_log %s/access.log lab; %s
	ssl_certificate %s; ssl_certificate_key %s; ssl_protocols TLSv1.3; keepalive_timeout 20s; tcp_nodelay on;
	types { } default_type application/octet-stream;
%s}
""" % (folder, folder, folder, temporary, self.cert, self.cert_key, http))
        if os.path.exists(folder + "/pid"):
            os.unlink(folder + "/pid")
        self.start(name, *at(name, has("nginx"), "-e", "stderr", "-c", conf))
        self.wait(name + " listens", lambda: os.path.exists(folder + "/pid"))

    def start_origin(self):
        for i in range(self.images):
            os.makedirs(self.dir + "/www/img", exist_ok=True)
            with open("%s/www/img/%d" % (self.dir, i), "wb") as f:
                f.write(os.urandom(2000 + i * 700 % 30000))
        self.nginx("origin", """
	server {
		listen 443 ssl; listen 8080; root %s/www;
		location /img/ { add_header Cache-Control "public, max-age=86400"; }
		location /api/ { add_header Cache-Control "public, max-age=2"; return 200 '{"at": $msec, "price": 17}\\n'; }
	}
""" % self.dir)

    def start_edge(self, e):
        """Where the shop's application is slow, it stands before the shop's things and before what pages measure."""
        self.write("%s/load" % e, '{"load": 0}\n')
        shop = """
	server { listen 443 ssl; server_name shop.cdn.test shop-rtt.cdn.test; location / { proxy_pass http://127.0.0.1:9956; proxy_set_header Host $host; } }
""" if e == SLOW_SHOP else ""
        self.nginx(e, """
	proxy_cache_path %s/%s/cache keys_zone=all:4m inactive=1d;
	map $host $kept { www.cdn.test www; map.cdn.test map; default others; }
	upstream origin { server %s:8080 max_fails=0; keepalive 8; }%s
	server {
		listen 443 ssl default_server; listen 127.0.0.1:8081;
		location = /healthz { alias %s/%s/load; access_log off; }
		location /waymark/ { proxy_pass http://127.0.0.1:%d; proxy_set_header X-Real-IP $remote_addr; access_log off; }
		location / {
			proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
			proxy_connect_timeout 2s; proxy_read_timeout 4s; proxy_cache all; proxy_cache_key $kept$uri; proxy_cache_lock on;
			proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504; proxy_cache_background_update on;
		}
	}
""" % (self.dir, e, places.address("origin"), shop, self.dir, e, 9955 if e == SLOW_SHOP else 9954))

    def start_edges(self):
        self.start("application", *at(SLOW_SHOP, sys.executable, HERE + "/application.py", str(SHOP_MS), "9955=9954", "9956=8081"))
        for e in places.EDGES:
            self.start_edge(e)
        warming = [self.warm(e) for e in places.EDGES]
        for e in places.EDGES:
            self.start_agent(e)
        for w in warming:
            lib.same(w.wait(60), 0, "warming a cache:")

    def wait_for_probes(self):
        """All four nameservers were there before the edges."""
        def up(name):
            said = self.ctl(name, "edges")
            return all(re.search(r"^ *%s +up\b" % e, said, re.M) for e in places.EDGES)

        for name in ("ns1", "ns2", "map-ns1", "map-ns2"):
            self.wait(name + " has all edges up", lambda: up(name))

    def warm(self, e):
        """What is wanted is fetched before clients come, as after a delivery of new pictures."""
        words = ["-Z"]
        for host in NAMES:
            for path in ["api/prices"] + ["img/%d" % i for i in range(self.images)]:
                words += ["--next"] * (len(words) > 1) + ["-sf", "-o", "/dev/null", "--cacert", self.ca, "--connect-to", "::%s:443" % places.address(e), "https://%s/%s" % (host, path)]
        return subprocess.Popen(at(e, "curl", *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start_agent(self, e):
        conf = self.write("agent-%s.yaml" % e, 'edge: %s\nkey: "%s"\nservers: [ %s ]\nreport: 5s\npassive: { ports: [ 443 ], every: 2s }\n'
                          "active: { packets: 50 }\nbeacon: { listen: \"127.0.0.1:9954\", origins: [ \"https://www.cdn.test\" ], edges: [ %s ] }\n" % (e, self.keys[e], ", ".join('"http://%s:9953"' % places.address(n, 53) for n in ("ns1", "ns2")),
                              ", ".join('"https://%s.cdn.test"' % x for x in places.EDGES)), 0o600)
        sh(*at(e, "sh", "-c", "echo 0 0 > /proc/sys/net/ipv4/ping_group_range"))
        self.start("agent-" + e, *at(e, lib.BUILD + "/waymark-agent", "-c", conf))

    # ------------------------------------------------------------------ resolvers

    def start_resolvers(self):
        for city in places.CLIENTS:
            getattr(self, "start_" + {"plain": "unbound"}.get(self.kinds[city], self.kinds[city]))(city)

    def wait_for_resolvers(self):
        """Side by side, since each is as far from the nameservers as its city is."""
        def answers(city):
            return "status: NOERROR" in subprocess.run(at(city, "dig", "@" + places.address(city, 53), "origin.cdn.test", "+tries=1", "+time=2"),
                                                       capture_output=True, text=True).stdout

        with ThreadPoolExecutor(len(places.CLIENTS)) as pool:
            list(pool.map(lambda city: self.wait("the resolver of " + city, lambda: answers(city)), places.CLIENTS))

    def start_unbound(self, city):
        here, servers = places.address(city, 53), [places.address(n, i) for i in (53, 54) for n in ("ns1", "ns2")]
        subnets = self.kinds[city] == "unbound"
        folder = "%s/resolver-%s" % (self.dir, city)
        conf = self.write("resolver-%s/unbound.conf" % city, """server:
  interface: %s access-control: 0.0.0.0/0 allow username: "" chroot: "" directory: "%s" pidfile: "" use-syslog: no do-daemonize: no
  local-zone: "test." nodefault trust-anchor: "cdn.test. DS %s" val-log-level: 2 rrset-roundrobin: no extended-statistics: yes
  module-config: "%s"
  %s
remote-control: control-enable: yes control-interface: %s/control control-use-cert: no
stub-zone: name: cdn.test stub-addr: %s stub-addr: %s
stub-zone: name: bymap.test stub-addr: %s stub-addr: %s
""".replace("remote-control: ", "remote-control:\n  ").replace("stub-zone: ", "stub-zone:\n  ") % (
            here, folder, self.ds, "subnetcache validator iterator" if subnets else "validator iterator",
            "send-client-subnet: 0.0.0.0/0 max-ecs-tree-size-ipv4: 10000" if subnets else "", folder, *servers))
        self.start("resolver-" + city, *at(city, has("unbound"), "-d", "-p", "-c", conf))

    def start_recursor(self, city):
        folder = "%s/resolver-%s" % (self.dir, city)
        self.write("resolver-%s/ta.lua" % city, "addTA('cdn.test', \"%s\")\naddNTA('bymap.test', 'unsigned')\n" % self.ds)
        self.start("resolver-" + city, *at(
            city, has("pdns_recursor"), "--daemon=no", "--config-dir=" + folder, "--socket-dir=" + folder, "--local-address=" + places.address(city, 53),
            "--local-port=53", "--dnssec=validate", "--lua-config-file=%s/ta.lua" % folder, "--hint-file=no", "--allow-from=0.0.0.0/0",
            "--forward-zones=" + ",".join(zone + "=" + ";".join(places.address(n, host) for n in ("ns1", "ns2")) for zone, host in (("cdn.test", 53), ("bymap.test", 54))), "--dont-query=", "--write-pid=no", "--threads=1",
            "--edns-subnet-allow-list=0.0.0.0/0", "--ecs-add-for=0.0.0.0/0", "--security-poll-suffix=", "--loglevel=3", "--setgid=", "--setuid="))

    def start_dnsdist(self, city):
        """It asks those that are authoritative itself."""
        conf = "setLocal('%s:53')\nsetACL('0.0.0.0/0')\nsetSecurityPollSuffix('')\nsetECSSourcePrefixV4(24)\naddAction('bymap.test.', PoolAction('map'))\n" % places.address(city, 53)
        for pool, zone, host in (("", "cdn.test", 53), ("map", "bymap.test", 54)):
            conf += "".join("newServer({address='%s:53', pool='%s', useClientSubnet=true, checkName='%s.', checkType='SOA', checkTimeout=1500})\n" % (
                places.address(n, host), pool, zone) for n in ("ns1", "ns2"))
            conf += "getPool('%s'):setCache(newPacketCache(10000, {parseECS=true}))\n" % pool
        self.start("resolver-" + city, *at(city, has("dnsdist"), "--supervised", "--disable-syslog", "-C", self.write("resolver-%s/dnsdist.conf" % city, conf)))

    def resolver_numbers(self, city):
        """Entries of its cache, queries that it got, queries that it sent on; "-" is what it does not tell."""
        folder = "%s/resolver-%s" % (self.dir, city)
        if self.kinds[city] == "recursor":
            return tuple(sh("rec_control", "--socket-dir=" + folder, "get", "cache-entries", "questions", "all-outqueries").split())
        if self.kinds[city] == "dnsdist":
            return ("-", "-", "-")
        rows = dict(l.split("=") for l in sh(*at(city, "unbound-control", "-c", folder + "/unbound.conf", "stats_noreset")).split())
        ours, kept = int(rows["total.num.queries"]), int(rows["total.num.cachehits"])
        subnet = int(rows.get("num.query.subnet_cache", 0))
        return ("-" if self.kinds[city] == "unbound" else rows["msg.cache.count"], ours, ours - kept - subnet)

    # ------------------------------------------------------------------ clients

    def start_clients(self):
        self.clients = self.start("clients", sys.executable, HERE + "/clients.py", self.ca, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  env=dict(os.environ, IMAGES=str(self.images)))
        threading.Thread(target=lambda: [self.visits.append(json.loads(line)) for line in self.clients.stdout], daemon=True).start()

    def rate(self, rates):
        self.clients.stdin.write(json.dumps({"rates": rates}) + "\n")
        self.clients.stdin.flush()

    def requests(self, e):
        """What an edge, or the origin, was asked: (when, host, status, how the cache did, who asked)."""
        try:
            with open("%s/%s/access.log" % (self.dir, e)) as f:
                rows = f.read().split("\n")
        except FileNotFoundError:
            return []
        return [(float(w[0]), *w[1:]) for w in (r.split() for r in rows) if len(w) == 5]

    def tell_loads(self):
        """Each edge's own monitoring: requests a second over the last 10 s, where its probe finds it."""
        now, loads = time.time(), {}
        for e in places.EDGES:
            loads[e] = sum(1 for r in self.requests(e) if r[0] > now - 10 and r[1] == "www.cdn.test") / 10
            self.write("%s/load" % e, '{"load": %.2f}\n' % loads[e])
        return loads
