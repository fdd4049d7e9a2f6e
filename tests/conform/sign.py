"""sign - a zone's chain of NSEC or NSEC3 and its signatures. The signatures are noise: no server looks into them.

Rules: RFC 4035 section 2 (what is signed, who has an NSEC), RFC 5155 section 7.1 (NSEC3, empty non-terminals, opt-out).
"""
import base64
import hashlib

NUMBERS = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "NAPTR": 35, "DNAME": 39, "DS": 43,
           "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NSEC3PARAM": 51, "SVCB": 64, "HTTPS": 65, "CAA": 257, "TYPE65400": 65400}
EXPIRES, BEGINS, TTL = "20371231000000", "20250101000000", 300


def canonical(name):
    return [l.encode("latin1").lower() for l in reversed(name)]


def rrsig(rng, zone, name, kind, ttl=TTL):
    labels = len([l for l in name if l != "*"]) + zone.origin.count(".") + 1
    noise = base64.b64encode(rng.getrandbits(512).to_bytes(64, "big")).decode()
    return "RRSIG %s 13 %d %d %s %s 12345 %s. %s" % (kind, labels, ttl, EXPIRES, BEGINS, zone.origin, noise)


def types_at(zone, name, chain):
    """The types that a bitmap at this name has; a delegation's are NS and DS."""
    have = set(zone.data.get(name, {}))
    if name and "NS" in have:
        have &= {"NS", "DS"}
    if chain == "NSEC":
        have |= {"NSEC", "RRSIG"}
    elif have - {"NS"} or not name:
        have.add("RRSIG")
    return " ".join(sorted(have, key=NUMBERS.get))


def sets_lines(rng, zone):
    """Every RRset, and a signature over each that the zone has the say about."""
    lines = []
    for name, sets in zone.data.items():
        for kind, rows in sets.items():
            lines += ["%s %d %s %s" % (zone.fqdn(name), TTL, kind, r) for r in rows]
            cut = name and "NS" in sets
            if zone.signed and not zone.hidden(name) and (not cut or kind == "DS"):
                lines.append("%s %d %s" % (zone.fqdn(name), TTL, rrsig(rng, zone, name, kind)))
    return lines


def nsec_lines(rng, zone):
    owners = sorted((n for n, sets in zone.data.items() if sets and not zone.hidden(n)), key=canonical)
    lines = []
    for i, name in enumerate(owners):
        after = owners[(i + 1) % len(owners)]
        lines.append("%s 60 NSEC %s %s" % (zone.fqdn(name), zone.fqdn(after), types_at(zone, name, "NSEC")))
        lines.append("%s 60 %s" % (zone.fqdn(name), rrsig(rng, zone, name, "NSEC", 60)))
    return lines


def wire(name):
    return b"".join(bytes([len(l)]) + l.encode("latin1") for l in name.lower().rstrip(".").split(".")) + b"\0"


def hashed(name, salt, iterations):
    h = wire(name)
    for _ in range(iterations + 1):
        h = hashlib.sha1(h + salt).digest()
    return base64.b32hexencode(h).decode().lower()


def nsec3_owners(zone):
    optout = zone.signed == "optout"
    names = {n for n, sets in zone.data.items() if sets and not zone.hidden(n) and
             not (optout and n and "NS" in sets and "DS" not in sets)}
    return names | {n[i:] for n in names for i in range(1, len(n) + 1)}


def nsec3_lines(rng, zone):
    salt, iterations = rng.choice([b"", b"\xab", b"\x01\x02\x03\x04"]), rng.choice([0, 0, 1, 5])
    flags, text = int(zone.signed == "optout"), salt.hex() or "-"
    by_hash = sorted((hashed(zone.fqdn(n), salt, iterations), n) for n in nsec3_owners(zone))
    lines = []
    for i, (h, name) in enumerate(by_hash):
        after = by_hash[(i + 1) % len(by_hash)][0]
        lines.append("%s.%s. 60 NSEC3 1 %d %d %s %s %s" % (h, zone.origin, flags, iterations, text, after, types_at(zone, name, "NSEC3")))
        lines.append("%s.%s. 60 %s" % (h, zone.origin, rrsig(rng, zone, (h,), "NSEC3", 60)))
    return lines, "1 0 %d %s" % (iterations, text)


def zone_text(rng, zone):
    """The zone file. Signing adds DNSKEY and NSEC3PARAM to the zone's data."""
    chain = []
    if zone.signed:
        zone.data[()]["DNSKEY"] = ["257 3 13 " + base64.b64encode(rng.getrandbits(512).to_bytes(64, "big")).decode()]
    if zone.signed == "nsec":
        chain = nsec_lines(rng, zone)
    elif zone.signed:
        zone.data[()]["NSEC3PARAM"] = ["1 0 0 -"]                      # so that it is in the bitmap
        chain, params = nsec3_lines(rng, zone)
        zone.data[()]["NSEC3PARAM"] = [params]
    return "\n".join(sets_lines(rng, zone) + chain) + "\n"
