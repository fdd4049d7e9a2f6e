#!/usr/bin/python3
"""Keys that zones are signed with: on the disk, in the world, and at the parent; by command. Rolls are in tests/interop/rolls.py."""
import base64
import glob
import json
import re
import resource
import signal
import socket
import stat
import threading

from lib import *

ZONE = "$TTL 1\n@ SOA ns1 h 1 2 3 60 1\n@ NS ns1\nns1 A 127.0.0.1\n"
PARENT = "$TTL 1\n@ SOA ns1 h %%d 2 3 60 1\n@ NS ns1\nns1 A 127.0.0.1\nchild NS ns1.child\nns1.child A 127.0.0.1\n%%s"
ZONES = "[ { name: test, file: zones/test.zone }, { name: child.test, file: zones/child.test.zone, dnssec: quick }, { name: other, file: zones/other.zone, dnssec: %s } ]"
PATIENCE_S = 60

notified = []


def hear(listener):
    """NOTIFY(CDS) over TCP is taken down, and answered."""
    while True:
        with listener.accept()[0] as s:
            message = s.recv(2000)
            notified.append(message[2:])
            s.send(message[:4] + bytes([message[4] | 0x80]) + message[5:])


ears = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=hear, args=(ears,), daemon=True).start()
PARENT = (PARENT + "_dsync DSYNC CDS NOTIFY %d localhost.\n") % ears.getsockname()[1]

server = Server({"test": PARENT % (1, ""), "child.test": ZONE, "other": ZONE}, start=False)
server.configure("store: { file: w.db }\ndnssec: { quick: { dnskey-ttl: 1s, propagation: 0s, ds-check: 1s, parent: \"127.0.0.1:%d\" } }" % server.port,
                 zones=ZONES % "auto")
server.start()


def dnssec(*words):
    status, said = server.ctl("dnssec", *words)
    assert status == 0, said
    return said


def until(what, true):
    end = time.monotonic() + PATIENCE_S * SLOW
    while not true():
        assert time.monotonic() < end, "%s: %s%s" % (what, dnssec("status", "child.test"), server.said())
        time.sleep(0.1)


def dig(*words):
    return subprocess.run(["dig", "@127.0.0.1", "-p", str(server.port), "+norec", "+short"] + list(words), capture_output=True, text=True).stdout


@claim("a zone gets a key that only the server's user reads; DNSKEY and DS are what BIND makes of it")
def files():
    private = glob.glob(server.dir + "/keys/Kchild.test.+013+*.private")
    same(len(private), 1, "keys:")
    same(stat.S_IMODE(os.stat(private[0]).st_mode), 0o600, "mode of the key:")
    same(stat.S_IMODE(os.stat(server.dir + "/keys").st_mode), 0o700, "mode of the folder:")
    with open(private[0][:-8] + ".key") as f:
        record = f.read().split()
    same("".join(dig("child.test", "DNSKEY").split()), "".join(record[4:]), "DNSKEY:")
    if shutil.which("dnssec-dsfromkey"):
        made = subprocess.run(["dnssec-dsfromkey", "-2", private[0][:-8]], capture_output=True, text=True).stdout
        same(dnssec("ds", "child.test").splitlines()[1].lower().split(), made.lower().split(), "DS:")


