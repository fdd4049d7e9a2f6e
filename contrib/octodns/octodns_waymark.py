"""octodns_waymark - octoDNS keeps the records of zones of Waymark: a provider, as source and as target.

It speaks to the API of Waymark (doc/api.md), and needs octoDNS and Python's own library alone. All changes of a zone are one
change set: all of it or nothing, and only if the zone is still the one that the plan was made for.
"""
import http.client
import json
import logging
import re
import socket
import urllib.parse

from octodns.provider import ProviderException
from octodns.provider.base import BaseProvider
from octodns.record import Record

# How octoDNS calls what stands in the data of a record, in its order; those of one word have no names.
FIELDS = {
    "CAA": ("flags", "tag", "value"),
    "DS": ("key_tag", "algorithm", "digest_type", "digest"),
    "MX": ("preference", "exchange"),
    "NAPTR": ("order", "preference", "flags", "service", "regexp", "replacement"),
    "SRV": ("priority", "weight", "port", "target"),
    "SSHFP": ("algorithm", "fingerprint_type", "fingerprint"),
    "TLSA": ("certificate_usage", "selector", "matching_type", "certificate_association_data"),
}
QUOTED = {("CAA", "value"), ("NAPTR", "flags"), ("NAPTR", "service"), ("NAPTR", "regexp")}
NAMES = {("MX", "exchange"), ("NAPTR", "replacement"), ("SRV", "target")}
SINGLE = ("CNAME", "DNAME")
PLAIN = ("A", "AAAA", "NS", "PTR")
WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


class Api:
    def __init__(self, url, token, timeout):
        self.url, self.token, self.timeout = urllib.parse.urlsplit(url), token, timeout

    def connect(self):
        if self.url.scheme == "unix":
            c = http.client.HTTPConnection("localhost", timeout=self.timeout)
            c.sock = socket.socket(socket.AF_UNIX)
            c.sock.settimeout(self.timeout)
            c.sock.connect(self.url.path)
            return c
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        return kind(self.url.netloc, timeout=self.timeout)

    def call(self, method, path, body=None):
        """The status and the answer, of which an error is the sentence in it."""
        c = self.connect()
        try:
            c.request(method, "/api/v1" + path, None if body is None else json.dumps(body), {"Authorization": "Bearer " + self.token} if self.token else {})
            r = c.getresponse()
            text = r.read().decode()
        finally:
            c.close()
        if r.status != 200:
            try:
                text = json.loads(text)["error"]
            except (ValueError, KeyError, TypeError):
                text = text.strip()
        return r.status, text


def whole(name, zone):
    """`zone` ends in a dot, and so does what comes of it."""
    return zone if name == "@" else name if name.endswith(".") else "%s.%s" % (name, zone)


def words(data):
    return [m.group(1) if m.group(1) is not None else m.group(2) for m in WORD.finditer(data)]


def value_of(kind, data, zone):
    """Data as a zone file has it, as octoDNS wants it."""
    if kind in FIELDS:
        value = dict(zip(FIELDS[kind], words(data)))
        return {k: whole(v, zone) if (kind, k) in NAMES else v for k, v in value.items()}
    if kind == "TXT":  # in one piece; a semicolon has a backslash
        return re.sub(r"(?<!\\);", r"\\;", "".join(words(data)).replace('\\"', '"'))
    return data if kind in ("A", "AAAA") else whole(data, zone)


def data_of(record):
    """The other way, of all values of a record."""
    if record._type == "TXT":
        return [str(v) for v in record.chunked_values]
    values = [record.value] if record._type in SINGLE else record.values
    if record._type not in FIELDS:
        return [str(v) for v in values]
    fields = FIELDS[record._type]
    return [" ".join('"%s"' % getattr(v, f) if (record._type, f) in QUOTED else str(getattr(v, f)) for f in fields) for v in values]


