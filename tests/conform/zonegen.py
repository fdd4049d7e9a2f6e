"""zonegen - random zones in which everything meets everything: wildcards, delegations, DNAMEs, CNAMEs, empty non-terminals, in
parents and children that one server holds together.

A zone is {name: {type: [rdata]}}; a name is a tuple of labels below the origin, () the apex. Rdata is text.
"""
import collections

LABELS = ["a", "b", "c", "*", "w", "sub", "x", "ns", "d", "0", "zz", "kid"]
KINDS = ["A"] * 4 + ["AAAA", "AAAA", "TXT", "TXT", "MX", "MX", "CNAME", "CNAME", "NS", "NS", "DNAME", "SRV", "PTR", "NAPTR", "SVCB",
                                "HTTPS", "CAA", "TYPE65400", "BIG", "DS"]
ASKED = ["A", "A", "A", "AAAA", "TXT", "MX", "CNAME", "NS", "DNAME", "SOA", "DS", "DS", "SRV", "PTR", "NAPTR", "SVCB", "HTTPS", "CAA", "ANY",
         "DNSKEY", "NSEC", "NSEC3", "NSEC3PARAM", 65400, 99, 0, 65535]
OUTSIDE = ["out.other.test.", "x.nowhere.", "test."]
SOA = "ns1.other.test. h.other.test. 1 7200 900 1209600 %d"


class Zone:
    def __init__(self, origin, data, signed):
        self.origin, self.data, self.signed = origin, data, signed     # signed: None, "nsec", "nsec3", "optout"

    def fqdn(self, name):
        return "".join(l + "." for l in name) + self.origin + "."

    def cuts(self):
        return {n for n, sets in self.data.items() if n and "NS" in sets}

    def hidden(self, name):
        """Below a cut or a DNAME: nothing that the zone has the say about."""
        return any("NS" in self.data.get(name[i:], {}) and i < len(name) or "DNAME" in self.data.get(name[i:], {})
                   for i in range(1, len(name) + 1))


def random_name(rng, depth=3):
    return tuple(rng.choice(LABELS) for _ in range(rng.randint(1, depth)))


def random_target(rng, origins, mine):
    if rng.random() < 0.1:
        return rng.choice(OUTSIDE)
    origin = mine if rng.random() < 0.7 else rng.choice(origins)
    return ".".join(random_name(rng)) + "." + origin + "."


def random_rdata(rng, kind, target):
    """[rdata], mostly one."""
    if kind == "BIG":
        return ["10.%d.%d.%d" % (rng.randint(0, 255), rng.randint(0, 255), i) for i in range(rng.choice([20, 35, 70, 90]))]
    make = {"A": lambda: "192.0.2.%d" % rng.randint(1, 250), "AAAA": lambda: "2001:db8::%x" % rng.randint(1, 250),
            "TXT": lambda: '"%s"' % ("t" * rng.choice([1, 5, 200])), "MX": lambda: "%d %s" % (rng.randint(1, 3), target()),
            "SRV": lambda: "1 2 80 " + target(), "TYPE65400": lambda: "\\# 2 abcd", "CAA": lambda: '0 issue "ca.test"',
            "NAPTR": lambda: '1 2 "%s" "" "" %s' % (rng.choice(["A", "S", "U", ""]), target()),
            "SVCB": lambda: "%d %s" % (rng.randint(0, 2), rng.choice([target(), "."])),
            "HTTPS": lambda: "%d %s alpn=h2" % (rng.randint(1, 2), rng.choice([target(), "."])),
            "DS": lambda: "12345 13 2 " + "%064x" % rng.getrandbits(256)}.get(kind, target)
    single = kind in ("CNAME", "DNAME", "HTTPS", "SVCB")
    return sorted({make() for _ in range(1 if single else rng.choice([1, 1, 2, 3]))})


