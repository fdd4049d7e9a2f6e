"""DNS over TCP (RFC 7766)."""
from lib import *

ZONE = {"example.com": APEX + "www A 192.0.2.10\n$GENERATE 1-250 big A 10.0.0.$\n"}
server = Server(ZONE, server="workers: 1, tcp-clients: 20, tcp-idle: 1s")


@claim("100 queries in one segment are answered, in order")
def pipelined():
    with server.connect() as s:
        send_tcp(s, *[query("www.example.com", "A", ident=i) for i in range(100)])
        same([Message(recv_tcp(s)).id for _ in range(100)], list(range(100)))


@claim("a query that comes byte by byte is answered")
def bytewise():
    with server.connect() as s:
        packet = query("www.example.com", "A")
        for b in struct.pack(">H", len(packet)) + packet:
            s.sendall(bytes([b]))
        same(Message(recv_tcp(s)).addresses(), ["192.0.2.10"])


@claim("who closes its side after asking still gets all answers")
def half_closed():
    with server.connect() as s:
        send_tcp(s, *[query("big.example.com", "A", ident=i) for i in range(60)])
        s.shutdown(socket.SHUT_WR)
        same([len(Message(recv_tcp(s)).answer) for _ in range(60)], [250] * 60)
        same(s.recv(1), b"")


@claim("a message of 65,535 bytes is taken, and what stands behind its question passed over")
def longest():
    with server.connect() as s:
        send_tcp(s, query("www.example.com", "A") + b"\0" * (65535 - len(query("www.example.com", "A"))), query("www.example.com", "A"))
        same(Message(recv_tcp(s)).rcode, NOERROR)
        same(Message(recv_tcp(s)).rcode, NOERROR)


@claim("messages too short for a header are passed over, the connection goes on")
def short():
    with server.connect() as s:
        send_tcp(s, b"", b"x", query("www.example.com", "A"))
        same(Message(recv_tcp(s)).rcode, NOERROR)


@claim("a connection without a whole query for the idle time is closed, whatever it trickles")
def idle():
    with server.connect() as quiet, server.connect() as trickling:
        start = time.monotonic()
        trickling.sendall(b"\0\x30")
        for _ in range(4):
            time.sleep(0.15)
            trickling.sendall(b"x")
        for s in (quiet, trickling):
            with contextlib.suppress(ConnectionResetError):
                same(s.recv(1), b"")
        took = time.monotonic() - start
        assert 0.8 < took < 3 * SLOW, took


@claim("at the limit of clients the one idle longest makes room")
def limit():
    with contextlib.ExitStack() as stack:
        many = [stack.enter_context(server.connect()) for _ in range(20)]
        for s in many[1:]:
            send_tcp(s, query("www.example.com", "A"))
            recv_tcp(s)
        one_more = stack.enter_context(server.connect())
        send_tcp(one_more, query("www.example.com", "A"))
        recv_tcp(one_more)
        with contextlib.suppress(ConnectionResetError):
            same(many[0].recv(1), b"")
        send_tcp(many[1], query("www.example.com", "A"))
        same(Message(recv_tcp(many[1])).rcode, NOERROR)


@claim("who never reads is not read from, and hinders nobody")
def never_reads():
    with server.connect() as s:
        s.settimeout(0.3)
        packet = query("big.example.com", "A")
        burst = (struct.pack(">H", len(packet)) + packet) * 1000
        sent = 0
        with contextlib.suppress(socket.timeout, ConnectionError):
            while sent < 64 << 20:
                sent += s.send(burst)
                same(server.udp("www.example.com").rcode, NOERROR)
        assert sent < 64 << 20, "the server took all"
        same(server.tcp("www.example.com").rcode, NOERROR)


@claim("connections that close in the middle of a query leave nothing behind")
def gone():
    for _ in range(200):
        with server.connect() as s:
            s.sendall(b"\0\x40abc")
    time.sleep(0.2 * SLOW)
    code, text = server.ctl("status", "--json")
    same(code, 0)
    same(__import__("json").loads(text)["tcp_clients"], 0)


with server:
    run("tcp")
