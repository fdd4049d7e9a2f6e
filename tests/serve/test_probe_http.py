"""What HTTP probes can ask and show, and what they notice of certificates while they run, against real servers."""
import collections
import datetime
import ssl
from edges import *

FAST = "every: 300ms, timeout: 300ms, rise: 1, fall: 1" if SLOW == 1 else "every: 2s, timeout: 2s, rise: 1, fall: 1"
CALM = "every: 1s, timeout: 1s, rise: 1, fall: 1" if SLOW == 1 else "every: 4s, timeout: 4s, rise: 1, fall: 1"      # a machine that is busy is no failure


def serve(probe, addresses=("127.0.0.1",), times=FAST):
    return Server(zone("web"), config="""
edges: { one: { a: [ %s ] } }
probes: { p: { %s, %s } }
pools: { web: { edges: [ one ], policy: round-robin, probe: p, all-down: empty } }""" % (", ".join(addresses), probe, times))


def says(s, words, seconds=15):
    try:
        until(lambda: words in target(s, "one").get("say", ""), seconds)
    except AssertionError:
        raise AssertionError("wanted %r, it says %r" % (words, target(s, "one")))


def steps(s):
    return s.ctl("probe", "one")[1]


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="waymark-http.")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def authority(path, name):
    """An authority of that name: NAME.pem and NAME.key."""
    openssl(path, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=" + name,
            "-keyout", name + ".key", "-out", name + ".pem")


def certificate(path, name, by, end=None, extension="subjectAltName=DNS:www.example.com"):
    """For www.example.com, signed by that authority, until that time."""
    end = end or datetime.datetime.utcnow() + datetime.timedelta(days=20)
    with open(path + "/ca.conf", "w") as f:
        f.write("[ca]\ndefault_ca=d\n[d]\ndir=.\nnew_certs_dir=.\ndatabase=index.txt\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n"
                "x509_extensions=e\nunique_subject=no\n[p]\ncommonName=supplied\n[e]\n" + extension + "\n")
    open(path + "/index.txt", "w").close()
    openssl(path, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=www.example.com",
            "-keyout", name + ".key", "-out", name + ".csr")
    openssl(path, "ca", "-batch", "-notext", "-config", "ca.conf", "-cert", by + ".pem", "-keyfile", by + ".key", "-in", name + ".csr",
            "-out", name + ".pem", "-startdate", "20200101000000Z", "-enddate", end.strftime("%Y%m%d%H%M%SZ"))


def put(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


def get(path):
    return open(path).read()


class Tls:
    """A TLS server that answers every request with 200 and counts its connections; `context` may be another one at any time."""

    def __init__(self, context, port=0):
        self.context, self.connections, self.resumed, self.seen = context, 0, 0, []
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0], self.context), daemon=True).start()

    def serve(self, raw, context):
        with contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) as s:
            self.connections += 1
            self.resumed += s.session_reused
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    more = s.recv(65536)
                    if not more:
                        return
                    head += more
                self.seen.append(head.decode("latin1"))
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.listener.close()


def context_of(path, name):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain("%s/%s.pem" % (path, name), "%s/%s.key" % (path, name))
    return c


@claim("a request has the operator's headers and a host with its port, names of other scripts go as A-labels")
def request():
    with Web() as w:
        with serve('kind: http, port: %d, host: "bücher.example.org:8080", headers: { X-Probe: "a: b", User-Agent: mine, Accept: text/plain }' % w.port) as s:
            says(s, "HTTP 200")
            same(w.seen[-1], "GET / HTTP/1.1\r\nHost: xn--bcher-kva.example.org:8080\r\nX-Probe: a: b\r\nUser-Agent: mine\r\nAccept: text/plain\r\n\r\n")
        with serve('kind: http, port: %d, headers: [ "X-One: 1", "X-Two: 2" ]' % w.port) as s:
            says(s, "HTTP 200")
            assert "\r\nHost: 127.0.0.1:%d\r\n" % w.port in w.seen[-1] and "\r\nX-One: 1\r\nX-Two: 2\r\n" in w.seen[-1], w.seen[-1]
            assert "\r\nUser-Agent: Waymark/" in w.seen[-1], w.seen[-1]


