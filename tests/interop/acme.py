#!/usr/bin/python3
"""acme - certbot and lego get a certificate (DNS-01) from a real ACME server, pebble, by UPDATEs of a zone that we serve.

Each that is not installed is skipped. Everything is on loopback.
"""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from lib import *
from xfr import *

KEY = Key("acme", os.urandom(32))
SECRET = base64.b64encode(KEY.secret).decode()
ZONE = "$TTL 300\n@ SOA ns1 host 1 7200 900 1209600 60\n@ NS ns1\nns1 A 127.0.0.1\nwww A 127.0.0.1\nmail A 127.0.0.1\n"
FOLDERS = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")


def which(program):
    path = shutil.which(program, path=FOLDERS)
    if not path:
        raise Skip("%s is not installed" % program)
    return path


class Authority:
    """pebble, which asks our server; and our server."""

    def __enter__(self):
        pebble = which("pebble")
        self.dir = tempfile.mkdtemp(prefix="waymark-acme.")
        self.ca = self.dir + "/ca.pem"
        made = subprocess.run([which("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                               "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.dir + "/key.pem", "-out", self.ca], capture_output=True)
        same(made.returncode, 0, made.stderr)
        self.server = Server({"dyn.test": ZONE}, start=False)
        self.server.configure("keys: { acme: %s }\nstore: { file: waymark.db }" % KEY.yaml(),
                              "[ { name: dyn.test, file: zones/dyn.test.zone, write-back: store, update: "
                              "{ key: acme, names: [ _acme-challenge, _acme-challenge.* ], types: TXT } } ]")
        self.server.start()
        self.port = free_port()
        with open(self.dir + "/pebble.json", "w") as f:
            json.dump({"pebble": {"listenAddress": "127.0.0.1:%d" % self.port, "managementListenAddress": "127.0.0.1:%d" % free_port(),
                                  "certificate": self.ca, "privateKey": self.dir + "/key.pem", "httpPort": free_port(), "tlsPort": free_port()}}, f)
        self.log = open(self.dir + "/log", "w")
        self.proc = subprocess.Popen([pebble, "-config", self.dir + "/pebble.json", "-dnsserver", "127.0.0.1:%d" % self.server.port], stdout=self.log,
                                     stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=dict(os.environ, PEBBLE_VA_NOSLEEP="1"))
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        self.url = "https://localhost:%d/dir" % self.port
        return self

    def __exit__(self, *why):
        self.proc.terminate()
        self.proc.wait()
        self.server.__exit__(*why)
        shutil.rmtree(self.dir, ignore_errors=True)

    def run(self, argv, **env):
        done = subprocess.run(argv, cwd=self.dir, env=dict(os.environ, **env), capture_output=True, text=True, timeout=150, stdin=subprocess.DEVNULL)
        same(done.returncode, 0, (done.stdout + done.stderr)[-2000:] + self.server.said()[-1000:])


@claim("lego gets a certificate")
def lego():
    program = which("lego")
    with Authority() as a:
        at = "127.0.0.1:%d" % a.server.port
        a.run([program, "--server", a.url, "--accept-tos", "--email", "a@b.test", "--path", "lego", "--dns", "rfc2136", "--dns.resolvers", at,
               "--dns.disable-cp", "-d", "www.dyn.test", "run"],
              LEGO_CA_CERTIFICATES=a.ca, RFC2136_NAMESERVER=at, RFC2136_TSIG_ALGORITHM="hmac-sha256.", RFC2136_TSIG_KEY="acme",
              RFC2136_TSIG_SECRET=SECRET, RFC2136_PROPAGATION_TIMEOUT="20")
        same(os.path.exists(a.dir + "/lego/certificates/www.dyn.test.crt"), True)
        same(a.server.udp("_acme-challenge.www.dyn.test", "TXT").rcode, 3, "what it needed is gone:")


@claim("certbot gets a certificate for two names")
def certbot():
    program = which("certbot")
    with Authority() as a:
        credentials = a.dir + "/certbot.ini"
        with open(os.open(credentials, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write("dns_rfc2136_server = 127.0.0.1\ndns_rfc2136_port = %d\ndns_rfc2136_name = acme\ndns_rfc2136_secret = %s\n"
                    "dns_rfc2136_algorithm = HMAC-SHA256\n" % (a.server.port, SECRET))
        a.run([program, "certonly", "--server", a.url, "--agree-tos", "-m", "a@b.test", "--no-eff-email", "-n", "--dns-rfc2136",
               "--dns-rfc2136-credentials", credentials, "--dns-rfc2136-propagation-seconds", "2", "-d", "www.dyn.test", "-d", "mail.dyn.test",
               "--config-dir", "c", "--work-dir", "w", "--logs-dir", "l"], REQUESTS_CA_BUNDLE=a.ca)
        same(os.path.exists(a.dir + "/c/live/www.dyn.test/fullchain.pem"), True)
        same(a.server.udp("_acme-challenge.mail.dyn.test", "TXT").rcode, 3, "what it needed is gone:")


run("acme")
