#!/usr/bin/python3
"""soak - millions of mutated packets at a real server; its memory must stay as it is.

usage: soak.py [--packets N] [--seed N]

The fuzz target's corpus is mutated without end and sent over UDP, every hundredth packet over TCP, cut anywhere. After a tenth
of them the resident memory is taken for the server's size; at the end it may differ by 1 %.
"""
import argparse
import glob
import random
import socket
import struct
import sys
import time

from lib import *

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("--packets", type=int, default=10 ** 7)
ap.add_argument("--seed", type=int, default=1)
args = ap.parse_args()
rng = random.Random(args.seed)
corpus = [open(f, "rb").read() for f in sorted(glob.glob(TOP + "/tests/fuzz/corpus/packet/*"))]


def mutated(packet):
    b = bytearray(packet)
    for _ in range(rng.randint(0, 4)):
        how, at = rng.random(), rng.randrange(len(b)) if b else 0
        if how < 0.6 and b:
            b[at] = rng.getrandbits(8)
        elif how < 0.8:
            b[at:at] = rng.randbytes(rng.randint(1, 8))
        elif b:
            del b[at:at + rng.randint(1, 8)]
    return bytes(b)


def resident_kb(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(next(l for l in f if l.startswith("VmRSS")).split()[1])


def answered(server):
    import json
    s = json.loads(server.ctl("status", "--json")[1])
    return s["udp_queries"] + s["tcp_queries"], s


def send_over_tcp(server, packets):
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=2) as s:
            stream = b"".join(struct.pack(">H", len(p)) + p for p in packets)
            s.sendall(stream[:rng.randint(1, len(stream))])
            s.settimeout(0.002)
            s.recv(65536)
    except OSError:
        pass


def main():
    zones = {k: open("%s/tests/serve/signed/%s.zone" % (TOP, k)).read() for k in ("nsec.test", "nsec3.test", "optout.test")}
    zones["example"] = APEX + "www EDGE web\n@ EDGE web\n*.w A 192.0.2.2\nc1 CNAME c2\nc2 CNAME c1\nd DNAME w\nsub NS ns.sub\nns.sub A 192.0.2.3\n$GENERATE 1-90 big A 10.0.0.$\n"
    config = ("edges: { a: { a: 192.0.2.1, at: \"0,0\" }, b: { a: 192.0.2.2, at: \"9,9\" } }\npools: { web: { edges: [ a, b ] } }\n"
              "rrl: { rate: 1000000 }\n")
    with Server(zones, config) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", server.port))
        s.setblocking(False)
        sent, size, start = 0, None, time.monotonic()
        while sent < args.packets:
            batch = [mutated(rng.choice(corpus)) for _ in range(20000)]
            for i, packet in enumerate(batch):
                try:
                    s.send(packet)
                    if i % 8 == 0:
                        s.recv(65535)
                except OSError:
                    pass
            for i in range(0, len(batch), 1000):
                send_over_tcp(server, batch[i:i + 10])
            sent += len(batch)
            if size is None and sent >= args.packets / 10:
                size = resident_kb(server.proc.pid)
        end = resident_kb(server.proc.pid)
        same(server.udp("nsec.test", "SOA").rcode, NOERROR)
        taken, status = answered(server)
        print("%d packets sent, %d taken in %d s: %d KiB resident after a tenth, %d at the end (%+.2f %%)" % (
            sent, taken, time.monotonic() - start, size, end, 100.0 * (end - size) / size))
        print("answers: %s" % ", ".join("%s %d" % kv for kv in status["rcodes"].items() if kv[1]))
        return abs(end - size) > size / 100


sys.exit(main())