@claim("keep-alive: 40 addresses have 40 connections, over TLS too, and none that the server has closed is a failure")
def kept():
    need("openssl")
    addresses = ["127.0.2.%d" % i for i in range(1, 41)]
    with Web("0.0.0.0") as w, serve("kind: http, port: %d, keep-alive: on" % w.port, addresses, CALM) as s:
        probes = lambda: [t["probes"] for t in edge_rows(s)["one"]["targets"]]
        until(lambda: min(probes()) >= 2, 30)
        same(w.connections, 40)
        w.body = b"x" * 200000                              # more than is looked at
        before = min(probes())
        until(lambda: min(probes()) > before, 30)
        same(w.connections, 40)
        w.claim, w.body = 2, b"ok"                          # from now on it closes after each answer
        seen = w.connections
        until(lambda: w.connections > seen + 40, 30)
        until(lambda: all(t["say"] == "HTTP 200" for t in edge_rows(s)["one"]["targets"]), 15)
    with folder() as path:
        authority(path, "ca")
        certificate(path, "www", "ca")
        with Tls(context_of(path, "www")) as t, serve("kind: https, host: www.example.com, port: %d, keep-alive: on, ca: %s/ca.pem" % (t.port, path),
                                                      times=CALM) as s:
            says(s, "HTTP 200")
            until(lambda: len(t.seen) > 4, 30)
            same(t.connections, 1)


@claim("each probe proves a new connection without keep-alive, and a TLS session is resumed where the server knows it")
def resumed():
    need("openssl")
    with folder() as path:
        authority(path, "ca")
        certificate(path, "www", "ca")
        with Tls(context_of(path, "www")) as t, serve("kind: https, host: www.example.com, port: %d, ca: %s/ca.pem" % (t.port, path)) as s:
            says(s, "HTTP 200")
            until(lambda: t.connections > 4, 30)
            assert t.resumed >= t.connections - 2, (t.resumed, t.connections)
            assert "session resumed" in steps(s), steps(s)
            authority(path, "other")
            certificate(path, "bad", "other")
            t.context = context_of(path, "bad")             # it does not know the session, and shows its certificate
            says(s, "TLS: certificate is not signed by an authority that we trust")


@claim("a ca file that changes is read anew, with kept connections and resumed sessions too; one that becomes bad changes nothing and is told")
def rotation():
    need("openssl")
    with folder() as path:
        authority(path, "first")
        authority(path, "second")
        certificate(path, "one", "first")
        certificate(path, "two", "second")
        put(path + "/ca.pem", get(path + "/first.pem"))
        with Tls(context_of(path, "one")) as t:
            probe = "kind: https, host: www.example.com, port: %d, ca: %s/ca.pem, %s" % (t.port, path, FAST)
            with Server(zone("new", "kept"), config="""
edges: { one: { a: [ 127.0.0.1 ] } }
probes: { p: { %s }, q: { %s, keep-alive: on } }
pools:
  new: { edges: [ one ], policy: round-robin, probe: p }
  kept: { edges: [ one ], policy: round-robin, probe: q }""" % (probe, probe)) as s:
                def both(key, words):
                    until(lambda: [words in t.get(key, "") for t in edge_rows(s)["one"]["targets"]] == [True, True], 20)
                both("say", "HTTP 200")
                put(path + "/ca.pem", get(path + "/second.pem"))
                both("say", "TLS: certificate is not signed by an authority that we trust")
                put(path + "/ca.pem", get(path + "/second.pem") + get(path + "/first.pem"))
                both("say", "HTTP 200")
                put(path + "/ca.pem", "no certificate\n")
                both("notice", "there is no certificate in it")
                both("say", "HTTP 200")
                assert "go on with the authorities that they had" in s.said(), s.said()
                os.unlink(path + "/ca.pem")
                both("notice", "No such file")
                put(path + "/ca.pem", get(path + "/second.pem"))
                both("say", "TLS: certificate is not signed by an authority that we trust")
                t.context = context_of(path, "two")
                both("say", "HTTP 200")
                until(lambda: not any(t.get("notice") for t in edge_rows(s)["one"]["targets"]), 15)


