#!/usr/bin/python3
"""redis_faults - a fleet of three real servers on a real Redis, which is killed, stopped, emptied, full, slow or cut off, round after round, while an
operator changes something and clients ask. One server's clock is five minutes ahead, where there is faketime. What was confirmed holds on all in the
end, all say the same within a bound, an edge that is up is never taken for down, and every query is answered.

    tests/interop/redis_faults.py [--rounds 100] [--seed 1]
"""
import argparse
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from fleet import *

words = argparse.ArgumentParser()
words.add_argument("--rounds", type=int, default=100)
words.add_argument("--seed", type=int, default=1)
args = words.parse_args()
sys.argv = sys.argv[:1]
FAKETIME = "/usr/lib/%s-linux-gnu/faketime/libfaketimeMT.so.1" % os.uname().machine
AGREE_S, rng = 30, random.Random(args.seed)


class Proxy:
    """Between one server and the Redis: it may be slow, or cut."""

    def __init__(self, to):
        self.to, self.delay, self.cut, self.ends = to, 0, False, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            here, _ = self.socket.accept()
            try:
                if self.cut:
                    raise OSError
                there = socket.create_connection(("127.0.0.1", self.to), timeout=5)
            except OSError:
                here.close()
                continue
            there.settimeout(None)
            self.ends += [here, there]
            for a, b in ((here, there), (there, here)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    def pump(self, a, b):
        with contextlib.suppress(OSError):
            while True:
                data = a.recv(65536)
                if not data:
                    break
                time.sleep(self.delay)
                b.sendall(data)
        for s in (a, b):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def set_cut(self, cut):
        self.cut = cut
        for s in self.ends if cut else []:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
        if cut:
            self.ends = []


class Client(threading.Thread):
    """Asks all servers again and again. Edge a is up all the time, and first."""

    def __init__(self, mates):
        super().__init__(daemon=True)
        self.mates, self.asked, self.wrong, self.over = mates, 0, [], False

    def run(self):
        while not self.over:
            for m in self.mates:
                try:
                    got = m.address()
                except Exception as e:
                    got = type(e).__name__
                self.asked += 1
                if got != "192.0.2.1":
                    self.wrong.append((m.name, got))
            time.sleep(0.03)


def killed(redis, proxies):
    redis.kill()
    yield
    redis.start()


def stopped(redis, proxies):
    redis.signal(signal.SIGSTOP)
    yield
    redis.signal(signal.SIGCONT)


def emptied(redis, proxies):
    redis.cli("FLUSHALL")
    yield


def full(redis, proxies):
    redis.cli("CONFIG", "SET", "maxmemory", "1")
    yield
    redis.cli("CONFIG", "SET", "maxmemory", "0")


def slow(redis, proxies):
    for p in proxies:
        p.delay = 0.2
    yield
    for p in proxies:
        p.delay = 0


def cut_off(redis, proxies):
    some = rng.sample(proxies, rng.randrange(1, len(proxies)))
    for p in some:
        p.set_cut(True)
    yield
    for p in some:
        p.set_cut(False)


def forbidden(redis, proxies):
    redis.cli("ACL", "SETUSER", "default", "-hset", "-publish", "-eval")
    yield
    redis.cli("ACL", "SETUSER", "default", "+@all")


def restarted(redis, proxies):
    m = rng.choice(mates[1:])                        # its clock is as it was
    client.mates = [x for x in client.mates if x is not m]
    time.sleep(0.2)
    m.proc.kill()
    m.proc.wait()
    yield
    m.start()
    client.mates = client.mates + [m]


def wanted(m):
    """What operators want of each edge, as this server has it."""
    return {c["edge"]: c["what"] for c in json_of(m, "changes")}


def round_of(n, model):
    fault = rng.choice([killed, stopped, emptied, full, slow, cut_off, forbidden, restarted])
    running = fault(redis, proxies)
    next(running)
    time.sleep(rng.uniform(0, 1))
    for edge in rng.sample("bcd", rng.randrange(0, 3)):
        m, word = rng.choice(client.mates), rng.choice(["down", "drain", "up", "auto"])
        code, said = m.ctl("force", edge, word, "--why", "round %d" % n)
        same(code, 0, said)
        model[edge] = None if word == "auto" else word
    time.sleep(rng.uniform(0, 4 if fault is not slow else 1.5))
    next(running, None)
    want, begun = {e: w for e, w in model.items() if w}, time.monotonic()
    try:
        until(lambda: all(wanted(m) == want for m in mates), AGREE_S, 0.1)
        until(lambda: len({r["generation"] for m in mates for r in m.rows().values() if r["state"] != "gone"}) == 1, AGREE_S, 0.1)
    except AssertionError as e:
        raise AssertionError("round %d, %s: %s, not %s" % (n, fault.__name__, [wanted(m) for m in mates], want)) from e
    same(client.wrong, [], "round %d, %s:" % (n, fault.__name__))
    return fault.__name__, time.monotonic() - begun


def main():
    slowest, count, model = {}, {}, {}
    for n in range(args.rounds):
        name, took = round_of(n, model)
        count[name] = count.get(name, 0) + 1
        slowest[name] = max(slowest.get(name, 0), took)
    print("%d rounds, %d queries, all answered; until all say the same, at most: %s" % (
        args.rounds, client.asked, ", ".join("%s (%d times) %.1f s" % (k, count[k], slowest[k]) for k in sorted(slowest))))


@claim("through %d random faults nothing that was confirmed is lost, and all servers say the same again" % args.rounds)
def faults():
    global redis, proxies, mates, client
    with Redis() as redis, contextlib.ExitStack() as stack:
        proxies = [Proxy(redis.port) for _ in range(3)]
        # A drain takes its time where it was seen to begin, and is over for who comes later.
        # A probe that gets no processor for seconds on a busy machine is no fault of the edge.
        mates = [stack.enter_context(Mate("ns%d" % (i + 1), p.port, edges="abcd", every="2s", fall=3, fleet=", wait: 500ms", more="balance: { drain: 0s, slow-start: 0s }\n"))
                 for i, p in enumerate(proxies)]
        ahead = os.path.exists(FAKETIME)
        for m in mates:
            # The first one's clock is wrong.
            m.start(env=dict(os.environ, LD_PRELOAD=FAKETIME, FAKETIME="+300s", DONT_FAKE_MONOTONIC="1") if ahead and m is mates[0] else None)
        for m in mates:
            until(lambda: m.fleet()["live"] == 3, 20)
        if ahead:
            same(290 < mates[1].rows()["ns1"]["clock_off_ms"] / 1000 < 310, True, mates[1].rows()["ns1"])
        client = Client(mates)
        client.start()
        main()
        client.over = True
        client.join()


run("redis_faults")
