"""DNS over TCP (RFC 7766)."""
import json
import resource
import select
import statistics

from lib import *

VERBOSE = "VERBOSE" in os.environ         # tells what was measured
ZONE = {"example.com": APEX + "www A 192.0.2.10\n$GENERATE 1-250 big A 10.0.0.$\n"}
server = Server(ZONE, server="workers: 1, tcp-clients: 20, tcp-idle: 1s")


def connect_from(to, source):
    """A TCP connection from another of the loopback's addresses."""
    s = socket.socket()
    s.settimeout(60 * SLOW)
    s.bind((source, 0))
    s.connect(("127.0.0.1", to.port))
    return s


def asks(*connections):
    for s in connections:
        send_tcp(s, query("www.example.com", "A"))
        same(Message(recv_tcp(s)).rcode, NOERROR)


def clients(of):
    code, text = of.ctl("status", "--json")
    same(code, 0, text)
    return json.loads(text)["tcp_clients"]


def swift(at, when):
    """TCP and UDP answers come within 20 ms, by the median. A busy machine gets three tries."""
    for _ in range(3):
        took = {"tcp": [], "udp": []}
        with connect_from(at, "127.200.0.1") as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(60 * SLOW)
            udp.connect(("127.0.0.1", at.port))
            for _ in range(100):
                start = time.monotonic()
                asks(tcp)
                took["tcp"].append(time.monotonic() - start)
                start = time.monotonic()
                udp.send(query("www.example.com", "A"))
                same(Message(udp.recv(4096)).rcode, NOERROR)
                took["udp"].append(time.monotonic() - start)
        if VERBOSE:
            print("  %s: " % when + "; ".join("%s median %.2f ms, 99th %.2f ms" % (
                k, 1000 * statistics.median(v), 1000 * sorted(v)[98]) for k, v in took.items()))
        if all(statistics.median(v) < 0.02 * SLOW for v in took.values()):
            return
    raise AssertionError("%s: %s" % (when, {k: statistics.median(v) for k, v in took.items()}))


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


@claim("a length split over segments, and a query over many, make no difference to those around them")
def split():
    packets = [query("www.example.com", "A", ident=i) for i in range(40)]
    stream = b"".join(struct.pack(">H", len(p)) + p for p in packets)
    for piece in (1, 3, 7, 64, 1023, 1024, 1025):
        with server.connect() as s:
            for at in range(0, len(stream), piece):
                s.sendall(stream[at:at + piece])
            same([Message(recv_tcp(s)).id for _ in packets], list(range(40)), "pieces of %d bytes:" % piece)


@claim("queries of every length around the room for short ones are taken, in a row")
def lengths():
    def padded(n, ident):
        bare = query("www.example.com", "A", edns=opt(options=struct.pack(">HH", 12, 0)), ident=ident)
        return query("www.example.com", "A", edns=opt(options=struct.pack(">HH", 12, n - len(bare)) + bytes(n - len(bare))),
                     ident=ident)
    with server.connect() as s:
        sizes = list(range(1015, 1030)) + [4096, 65535, 1022, 65535]
        send_tcp(s, *[padded(n, i) for i, n in enumerate(sizes)])
        got = [Message(recv_tcp(s)) for _ in sizes]
        same([(m.id, m.rcode) for m in got], [(i, NOERROR) for i in range(len(sizes))])


@claim("a message too short for a header ends the connection at once, after the answers to what came before")
def short():
    # Nobody is idle for long enough here: who is closed is closed for what was sent.
    with Server(ZONE, server="workers: 1, tcp-idle: 1h") as patient:
        for bad in (b"", b"x", b"x" * 11):
            with patient.connect() as s:
                send_tcp(s, *([query("www.example.com", "A")] * 3 + [bad, query("www.example.com", "A")]))
                same([Message(recv_tcp(s)).rcode for _ in range(3)], [NOERROR] * 3)
                with contextlib.suppress(ConnectionResetError):
                    same(s.recv(1), b"")
        with patient.connect() as s:                        # a header alone is an answer's worth
            send_tcp(s, query("www.example.com", "A"), bytes(12), query("www.example.com", "A"))
            same([Message(recv_tcp(s)).rcode for _ in range(3)], [NOERROR, FORMERR, NOERROR])


@claim("a response is passed over")
def response():
    with server.connect() as s:
        send_tcp(s, query("www.example.com", "A", flags=0x8000, ident=1), query("www.example.com", "A", ident=2))
        same(Message(recv_tcp(s)).id, 2)


@claim("a connection without a whole query for the idle time is closed, whatever it trickles")
def idle():
    start = time.monotonic()
    with server.connect() as quiet, server.connect() as trickling, server.connect() as asking:
        trickling.sendall(b"\0\x30")
        for _ in range(4):
            time.sleep(0.15)
            trickling.sendall(b"x")
        send_tcp(asking, query("www.example.com", "A"))
        recv_tcp(asking)
        for s in (quiet, trickling):
            with contextlib.suppress(ConnectionResetError):
                same(s.recv(1), b"")
        took = time.monotonic() - start
        assert 0.8 < took < 8 * SLOW, took
        same(asking.recv(1), b"")
        took = time.monotonic() - start
        assert 1.4 < took < 9 * SLOW, "closed %.2f s after the start, a whole query came after 0.6 s" % took


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