class WaymarkProvider(BaseProvider):
    SUPPORTS_GEO = False
    SUPPORTS_DYNAMIC = False
    SUPPORTS_ROOT_NS = True
    SUPPORTS_MULTIVALUE_PTR = True
    SUPPORTS = set(FIELDS) | set(PLAIN) | set(SINGLE) | {"TXT"}

    def __init__(self, id, url="http://127.0.0.1:9953", token=None, template=None, timeout=30, *args, **kwargs):
        self.log = logging.getLogger("WaymarkProvider[%s]" % id)
        super().__init__(id, *args, **kwargs)
        self.api, self.template = Api(url, token, timeout), template
        self.serials = {}  # of zones, as they were when they were looked at last

    def list_zones(self):
        names, after = [], ""
        while True:
            status, text = self.api.call("GET", "/zones?limit=1000" + ("&after=" + urllib.parse.quote(after) if after else ""))
            if status != 200:
                raise ProviderException("waymark: the zones cannot be listed: %s" % text)
            some = json.loads(text)
            names += [z["zone"] for z in some if not z.get("view")]
            if len(some) < 1000:
                return sorted(set(names))
            after = some[-1]["zone"]

    def populate(self, zone, target=False, lenient=False):
        before, sets = len(zone.records), {}
        status, text = self.api.call("GET", "/zones/%s/records?unsigned=true" % part(zone.name))
        if status == 409 and text.startswith("there is no zone"):
            self.log.info("populate:   %s is not there", zone.name)
            return False
        if status != 200:
            raise ProviderException("waymark: %s: %d: %s" % (zone.name, status, text))
        for line in text.split("\n"):
            row = re.split(r"\s+", line.strip(), maxsplit=4)
            if len(row) < 5 or row[0][0] in ";$" or not row[1].isdigit():
                continue
            name, ttl, kind, data = whole(row[0], zone.name), int(row[1]), row[3], row[4]
            if kind == "SOA":
                zone.waymark_serial = self.serials[zone.name] = int(data.split()[2])
            if kind in self.SUPPORTS:
                sets.setdefault((name, kind), (ttl, []))[1].append(value_of(kind, data, zone.name))
        for (name, kind), (ttl, values) in sorted(sets.items(), key=lambda s: s[0]):
            data = {"type": kind, "ttl": ttl}
            data.update({"value": values[0]} if kind in SINGLE else {"values": values})
            zone.add_record(Record.new(zone, zone.hostname_from_fqdn(name), data, source=self, lenient=lenient), lenient=lenient)
        self.log.info("populate:   found %d records", len(zone.records) - before)
        return True

    def _apply(self, plan):
        zone, gone, come = plan.desired.name, [], []
        if not plan.exists:
            self.make(zone)
        for change in plan.changes:
            if change.existing:
                gone.append({"owner": change.existing.fqdn, "type": change.existing._type})
            if change.new:
                new = change.new
                # A zone that was just made has the NS of its template.
                if not plan.exists and new._type == "NS" and new.fqdn == zone:
                    gone.append({"owner": zone, "type": "NS"})
                come += [{"owner": new.fqdn, "type": new._type, "ttl": int(new.ttl), "data": d} for d in data_of(new)]
        body = {"unset": gone, "set": come}
        if plan.exists and zone in self.serials:  # processors may have made another zone of it
            body["serial"] = getattr(plan.existing, "waymark_serial", self.serials[zone])
        status, text = self.api.call("POST", "/zones/%s/changes" % part(zone), body)
        if status != 200:
            raise ProviderException("waymark: %s: nothing was changed: %s" % (zone, text))

    def make(self, zone):
        if not self.template:
            raise ProviderException("waymark: there is no zone %s (with `template` it would be made)" % zone)
        status, text = self.api.call("POST", "/zones", {"name": zone, "template": self.template})
        if status != 200:
            raise ProviderException("waymark: %s cannot be made: %s" % (zone, text))


def part(name):
    return urllib.parse.quote(name, safe="")
