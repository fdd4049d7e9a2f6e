"""clients.py CA - the clients of all cities: households that come, look a name up at their city's resolver, and fetch.

One process for all; each socket is made in its city's namespace and bound to its household's address. A line of JSON on standard input
says how many visits a second there are in each city ({"rates": {...}}); the end of the input ends it. Each visit is a line of JSON on
standard output.

A visit makes three look-ups and fetches, one after the other and in random order, of the same thing: in the world of the CDN
("www"), of one that goes by the map ("map"), and of the origin alone. In the first it fetches three things more on the same connection, as a page does. Nothing is kept between visits but how far each address was in the last minute: of two
addresses that it knows a household begins with the nearer one, else with the first, and takes the next one when that refuses, or after 250 ms
(RFC 8305, 4 and 5). Sockets do not wait for acknowledgements (TCP_NODELAY), as those of browsers do not.
"""
import asyncio
import ctypes
import json
import os
import random
import socket
import ssl
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../serve"))
import lib                                                  # noqa: E402
import places                                               # noqa: E402

NETS, HOUSES = int(os.environ.get("NETS", 16)), 2                                      # of a city: /20s, and households in each
PATIENCE_S, NEXT_ADDRESS_S, KNOWN_S = 8, 0.25, 60
IMAGES, API_SHARE = int(os.environ.get("IMAGES", 40)), 0.05
libc = ctypes.CDLL(None, use_errno=True)
tls = ssl.create_default_context(cafile=sys.argv[1])
known = {}                                                  # (household, world, address): (seconds to connect, when)
spaces = {c: os.open("/run/netns/" + c, os.O_RDONLY) for c in places.CLIENTS}
rates = dict.fromkeys(places.CLIENTS, 0.0)


class Lost(Exception):
    pass


def socket_of(city, house, kind):
    if libc.setns(spaces[city], 0x40000000):
        raise OSError(ctypes.get_errno(), "setns " + city)
    s = socket.socket(socket.AF_INET, kind)
    s.setblocking(False)
    if kind == socket.SOCK_STREAM:                          # asyncio does it for sockets that name their protocol alone
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.bind((house, 0))
    return s


async def look_up(city, house, name):
    """Addresses in the order in which the resolver has them, and their TTL."""
    loop = asyncio.get_running_loop()
    for patience in (1, 2, 3):
        with socket_of(city, house, socket.SOCK_DGRAM) as s:
            s.connect((places.address(city, 53), 53))
            packet = lib.query(name, "A", flags=0x100)
            try:
                await loop.sock_sendall(s, packet)
                answer = lib.Message(await asyncio.wait_for(loop.sock_recv(s, 4096), patience))
            except (OSError, asyncio.TimeoutError):
                continue
            records = [r for r in answer.answer if r[1] == 1]
            if answer.rcode == 0 and records:
                return answer.addresses(), records[0][2]
            if answer.rcode != 2:
                raise Lost("no address of %s: rcode %d" % (name, answer.rcode))
    raise Lost("no answer for %s" % name)


