"""xfr - zones as records, transfers message by message, signatures (RFC 8945); all of it done without any library for DNS."""
import base64
import calendar
import collections
import hashlib
import hmac
import os
import random
import socket
import struct
import time

from lib import TYPES, recv_tcp, same, send_tcp, wire

IN, ANY = 1, 255
BADSIG, BADKEY, BADTIME, BADTRUNC = 16, 17, 18, 22
HASHES = {"hmac-md5": "md5", "hmac-sha1": "sha1", "hmac-sha224": "sha224", "hmac-sha256": "sha256", "hmac-sha384": "sha384",
          "hmac-sha512": "sha512"}
NUMBERS = dict(TYPES, SPF=99, TLSA=52, SSHFP=44, HINFO=13, RP=17, LOC=29, CDS=59, CDNSKEY=60, URI=256)

Record = collections.namedtuple("Record", "owner type ttl data")         # names in lower case; data is RDATA, names whole


# ------------------------------------------------------------------ messages

class Parser:
    """A message, strictly: a pointer leads to where a name or a part of one has stood before, and nothing is left over."""

    def __init__(self, m, strict=True):
        """Not `strict`: of a server that has pointers where there should be none (RFC 3597 section 4)."""
        self.m, self.strict = m, strict
        self.id, self.flags, *self.counts = struct.unpack(">HHHHHH", m[:12])
        self.rcode, self.at, self.names = self.flags & 15, 12, set()
        self.question = None
        if self.counts[0]:
            name = self.name()
            self.question = (name,) + struct.unpack(">HH", self.take(4))
        self.tsig = self.opt = None
        self.answer, self.authority, self.additional = (self.section(n) for n in self.counts[1:])
        same(self.at, len(m), "bytes behind the last record:")

    def take(self, n):
        if self.at + n > len(self.m):
            raise AssertionError("a record that runs over the end")
        self.at += n
        return self.m[self.at - n:self.at]

    def name(self, end=None):
        """The name that starts at `at`, in lower case, in wire form."""
        out, p, after = b"", self.at, None
        while True:
            size = self.m[p]
            if size >= 0xc0:
                to = struct.unpack(">H", self.m[p:p + 2])[0] & 0x3fff
                if to not in self.names and (self.strict or to >= p):
                    raise AssertionError("a pointer at %d to %d, where no name has stood" % (p, to))
                after, p = after or p + 2, to
                continue
            same(size < 64, True, "a label's length:")
            if after is None:
                self.names.add(p)
            out += self.m[p:p + 1 + size]
            p += 1 + size
            if not size:
                break
        self.at = after or p
        same(len(out) <= 255, True, "a name's length:")
        return out.lower()

    def section(self, n):
        rows = []
        for _ in range(n):
            begins, owner = self.at, self.name()
            kind, klass, ttl, size = struct.unpack(">HHIH", self.take(10))
            end = self.at + size
            same(end <= len(self.m), True, "a record within the message:")
            if kind == 41:
                self.opt = (klass, ttl, self.take(size))
            elif kind == 250:
                self.tsig = Tsig(self, begins, owner, klass, ttl, end)
            else:
                same(klass, IN, "class:")
                rows.append(Record(owner, kind, ttl, self.data(kind, end)))
            same(self.at, end, "RDATA of type %d ends at:" % kind)
        return rows

    def data(self, kind, end):
        if kind in (2, 5, 12, 39):
            return self.name()
        if kind == 15:
            return self.take(2) + self.name()
        if kind == 6:
            return self.name() + self.name() + self.take(20)
        if kind in (33, 35) and not self.strict:
            texts = self.take(6 if kind == 33 else 4)
            for _ in range(0 if kind == 33 else 3):
                texts += self.take(1 + self.m[self.at])
            return texts + self.name()
        return self.take(end - self.at)

    def options(self):
        out, body = {}, self.opt[2] if self.opt else b""
        while body:
            code, size = struct.unpack(">HH", body[:4])
            out[code], body = body[4:4 + size], body[4 + size:]
        return out


class Tsig:
    def __init__(self, p, begins, owner, klass, ttl, end):
        self.begins, self.key = begins, owner
        same((klass, ttl), (ANY, 0), "class and TTL of TSIG:")
        self.algorithm = p.name()
        high, low, self.fudge, size = struct.unpack(">HIHH", p.take(10))
        self.time = high << 32 | low
        self.mac = p.take(size)
        self.original, self.error, other = struct.unpack(">HHH", p.take(6))
        self.other = p.take(other)
        same(end, len(p.m), "TSIG is the last record and ends at:")


def get(s, packet):
    send_tcp(s, packet)
    return Parser(recv_tcp(s))


def transfer(s, packet, each=None, parse=Parser):
    """All messages of a zone's transfer; `each` is called with the bytes of every one as it comes."""
    send_tcp(s, packet)
    out, soas = [], 0
    while soas < 2:
        m = recv_tcp(s)
        if each:
            each(m)
        out.append(parse(m))
        if out[-1].rcode or not out[-1].answer:
            break
        soas += sum(r.type == 6 for r in out[-1].answer)
        if len(out) == 1 and len(out[0].answer) == 1 and not is_axfr(packet):
            break                                           # a lone SOA says that there is nothing newer
    return out