def allowed(data, name, kind):
    """What servers refuse is not written: CNAME beside others, two DNAMEs, wildcard delegations and DNAMEs, DS without a cut."""
    have = data.get(name, {})
    if "CNAME" in have or (kind == "CNAME" and have):
        return False
    if kind == "DNAME":
        return not have and "*" not in name and not any(n[-len(name):] == name and n != name for n in data)
    if kind == "DS":
        return "NS" in have
    if any("DNAME" in data.get(name[i:], {}) for i in range(1, len(name))):
        return False                                                   # below a DNAME
    if kind == "NS":
        return "DNAME" not in have and "*" not in name and not (set(have) - {"DS"})
    return "NS" not in have and "DNAME" not in have


def add_glue(zone):
    """Every server of a cut that is in the zone has an address there, unless a CNAME keeps it out."""
    for name in sorted(zone.cuts()) + [()]:
        for server in list(zone.data[name]["NS"]):
            if server.endswith("." + zone.origin + "."):
                glue = tuple(server[:-len(zone.origin) - 2].split("."))
                if name and glue[-len(name):] == name and "*" in glue:   # no glue has such a name
                    zone.data[name]["NS"] = sorted(set(zone.data[name]["NS"]) - {server} | {"ns1.other.test."})
                    continue
                if glue in zone.cuts() or not {"A", "AAAA", "CNAME", "DNAME"} & set(zone.data.get(glue, {})):
                    if not any("DNAME" in zone.data.get(glue[i:], {}) for i in range(1, len(glue))) and "*" not in glue:
                        zone.data[glue]["A"] = ["192.0.2.53"]


def random_zone(rng, origin, origins, signed):
    data = collections.defaultdict(lambda: collections.defaultdict(list))
    data[()]["SOA"] = [SOA % rng.choice([60, 600])]
    data[()]["NS"] = ["ns1.other.test."] + [rng.choice(["ns2.other.test.", "ns.%s." % origin, "ns.sub.%s." % origin])]
    for _ in range(rng.randint(6, 26)):
        name, kind = random_name(rng) if rng.random() < 0.93 else (), rng.choice(KINDS)
        if kind in ("CNAME", "NS", "DNAME", "DS") and not name or not allowed(data, name, "A" if kind == "BIG" else kind):
            continue
        rdata = random_rdata(rng, kind, lambda: random_target(rng, origins, origin))
        kind = "A" if kind == "BIG" else kind
        data[name][kind] = sorted(set(data[name][kind]) | set(rdata)) if kind not in ("CNAME", "DNAME") else rdata
    zone = Zone(origin, data, signed)
    add_glue(zone)
    for server in list(data[()]["NS"]):                                # BIND wants an address for each that is in the zone
        name = tuple(server[:-len(origin) - 2].split(".")) if server.endswith("." + origin + ".") else None
        if name and not {"A", "AAAA"} & set(data.get(name, {})):
            data[()]["NS"].remove(server)
    return zone


def random_zones(rng, count):
    """About `count` zones; some have a child zone below their name "kid", which they delegate with or without glue."""
    origins = ["z%d.test" % i for i in range(count)]
    kids = ["kid." + o for o in origins if rng.random() < 0.3]
    zones = {}
    for o in origins + kids:
        zones[o] = random_zone(rng, o, (origins + kids), rng.choice([None, "nsec", "nsec3", "optout", "nsec3"]))
    for k in kids:
        parent = zones[k[4:]]
        for n in [n for n in parent.data if n and n[-1] == "kid"]:
            del parent.data[n]
        parent.data[("kid",)]["NS"] = ["ns.%s." % k, "ns1.other.test."]
        parent.data[("ns", "kid")]["A"] = ["192.0.2.77"]
        if rng.random() < 0.5:
            parent.data[("kid",)]["DS"] = ["12345 13 2 " + "%064x" % rng.getrandbits(256)]
    return zones


def mixed_case(rng, text):
    return "".join(c.upper() if rng.random() < 0.2 else c for c in text)


def names_to_ask(rng, zone):
    names = set()
    for name in zone.data:
        names |= {name[i:] for i in range(len(name) + 1)}
        names |= {(l,) + name for l in ("q", "a", "*", "!", "~")} | {("x", "y") + name}
    names |= {random_name(rng, 4) for _ in range(10)}
    return [n for n in sorted(names) if sum(len(l) + 1 for l in n) < 200]
