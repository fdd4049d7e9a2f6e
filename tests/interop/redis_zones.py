#!/usr/bin/python3
"""redis_zones - zones that all servers of a fleet change, on a real Redis that is killed, emptied and stopped. Skipped where there is no
redis-server."""
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from fleet import *
from xfr import *

KEY = Key("xfr", b"x" * 32)
DYN = "$TTL 300\n@ SOA ns1 host 7 7200 2 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\n"


def configured(m, file=False, own=False):
    """That mate, with the zone dyn.test of the fleet, and own.test of its own."""
    m.write("dyn.zone", DYN)
    zones = "{ name: dyn.test, fleet: on, transfer: any, %supdate: [ { key: xfr } ] }" % ("file: dyn.zone, " if file else "")
    if own:
        zones += ", { name: own.test, file: dyn.zone, write-back: store, update: [ { key: xfr } ] }"
    m.configure(m.config + "keys: { xfr: %s }\n" % KEY.yaml(), "[ %s ]" % zones)
    return m


def change(m, *changes, prerequisites=()):
    """The RCODE."""
    packet, _ = update("dyn.test", *changes, prerequisites=prerequisites, key=KEY)
    return m.exchange(packet, 15)[3] & 15


def add(name, n):
    return (name + ".dyn.test", 1, 1, 60, bytes([192, 0, 2, n]))


def adds(m, name, n):
    same(change(m, add(name, n)), 0, m.said()[-2000:])


def draft(m, name, n):
    same(m.ctl("zone", "begin", "dyn.test")[0], 0)
    same(m.ctl("zone", "set", "dyn.test", name, "60", "A", "192.0.2.%d" % n)[0], 0)
    return m.ctl("zone", "commit", "dyn.test")


def a_of(m, name):
    return m.udp(name + ".dyn.test").addresses()


def serial(m):
    answer = m.udp("dyn.test", "SOA").answer
    return int(answer[0][3].split()[2]) if answer else None


def records(m):
    """All of the zone but its serial."""
    return sorted(line for line in m.ctl("zone", "export", "dyn.test")[1].splitlines() if " SOA " not in line)


@contextlib.contextmanager
def primaries(n, redis, own=False, **options):
    with contextlib.ExitStack() as stack:
        mates = [configured(stack.enter_context(Mate("ns%d" % (i + 1), redis.port, edges="a", **options)), file=i == 0, own=own) for i in range(n)]
        for m in mates:
            m.start()
        for m in mates:
            until(lambda: a_of(m, "www") == ["192.0.2.1"] and json_of(m, "status")["fleet_zones_in_step"] == 1, 60)
        yield mates


