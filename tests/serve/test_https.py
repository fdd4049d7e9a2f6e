"""DNS over HTTPS (RFC 8484) as real clients meet it, and clients that mean harm."""
import base64
import json
import ssl

from edges import make_ca, make_certificate
from lib import *

ZONE = {"example.com": APEX + "www A 192.0.2.10\nshort 7 A 192.0.2.11\nhere A 127.0.0.77\nsteered 60 EDGE web\n$GENERATE 1-250 big A 10.0.0.$\n"}
CONFIG = "edges: { e1: { at: \"52,4\", a: [ 192.0.2.80 ] } }\npools: { web: { edges: [ e1 ], policy: round-robin } }"
PORT, OTHER, PLAIN = free_port(), free_port(), free_port()
server = Server(ZONE, start=False)

ZONES = ("[ { dir: zones }, { name: private.example, file: private.zone, query: [ 203.0.113.0/24 ] }, "
         "{ name: secret.example, file: private.zone, query: { tls: on } } ]")


def start():
    make_ca(server.dir)
    make_certificate(server.dir, "ns1", "ns1.example.com", 30)
    server.listen = ('"127.0.0.1:PORT", "https:127.0.0.1:%d", "https:127.0.0.1:%d/other", "http:127.0.0.1:%d/dns-query"' % (PORT, OTHER, PLAIN))
    server.server = "workers: 1, tcp-idle: 2s, tls: [ { cert: ns1.pem, key: ns1.key } ], proxy: { from: 127.0.0.9 }"
    server.config = CONFIG
    server.configure(zones=ZONES)
    server.write("private.zone", APEX + "www A 192.0.2.10\n")
    server.start()


def status(key):
    code, text = server.ctl("status", "--json")
    same(code, 0, text)
    return json.loads(text)[key]


def curl(*words, want=0):
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    done = subprocess.run(["curl", "-s", "--max-time", str(10 * SLOW), "--cacert", server.dir + "/ca.pem",
                           "--resolve", "ns1.example.com:%d:127.0.0.1" % PORT, "--resolve", "ns1.example.com:%d:127.0.0.1" % OTHER] + list(words),
                          capture_output=True)
    same(done.returncode, want, done.stderr)
    return done.stdout


def dns(name, qtype="A", **more):
    return base64.urlsafe_b64encode(query(name, qtype, ident=0, **more)).rstrip(b"=").decode()


def get(path, *words, port=None):
    """Status, headers, body."""
    text = curl("-D", "-", *words, "https://ns1.example.com:%d%s" % (port or PORT, path))
    head, _, body = text.partition(b"\r\n\r\n")
    rows = head.decode().split("\r\n")
    return int(rows[0].split()[1]), {r.split(":")[0].lower(): r.split(":", 1)[1].strip() for r in rows[1:]}, body


@claim("GET and POST, by HTTP/2 and HTTP/1.1, with a lifetime as long as the answer's")
def answers():
    for how in ("--http2", "--http1.1"):
        for name, age in (("www.example.com", "max-age=300"), ("short.example.com", "max-age=7"), ("none.example.com", "max-age=60"),
                          ("steered.example.com", "private, max-age=60"), ("www.example.net", "private, max-age=0")):
            code, head, body = get("/dns-query?dns=" + dns(name), how)
            same((code, head["content-type"], int(head["content-length"])), (200, "application/dns-message", len(body)))
            # With a zone that is not for everybody all is private here.
            same(head["cache-control"].replace("private, ", ""), age.replace("private, ", ""), name)
            same(Message(body).id, 0)
            assert head["date"].endswith(" GMT") and len(head["date"]) == 29, head
        server.write("query", "")
        with open(server.dir + "/query", "wb") as f:
            f.write(query("big.example.com", "A", ident=0))
        code, head, body = get("/dns-query", how, "-H", "Content-Type: application/dns-message", "--data-binary", "@" + server.dir + "/query")
        same((code, len(Message(body).answer)), (200, 250))


@claim("what is for one client is private, what is for all is not")
def private():
    server.configure(zones="[ { dir: zones } ]")
    same(server.ctl("reload", "--force")[0], 0)
    same(get("/dns-query?dns=" + dns("www.example.com"))[1]["cache-control"], "max-age=300")
    same(get("/dns-query?dns=" + dns("steered.example.com"))[1]["cache-control"], "private, max-age=60")
    server.configure(zones=ZONES)
    same(server.ctl("reload")[0], 0)
    same(get("/dns-query?dns=" + dns("www.example.com"))[1]["cache-control"], "private, max-age=300")


