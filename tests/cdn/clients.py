"""clients.py CA - the clients of all cities: households that come, look a name up at their city's resolver, and fetch.

One process for all; each socket is made in its city's namespace and bound to its household's address. A line of JSON on standard input
says how many visits a second there are in each city ({"rates": {...}}); the end of the input ends it. Each visit is a line of JSON on
standard output.

A visit makes look-ups and fetches, one after the other and in random order, of the same thing: in the world of the CDN ("www"), of one that
goes by the map ("map"), and of one or two others that are drawn (SOME). In the first it fetches three things more on the same connection, as a page does. Nothing is kept between visits but how far each address was in the last minute: of two
addresses that it knows a household begins with the nearer one, else with the first, and takes the next one when that refuses, or after 250 ms
(RFC 8305, 4 and 5). Sockets do not wait for acknowledgements (TCP_NODELAY), as those of browsers do not.

After one visit of ten the page measures three edges, as contrib/beacon.js does, and tells them. Since an edge hears an address once in ten minutes, that is
each time another address of the household's /24.
"""
import asyncio
import ctypes
import itertools
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
PAGES_SHARE, VISITORS = float(os.environ.get("PAGES_SHARE", 0.1)), range(20, 250)
WORLDS = {"www": "www.cdn.test", "map": "www.bymap.test", "origin": "origin.cdn.test", "one": "one.cdn.test",
          "mapone": "one.bymap.test", "shop": "shop.cdn.test", "shoprtt": "shop-rtt.cdn.test"}
SOME = [(0.3, ("origin",)), (0.45, ("one", "mapone")), (0.25, ("shop", "shoprtt"))]       # how often, and what
libc = ctypes.CDLL(None, use_errno=True)
tls = ssl.create_default_context(cafile=sys.argv[1])
known = {}                                                  # (household, world, address): (seconds to connect, when)
numbers, visitors = itertools.count(), {}                   # of visits; how many of each /24 have measured
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


async def ask(reader, writer, host, path, body=None):
    """The moments of the first byte and the last, the status, and the head's fields."""
    writer.write(("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % ("GET" if body is None else "POST", path, host,
                                                         "" if body is None else "Content-Length: %d\r\n" % len(body))).encode() + (body or b""))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
    first = time.monotonic()
    status = head.split()[1].decode()
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)).decode().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
    body = await asyncio.wait_for(reader.readexactly(int(fields.get("content-length", 0))), PATIENCE_S)
    return first, time.monotonic(), status, fields, body


async def get(reader, writer, host, path):
    """The moment of the first byte."""
    first, _, status, _, _ = await ask(reader, writer, host, path)
    if status != "200":
        raise Lost("status " + status)
    return first


def something():
    """A few are wanted by many."""
    return "/api/prices" if random.random() < API_SHARE else "/img/%d" % int(IMAGES * random.random() ** 2)


async def fetch(number, city, house, world, name, host, paths):
    said = {"visit": number, "at": time.time(), "city": city, "house": house, "world": world, "requests": 0}
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
    net = random.randrange(NETS) * (256 // NETS) + 1
    path, house = something(), places.address(city, 10 + random.randrange(HOUSES), net)
    others = random.choices([names for _, names in SOME], [share for share, _ in SOME])[0]
    worlds = ["www", "map", *others]
    random.shuffle(worlds)
    number = next(numbers)
    for world in worlds:
        host = "map.cdn.test" if world.startswith("map") else WORLDS[world]       # the certificate is for one zone's names
        await fetch(number, city, house, world, WORLDS[world], host, [path] + [something() for _ in range(3)] * (world == "www"))
    if random.random() < PAGES_SHARE:
        visitors[net] = visitors.get(net, -1) + 1
        await page(city, places.address(city, VISITORS[visitors[net] % len(VISITORS)], net))


# ------------------------------------------------------------------ what pages measure

async def on_connection(city, who, name, function):
    addresses, _ = await look_up(city, who, name)
    s, _, _ = await connect(city, who, "page", addresses)
    reader, writer = await asyncio.wait_for(asyncio.open_connection(sock=s, ssl=tls, server_hostname=name), PATIENCE_S)
    try:
        return await function(reader, writer, name)
    finally:
        writer.transport.abort()


async def edges_of(reader, writer, name):
    return [url.removeprefix("https://") for url in json.loads((await ask(reader, writer, name, "/waymark/beacon"))[4])["edges"]]


async def measure(reader, writer, name):
    """What beacon.js does: nothing is timed before the connection is open."""
    await ask(reader, writer, name, "/waymark/beacon")
    begun = time.monotonic()
    first, last, _, fields, _ = await ask(reader, writer, name, "/waymark/object")
    said = {"ttfb_ms": (first - begun) * 1000, "transfer_ms": (last - begun) * 1000}
    told = await ask(reader, writer, name, "/waymark/beacon", json.dumps(said | {"token": fields.get("waymark-token")}).encode())
    return said | {"told": told[2] == "204"}


async def page(city, who):
    """Edges that are away are not measured, and nobody is told."""
    try:
        for name in await on_connection(city, who, WORLDS["www"], edges_of):
            said = await on_connection(city, who, name, measure)
            print(json.dumps({"at": time.time(), "world": "page", "city": city, "edge": name.split(".")[0]} | said), flush=True)
    except (Lost, OSError, EOFError, asyncio.TimeoutError, asyncio.IncompleteReadError, ssl.SSLError):
        pass


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