@claim("a certificate that ends is noticed over a connection that is kept: it warns before, and is down then")
def ending():
    need("openssl")
    with folder() as path:
        authority(path, "ca")
        certificate(path, "www", "ca", datetime.datetime.utcnow() + datetime.timedelta(seconds=12 * SLOW))
        with Tls(context_of(path, "www")) as t, \
                serve("kind: https, host: www.example.com, port: %d, keep-alive: on, expiry-warning: 7d, ca: %s/ca.pem" % (t.port, path)) as s:
            noticed = lambda: json.loads(s.ctl("status", "--json")[1])["targets_noticed"]
            says(s, "HTTP 200")
            until(lambda: target(s, "one")["probes"] > 2 and target(s, "one").get("notice") == "certificate expires within an hour", 5)
            same(noticed(), 1)
            says(s, "TLS: certificate expired", 30)
            same(s.said().count("probe p: certificate expires within an hour"), 1)
            certificate(path, "new", "ca")
            t.context = context_of(path, "new")
            says(s, "HTTP 200")
            same(noticed(), 0)


@claim("an issuer's certificate that ends before the server's is noticed likewise")
def issuer():
    need("openssl")
    with folder() as path:
        authority(path, "root")
        certificate(path, "between", "root", datetime.datetime.utcnow() + datetime.timedelta(seconds=7 * SLOW), "basicConstraints=critical,CA:TRUE")
        certificate(path, "www", "between")
        put(path + "/www.pem", get(path + "/www.pem") + get(path + "/between.pem"))
        for keep in ("on", "off"):
            with Tls(context_of(path, "www")) as t, \
                    serve("kind: https, host: www.example.com, keep-alive: %s, expiry-warning: 7d, ca: %s/root.pem, port: %d" % (keep, path, t.port)) as s:
                if keep == "on":
                    says(s, "HTTP 200")
                    until(lambda: target(s, "one")["probes"] > 2 and target(s, "one").get("notice") == "its issuer's certificate expires within an hour", 5)
                says(s, "TLS: its issuer's certificate expired", 30)


@claim("HTTP/2 is spoken where the server chooses it or knows nothing else; on and off mean it")
def http2():
    need("openssl", "nginx")
    with folder() as path:
        authority(path, "ca")
        certificate(path, "www", "ca")
        plain, clear = free_port(), free_port()
        both = free_port()
        probe = "kind: https, host: www.example.com, ca: %s/ca.pem, load-from: { header: X-Load }, body: fine, port: %%d%%s" % path
        with Nginx("add_header X-Load 7;\n" + "".join(
                "server { listen 127.0.0.1:%d ssl%s; ssl_certificate %s/www.pem; ssl_certificate_key %s/www.key; location / { return 200 fine; } }\n" %
                (port, more, path, path) for port, more in ((both, " http2"), (plain, ""))) +
                "server { listen 127.0.0.1:%d http2; location / { return 200 fine; } }\n" % clear):
            for port, more, line in ((both, "", "< HTTP/2 200"), (both, ", http2: on", "< HTTP/2 200"), (both, ", keep-alive: on", "< HTTP/2 200"),
                                     (both, ", http2: off", "< HTTP/1.1 200 OK"), (plain, "", "< HTTP/1.1 200 OK")):
                with serve(probe % (port, more)) as s:
                    says(s, "HTTP 200")
                    until(lambda: target(s, "one")["probes"] > 2 and target(s, "one").get("load") == 7, 15)
                    until(lambda: line in steps(s), 15)
                    if "keep-alive" in more:
                        until(lambda: "over the connection that was kept" in steps(s), 15)
            with serve("kind: http, http2: on, body: fine, port: %d" % clear) as s:
                says(s, "HTTP 200")                         # without TLS
            with serve(probe % (plain, ", http2: on")) as s:
                until(lambda: target(s, "one").get("passed") is False, 15)
        with Tls(context_of(path, "www")) as t, serve("kind: https, host: www.example.com, http2: on, ca: %s/ca.pem, port: %d" % (path, t.port)) as s:
            says(s, "TLS: the server does not choose HTTP/2 (ALPN)")
        only = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        only.load_cert_chain(path + "/www.pem", path + "/www.key")
        only.set_alpn_protocols(["h2"])
        turns = [b"\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88", b"\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x07"]     # 200; REFUSED_STREAM

        class OnlyTwo(Tls):
            def serve(self, raw, context):
                with contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) as s:
                    same(s.selected_alpn_protocol(), "h2")
                    got = more = b""
                    while not got.startswith(b"PRI * HTTP/2.0") or b"\x01\x05\x00\x00\x00\x01" not in got:    # HEADERS of stream 1
                        more = s.recv(4096)
                        if not more:
                            return
                        got += more
                    s.sendall(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + turns[0])
                    s.recv(4096)
        with OnlyTwo(only) as t, serve("kind: https, host: www.example.com, ca: %s/ca.pem, port: %d" % (path, t.port)) as s:
            says(s, "HTTP 200")
            turns.reverse()
            says(s, "HTTP/2: the server gave up the request (REFUSED_STREAM)")


