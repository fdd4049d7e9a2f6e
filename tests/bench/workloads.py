"""workloads - what servers are asked: zones, and the queries for them with the answers they should get.

Everything is drawn from a fixed seed, so that two runs ask the same. What is made stays in the work folder until this
file changes.
"""
import hashlib
import os
import random
import shutil
import struct
import subprocess

from lib import DO, NOERROR, NXDOMAIN, ecs, opt, query

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
APEX = ("$ORIGIN %s.\n$TTL 3600\n@ SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\n@ NS ns2\n"
        "ns1 A 192.0.2.53\nns2 A 192.0.2.54\n")
MANY, MANY_COLD = 200000, 1000000       # queries in a file; the second where they should not meet what is cached

# Where the edges of W5 are: airports by their codes.
EDGES = [("ams", 52.31, 4.76), ("cdg", 49.01, 2.55), ("lhr", 51.47, -0.45), ("mad", 40.49, -3.57), ("fco", 41.80, 12.25),
         ("arn", 59.65, 17.92), ("waw", 52.17, 20.97), ("ist", 41.26, 28.74), ("iad", 38.95, -77.46), ("atl", 33.64, -84.43),
         ("ord", 41.98, -87.90), ("dfw", 32.90, -97.04), ("lax", 33.94, -118.41), ("gru", -23.43, -46.47), ("jnb", -26.14, 28.25),
         ("dxb", 25.25, 55.36), ("bom", 19.09, 72.87), ("sin", 1.36, 103.99), ("nrt", 35.76, 140.39), ("syd", -33.95, 151.18)]


class Missing(Exception):
    """This workload cannot be had here."""


class Workload:
    """One of them, made. `zones` are (origin, path) of files named after their origins in `zone_dir`."""

    def __init__(self, name, folder, mmdb):
        kind = KINDS[name]
        self.name, self.what, self.tcp = name, kind["what"], kind.get("tcp", False)
        self.signed, self.nsec3, self.geo = kind.get("signed", False), kind.get("nsec3", False), kind.get("geo", False)
        self.pools, self.signs, self.tree = kind.get("pools", 1), kind.get("signs", False), kind.get("tree", False)
        self.nets = kind.get("nets", 0)                        # so many are pinned, from a file
        self.rcode, self.answers = kind.get("expect", (NOERROR, 1))
        self.mmdb = mmdb
        self.tls = kind.get("tls")                             # how it is asked: dot, doh, new or reuse; None: in the clear
        for program in ASKS[self.tls]:
            if not shutil.which(program):
                raise Missing("%s is not installed, which asks" % program)
        zones = os.path.join(folder, "zones-" + kind["zones"].__name__)
        made(zones, lambda to: kind["zones"](os.path.join(to, "zones")))
        self.zone_dir = os.path.join(zones, "zones")
        self.zones = [(origin, os.path.join(self.zone_dir, origin)) for origin in sorted(os.listdir(self.zone_dir))]
        asked = os.path.join(folder, "queries-" + name)
        made(asked, lambda to: self.write_queries(os.path.join(to, "queries"), kind["queries"]()))
        self.queries = os.path.join(asked, "queries")
        if self.nets:
            self.nets_file = os.path.join(asked, "nets")
            if not os.path.exists(self.nets_file):
                write_nets(self.nets_file, self.nets)
        if self.tls:
            self.cert, self.key = (os.path.join(asked, "zones", name) for name in ("cert.pem", "key.pem"))
            self.words = self.queries + ".txt"              # as dnsperf reads them
            if not os.path.exists(self.words):
                make_certificate(self.cert, self.key)
                with open(self.words, "w") as f:
                    f.writelines("%s %s\n" % (name, qtype) for name, qtype, _ in kind["queries"]())

    def write_queries(self, path, rows):
        with open(path, "wb") as f:
            for name, qtype, options in rows:
                message = query(name, qtype, edns=opt(flags=DO if self.signed else 0, options=options), ident=0)
                f.write(struct.pack(">BBH", self.rcode, self.answers, len(message)) + message)

    def sample(self, n):
        """`n` of the queries, spread over the file's first ten thousand."""
        with open(self.queries, "rb") as f:
            messages = []
            while len(messages) < 10000:
                head = f.read(4)
                if not head:
                    break
                messages.append(f.read(struct.unpack(">BBH", head)[2]))
        return random.Random(self.name).sample(messages, n)


def make_certificate(cert, key):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365", "-subj",
                    "/CN=ns.example", "-keyout", key, "-out", cert], check=True, capture_output=True)


