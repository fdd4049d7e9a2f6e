"""client.py NAMESERVER4 NAMESERVER6 PORT NET EDGE ... - a client that asks where www.lab.test is, over IPv4 and IPv6 in turns, and fetches a page
there, on a connection that it keeps for a while; of each fifth page a picture of 100,000 bytes, too. It measures each EDGE (an IPv4 address), and then one a second, as
other addresses of its NET (the first three numbers), since an edge hears each once in ten minutes, and as
a browser with contrib/beacon.js does: the first byte and the last of an object, on an open connection, and tells the edge."""
import http.client
import json
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
import lib                                                  # noqa: E402



def measure(edge, source):
    """Nothing comes of it until the edge's agent is there."""
    c = http.client.HTTPConnection(edge, 80, timeout=10, source_address=(source, 0))
    c.request("GET", "/")                                   # so that the connection is open
    c.getresponse().read()
    begun = time.monotonic()
    c.request("GET", "/waymark/object")
    r = c.getresponse()
    first = time.monotonic()
    r.read()
    last = time.monotonic()
    if r.status != 200:
        return False
    c.request("POST", "/waymark/beacon", json.dumps({"token": r.headers["Waymark-Token"], "ttfb_ms": (first - begun) * 1e3, "transfer_ms": (last - begun) * 1e3}))
    return c.getresponse().status == 204


kept, edges, measured, due = [], sys.argv[5:], 0, 0.0
turn = 0
while True:
    turn += 1
    v6 = turn % 2 == 0
    family = socket.AF_INET6 if v6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            s.connect((sys.argv[1 + v6], int(sys.argv[3])))
            s.send(lib.query("www.lab.test", "AAAA" if v6 else "A"))
            edge = lib.Message(s.recv(4096)).addresses()[0]
        c = socket.create_connection((edge, 80), timeout=1)
        c.sendall(b"GET / HTTP/1.1\r\nHost: www.lab.test\r\n\r\n")
        c.recv(4096)
        if turn % 5 == 0:
            c.sendall(b"GET /picture HTTP/1.1\r\nHost: www.lab.test\r\n\r\n")
            left = 100000                                   # and its head
            while left > 0 and (got := c.recv(65536)):
                left -= len(got)
        kept.append(c)
        if time.monotonic() >= due and measure(edges[measured % len(edges)], "%s.%d" % (sys.argv[4], 10 + measured // len(edges) % 240)):
            measured += 1
            due = time.monotonic() + (measured >= len(edges))
    except (OSError, http.client.HTTPException):
        pass
    while len(kept) > 4:
        kept.pop(0).close()
    time.sleep(0.3)