@claim("a client certificate is shown where the server wants one, and read anew when it changes; without one, or when it has become wrong, that is told, once")
def client_certificate():
    need("openssl", "nginx")
    with folder() as path:
        authority(path, "ca")
        for name in ("www", "us"):
            certificate(path, name, "ca")
        port = free_port()
        with Nginx("server { listen 127.0.0.1:%d ssl; ssl_certificate %s/www.pem; ssl_certificate_key %s/www.key; ssl_client_certificate %s/ca.pem;"
                   " ssl_verify_client on; location / { return 200 $ssl_client_verify; } }" % (port, path, path, path)):
            probe = "kind: https, host: www.example.com, ca: %s/ca.pem, port: %d" % (path, port)
            with serve(probe) as s:
                says(s, "HTTP 400, expected 200 to 399")
            with serve(probe + ", body: SUCCESS, client-cert: %s/us.pem, client-key: %s/us.key" % (path, path)) as s:
                says(s, "HTTP 200")
                authority(path, "stranger")
                certificate(path, "them", "stranger")
                put(path + "/us.key", get(path + "/them.key"))
                put(path + "/us.pem", get(path + "/them.pem"))
                says(s, "HTTP 400")
            put(path + "/both.pem", get(path + "/www.pem") + get(path + "/www.key"))
            with serve(probe + ", body: SUCCESS, client-cert: %s/both.pem" % path) as s:
                says(s, "HTTP 200")
                # One that has become wrong is told once, also while the authorities change.
                put(path + "/both.pem", "none")
                until(lambda: "goes on with the certificate that it had" in s.said(), 15)
                put(path + "/ca.pem", get(path + "/ca.pem") + "\n")
                until(lambda: "ca.pem was read anew" in s.said(), 15)
                time.sleep(1.5)
                same(s.said().count("goes on with the certificate"), 1)


@claim("PROXY headers of both versions are taken by nginx, before TLS too, and by a server of TCP")
def proxy():
    need("openssl", "nginx")
    with folder() as path:
        authority(path, "ca")
        certificate(path, "www", "ca")
        clear, tls = free_port(), free_port()
        with Nginx("server { listen 127.0.0.1:%d proxy_protocol; location / { return 200 from=$proxy_protocol_addr; } }\n"
                   "server { listen 127.0.0.1:%d ssl proxy_protocol; ssl_certificate %s/www.pem; ssl_certificate_key %s/www.key;"
                   " location / { return 200 from=$proxy_protocol_addr; } }" % (clear, tls, path, path)):
            for version in ("v1", "v2"):
                for probe in ("kind: http, port: %d" % clear, "kind: https, host: www.example.com, ca: %s/ca.pem, port: %d" % (path, tls)):
                    with serve(probe + ", body: from=127.0.0.1, keep-alive: on, proxy-protocol: " + version) as s:
                        says(s, "HTTP 200")
            with serve("kind: http, port: %d" % clear) as s:
                until(lambda: target(s, "one").get("passed") is False, 15)
    with socket.create_server(("127.0.0.1", 0)) as l, serve("kind: tcp, proxy-protocol: v2, port: %d" % l.getsockname()[1]) as s:
        c = l.accept()[0]
        got, (host, port) = c.recv(100), c.getpeername()
        same(got, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton("127.0.0.1") * 2 + struct.pack(">HH", port, l.getsockname()[1]))
        c.close()
        says(s, "connected")


