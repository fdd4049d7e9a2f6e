#!/usr/bin/python3
"""killed - kill -9, again and again, in the middle of updates: what was confirmed is there, and the zone is exactly what some of the
updates, in their order and without a gap, make of it.

A zone of 1,000 records; three clients that change it, each its own names, many updates at a time; after some milliseconds the
server is killed, started again and asked for the whole zone. A secondary that is ours follows, and is killed in every third
round, too: at the end it has the same zone. --rounds N (1000), --seed S.
"""
import argparse
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from lib import *
from xfr import *

ask = argparse.ArgumentParser()
ask.add_argument("--rounds", type=int, default=1000)
ask.add_argument("--seed", type=int, default=int(time.time()))
wanted = ask.parse_args()
rng = random.Random(wanted.seed)
KEY = Key("xfr", b"x" * 32)
CLIENTS, NAMES, FLIGHT = 3, 330, 8
BEGIN = 4294967000                                          # the serial goes over its end on the way
ZONE = "$TTL 300\n@ SOA ns1 host %d 7200 2 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\n" % BEGIN


class Client:
    """Its names as they are after each update that it has sent since the last start: the state after none, and what each did."""

    def __init__(self, number):
        self.number = number
        self.names = {}
        for i in range(NAMES):
            self.names["n%d.c%d" % (i, number)] = b"begin %d" % i
        self.sent, self.confirmed, self.serial = [], 0, 0

    def update(self):
        owner = "n%d.c%d" % (rng.randrange(NAMES), self.number)
        state = dict(self.names)
        for o, v in self.sent:
            state[o] = v
        value = None if state.get(owner) is not None and rng.random() < 0.2 else b"%d %s" % (rng.getrandbits(60), b"x" * rng.randrange(120))
        self.sent.append((owner, value))
        rows = [(owner, 255, 16, 0, b"")]
        if value is not None:
            rows.append((owner, 1, 16, 300, bytes([len(value)]) + value))
        packet = os.urandom(2) + struct.pack(">HHHHH", 5 << 11, 1, 0, len(rows), 0) + wire("dyn.test") + struct.pack(">HH", 6, 1)
        for o, klass, kind, ttl, data in rows:
            packet += wire(o + ".dyn.test") + struct.pack(">HHIH", kind, klass, ttl, len(data)) + data
        return KEY.sign(packet)[0]

    def run(self, server):
        try:
            with server.connect() as s:
                waiting = 0
                while True:
                    while waiting < FLIGHT:
                        send_tcp(s, self.update())
                        waiting += 1
                    if recv_tcp(s)[3] & 15:
                        return
                    self.confirmed += 1
                    waiting -= 1
        except (OSError, AssertionError, IndexError):
            pass                                            # it was killed

    def settle(self, zone):
        """How many of the updates the zone has: those that make it what it is."""
        state = dict(self.names)
        fits = [0] if state == zone else []
        for k, (owner, value) in enumerate(self.sent, 1):
            if value is None:
                state.pop(owner, None)
            else:
                state[owner] = value
            if state == zone:
                fits.append(k)
        fits = [k for k in fits if k >= self.confirmed]
        assert fits, "client %d: %d of %d updates were confirmed, and the zone is what none of the longer runs of them makes of it" % (
            self.number, self.confirmed, len(self.sent))
        self.names, self.sent, self.confirmed = zone, [], 0
        return fits[0]


def zone_now(server):
    with server.connect() as s:
        rows = zone_of(transfer(s, query("dyn.test", 252)))
    out = [{} for _ in range(CLIENTS)]
    for r in rows:
        if r.type == 16:
            size = r.owner[0]
            first, second = r.owner[1:1 + size].decode(), r.owner[2 + size:2 + size + r.owner[1 + size]].decode()
            out[int(second[1:])][first + "." + second] = r.data[1:]
    serial = struct.unpack(">I", rows[0].data[-20:-16])[0]
    return serial, out


def kill(server):
    server.proc.kill()
    server.proc.wait()


def main():
    clients = [Client(i) for i in range(CLIENTS)]
    text = ZONE + "".join('%s TXT "%s"\n' % (o, v.decode()) for c in clients for o, v in c.names.items())
    done = 0
    with Server({"dyn.test": text}, start=False) as s, Server({}, start=False) as follower:
        keys = "keys: { xfr: %s }\n" % KEY.yaml()
        s.configure(keys + "store: { file: waymark.db, history-size: 64k }\npeers: { sec: { at: \"127.0.0.1:%d\" } }" % follower.port,
                    "[ { name: dyn.test, file: zones/dyn.test.zone, write-back: store, transfer: any, notify: sec, update: [ { key: xfr } ] } ]")
        follower.configure("store: { file: waymark.db }\npeers: { pri: { at: \"127.0.0.1:%d\" } }" % s.port,
                           "[ { name: dyn.test, primary: pri, transfer: any } ]")
        s.start()
        follower.start()
        serial = BEGIN
        for n in range(wanted.rounds):
            threads = [threading.Thread(target=c.run, args=(s,)) for c in clients]
            for t in threads:
                t.start()
            time.sleep(rng.random() * 0.06)
            kill(s)
            for t in threads:
                t.join()
            if n % 3 == 0:
                kill(follower)
                follower.start()
            confirmed = sum(c.confirmed for c in clients)
            s.start()
            now, zones = zone_now(s)
            more = sum(c.settle(z) for c, z in zip(clients, zones))
            same((now - serial) & 0xffffffff, more, "updates by the serial, confirmed %d, round %d, seed %d:" % (confirmed, n, wanted.seed))
            serial, done = now, done + confirmed
            if n % 100 == 99:
                print("killed: %d rounds, %d updates confirmed, serial %d" % (n + 1, done, serial), flush=True)
        end = time.monotonic() + 60 * SLOW
        while zone_now(follower)[0] != serial:
            assert time.monotonic() < end, "the secondary does not follow: " + follower.said()[-2000:]
            time.sleep(0.1)
        same(zone_now(follower), zone_now(s), "the secondary:")
    print("killed: %d rounds, %d updates confirmed, none lost, seed %d" % (wanted.rounds, done, wanted.seed))


main()