@claim("at the limit of a client net its own one idle longest makes room, nobody else's")
def limit_of_net():
    with Server(ZONE, server="workers: 1, tcp-clients: 20, tcp-clients-per-net: 3") as small, contextlib.ExitStack() as stack:
        other = stack.enter_context(connect_from(small, "127.1.0.1"))
        mine = [stack.enter_context(connect_from(small, "127.0.7.%d" % i)) for i in range(1, 4)]
        asks(other, mine[1], mine[2], mine[0])
        mine.append(stack.enter_context(connect_from(small, "127.0.7.4")))
        asks(mine[3])
        with contextlib.suppress(ConnectionResetError):
            same(mine[1].recv(1), b"")
        asks(other, mine[0], mine[2], mine[3])


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


@claim("clients that do not read what they ask for cost the server no more than 200 KB each")
def memory():
    if SLOW > 1:
        raise Skip("sanitizers keep what is freed")

    def resident():
        with open("/proc/%d/status" % server.proc.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    packet = query("big.example.com", "A")
    burst = (struct.pack(">H", len(packet)) + packet) * 1000
    before = resident()
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            s = stack.enter_context(server.connect())
            s.settimeout(0.01)
            with contextlib.suppress(OSError):
                while True:
                    s.send(burst)
        grown = resident() - before
        assert grown < 20 * 200, "%d KB more" % grown


@claim("10,000 connections that hold half a query each delay nobody, neither when they come nor when they time out")
def half_queries():
    with Server(ZONE, server="workers: 1, tcp-clients: 20000, tcp-clients-per-net: 20000, tcp-idle: %ds" % (3 * SLOW)) as big:
        many = min(10000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
        if many < 2500:
            raise Skip("only %d files may be open" % (many + 200))
        child = os.fork()
        if child == 0:                      # a process of its own, so that what is measured does not wait for it
            held = []
            with contextlib.suppress(OSError):
                while len(held) < many:
                    held.append(connect_from(big, "127.0.%d.1" % (len(held) % 50)))
                    held[-1].sendall(b"\0\x40abc")
            time.sleep(60)
            os._exit(0)
        try:
            most = now = 0
            end = time.monotonic() + 60 * SLOW
            while now >= most - 100 and now < many * 0.9 and time.monotonic() < end:     # on a slow machine some time out first
                swift(big, "while they come")
                most, now = max(most, now), clients(big)
            assert max(most, now) > 2000, "only %d connections came about" % max(most, now)
            while clients(big) > 100 and time.monotonic() < end:
                swift(big, "while they are there and time out")
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@claim("clients that pipeline without end do not keep others waiting")
def greedy():
    packet = query("big.example.com", "A")
    burst = (struct.pack(">H", len(packet)) + packet) * 2000
    children = []
    for _ in range(4):
        children.append(os.fork())
        if children[-1] == 0:
            with contextlib.suppress(OSError):
                s = server.connect()
                s.setblocking(False)
                while True:
                    select.select([s], [s], [])
                    with contextlib.suppress(BlockingIOError):
                        s.send(burst)
                    with contextlib.suppress(BlockingIOError):
                        s.recv(1 << 20)
            os._exit(0)
    try:
        time.sleep(0.2)
        swift(server, "beside who asks without end")
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@claim("a query in the SYN is taken (TCP Fast Open)")
def fast_open():
    with open("/proc/sys/net/ipv4/tcp_fastopen") as f:
        if int(f.read()) & 3 != 3:
            raise Skip("the sysctl net.ipv4.tcp_fastopen does not allow it on both sides (3 does)")
    packet = query("www.example.com", "A")
    in_syn = []
    for _ in range(3):                      # the first gets the cookie that the others use
        with socket.socket() as s:
            s.sendto(struct.pack(">H", len(packet)) + packet, socket.MSG_FASTOPEN, ("127.0.0.1", server.port))
            s.settimeout(60 * SLOW)
            same(Message(recv_tcp(s)).addresses(), ["192.0.2.10"])
            options = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5]
            in_syn.append(bool(options & 32))           # TCPI_OPT_SYN_DATA
    same(in_syn[1:], [True, True])


@claim("more connections than files allow are told of and not promised")
def few_files():
    with Server(ZONE, server="workers: 1, tcp-clients: 5000, tcp-clients-per-net: 5000", start=False) as poor:
        wrapper = poor.dir + "/poor"
        poor.write("poor", "#!/bin/sh\nulimit -n 300\nexec %s \"$@\"\n" % WAYMARKD)
        os.chmod(wrapper, 0o755)
        poor.start(program=wrapper)
        assert "room for 1" in poor.said(), poor.said()
        with contextlib.ExitStack() as stack:
            for _ in range(400):
                stack.enter_context(poor.connect())
            same(poor.tcp("www.example.com").rcode, NOERROR)
            same(poor.ctl("status")[0], 0)
            same(poor.ctl("reload")[0], 0)


def let_go():
    end = time.monotonic() + 60 * SLOW
    while clients(server) and time.monotonic() < end:
        time.sleep(0.05)
    same(clients(server), 0)


@claim("connections that close in the middle of a query leave nothing behind")
def gone():
    for _ in range(200):
        with server.connect() as s:
            s.sendall(b"\0\x40abc")
    let_go()


@claim("reset or closed, with or without a query, connections are let go")
def endings():
    packet = query("big.example.com", "A")
    burst = (struct.pack(">H", len(packet)) + packet) * 300
    for linger in (struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)):
        for sent in (b"", b"\0", b"\0\x40abc", burst):
            with server.connect() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                s.sendall(sent)
    same(server.tcp("www.example.com").rcode, NOERROR)
    let_go()


with server:
    run("tcp", by_clock=True)