@claim("odd answers: 100 Continue, chunks, no length, a header of 100 KiB are fine; lengths that differ and a header without end are told")
def odd():
    with Web() as w, serve("kind: http, body: fine, port: %d" % w.port, times="every: 60s, timeout: 20s") as s:
        def try_raw(raw, words):
            w.raw = raw
            said = steps(s)
            assert ("passed: " + words if "HTTP 2" in words else "failed: " + words) in said, said[-300:]
        try_raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine", "HTTP 200")
        try_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nfi\r\n2\r\nne\r\n0\r\nTrailer: x\r\n\r\n", "HTTP 200")
        try_raw(b"HTTP/1.0 200\n\nfine", "HTTP 200")
        try_raw(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100000 + b"\r\nContent-Length: 4\r\n\r\nfine", "HTTP 200")
        try_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nfine!", "not an HTTP answer")
        try_raw(b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 300000, "the answer's header is longer than 256 KiB")
        try_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n", "closed before the body's end")
        try_raw(b"HTTP/2 200\r\n\r\nfine", "not an HTTP answer")


@claim("a handshake that hangs is told as that")
def hangs():
    with socket.create_server(("127.0.0.1", 0), backlog=512) as l:
        for keep in ("off", "on"):
            with serve("kind: https, keep-alive: %s, port: %d" % (keep, l.getsockname()[1])) as s:
                says(s, "(waited for the TLS handshake)")
        with serve("kind: http, keep-alive: on, port: %d" % l.getsockname()[1]) as s:
            says(s, "(waited for the answer)")


