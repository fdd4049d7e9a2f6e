"""mmdb - small MaxMind DB files for tests: write(path, {"10.0.0.0/8": {"country_code": "NL", "latitude": 52.3, ...}, ...})."""
import ipaddress
import struct


class Size(int):
    """A uint16, as the metadata has them."""


class Time(int):
    """A uint64."""


def value(v):
    """A value in the format's own bytes (https://maxmind.github.io/MaxMind-DB/)."""
    def head(kind, size):
        more = b""
        if size >= 29:
            size, more = (29, bytes([size - 29])) if size < 285 else (30, struct.pack(">H", size - 285))
        return (bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])) + more
    if isinstance(v, bool):
        return head(14, int(v))
    if isinstance(v, str):
        return head(2, len(v.encode())) + v.encode()
    if isinstance(v, float):
        return head(3, 8) + struct.pack(">d", v)
    if isinstance(v, Size):
        return head(5, 2) + struct.pack(">H", v)
    if isinstance(v, Time):
        return head(9, 8) + struct.pack(">Q", v)
    if isinstance(v, int):
        return head(6, 4) + struct.pack(">I", v)
    if isinstance(v, dict):
        return head(7, len(v)) + b"".join(value(k) + value(x) for k, x in v.items())
    return head(11, len(v)) + b"".join(map(value, v))


def write(path, nets, kind="Test-City"):
    """The nets may lie inside each other; wider ones first."""
    nodes, data, at = [[None, None]], b"", {}
    for net, record in nets.items():
        net = ipaddress.ip_network(net)
        if id(record) not in at:
            at[id(record)] = len(data)
            data += value(record)
        number, bits = int(net.network_address), net.prefixlen + (96 if net.version == 4 else 0)
        node = 0
        for i in range(bits):
            half = number >> (127 - i) & 1
            if i == bits - 1:
                nodes[node][half] = -1 - at[id(record)]
                break
            if nodes[node][half] is None or nodes[node][half] < 0:
                nodes.append([nodes[node][half]] * 2)
                nodes[node][half] = len(nodes) - 1
            node = nodes[node][half]
    n = len(nodes)
    tree = b"".join(struct.pack(">II", *(n if r is None else n + 16 + -1 - r if r < 0 else r for r in node)) for node in nodes)
    meta = {"binary_format_major_version": Size(2), "binary_format_minor_version": Size(0), "build_epoch": Time(1780666922), "database_type": kind,
            "description": {"en": "made by a test"}, "ip_version": Size(6), "languages": ["en"], "node_count": n, "record_size": Size(32)}
    with open(path, "wb") as f:
        f.write(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + value(meta))