@claim("other paths are 404, other methods 405, other types 415, no query 400; transfers and updates are none of it")
def refused():
    for how in ("--http2", "--http1.1"):
        for path, words, code in (("/", (), 404), ("/other?dns=" + dns("www.example.com"), (), 404), ("/dns-query", (), 400),
                                  ("/dns-query?dns=@", (), 400), ("/dns-query", ("-X", "PUT"), 405), ("/dns-query", ("-d", "x"), 415),
                                  ("/dns-query?dns=" + "A" * 5600, (), 413)):
            same(get(path, how, *words)[0], code, path)
    same(get("/other?dns=" + dns("www.example.com"), port=OTHER)[0], 200)
    same(Message(get("/dns-query?dns=" + dns("example.com", "AXFR"))[2]).rcode, NOTIMP)


@claim("what is refused is counted at once, not when its connection ends")
def counted():
    before = status("https_refused")
    with socket.create_connection(("127.0.0.1", PLAIN), timeout=60 * SLOW) as c:
        for n in (1, 2):
            c.sendall(b"GET /none HTTP/1.1\r\nHost: ns1.example.com\r\n\r\n")
            same(c.recv(4096)[9:12], b"404")
            same(status("https_refused"), before + n)


@claim("kdig asks by POST and GET; curl finds an address by us")
def clients():
    if shutil.which("kdig"):
        for more in ([], ["+https-get"]):
            out = subprocess.run(["kdig", "@127.0.0.1", "-p", str(PORT), "+https", "+tls-ca=" + server.dir + "/ca.pem",
                                  "+tls-hostname=ns1.example.com", "www.example.com"] + more, capture_output=True, text=True).stdout
            assert "192.0.2.10" in out and "HTTP/2" in out and "Received 468 B" in out, out
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    # Nothing listens there, so that it ends at once.
    out = subprocess.run(["curl", "-sv", "--max-time", str(20 * SLOW), "--doh-insecure", "--doh-url", "https://127.0.0.1:%d/dns-query" % PORT,
                          "http://here.example.com:1/"], capture_output=True, text=True).stderr
    assert "127.0.0.77" in out, out


@claim("behind a proxy that takes off TLS the client is whom X-Forwarded-For tells, from listed proxies alone")
def behind_proxy():
    for source, header, rcode in (("127.0.0.9", "203.0.113.7", NOERROR), ("127.0.0.9", "198.51.100.7, 203.0.113.7", NOERROR),
                                  ("127.0.0.9", "203.0.113.7, 198.51.100.7", REFUSED), ("127.0.0.1", "203.0.113.7", REFUSED)):
        for how in ("--http1.1", "--http2-prior-knowledge"):
            body = curl(how, "--interface", source, "-H", "X-Forwarded-For: " + header,
                        "http://127.0.0.1:%d/dns-query?dns=%s" % (PLAIN, dns("www.private.example")))
            same(Message(body).rcode, rcode, header)


@claim("HTTP in the clear is no TLS to who wants it, but from a proxy that has taken that off")
def secret():
    path = "/dns-query?dns=" + dns("www.secret.example")
    same(Message(curl("https://ns1.example.com:%d%s" % (PORT, path))).rcode, NOERROR)
    for source, rcode in (("127.0.0.9", NOERROR), ("127.0.0.1", REFUSED)):
        same(Message(curl("--interface", source, "http://127.0.0.1:%d%s" % (PLAIN, path))).rcode, rcode, source)


# ------------------------------------------------------------------ frames of HTTP/2, by hand

SETTINGS, PING, HEADERS, DATA, RESET, GOAWAY, WINDOW, CONTINUATION = 4, 6, 1, 0, 3, 7, 8, 9
CALM = 11


def literal(name, value):
    size = bytes([len(value)]) if len(value) < 127 else b"\x7f" + bytes([(len(value) - 127) & 0x7f | 0x80, (len(value) - 127) >> 7])
    return b"\0" + bytes([len(name)]) + name + size + value


def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def request(path):
    return literal(b":method", b"GET") + literal(b":scheme", b"https") + literal(b":authority", b"x") + literal(b":path", path.encode())


class Two:
    """A client of HTTP/2 that sends what it likes."""

    def __init__(self, settings=b""):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.load_verify_locations(server.dir + "/ca.pem")
        c.set_alpn_protocols(["h2"])
        self.s = c.wrap_socket(socket.create_connection(("127.0.0.1", PORT), timeout=60 * SLOW), server_hostname="ns1.example.com")
        self.s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings))
        self.buf = b""

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.s.close()

    def send(self, *frames):
        try:
            self.s.sendall(b"".join(frames))
        except OSError:
            pass                                        # it has been sent away

    def take(self):
        """The next frame: kind, flags, stream, body; None at the end."""
        try:
            while len(self.buf) < 9 or len(self.buf) < 9 + int.from_bytes(self.buf[:3], "big"):
                more = self.s.recv(65536)
                if not more:
                    return None
                self.buf += more
        except OSError:
            return None
        n = int.from_bytes(self.buf[:3], "big")
        kind, flags, stream = self.buf[3], self.buf[4], struct.unpack(">I", self.buf[5:9])[0]
        body, self.buf = self.buf[9:9 + n], self.buf[9 + n:]
        return kind, flags, stream, body

    def until(self, kind, stream=None):
        while True:
            f = self.take()
            if f is None or (f[0] == kind and stream in (None, f[2])):
                return f

    def goaway(self):
        f = self.until(GOAWAY)
        return f and struct.unpack(">I", f[3][4:8])[0]