def made(folder, make):
    """Has `folder` made, unless it is there and made by just this file."""
    with open(__file__, "rb") as f:
        stamp = hashlib.sha256(f.read()).hexdigest()
    mark = os.path.join(folder, "made-by")
    if os.path.exists(mark) and open(mark).read() == stamp:
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "zones"))
    make(folder)
    with open(mark, "w") as f:
        f.write(stamp)


# ------------------------------------------------------------------- zones

def labels(seed, n):
    """`n` different labels of 4 to 14 characters."""
    draw, found = random.Random(seed), {}
    while len(found) < n:
        found["".join(draw.choices(ALPHABET, k=draw.randint(4, 14)))] = None
    return list(found)


def write_hosts(folder, origin, hosts):
    with open(os.path.join(folder, origin), "w") as f:
        f.write(APEX % origin)
        for i, host in enumerate(hosts):
            f.write("%s A 10.%d.%d.%d\n%s AAAA 2001:db8::%x:%x\n" % (host, i >> 16, i >> 8 & 255, i & 255, host, i >> 16, i & 65535))


def small(folder):
    write_hosts(folder, "small.example", labels("small", 10000))


def large(folder):
    write_hosts(folder, "large.example", labels("large", 500000))


def many_origins():
    return [label + ".example" for label in labels("many", 10000)]


def many(folder):
    for origin in many_origins():
        with open(os.path.join(folder, origin), "w") as f:
            f.write(APEX % origin + "@ A 192.0.2.80\n@ AAAA 2001:db8::80\n@ MX 10 mail\nwww A 192.0.2.80\n"
                    "www AAAA 2001:db8::80\nmail A 192.0.2.25\n")


def geo(folder):
    with open(os.path.join(folder, "geo.example"), "w") as f:
        f.write(APEX % "geo.example")


def nsec(folder):
    small(folder)
    sign(os.path.join(folder, "small.example"), "small.example", False)


def nsec3(folder):
    small(folder)
    sign(os.path.join(folder, "small.example"), "small.example", True)


SIGNERS = ("ldns-signzone", "dnssec-signzone")


def sign(path, origin, with_nsec3):
    """In place, by whichever signer is there: ECDSA P-256; NSEC3 without salt and further iterations (RFC 9276)."""
    signer = next((s for s in SIGNERS if shutil.which(s)), None)
    if not signer:
        raise Missing("no %s to sign the zone with" % " or ".join(SIGNERS))
    keys = os.path.join(os.path.dirname(os.path.dirname(path)), "keys")
    os.makedirs(keys)
    if signer == "ldns-signzone":
        key = run(["ldns-keygen", "-k", "-a", "ECDSAP256SHA256", origin], keys).strip()
        argv = [signer, "-f", path + ".signed", "-i", "20200101000000", "-e", "20400101000000"] + (["-n", "-t", "0"] if with_nsec3 else [])
    else:
        key = run(["dnssec-keygen", "-q", "-f", "KSK", "-a", "ECDSAP256SHA256", origin], keys).strip()
        argv = [signer, "-q", "-z", "-S", "-K", keys, "-o", origin, "-f", path + ".signed", "-s", "20200101000000", "-e", "20400101000000"]
        argv += ["-3", "-", "-H", "0"] if with_nsec3 else []
    run(argv + [path] + ([key] if signer == "ldns-signzone" else []), keys)
    os.replace(path + ".signed", path)


def run(argv, folder):
    done = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Missing("%s failed: %s" % (argv[0], (done.stderr.strip() or done.stdout.strip() or "no word why").splitlines()[-1]))
    return done.stdout


# ----------------------------------------------------------------- queries

def of_hosts(seed, origin, hosts, n):
    draw = random.Random(seed)
    return (("%s.%s" % (draw.choice(hosts), origin), draw.choice(("A", "AAAA")), b"") for _ in range(n))


def small_hosts():
    return of_hosts("ask small", "small.example", labels("small", 10000), MANY)


def large_hosts():
    return of_hosts("ask large", "large.example", labels("large", 500000), MANY_COLD)


def no_hosts():
    """Names that are not there: a label of the zone's has no hyphen."""
    draw = random.Random("ask nothing")
    for _ in range(MANY):
        label = "".join(draw.choices(ALPHABET, k=draw.randint(2, 7)))
        yield "%s-%s.small.example" % (label, draw.choice(ALPHABET)), draw.choice(("A", "AAAA")), b""


def many_names():
    draw, origins = random.Random("ask many"), many_origins()
    kinds = [("", "A"), ("", "AAAA"), ("", "MX"), ("www.", "A"), ("www.", "AAAA"), ("mail.", "A")]
    for _ in range(MANY):
        prefix, qtype = draw.choice(kinds)
        yield prefix + draw.choice(origins), qtype, b""


def few_hosts():
    return of_hosts("ask few", "small.example", labels("small", 10000)[:1500], MANY)