@claim("a zone of the fleet is changed by any of its servers: committed once, on all others at once, one after the other")
def zones():
    with Redis() as redis, primaries(3, redis) as (one, two, three):
        adds(one, "a", 1)
        until(lambda: a_of(two, "a") == a_of(three, "a") == ["192.0.2.1"], 5)
        adds(three, "b", 2)
        until(lambda: a_of(one, "b") == a_of(two, "b") == ["192.0.2.2"], 5)
        # Only one of those who want the same name first gets it.
        got = []
        for m in (one, two, three):
            def claims(m=m):
                got.append(change(m, add("first", 9), prerequisites=[("first.dyn.test", 254, 255, 0, b"")]))
            threading.Thread(target=claims).start()
        until(lambda: len(got) == 3, 20)
        same(sorted(got), [0, 6, 6], "YXDOMAIN:")
        # All at once, and nothing that was confirmed is lost.
        def many(m, name):
            for i in range(20):
                adds(m, "%s%d" % (name, i), i)
        threads = [threading.Thread(target=many, args=x) for x in ((one, "x"), (two, "y"), (three, "z"))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        until(lambda: len({serial(m) for m in (one, two, three)}) == 1, 10)
        same(records(one), records(two))
        same(records(one), records(three))
        same(len([line for line in records(one) if line.split()[0][:1] in "xyz"]), 60)
        # By ctl as by UPDATE.
        code, said = draft(two, "ctl", 77)
        same(code, 0, said)
        until(lambda: a_of(one, "ctl") == ["192.0.2.77"], 5)
        key = re.search(r"waymark:\{test\}:zone:[0-9a-f]+", redis.cli("KEYS", "*")).group(0)
        said = redis.cli("HGETALL", key)
        same((len(said) > 1000, "\x03www" in said, "x19" in said), (True, False, False), "in the clear:")


@claim("who cannot reach the engine refuses changes and serves on; one that was killed, is new, or finds the engine empty is in step again")
def zones_apart():
    with Redis() as redis, primaries(2, redis) as (one, two):
        adds(one, "a", 1)
        until(lambda: a_of(two, "a") == ["192.0.2.1"], 5)
        redis.kill()
        until(lambda: not one.fleet()["reached"], 10)
        same(change(one, add("no", 9)), 2)
        code, said = draft(one, "no", 9)
        same((code, "the fleet's Redis cannot be reached" in said), (1, True), said)
        same((a_of(one, "a"), a_of(one, "no")), (["192.0.2.1"], []))
        # Empty when it is back: it begins anew with what there is.
        redis.start()
        until(lambda: change(two, add("b", 2)) == 0, 30)
        until(lambda: a_of(one, "b") == ["192.0.2.2"], 10)
        two.kill()
        adds(one, "c", 3)
        two.start()
        until(lambda: a_of(two, "c") == ["192.0.2.3"], 15)
        same((a_of(two, "a"), a_of(two, "b")), (["192.0.2.1"], ["192.0.2.2"]))
        same(records(one), records(two))
        # What the engine has lost of what was confirmed is committed there again.
        same(redis.cli("SAVE"), "+OK\r\n")
        adds(one, "lost", 7)
        until(lambda: a_of(two, "lost") == ["192.0.2.7"], 5)
        redis.kill()
        redis.start()
        until(lambda: change(two, add("then", 8)) == 0, 30)
        until(lambda: serial(one) == serial(two), 10)
        same((a_of(one, "lost"), a_of(one, "then")), (["192.0.2.7"], ["192.0.2.8"]))
        same("had lost what led" in one.said() + two.said(), True)
        redis.signal(signal.SIGSTOP)
        same(change(one, add("d", 4)), 2)
        same(a_of(one, "c"), ["192.0.2.3"])
        redis.signal(signal.SIGCONT)
        until(lambda: change(one, add("e", 5)) == 0, 30)
        until(lambda: serial(one) == serial(two), 10)
        same(records(one), records(two))


@claim("who had more of a zone that the fleet has nothing of, and is gone before he began, is not waited for")
def zones_outbid():
    with Redis() as redis, contextlib.ExitStack() as stack:
        one, two = (configured(stack.enter_context(Mate("ns%d" % (i + 1), redis.port, edges="a")), file=True) for i in range(2))
        one.write("dyn.zone", DYN.replace("host 7", "host 8"))
        both = [threading.Thread(target=m.start) for m in (one, two)]
        for t in both:
            t.start()
        for t in both:
            t.join()
        until(lambda: two.fleet()["live"] == 2, 10)
        time.sleep(0.3)                                         # they tell each other what they have
        one.stop()
        until(lambda: change(two, add("a", 1)) == 0, 30)
        same(a_of(two, "a"), ["192.0.2.1"])


@claim("while the engine hangs changes of other zones are answered at once, by UPDATE and by ctl; those of the fleet's are refused within its bound, and none is lost")
def hangs():
    with Redis() as redis, primaries(2, redis, own=True) as (one, two):
        def own(name, n):
            packet, _ = update("own.test", (name + ".own.test", 1, 1, 60, bytes([192, 0, 2, n])), key=KEY)
            begun = time.monotonic()
            same(one.exchange(packet, 60)[3] & 15, 0, one.said()[-2000:])
            return time.monotonic() - begun
        own("warm", 1)
        redis.signal(signal.SIGSTOP)
        got, begun = [], time.monotonic()
        asking = threading.Thread(target=lambda: got.append((change(one, add("d", 4)), time.monotonic() - begun)))
        asking.start()
        time.sleep(0.3)                                  # it is with the engine, and waits
        # In the order of events, not by a clock: all of these are over before the fleet's is.
        took = [own("o%d" % i, i) for i in range(4)]
        same((got, one.udp("o3.own.test").addresses()), ([], ["192.0.2.3"]), took)
        same(one.ctl("zone", "begin", "own.test")[0], 0)
        same(one.ctl("zone", "set", "own.test", "draft", "60", "A", "192.0.2.77")[0], 0)
        same(one.ctl("zone", "commit", "own.test")[0], 0)
        asking.join(60)
        same([code for code, _ in got], [2])
        redis.signal(signal.SIGCONT)
        until(lambda: change(one, add("e", 5)) == 0, 60)
        until(lambda: a_of(two, "e") == ["192.0.2.5"] and serial(one) == serial(two), 60)
        same(records(one), records(two))
        same((one.udp("draft.own.test").addresses(), two.udp("draft.own.test").addresses()), (["192.0.2.77"], []))
        print("changes of another zone, while the engine hangs: %.0f ms at most; the fleet's refused after %.1f s" % (max(took) * 1e3, got[0][1]))


@claim("large steps are followed by a snapshot, from which a server that has nothing begins")
def snapshots():
    with Redis() as redis, primaries(1, redis) as (one,):
        def snapshot():
            return redis.cli("EVAL", "return redis.call('HGET', redis.call('KEYS', '*:zone:*')[1], 'snap')", "0").split("-")[0]
        first = snapshot()
        for n in range(16):
            texts = [("t%d-%d.dyn.test" % (n, i), 1, 16, 60, b"\xff" + os.urandom(255)) for i in range(150)]
            packet, _ = update("dyn.test", *texts, key=KEY)
            with one.connect() as s:
                send_tcp(s, packet)
                s.settimeout(60)
                same(recv_tcp(s)[3] & 15, 0, one.said()[-2000:])
        until(lambda: snapshot() != first, 60)
        with configured(Mate("new", redis.port, edges="a")) as new:
            new.start()
            until(lambda: serial(new) == serial(one), 60)
            same(records(new), records(one))


run("redis_zones", by_clock=True)
