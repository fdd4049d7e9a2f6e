#!/usr/bin/python3
"""encrypted - what others ask us by when they encrypt: chromium finds a page by DNS over HTTPS alone, unbound forwards over TLS and looks at our
certificate, dnsdist in front speaks TLS to us. Those that are not installed are skipped."""
import base64
import hashlib
import http.server
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from edges import make_ca, make_certificate, openssl
from lib import *

TLS, HTTPS = free_port(), free_port()
server = Server({"example.com": APEX + "www A 192.0.2.10\npage A 127.0.0.1\n$GENERATE 1-200 h$ A 192.0.2.$\n"}, start=False)


def start():
    make_ca(server.dir)
    make_certificate(server.dir, "ns1", "ns1.example.com", 30)
    openssl(server.dir, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=loopback",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "ip.key", "-out", "ip.pem")
    server.listen += ', "tls:127.0.0.1:%d", "https:127.0.0.1:%d"' % (TLS, HTTPS)
    server.server = "workers: 1, tls: [ { cert: ip.pem, key: ip.key }, { cert: ns1.pem, key: ns1.key } ]"
    server.configure()
    server.start()


def counted(key):
    return json.loads(server.ctl("status", "--json")[1])[key]


def found(name):
    """A program, or the claim is skipped."""
    path = shutil.which(name, path="/usr/sbin:" + os.environ["PATH"])
    if not path:
        raise Skip(name + " is not installed")
    return path


def ask_until(port, name, address, seconds=20):
    end = time.monotonic() + seconds * SLOW
    while True:
        said = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "+tries=1", "+timeout=2", "+short", name], capture_output=True, text=True).stdout
        if said.split() == [address]:
            return
        if time.monotonic() > end:
            raise AssertionError("%s: %s" % (name, said))


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html><body>found by HTTPS alone</body></html>")

    def log_message(self, *words): pass


@claim("chromium finds a page by a template of DNS over HTTPS, where it may ask nobody else")
def chromium():
    program = found("chromium")
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    key = subprocess.run("openssl x509 -in %s/ip.pem -noout -pubkey | openssl pkey -pubin -outform DER" % server.dir, shell=True, capture_output=True).stdout
    profile = server.dir + "/profile"
    os.mkdir(profile)
    with open(profile + "/Local State", "w") as f:
        json.dump({"dns_over_https": {"mode": "secure", "templates": "https://127.0.0.1:%d/dns-query{?dns}" % HTTPS}}, f)
    before = counted("https_queries")
    done = subprocess.run([program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                           "--disable-component-update", "--user-data-dir=" + profile,
                           "--ignore-certificate-errors-spki-list=" + base64.b64encode(hashlib.sha256(key).digest()).decode(),
                           "--dump-dom", "http://page.example.com:%d/" % web.server_address[1]], capture_output=True, text=True, timeout=120 * SLOW)
    web.shutdown()
    assert "found by HTTPS alone" in done.stdout, done.stdout + done.stderr[-2000:]
    assert counted("https_queries") > before


def forwards(name):
    port = free_port()
    with open(server.dir + "/unbound.conf", "w") as f:
        f.write("""
server:
    directory: "%s"
    interface: 127.0.0.1@%d
    username: ""
    chroot: ""
    pidfile: ""
    use-syslog: no
    logfile: "unbound.log"
    do-not-query-localhost: no
    module-config: "iterator"
    tls-cert-bundle: "ca.pem"
forward-zone:
    name: "example.com"
    forward-tls-upstream: yes
    forward-addr: 127.0.0.1@%d#%s
""" % (server.dir, port, TLS, name))
    return port, subprocess.Popen([found("unbound"), "-d", "-p", "-c", server.dir + "/unbound.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@claim("unbound forwards over TLS to who shows the certificate that it wants, keeps its connection, and to nobody else")
def unbound():
    port, proc = forwards("ns1.example.com")
    try:
        ask_until(port, "www.example.com", "192.0.2.10")
        before = counted("tls_queries"), counted("tls_handshakes")
        for i in range(1, 101):
            ask_until(port, "h%d.example.com" % i, "192.0.2.%d" % i)
        queries, handshakes = counted("tls_queries") - before[0], counted("tls_handshakes") - before[1]
        print("  unbound: %d queries, %d handshakes" % (queries, handshakes))
        same((queries >= 100, handshakes < 50), (True, True))
    finally:
        proc.terminate()
        proc.wait(20)
    port, proc = forwards("ns9.example.com")
    try:
        before = counted("tls_queries")
        end = time.monotonic() + 20 * SLOW
        while "SERVFAIL" not in subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "+tries=1", "+timeout=5", "www.example.com"],
                                               capture_output=True, text=True).stdout:
            assert time.monotonic() < end
        same(counted("tls_queries"), before)
    finally:
        proc.terminate()
        proc.wait(20)


@claim("dnsdist in front speaks TLS and HTTPS to us, and looks at our certificate")
def dnsdist():
    program = found("dnsdist")
    for path, more in ((TLS, ""), (HTTPS, ', dohPath="/dns-query"')):
        port = free_port()
        with open(server.dir + "/dnsdist.conf", "w") as f:
            f.write('setLocal("127.0.0.1:%d")\naddLocal("127.0.0.1:%d")\n' % (port, free_port()) +
                    'newServer({address="127.0.0.1:%d", tls="openssl", subjectName="ns1.example.com", caStore="%s/ca.pem", validateCertificates=true, '
                    'healthCheckMode="up"%s})\n' % (path, server.dir, more))
        proc = subprocess.Popen([program, "--supervised", "--disable-syslog", "-C", server.dir + "/dnsdist.conf"], stdout=subprocess.DEVNULL,
                                stderr=open(server.dir + "/dnsdist.log", "w"), stdin=subprocess.DEVNULL)
        try:
            key = "https_queries" if more else "tls_queries"
            before = counted(key)
            for i in range(1, 51):
                ask_until(port, "h%d.example.com" % i, "192.0.2.%d" % i)
            assert counted(key) >= before + 50
        finally:
            proc.terminate()
            proc.wait(20)


with server:
    start()
    run("encrypted")