def few_clients():
    """50,000 of them, again and again."""
    rows = list(clients())[:50000]
    return (rows[i % len(rows)] for i in range(MANY))


def clients(pools=1):
    """From everywhere in IPv4 that is public, a /24 each."""
    draw, n = random.Random("ask geo"), 0
    while n < MANY:
        a, b, c = draw.randrange(1, 224), draw.randrange(256), draw.randrange(256)
        if a in (10, 127) or (a == 172 and b // 16 == 1) or (a, b) in ((192, 168), (169, 254)) or (a == 100 and b // 64 == 1):
            continue
        yield "cdn%s.geo.example" % (draw.randrange(pools) if pools > 1 else ""), "A", ecs("%d.%d.%d.0/24" % (a, b, c))
        n += 1


def write_nets(path, n):
    """`n` different nets of /24, from everywhere in IPv4 that is public."""
    draw, found = random.Random("nets"), set()
    while len(found) < n:
        found.add((draw.choice((*range(11, 100), *range(101, 127), *range(128, 169), *range(173, 192), *range(193, 224))) << 16) + draw.randrange(65536))
    with open(path, "w") as f:
        f.writelines("%d.%d.%d.0/24\n" % (net >> 16, net >> 8 & 255, net & 255) for net in sorted(found))


def clients_of_many():
    return clients(1000)


ASKS = {None: [], "dot": ["openssl", "dnsperf"], "doh": ["openssl", "dnsperf"], "new": ["openssl"], "reuse": ["openssl"]}
SIGNED_ANSWER = (NOERROR, 2)            # the set and its signature
NO_NAME = (NXDOMAIN, 0)
KINDS = {
    "W1": dict(what="one zone of 10,000 names, A and AAAA", zones=small, queries=small_hosts),
    "W2": dict(what="the same, names that are not there", zones=small, queries=no_hosts, expect=NO_NAME),
    "W3": dict(what="one zone of a million records", zones=large, queries=large_hosts),
    "W4": dict(what="10,000 small zones", zones=many, queries=many_names),
    "W5": dict(what="nearest of 20 edges by GeoIP, ECS /24", zones=geo, queries=clients, geo=True),
    "W5T": dict(what="W5 over pools three deep: a share, in order, nearest", zones=geo, queries=clients, geo=True, tree=True),
    "W5M": dict(what="W5 with a million nets pinned, from a file", zones=geo, queries=clients, geo=True, nets=1000000),
    "W5S": dict(what="W5 signed by us, DO", zones=geo, queries=clients, geo=True, signs=True, expect=SIGNED_ANSWER, signed=True),
    "W5P": dict(what="1,000 pools of 20 edges, ECS /24", zones=geo, queries=clients_of_many, geo=True, pools=1000),
    "W5PS": dict(what="W5P signed by us, DO", zones=geo, queries=clients_of_many, geo=True, pools=1000, signs=True,
                 expect=SIGNED_ANSWER, signed=True),
    "W6": dict(what="W1 signed with NSEC, DO", zones=nsec, queries=small_hosts, expect=SIGNED_ANSWER, signed=True),
    "W6N": dict(what="W2 signed with NSEC, DO", zones=nsec, queries=no_hosts, expect=NO_NAME, signed=True),
    "W6P": dict(what="W1 signed with NSEC3, DO", zones=nsec3, queries=small_hosts, expect=SIGNED_ANSWER, signed=True, nsec3=True),
    "W6Q": dict(what="W2 signed with NSEC3, DO", zones=nsec3, queries=no_hosts, expect=NO_NAME, signed=True, nsec3=True),
    "W7": dict(what="W1 over persistent TCP connections", zones=small, queries=small_hosts, tcp=True),
    "W8": dict(what="W1 over persistent TLS connections", zones=small, queries=small_hosts, tcp=True, tls="dot"),
    "W9": dict(what="handshakes of TLS 1.3, P-256", zones=small, queries=small_hosts, tcp=True, tls="new"),
    "W9R": dict(what="resumed handshakes of TLS 1.2", zones=small, queries=small_hosts, tcp=True, tls="reuse"),
    "X1": dict(what="W1 over a veth pair", zones=small, queries=small_hosts, veth=True),
    "X5": dict(what="W5 over a veth pair", zones=geo, queries=clients, geo=True, veth=True),
    "K1": dict(what="3,000 questions of W1 over a veth pair", zones=small, queries=few_hosts, veth=True),
    "K5": dict(what="50,000 clients of W5 over a veth pair", zones=geo, queries=few_clients, geo=True, veth=True),
    "W10": dict(what="W1 over persistent HTTPS connections (POST, HTTP/2)", zones=small, queries=small_hosts, tcp=True, tls="doh"),
}