def is_axfr(packet):
    at = 12
    while packet[at]:
        at += 1 + packet[at]
    return packet[at + 1:at + 3] == b"\0\xfc"


def zone_of(messages):
    """The records of a transfer in the form of AXFR, the SOA once."""
    rows = [r for m in messages for r in m.answer]
    same((rows[0].type, rows[-1]), (6, rows[0]), "SOA first and last:")
    same(sum(r.type == 6 for r in rows), 2, "SOA records:")
    return rows[:-1]


def ixfr(name, serial, edns=None, soa=None):
    """`soa`: RDATA instead of one with root names."""
    rdata = soa or b"\0\0" + struct.pack(">IIIII", serial, 0, 0, 0, 0)
    return (struct.pack(">HHHHHH", random.getrandbits(16), 0, 1, 0, 1, 1 if edns else 0) + wire(name) + struct.pack(">HH", 251, IN) +
            wire(name) + struct.pack(">HHIH", 6, IN, 0, len(rdata)) + rdata + (edns or b""))


# ------------------------------------------------------------------ signatures

def algorithm_name(algorithm):
    return wire("hmac-md5.sig-alg.reg.int" if algorithm == "hmac-md5" else algorithm)


class Key:
    def __init__(self, name, secret, algorithm="hmac-sha256"):
        self.name, self.secret, self.algorithm = wire(name), secret, algorithm

    def yaml(self, more=""):
        return "{ algorithm: %s, secret: \"%s\"%s }" % (self.algorithm, base64.b64encode(self.secret).decode(), more)

    def mac(self, *parts):
        return hmac.new(self.secret, b"".join(parts), HASHES[self.algorithm]).digest()

    def variables(self, times, error=0, other=b""):
        return (self.name.lower() + struct.pack(">HI", ANY, 0) + algorithm_name(self.algorithm) + times +
                struct.pack(">HH", error, len(other)) + other)

    def sign(self, packet, when=None, fudge=300, cut=None, name=None, algorithm=None, mac=None, before_mac=b""):
        """`packet` with its TSIG record, and the MAC. `name`, `algorithm`, `mac`: what stands there instead."""
        when = int(time.time()) if when is None else when
        times = struct.pack(">HIH", when >> 32, when & 0xffffffff, fudge)
        good = self.mac(packet, self.variables(times))
        mac = good[:cut] if mac is None else mac
        algorithm = algorithm or algorithm_name(self.algorithm)
        rdata = algorithm + times + struct.pack(">H", len(mac)) + mac + packet[:2] + struct.pack(">HH", 0, 0)
        record = (name or self.name) + struct.pack(">HHIH", 250, ANY, 0, len(rdata)) + rdata
        count = struct.unpack(">H", packet[10:12])[0] + 1
        return packet[:10] + struct.pack(">H", count) + packet[12:] + record, mac

    def verify_request(self, m):
        """The MAC of a message that somebody has begun with."""
        p = Parser(m)
        t = p.tsig
        bare = m[:10] + struct.pack(">H", p.counts[3] - 1) + m[12:t.begins]
        times = struct.pack(">HIH", t.time >> 32, t.time & 0xffffffff, t.fudge)
        same((t.key, t.mac), (self.name.lower(), self.mac(bare, self.variables(times, t.error, t.other))), "key and MAC:")
        return t.mac

    def verify(self, m, before, first=True):
        """The MAC of an answer, which is right after that `before`."""
        p = Parser(m)
        t = p.tsig
        same(t is not None, True, "signed:")
        same((t.key, t.algorithm), (self.name.lower(), algorithm_name(self.algorithm)), "key and algorithm:")
        bare = m[:10] + struct.pack(">H", p.counts[3] - 1) + m[12:t.begins]
        same(t.original, p.id, "original ID:")
        times = struct.pack(">HIH", t.time >> 32, t.time & 0xffffffff, t.fudge)
        want = self.mac(struct.pack(">H", len(before)), before, bare,
                        self.variables(times, t.error, t.other) if first else times)
        same(t.mac, want[:len(t.mac)], "MAC:")
        same(len(t.mac) > 0, True, "MAC:")
        return t.mac


# ------------------------------------------------------------------ zones as text

def name_of(text, origin):
    if text == "@":
        return wire(origin).lower()
    absolute = text.endswith(".") and not text.endswith("\\.")
    labels, label, i = [], b"", 0
    while i < len(text):
        c = text[i]
        if c == "\\":
            if text[i + 1:i + 4].isdigit():
                label, i = label + bytes([int(text[i + 1:i + 4])]), i + 4
            else:
                label, i = label + text[i + 1].encode(), i + 2
            continue
        if c == ".":
            labels, label = labels + [label], b""
        else:
            label += c.encode()
        i += 1
    labels += [label] if label else []
    out = b"".join(bytes([len(l)]) + l for l in labels)
    return (out + (b"\0" if absolute else wire(origin))).lower()


