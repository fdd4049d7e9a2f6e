"""Queries that proxies hand on (PROXY, versions 1 and 2): the client behind is who counts."""
import json
import ssl

from edges import make_ca, make_certificate, until
from lib import *

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ZONES = "[ { name: example.com, file: zones/example.com.zone, query: [ 203.0.113.0/24, 2001:db8::/32 ] } ]"
PORT = free_port()
server = Server({"example.com": APEX + "www A 192.0.2.10\n"}, start=False)


def header(client, udp, command=0x21, behind=b""):
    v6 = ":" in client
    family = (0x20 if v6 else 0x10) | (2 if udp else 1)
    pack = lambda a: socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, a)
    body = pack(client) + pack("2001:db8::53" if v6 else "192.0.2.53") + struct.pack(">HH", 54321, 53) + behind
    return SIGNATURE + bytes([command, family]) + struct.pack(">H", len(body)) + body


def start():
    make_ca(server.dir)
    make_certificate(server.dir, "ns1", "ns1.example.com", 30)
    server.listen = '"127.0.0.1:PORT", "tls:127.0.0.1:%d"' % PORT
    server.server = "workers: 1, tcp-clients-per-net: 3, tls: [ { cert: ns1.pem, key: ns1.key } ], proxy: { from: [ 127.0.0.1, 127.0.0.9/32 ] }"
    server.configure(zones=ZONES)
    server.start()


def status(key):
    code, text = server.ctl("status", "--json")
    same(code, 0, text)
    return json.loads(text)[key]


def udp(head, wait=2.0, source="127.0.0.1"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(wait * SLOW)
        s.bind((source, 0))
        s.connect(("127.0.0.1", server.port))
        s.send(head + query("www.example.com", "A"))
        try:
            return Message(s.recv(4096)).rcode
        except socket.timeout:
            return None


def connect(port=None, source="127.0.0.1"):
    s = socket.socket()
    s.settimeout(60 * SLOW)
    s.bind((source, 0))
    s.connect(("127.0.0.1", port or server.port))
    return s


def stream(head, port=None, tls=False, source="127.0.0.1", pieces=0):
    with connect(port, source) as s:
        if pieces:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for b in head:
                s.sendall(bytes([b]))
        else:
            s.sendall(head)
        if tls:
            c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            c.load_verify_locations(server.dir + "/ca.pem")
            s = c.wrap_socket(s, server_hostname="ns1.example.com")
        try:
            send_tcp(s, query("www.example.com", "A"))
            return Message(recv_tcp(s)).rcode
        except (AssertionError, OSError, IndexError, struct.error):
            return None


@claim("over UDP the client in the header is who may ask, or not; the answer goes to the proxy")
def by_udp():
    for client, rcode in (("203.0.113.7", NOERROR), ("198.51.100.7", REFUSED), ("2001:db8::7", NOERROR), ("2001:db9::7", REFUSED)):
        for over_udp in (True, False):
            same(udp(header(client, over_udp)), rcode, client)
            same(udp(header(client, over_udp, behind=b"\x04\0\4abcd" * 20)), rcode, client)
    same(udp(header("203.0.113.7", True, command=0x20)), REFUSED, "of the proxy itself:")


@claim("over TCP and in front of TLS, too, by version 1 and 2, in one piece and byte by byte")
def by_tcp():
    for port, tls in ((None, False), (PORT, True)):
        for client, rcode in (("203.0.113.7", NOERROR), ("198.51.100.7", REFUSED), ("2001:db8::7", NOERROR)):
            for pieces in (0, 1):
                same(stream(header(client, False), port, tls, pieces=pieces), rcode, client)
                line = "PROXY TCP%d %s %s 54321 53\r\n" % (6 if ":" in client else 4, client, "::1" if ":" in client else "192.0.2.53")
                same(stream(line.encode(), port, tls, pieces=pieces), rcode, line)


@claim("a proxy without a header, and a header without a proxy, are refused, counted and told of")
def refused():
    before = status("proxy_refused")
    same(udp(b"", 0.5), None)
    same(udp(header("203.0.113.7", True), 0.5, source="127.0.0.2"), None)
    same(udp(b"", source="127.0.0.2"), REFUSED, "without both:")
    same(stream(b""), None)
    same(stream(header("203.0.113.7", False), source="127.0.0.2"), None)
    same(stream(b"PROXY TCP4 203.0.113.7 192.0.2.53 1 53\r\n", source="127.0.0.2"), None)
    same(stream(b"", source="127.0.0.2"), REFUSED, "without both:")
    same(status("proxy_refused"), before + 5)
    until(lambda: "127.0.0.1 sends queries without a header of PROXY" in server.said(), 20)

    def stranger():                                     # of all such one a second is told
        same(stream(header("203.0.113.7", False), source="127.0.0.2"), None)
        return "127.0.0.2 sends headers of PROXY: refused" in server.said()
    until(stranger, 20)


@claim("connections of a net are counted by the client's, not the proxy's")
def limits():
    held = []
    for client in ("203.0.113.1", "203.0.113.2", "203.0.113.3", "198.51.100.1", "198.51.100.2", "203.0.113.4"):
        s = connect()
        s.sendall(header(client, False))
        send_tcp(s, query("www.example.com", "A"))
        recv_tcp(s)
        held.append(s)
    same(held[0].recv(1), b"", "the first of 203.0.113.0/24:")
    for s in held[1:]:
        send_tcp(s, query("www.example.com", "A"))
        recv_tcp(s)
    for s in held:
        s.close()


@claim("dnsdist in front hands on its clients, by UDP and TCP")
def dnsdist():
    if not shutil.which("dnsdist"):
        raise Skip("dnsdist is not installed")
    port = free_port()
    server.write("dnsdist.conf", """
setLocal("127.0.0.1:%d", { reusePort=true })
setProxyProtocolACL({"127.0.0.0/8"})
newServer({ address="127.0.0.1:%d", useProxyProtocol=true, checkName="www.example.com.", checkType="A" })
setACL({"0.0.0.0/0"})
""" % (port, server.port))
    proc = subprocess.Popen(["dnsdist", "-C", server.dir + "/dnsdist.conf", "--supervised"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60 * SLOW
        got = None
        while got != NOERROR and time.monotonic() < end:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.5 * SLOW)
                s.connect(("127.0.0.1", port))
                s.send(header("203.0.113.7", True) + query("www.example.com", "A"))
                try:
                    got = Message(s.recv(4096)).rcode
                except OSError:
                    time.sleep(0.05)
        same(got, NOERROR)
        with socket.create_connection(("127.0.0.1", port), timeout=60 * SLOW) as s:
            s.sendall(header("203.0.113.7", False))
            send_tcp(s, query("www.example.com", "A"))
            same(Message(recv_tcp(s)).rcode, NOERROR)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(60 * SLOW)
            s.connect(("127.0.0.1", port))
            s.send(header("198.51.100.7", True) + query("www.example.com", "A"))
            same(Message(s.recv(4096)).rcode, REFUSED)
    finally:
        proc.terminate()
        proc.wait(60)


with server:
    start()
    run("proxy")
