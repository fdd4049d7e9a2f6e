#!/usr/bin/python3
"""cookies - server cookies go around between us, NSD, Knot and BIND that share a secret (RFC 9018): each takes what the others made."""
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "serve")]
import servers  # noqa: E402
from lib import BADCOOKIE, Message, opt, option, query  # noqa: E402

SECRET, OTHER = "e5e973e5a6b2a43f48e7dc849e37bfcf", "dd3bdf9344b678b185a6f5cb60fca715"
ZONE = "$TTL 60\n@ SOA ns1.other. h.other. 1 2 3 4 5\n@ NS ns1.other.\nwww A 192.0.2.1\n"
CLIENT = b"clientco"


class Waymark(servers.Waymark):
    def conf(self):
        return super().conf() + "cookies: { secret: \"%s\", staging: \"%s\" }\ncontrol: { socket: control.sock }\n" % (SECRET, OTHER)


class Nsd(servers.Nsd):
    def conf(self):
        return super().conf().replace("server:\n", "server:\n answer-cookie: yes\n cookie-secret: \"%s\"\n" % SECRET, 1)


class Knot(servers.Knot):
    """Who shows a wrong cookie is told BADCOOKIE."""

    def conf(self):
        text = super().conf().replace("template:\n  - id: default\n", "template:\n  - id: default\n    global-module: mod-cookies/c\n")
        return text.replace("template:", "mod-cookies:\n  - id: c\n    secret: 0x%s\n    badcookie-slip: 1\ntemplate:" % SECRET)


class Named(servers.Named):
    """The same."""

    def conf(self):
        return super().conf().replace("recursion no;", "recursion no; cookie-algorithm siphash24; cookie-secret \"%s\"; require-server-cookie yes;" % SECRET)


class NamedOther(servers.Named):
    """With the secret that we only take."""

    def conf(self):
        return super().conf().replace("recursion no;", "recursion no; cookie-algorithm siphash24; cookie-secret \"%s\";" % OTHER)


def ask(peer, cookie):
    reply = peer.ask(query("www.c.test", "A", edns=opt(options=option(10, cookie))))
    return Message(reply)


def wait(peer):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        reply = peer.ask(query("c.test", "SOA"))
        if reply and Message(reply).rcode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError("%s serves nothing: %s" % (peer.name, open(peer.dir + "/log").read()[-500:]))


def good(peer, cookie):
    """Takes `peer` this cookie for its own? It then gives it back (or, BIND, a fresh one) with the answer; a wrong one it does not."""
    m = ask(peer, cookie)
    if m.rcode == BADCOOKIE or 10 not in m.options or not m.answer:
        return False
    return m.options[10] == cookie or peer.name.startswith("Named")


def run(peers):
    failed = passed = 0
    for p in peers:
        wait(p)
    made = {p.name: ask(p, CLIENT).options.get(10, b"") for p in peers}
    for maker, cookie in made.items():
        for p in peers:
            if "NamedOther" in (p.name, maker) and p.name != maker and p.name != "Waymark":
                continue                                               # it shares no secret with those
            if (maker, p.name) == ("NamedOther", "Waymark"):
                # Ours of that secret is good, and renewed with the first one, which NSD then takes.
                renewed = ask(p, cookie).options[10]
                ok = renewed != cookie and good(peers[1], renewed)
            elif (maker, p.name) == ("Waymark", "NamedOther"):
                continue
            else:
                ok = good(p, cookie)
            passed, failed = passed + ok, failed + (not ok)
            if not ok:
                print("FAILED: %s does not take the cookie that %s made (%s)" % (p.name, maker, cookie.hex()))
        wrong = cookie[:-1] + bytes([cookie[-1] ^ 1])
        if good(peers[0], wrong):
            failed += 1
            print("FAILED: we take a cookie with one bit changed")
    return passed, failed


def main():
    os.environ["PATH"] += ":/usr/sbin"
    missing = [p for p in servers.PROGRAMS if not shutil.which(p)]
    if missing:
        print("skipped: cookies beside NSD, Knot and BIND: not installed: %s\ncookies: 0 passed, 0 failed, 1 skipped" % " ".join(missing))
        return 0
    work = tempfile.mkdtemp(prefix="waymark-cookies.")
    os.chmod(work, 0o755)
    os.mkdir(work + "/zones")
    with open(work + "/zones/c.test", "w") as f:
        f.write(ZONE)
    peers = []
    try:
        for kind in (Waymark, Nsd, Knot, Named, NamedOther):
            peers.append(kind(work, ["c.test"]))
        passed, failed = run(peers)
    finally:
        for p in peers:
            p.stop()
        shutil.rmtree(work, ignore_errors=True)
    print("cookies: %d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