def number_of(kind):
    return int(kind[4:]) if kind.startswith("TYPE") else NUMBERS[kind]


def bitmap(kinds):
    windows = {}
    for n in map(number_of, kinds):
        windows.setdefault(n >> 8, bytearray(32))[n >> 3 & 31] |= 0x80 >> (n & 7)
    return b"".join(bytes([w, len(bytes(b).rstrip(b"\0"))]) + bytes(b).rstrip(b"\0") for w, b in sorted(windows.items()))


def base32(text):
    digits, bits = "0123456789abcdefghijklmnopqrstuv", 0
    for c in text.lower():
        bits = bits << 5 | digits.index(c)
    return (bits >> len(text) * 5 % 8).to_bytes(len(text) * 5 // 8, "big")


def moment(text):
    return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%S"))


def strings(words):
    return b"".join(bytes([len(w)]) + w.encode("latin1") for w in words)


def rdata_of(kind, words, origin):
    name = lambda w: name_of(w, origin)
    pack = struct.pack
    if words[0] == "\\#":
        return bytes.fromhex("".join(words[2:]))
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, words[0])
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, words[0])
    if kind in ("NS", "CNAME", "PTR", "DNAME"):
        return name(words[0])
    if kind in ("MX", "KX", "AFSDB", "RT"):
        return pack(">H", int(words[0])) + name(words[1])
    if kind == "SRV":
        return pack(">HHH", *map(int, words[:3])) + name(words[3])
    if kind == "NAPTR":
        return pack(">HH", int(words[0]), int(words[1])) + strings(words[2:5]) + name(words[5])
    if kind == "SOA":
        return name(words[0]) + name(words[1]) + pack(">IIIII", *map(int, words[2:7]))
    if kind in ("TXT", "SPF", "HINFO", "EDGE"):
        return strings(words)
    if kind == "RP":
        return name(words[0]) + name(words[1])
    if kind == "CAA":
        return bytes([int(words[0])]) + strings([words[1]]) + words[2].encode()
    if kind in ("DS", "CDS"):
        return pack(">HBB", *map(int, words[:3])) + bytes.fromhex("".join(words[3:]))
    if kind in ("SSHFP", "TLSA"):
        n = 2 if kind == "SSHFP" else 3
        return bytes(map(int, words[:n])) + bytes.fromhex("".join(words[n:]))
    if kind in ("DNSKEY", "CDNSKEY"):
        return pack(">HBB", *map(int, words[:3])) + base64.b64decode("".join(words[3:]))
    if kind == "RRSIG":
        return (pack(">HBBIIIH", number_of(words[0]), int(words[1]), int(words[2]), int(words[3]), moment(words[4]), moment(words[5]),
                     int(words[6])) + name(words[7]) + base64.b64decode("".join(words[8:])))
    if kind == "NSEC":
        return name(words[0]) + bitmap(words[1:])
    salt = b"" if words[3] == "-" else bytes.fromhex(words[3])
    head = pack(">BBHB", int(words[0]), int(words[1]), int(words[2]), len(salt)) + salt
    if kind == "NSEC3PARAM":
        return head
    same(kind, "NSEC3", "a type that this knows:")
    following = base32(words[4])
    return head + bytes([len(following)]) + following + bitmap(words[5:])


def words_of(line):
    """Blanks divide, quotes hold together, ";" begins a comment."""
    out, word, quoted, some = [], "", False, False
    for c in line:
        if c == '"':
            quoted, some = not quoted, True
        elif not quoted and c in " \t();":
            if word or some:
                out.append(word)
            word, some = "", False
            if c == ";":
                return out
        else:
            word += c
    return out + [word] if word or some else out


def zone_text(text, origin, ttl=300):
    """The records of a master file with one record a line: OWNER [TTL] [IN] TYPE RDATA."""
    rows, owner = [], None
    for line in text.splitlines():
        words = words_of(line)
        if not words:
            continue
        if words[0] == "$TTL":
            ttl = int(words[1])
            continue
        if line[0] not in " \t":
            owner = name_of(words.pop(0), origin)
        own = int(words.pop(0)) if words[0].isdigit() else ttl
        words = words[1:] if words[0] == "IN" else words
        rows.append(Record(owner, number_of(words[0]), own, rdata_of(words[0], words[1:], origin)))
    return rows


# --- UPDATE (RFC 2136) ----------------------------------------------------------------------

UPDATE = 5 << 11


def update(zone, *changes, prerequisites=(), key=None, ident=None):
    """An UPDATE message; a change is (owner, class, type, ttl, data)."""
    ident = os.urandom(2) if ident is None else ident
    packet = ident + struct.pack(">HHHHH", UPDATE, 1, len(prerequisites), len(changes), 0) + wire(zone) + struct.pack(">HH", 6, 1)
    for owner, klass, kind, ttl, data in list(prerequisites) + list(changes):
        packet += wire(owner) + struct.pack(">HHIH", kind, klass, ttl, len(data)) + data
    return key.sign(packet) if key else (packet, b"")