@claim("an edge is probed where it says: at another address or port, by a name, or not at all; a cname by what it leads to")
def elsewhere():
    with Web() as w, Web() as other:
        config = """
edges:
  moved: { a: [ 192.0.2.1, 192.0.2.2 ], probe-address: "127.0.0.1:%d" }
  each:  { a: 192.0.2.3, aaaa: "2001:db8::3", probe-address: [ "127.0.0.1:%d", "localhost:%d" ] }
  never: { a: 192.0.2.4, probe-address: off }
  name:  { cname: localhost }
  given: { cname: cdn.example.net, probe-address: "127.0.0.1:%d" }
  lost:  { cname: nosuch.invalid }
probes: { p: { kind: http, port: %d, keep-alive: on, %s } }
pools:
  web: { edges: [ moved, each, never ], policy: round-robin, probe: p, answers: 4, all-down: empty, up-when: all }
  cdn: { edges: [ name, given, lost ], policy: round-robin, probe: p, all-down: empty }
""" % (w.port, w.port, other.port, other.port, w.port, FAST)
        with Server(zone("web", "cdn"), config=config) as s:
            rows = edge_rows(s)
            same(rows["never"]["targets"], [])
            same(len(rows["moved"]["targets"]), 1)          # one for both addresses
            same(sorted(t["address"] for t in rows["each"]["targets"]), ["127.0.0.1:%d" % w.port, "localhost:%d" % other.port])
            same([t["address"] for t in rows["name"]["targets"]], ["localhost"])
            until(lambda: all(edge_rows(s)[e]["state"] == "up" for e in ("moved", "each", "never", "name", "given")), 15)
            until(lambda: sorted(s.udp("web.example.com", "A").addresses()) == ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"], 15)
            assert edge_rows(s)["lost"]["state"] != "up", edge_rows(s)["lost"]
            names = lambda: {r[3] for _ in range(6) for r in s.udp("cdn.example.com", "A").answer}
            until(lambda: names() == {"localhost.", "cdn.example.net."}, 15)
            assert any("\r\nHost: localhost\r\n" in h for h in w.seen), w.seen[-1]
            assert "localhost is " in s.ctl("probe", "name")[1]
            other.status = 500
            until(lambda: names() == {"localhost."}, 15)
            until(lambda: sorted(s.udp("web.example.com", "A").addresses()) == ["192.0.2.1", "192.0.2.2", "192.0.2.4"], 15)
            w.status = 500
            until(lambda: names() == set() and s.udp("web.example.com", "A").addresses() == ["192.0.2.4"], 15)
            until(lambda: "localhost:%d" % other.port in s.ctl("edges")[1] and "HTTP 500" in s.ctl("edges")[1], 15)
    for edge, words in (("a: [ 192.0.2.1, 192.0.2.2, 192.0.2.3 ], probe-address: [ 192.0.2.9, 192.0.2.8 ]", "one for each"),
                        ("a: 192.0.2.1, probe-address: \"a..b\"", "it has an empty label"),
                        ("a: 192.0.2.1, probe-address: \"192.0.2.1:0\"", "a port is from 1 to 65535")):
        with Server(zone("web"), start=False, config="edges: { one: { %s } }\npools: { web: { edges: [ one ], policy: round-robin } }" % edge) as s:
            code, said = s.ctl("check")
            assert code == 1 and words in said, said


@claim("check opens what probes name as the user that will run: authorities, certificates and their keys, programs")
def named_files():
    need("openssl")
    with folder() as path:
        authority(path, "ca")
        authority(path, "other")
        os.chmod(path, 0o755)
        put(path + "/empty.pem", "nothing\n")
        put(path + "/broken.pem", get(path + "/ca.pem")[:200] + "\n")
        put(path + "/good.sh", "#!/bin/sh\n")
        os.chmod(path + "/good.sh", 0o755)
        put(path + "/plain.sh", "#!/bin/sh\n")
        put(path + "/secret.pem", get(path + "/ca.pem") + get(path + "/ca.key"))
        os.chmod(path + "/secret.pem", 0o600)

        def check(probe, user="root"):
            with Server(zone("web"), start=False, server="workers: 1, user: " + user, config="""
edges: { one: { a: [ 127.0.0.1 ] } }
probes: { p: { %s } }
pools: { web: { edges: [ one ], policy: round-robin, probe: p } }""" % probe) as s:
                code, said = s.ctl("check")
                return code, said, s.conf
        https = "kind: https, host: www.example.com, "
        same(check(https + "ca: %s/ca.pem, client-cert: %s/other.pem, client-key: %s/other.key" % ((path,) * 3))[0], 0)
        same(check(https + "client-cert: %s/secret.pem" % path)[0], 0)
        same(check("kind: exec, command: [ %s/good.sh, x ]" % path)[0], 0)
        for probe, words in ((https + "ca: %s/none.pem" % path, "none.pem: No such file or directory"),
                             (https + "ca: %s" % path, "is a directory"),
                             (https + "ca: %s/empty.pem" % path, "empty.pem: there is no certificate in it (PEM is wanted)"),
                             (https + "ca: %s/broken.pem" % path, "broken.pem: a certificate in it is broken (PEM is wanted)"),
                             (https + "client-cert: %s/ca.pem" % path, "ca.pem: there is no private key in it (PEM is wanted)"),
                             (https + "client-cert: %s/ca.pem, client-key: %s/other.key" % (path, path), "this key does not belong to the certificate"),
                             ("kind: exec, command: %s/plain.sh" % path, "plain.sh: cannot be run: Permission denied"),
                             ("kind: exec, command: %s" % path, "this is no program")):
            code, said, conf = check(probe)
            assert code == 1 and words in said and "%s:6:" % conf in said, said
        if os.getuid() == 0:
            code, said, conf = check(https + "ca: %s/secret.pem" % path, "nobody")
            assert code == 1 and "secret.pem: Permission denied (as user nobody, who the server will be)" in said, said


run("probe-http", by_clock=True)