async def connect(city, house, world, addresses):
    """Whoever of the addresses is there first, and how many were tried."""
    order, since = list(addresses), time.monotonic() - KNOWN_S
    if all(known.get((house, world, a), (0, float("-inf")))[1] > since for a in order):      # else as the resolver has them
        order.sort(key=lambda a: known[house, world, a][0])
    tasks = []

    async def one(address):
        s = socket_of(city, house, socket.SOCK_STREAM)
        begun = time.monotonic()
        try:
            await asyncio.get_running_loop().sock_connect(s, (address, 443))
        except BaseException:
            s.close()
            raise
        known[house, world, address] = time.monotonic() - begun, time.monotonic()
        return s, address

    try:
        while True:
            if order:
                tasks.append(asyncio.ensure_future(one(order.pop(0))))
            todo = [t for t in tasks if not t.done()]
            if not todo:
                raise Lost("no connection: %s" % tasks[-1].exception())
            await asyncio.wait(todo, timeout=NEXT_ADDRESS_S if order else PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
            for t in tasks:
                if t.done() and not t.exception():
                    tasks.remove(t)
                    return t.result() + (len(tasks) + 1,)
            if not order and not any(t.done() for t in todo):
                raise Lost("no connection within %d s" % PATIENCE_S)
    finally:
        for t in tasks:
            if t.done() and not t.exception():
                t.result()[0].close()
            t.cancel()


async def get(reader, writer, host, path):
    """The moment of the first byte."""
    writer.write(("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, host)).encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
    first = time.monotonic()
    head += await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
    size = next(int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:"))
    await asyncio.wait_for(reader.readexactly(size), PATIENCE_S)
    if not head.startswith(b"HTTP/1.1 200"):
        raise Lost(head.split(b"\r\n")[0].decode())
    return first


def something():
    """A few are wanted by many."""
    return "/api/prices" if random.random() < API_SHARE else "/img/%d" % int(IMAGES * random.random() ** 2)


async def fetch(city, house, world, name, host, paths):
    said = {"at": time.time(), "city": city, "house": house, "world": world, "requests": 0}
    connected, writer = False, None
    begun = time.monotonic()
    try:
        addresses, said["ttl"] = await look_up(city, house, name)
        said["dns_ms"] = (time.monotonic() - begun) * 1000
        s, said["address"], said["tried"] = await connect(city, house, world, addresses)
        said["addresses"], connected = addresses, True
        reader, writer = await asyncio.wait_for(asyncio.open_connection(sock=s, ssl=tls, server_hostname=host), PATIENCE_S)
        for path in paths:
            first = await get(reader, writer, host, path)
            said["requests"] += 1
            said.setdefault("ms", (first - begun) * 1000)
    except (Lost, OSError, EOFError, asyncio.TimeoutError, asyncio.IncompleteReadError, ssl.SSLError) as why:
        said["lost"] = "%s: %s" % (type(why).__name__, why)
        said["in_flight"] = connected and not isinstance(why, Lost)
    finally:
        if writer:
            writer.transport.abort()
    said["end"] = time.time()
    print(json.dumps(said), flush=True)


async def visit(city):
    house = places.address(city, 10 + random.randrange(HOUSES), random.randrange(NETS) * (256 // NETS) + 1)
    path = something()
    worlds = [("www", "www.cdn.test", "www.cdn.test", [path] + [something() for _ in range(3)]),
              ("map", "www.bymap.test", "map.cdn.test", [path]),
              ("origin", "origin.cdn.test", "origin.cdn.test", [path])]
    random.shuffle(worlds)
    for world in worlds:
        await fetch(city, house, *world)


async def come():
    """Visits of each city by a Poisson process of its rate. Tells each second how late this program gets its turn, for then times say nothing."""
    visits, owed, last = set(), dict.fromkeys(rates, 0.0), time.monotonic()
    late, told = [], last
    due = {c: random.expovariate(1) for c in rates}
    while True:
        await asyncio.sleep(0.02)
        now = time.monotonic()
        late.append(now - last - 0.02)
        if now - told >= 1:
            print(json.dumps({"world": "", "late_ms": 1000 * sum(late) / len(late)}), flush=True)
            late, told = [], now
        for c, rate in rates.items():
            owed[c] += rate * (now - last)
            while owed[c] >= due[c]:
                due[c] += random.expovariate(1)
                v = asyncio.ensure_future(visit(c))
                visits.add(v)
                v.add_done_callback(lambda v: visits.discard(v) or v.cancelled() or v.result())
        last = now


async def main():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, why: loop.default_exception_handler(why) or os._exit(1))      # a fault of ours ends it
    coming = asyncio.ensure_future(come())
    while line := await reader.readline():
        rates.update(json.loads(line)["rates"])
        if coming.done():
            coming.result()
    coming.cancel()


if __name__ == "__main__":
    asyncio.run(main())