@claim("the parent is asked for the DS by CDS, and over TCP whether it has it")
def parent():
    until("the DS is asked for", lambda: "is ready" in dnssec("ds", "child.test"))
    ds = [r for r in dnssec("ds", "child.test").splitlines() if not r.startswith(";")][0]
    until("CDS is served", lambda: dig("child.test", "CDS"))
    cds = dig("child.test", "CDS").lower().split()
    same([*cds[:3], "".join(cds[3:])], ds.split()[3:], "CDS:")
    assert "257 3 13" in dig("child.test", "CDNSKEY")
    until("it waits", lambda: "parent asked" in dnssec("status", "child.test"))
    assert "is waited for" in dnssec("status", "child.test")
    until("the parent hears of it (RFC 9859)", lambda: notified)
    same(notified[0][2:], bytes.fromhex("2400 0001 0000 0000 0000") + b"\5child\4test\0" + bytes.fromhex("003b 0001"), "NOTIFY(CDS):")
    server.write("zones/test.zone", PARENT % (2, ds + "\n"))
    assert server.ctl("reload")[0] == 0
    until("the parent has it", lambda: "ds rumoured" in dnssec("keys", "child.test") or "ds omnipresent" in dnssec("keys", "child.test"))
    assert "is waited for" not in dnssec("status", "child.test")
    assert "has another DS than before" in server.said()
    assert len(notified) == 1 or "is not told" in server.said(), "it is told once of each change, unless it did not answer"
    said = json.loads(dnssec("status", "child.test", "--json"))
    same((said["zone"], said["waits_for_parent"], len(said["keys"])), ("child.test.", False, 1), "as JSON:")
    key = said["keys"][0]
    same((key["role"], key["stays"], key["foreign"], key["dnskey"]["state"]), ("CSK", True, False, "omnipresent"), "the key:")
    same(key["ds_record"], ds.split(None, 3)[3], "its DS:")


@claim("keys go out and come in, in BIND's form and in PEM, and nothing else is taken for one")
def transfers():
    out = server.dir + "/out"
    dnssec("export", "child.test", out)
    dnssec("export", "child.test", out, "--pem")
    key = glob.glob(out + "/K*.private")[0]
    same(stat.S_IMODE(os.stat(key).st_mode), 0o600, "mode:")
    said = subprocess.run(["openssl", "pkey", "-in", key[:-8] + ".pem", "-noout", "-text"], capture_output=True, text=True)
    assert "NIST CURVE: P-256" in said.stdout, said.stderr
    for words, told in ((("import", "child.test", key), "it has this key already"), (("import", "other", key), "this is a key of child.test."),
                        (("import", "other", server.conf), "no private key"), (("import", "other", "relative"), "absolute path"),
                        (("roll", "nowhere"), "has no keys here"), (("remove", "child.test", "x"), "is not a key's tag"),
                        (("ds-seen", "other"), "no key of it is ready")):
        status, said = server.ctl("dnssec", *words)
        assert status == 1 and told in said, (words, said)
    same(server.ctl("dnssec")[0], 2, "without words:")
    with open(key) as f:
        secret = re.search(r"PrivateKey: (\S+)", f.read()).group(1)
    assert secret not in server.said() + server.ctl("export")[1] + server.ctl("zone", "export", "child.test")[1]


@claim("another signer's key is published, and goes again (RFC 8901)")
def signers():
    server.write("Kother.+013+00001.key", "other. IN DNSKEY 256 3 13 %s\n" % base64.b64encode(os.urandom(64)).decode())
    status, said = server.ctl("dnssec", "import", "other", server.dir + "/Kother.+013+00001.key")
    assert status == 1 and "no public key" in said, said                                  # no point of the curve
    server.write("Kother.+253+00001.key", "other. IN DNSKEY 256 3 253 AAEC\n")
    dnssec("import", "other", server.dir + "/Kother.+253+00001.key")
    until("it is published", lambda: "256 3 253 AAEC" in dig("other", "DNSKEY"))
    tag = re.search(r"ZSK +(\d+) .*of another signer", dnssec("keys", "other")).group(1)
    dnssec("remove", "other", tag)
    until("it is gone", lambda: dig("other", "DNSKEY") and "256 3 253" not in dig("other", "DNSKEY"))


def private_bytes(folder):
    """What there is of each private key: as bytes, as OpenSSL has large numbers, and as the file writes it."""
    found = {}
    for path in glob.glob(folder + "/keys/*.private"):
        with open(path) as f:
            for name, text in re.findall(r"(PrivateKey|PrivateExponent|Prime1|Prime2): (\S+)", f.read()):
                data = base64.b64decode(text)
                found[os.path.basename(path) + " " + name] = {data, data[::-1], text.encode()}
    return found


