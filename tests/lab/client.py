"""client.py NAMESERVER4 NAMESERVER6 PORT - a client that asks where www.lab.test is, over IPv4 and IPv6 in turns, and fetches a page
there, on a connection that it keeps for a while."""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
import lib                                                  # noqa: E402

kept = []
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
        kept.append(c)
    except OSError:
        pass
    while len(kept) > 4:
        kept.pop(0).close()
    time.sleep(0.3)