@claim("resets, PING, SETTINGS, empty frames and frames without end end the connection (ENHANCE_YOUR_CALM), some of each do not")
def floods():
    ask = request("/dns-query?dns=" + dns("www.example.com"))
    floods = {"resets": lambda i: frame(HEADERS, 4, 2 * i + 1, ask) + frame(RESET, 0, 2 * i + 1, struct.pack(">I", 8)),
              "PING": lambda i: frame(PING, 0, 0, b"01234567"), "SETTINGS": lambda i: frame(SETTINGS, 0, 0),
              "windows": lambda i: frame(WINDOW, 0, 0, struct.pack(">I", 1)), "unknown": lambda i: frame(0xbe, 0, 0, b"x"),
              "priority": lambda i: frame(2, 0, 1, struct.pack(">IB", 3, 1))}
    for name, make in floods.items():
        with Two() as two:
            two.send(*[make(i) for i in range(20)])
            two.send(frame(HEADERS, 5, 101, ask))
            same(two.until(HEADERS, 101) is not None, True, name)
            for _ in range(40):
                two.send(*[make(i + 1000) for i in range(100)])
            # What we have not read when we close may cost the client our last word.
            assert two.goaway() in (CALM, None), name
            same(two.take(), None)
    with Two() as two:                                  # never an END_HEADERS
        two.send(frame(HEADERS, 1, 1, ask[:10]), *[frame(CONTINUATION, 0, 1, b"") for _ in range(2000)])
        while two.take():
            pass
    with Two() as two:                                  # bodies of nothing
        two.send(frame(HEADERS, 4, 1, ask), *[frame(DATA, 0, 1) for _ in range(2000)])
        assert two.goaway() in (CALM, None)
    same(server.udp("www.example.com").rcode, NOERROR)


@claim("too large a header is 431 and never kept, too many requests at once are refused, a window that is too small waits")
def limits():
    ask = request("/dns-query?dns=" + dns("big.example.com"))
    with Two() as two:
        two.send(frame(HEADERS, 5, 1, ask + b"".join(literal(b"x%d" % i, b"y" * 120) for i in range(90))))
        assert b"431" in two.until(HEADERS, 1)[3]
        two.send(frame(HEADERS, 1, 3, ask + b"".join(literal(b"x%d" % i, b"y" * 150) for i in range(80))),
                 *[frame(CONTINUATION, 0, 3, b"".join(literal(b"x%d" % i, b"y" * 150) for i in range(80))) for _ in range(4)],
                 frame(CONTINUATION, 4, 3))
        while True:
            f = two.take()
            assert f is None or f[2] == 3 or f[0] in (SETTINGS, WINDOW, GOAWAY), f
            if f is None or f[0] in (RESET, GOAWAY):
                break
    with Two(struct.pack(">HI", 4, 0)) as two:          # no window: nobody takes what is asked for
        two.send(*[frame(HEADERS, 5, 2 * i + 1, ask) for i in range(150)])
        refused = headers = 0
        while refused + headers < 150:
            f = two.take()
            assert f and f[0] != DATA, f
            refused += f[0] == RESET
            headers += f[0] == HEADERS
        assert 50 <= refused < 140, (refused, headers)
        two.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535)), frame(WINDOW, 0, 0, struct.pack(">I", 1 << 20)))
        ended = 0
        while ended < headers:
            f = two.take()
            assert f, (ended, headers)
            ended += f[0] == DATA and f[1] & 1


@claim("a client that is answered nothing any more is closed after the idle time, whatever it sends")
def idle():
    with Two() as two:
        two.send(frame(HEADERS, 5, 1, request("/dns-query?dns=" + dns("www.example.com"))))
        begun = time.monotonic()
        two.s.settimeout(0.5)
        while time.monotonic() - begun < 60 * SLOW:
            two.send(frame(PING, 0, 0, b"01234567"))
            try:
                if not two.s.recv(65536):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
            time.sleep(0.1)
        assert 1 < time.monotonic() - begun < 50 * SLOW, time.monotonic() - begun


with server:
    start()
    run("https")