def in_memory(pid, secrets):
    """Which of them are in memory that a core file has, and which in memory that none has."""
    told, none = set(), set()
    with open("/proc/%d/smaps" % pid) as f:
        maps = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (r\S+) .*\n(?:[A-Z].*\n)*?VmFlags:(.*)$", f.read(), re.M)
    with open("/proc/%d/mem" % pid, "rb", 0) as f:
        for begin, end, _, flags in maps:
            begin, size = int(begin, 16), int(end, 16) - int(begin, 16)
            try:
                f.seek(begin)
                data = f.read(size) if size < 1 << 30 else b""      # a sanitizer's shadows
            except (OSError, ValueError, OverflowError):            # the kernel's own
                continue
            for name, forms in secrets.items():
                if any(form in data for form in forms):
                    (none if "dd" in flags.split() else told).add(name)
    return told, none


@claim("no private key is in a core file, a log, an export or a backup; with RSA there is no core file")
def hidden():
    with Server({n: ZONE for n in ("p256", "p384", "ed", "split")}, start=False) as s:
        s.configure("store: { file: w.db }\ndnssec: { p384: { algorithm: ecdsap384sha384 }, ed: { algorithm: ed25519 }, split: { keys: split } }",
                    "[ { name: p256, file: zones/p256.zone, dnssec: auto }, %s ]" % ", ".join(
                        "{ name: %s, file: zones/%s.zone, dnssec: %s }" % (n, n, n) for n in ("p384", "ed", "split")))
        s.start()
        for n in ("p256", "ed"):
            same(s.ctl("dnssec", "roll", n)[0], 0)                  # keys that come while it runs
        secrets = private_bytes(s.dir)
        assert len(secrets) >= 5, secrets
        told, none = in_memory(s.proc.pid, secrets)
        same((told, none), (set(), set(secrets)), "keys in memory that a core file has, and in other:")
        same(s.ctl("backup", s.dir + "/copy.db")[0], 0)
        seen = "".join(s.ctl(*words)[1] for words in (["export"], ["zone", "export", "p256"], ["dnssec", "keys", "ed"], ["status", "--json"],
                                                      ["dnssec", "status", "split", "--json"])).encode() + s.said().encode()
        for name in glob.glob(s.dir + "/w.db*") + [s.dir + "/copy.db"]:
            with open(name, "rb") as f:
                seen += f.read()
        same([n for n, forms in secrets.items() if any(form in seen for form in forms)], [], "keys in what it says and stores:")
    with Server({"rsa": ZONE}, start=False) as s:
        s.configure("store: { file: w.db }\ndnssec: { rsa: { algorithm: rsasha256 } }", "[ { name: rsa, file: zones/rsa.zone, dnssec: rsa } ]")
        s.start()
        resource.prlimit(s.proc.pid, resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        s.proc.send_signal(signal.SIGABRT)
        status = os.waitpid(s.proc.pid, 0)[1]
        s.proc = None
        same((os.WTERMSIG(status), os.WCOREDUMP(status)), (signal.SIGABRT, False), "RSA:")


@claim("a zone whose DS was never asked for is unsigned as soon as its policy says so, and its key goes")
def off():
    assert dig("other", "DNSKEY")
    server.configure(zones=ZONES % "off")
    assert server.ctl("reload")[0] == 0
    until("it is unsigned", lambda: not dig("other", "DNSKEY") and "SOA" not in dig("other", "RRSIG"))
    told = []                                               # of its life, as "dnssec status" has it

    def not_signed():
        told.append(re.search("state +(.*)", server.ctl("dnssec", "status", "other")[1])[1])
        return told[-1].startswith("not signed")
    until("that is told", not_signed)
    same([t for t in told if "until the parent" in t], [])  # which has none


with server:
    run("dnssec-keys")
