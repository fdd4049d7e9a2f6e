"""octodns_like - what a provider uses of octoDNS, as its documentation has it, where octoDNS itself cannot be had.

octodns.readthedocs.io, "Providers" and "Records": names end in dots, data of records are dicts, a plan has the changes from what
a provider has to what is wanted. install() makes it importable as octodns, unless that is there.
"""
import logging
import sys
import types


class Value(types.SimpleNamespace):
    pass


class Record:
    def __init__(self, zone, name, data):
        self.zone, self.name, self._type, self.ttl = zone, name, data["type"], int(data["ttl"])
        values = data["values"] if "values" in data else [data["value"]]
        if self._type == "TXT" and any(v.replace("\\;", "").count(";") for v in values):
            raise ValueError("unescaped ; in %r" % values)
        self.values = sorted((Value(**v) if isinstance(v, dict) else v for v in values), key=str)
        if self._type in ("CNAME", "DNAME"):
            self.value = self.values[0]

    @classmethod
    def new(cls, zone, name, data, source=None, lenient=False):
        return cls(zone, name, data)

    @property
    def fqdn(self):
        return "%s.%s" % (self.name, self.zone.name) if self.name else self.zone.name

    @property
    def chunked_values(self):
        chunks = lambda v: [v[i:i + 255] for i in range(0, len(v) or 1, 255)]
        return ['"%s"' % '" "'.join(chunks(v.replace('"', '\\"'))) for v in self.values]

    def same(self, other):
        return self.ttl == other.ttl and list(map(str, self.values)) == list(map(str, other.values))


class Zone:
    def __init__(self, name, sub_zones):
        self.name, self.of = name, {}

    @property
    def records(self):
        return set(self.of.values())

    def hostname_from_fqdn(self, fqdn):
        return "" if fqdn == self.name else fqdn[:-len(self.name) - 1]

    def add_record(self, record, replace=False, lenient=False):
        key = (record.name, record._type)
        if key in self.of and not replace:
            raise ValueError("duplicate record %s" % (key,))
        self.of[key] = record

    def remove_record(self, record):
        del self.of[record.name, record._type]


class BaseProvider:
    def __init__(self, id, apply_disabled=False):
        self.id, self.apply_disabled = id, apply_disabled
        assert isinstance(self.log, logging.Logger)

    def plan(self, desired):
        now = Zone(desired.name, [])
        exists = self.populate(now, target=True, lenient=True)
        changes = []
        for key in sorted(set(now.of) | set(desired.of)):
            old, new = now.of.get(key), desired.of.get(key)
            if key[1] in self.SUPPORTS and not (old and new and old.same(new)):
                changes.append(types.SimpleNamespace(existing=old, new=new))
        return types.SimpleNamespace(existing=now, desired=desired, changes=changes, exists=exists) if changes else None

    def apply(self, plan):
        if self.apply_disabled:
            return 0
        self._apply(plan)
        return len(plan.changes)


class ProviderException(Exception):
    pass


def install():
    try:
        import octodns  # noqa: F401
        return
    except ImportError:
        pass
    parts = {"octodns": {}, "octodns.record": {"Record": Record}, "octodns.zone": {"Zone": Zone},
             "octodns.provider": {"ProviderException": ProviderException}, "octodns.provider.base": {"BaseProvider": BaseProvider}}
    for name, has in parts.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(has)
