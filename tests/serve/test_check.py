"""waymarkctl check: what is wrong is named, where it is, by the server's own code."""
import json

import shutil

from lib import *

CONFIG = """
edges: { ams: { at: "52,5", a: [ 192.0.2.1 ] } }
pools: { web: { edges: [ ams ] } }
"""

# Each is written behind the four lines of APEX but for those that start with "!", which are a whole file.
BROKEN = [
    ("no SOA", "!$TTL 300\n@ NS ns1\nns1 A 192.0.2.1\n", 1, "no SOA"),
    ("two SOAs", "@ SOA ns1 h 2 2 3 4 5\n", 5, "second SOA"),
    ("a record outside of the zone", "www.example.org. A 192.0.2.1\n", 5, "not in the zone"),
    ("CNAME beside other data", "www A 192.0.2.1\nwww CNAME ns1\n", 6, "CNAME stands alone"),
    ("two CNAMEs", "www CNAME ns1\nwww CNAME ns2\n", 6, "only one"),
    ("an address that is none", "\nwww A 192.0.2.256\n", 6, "192.0.2.256"),
    ("an IPv6 address that is none", "www AAAA 2001:db8::g\n", 5, "2001:db8::g"),
    ("an unknown type", "www AA 192.0.2.1\n", 5, "AA"),
    ("another class", "www CH A 192.0.2.1\n", 5, "CH"),
    ("a label over 63 bytes", "x" * 64 + " A 192.0.2.1\n", 5, "63"),
    ("a name over 255 bytes", ".".join(["x" * 60] * 5) + " A 192.0.2.1\n", 5, "255"),
    ("an EDGE that names no pool", "www EDGE nosuch\n", 5, "nosuch"),
    ("EDGE beside A", "www EDGE web\nwww A 192.0.2.1\n", 6, "EDGE"),
    ("a parenthesis that is never closed", "www TXT ( \"a\"\nmail A 192.0.2.1\n", 5, ""),
    ("a quote that is never closed", "www TXT \"a\nmail A 192.0.2.1\n", 5, ""),
    ("too few fields", "www MX 10\n", 5, ""),
    ("too many fields", "www A 192.0.2.1 192.0.2.2\n", 5, ""),
    ("a number too large", "www MX 65536 ns1\n", 5, "65536"),
    ("an included file that is not there", "$INCLUDE nosuch.inc\n", 5, "nosuch.inc"),
]


def tool(*argv):
    done = subprocess.run(list(argv), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


SYNC = ", write-back: sync"


@claim("shells complete the words of the commands, as the tables have them")
def completes():
    script = subprocess.run([WAYMARKCTL, "completion", "bash"], capture_output=True, text=True).stdout
    for words, wanted in ((("sta",), ["status"]), (("-c", "x", "zone", "re"), ["refresh", "retransfer", "remove"]), (("explain", "n", "--cl"), ["--client"]),
                          (("token", ""), ["add", "list", "revoke", "self", "--role", "--zones", "--for", "--json"]), (("keygen", "x", "--nothing"), [])):
        ask = script + "COMP_WORDS=(waymarkctl %s); COMP_CWORD=%d; _waymarkctl; printf '%%s\\n' \"${COMPREPLY[@]}\"" % (
            " ".join("'%s'" % w for w in words), len(words))
        done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True)
        same((done.stdout.split(), done.stderr), (wanted, ""), words)
    for shell in ("zsh", "fish"):
        text = subprocess.run([WAYMARKCTL, "completion", shell], capture_output=True, text=True).stdout
        if shutil.which(shell):
            same(subprocess.run([shell, "-n"], input=text, capture_output=True, text=True).stderr, "")
        same("retransfer" in text and "dnssec" in text, True, text)
    same(subprocess.run([WAYMARKCTL, "completion", "ksh"], capture_output=True).returncode, 2)


@claim("each classic broken zone is named with its line, its column and what to do, and exits with 1")
def broken():
    for say, text, line, part in BROKEN:
        text = text[1:] if text[0] == "!" else APEX + text
        with Server({"example.com": text}, config=CONFIG, start=False) as s:
            code, said = s.check()
            same(code, 1, say)
            first = next(l for l in said.splitlines() if ": error: " in l)
            assert "example.com.zone:%d:" % line in first and part in first, "%s: %s" % (say, first)


@claim("zones are read at the same time, and their faults are told in the zones' order all the same")
def order():
    zones = {"z%03d.test" % i: APEX + "".join("x%d A 1.2.3\n" % k for k in range(i % 4)) for i in range(200)}
    with Server(zones, start=False) as s:
        want = ["z%03d.test.zone:%d" % (i, 5 + k) for i in range(200) for k in range(i % 4)][:50]
        for _ in range(10):
            status, said = s.check()
            same(status, 1)
            same([":".join(l.split("/")[-1].split(":")[:2]) for l in said.splitlines() if ": error:" in l][:50], want)


@claim("up to 50 errors are shown in one run, from every zone")
def many():
    zones = {"a.example": APEX + "x A 1\n" * 30, "b.example": APEX + "x A 1\n" * 30}
    with Server(zones, start=False) as s:
        code, said = s.check()
        same(code, 1)
        same(said.count(": error:"), 50)
        assert "a.example.zone" in said and "b.example.zone" in said
        assert "waymark.yaml: 60 errors or more: the first are told" in said, said
    with Server({"a.example": APEX + "".join("x%d EDGE nope%d\n" % (i, i) for i in range(60))}, start=False) as s:
        code, said = s.check()
        same((code, said.count("the configuration has no pool named")), (1, 50))
        assert "waymark.yaml: 50 errors or more" in said, said


@claim("a good one exits with 0, and warnings do not hinder")
def good():
    with Server({"example.com": APEX + "www 60 A 192.0.2.1\nwww 30 A 192.0.2.2\n"}, start=False) as s:
        code, said = s.check()
        same(code, 0, said)
        assert "example.com.zone:6:1: warning:" in said, said


@claim("of the doubts of many zones some are shown in full, and the others counted")
def doubts():
    zones = {"z%03d.test" % i: APEX + "w CNAME nothing\nv CNAME no\n" for i in range(100)}
    with Server(zones, start=False) as s:
        code, said = s.check()
        same(code, 0, said)
        same(said.count(": warning: "), 50)
        assert "z000.test.zone:5:1: warning: this CNAME leads to nothing.z000.test." in said, said
        assert "... and 150 more warnings, of 75 zones\n" in said, said[-300:]


@claim("a delegation without glue and a zone without any TTL are served all the same, with a warning")
def doubtful():
    for text, line, part in ((APEX + "sub NS ns.sub\n", 5, "glue"), ("www A 192.0.2.1\n@ SOA ns1 h 1 2 3 4 5\n", 1, "TTL")):
        with Server({"example.com": text}, start=False) as s:
            code, said = s.check()
            same(code, 0, said)
            first = next(l for l in said.splitlines() if ": warning: " in l)
            assert "example.com.zone:%d:" % line in first and part in first, said


@claim("faults of the configuration have their place and the nearest known key")
def configuration():
    for text, part in (
            ("edegs: {}\n", "unknown key \"edegs\""),
            ("pools: { web: { edges: [ nosuch ] } }\n", "nosuch"),
            ("edges: { a: { at: \"91,0\", a: [ 192.0.2.1 ] } }\n", "91"),
            ("edges: { a: { at: \"1,1\", a: [ 192.0.2.1 ], a: [ 192.0.2.2 ] } }\n", "twice"),
            ("edges: { a: &x { at: \"1,1\", a: [ 192.0.2.1 ] } }\n", "anchor"),
            ("edges:\n\ta: 1\n", "tab")):
        with Server({"example.com": APEX}, config=text, start=False) as s:
            code, said = s.check()
            same(code, 1, said)
            line = next(l for l in said.splitlines() if ": error: " in l)
            assert "waymark.yaml:" in line and part in said, said


@claim("check --json has each fault with its place, on standard output whatever the exit status is")
def as_json():
    import json

    def told(s):
        code, out, err = tool(WAYMARKCTL, "-c", s.conf, "check", "--json")
        same(err, "")
        return code, json.loads(out)

    with Server({"example.com": APEX + "www 60 A 192.0.2.1\nwww 30 A 192.0.2.2\n"}, CONFIG, start=False) as s:
        code, o = told(s)
        same((code, o["right"], o["config"], o["zones"], o["pools"], o["edges"], o["errors"], o["warnings"]), (0, True, s.conf, 1, 1, 1, 0, 2))
        f = [f for f in o["faults"] if f["file"].endswith(".zone")][0]
        same((f["severity"], f["file"], f["line"], f["column"]), ("warning", s.dir + "/zones/example.com.zone", 6, 1))
        s.write("zones/b.test.zone", APEX + "x A 1\n" * 60)
        code, o = told(s)
        same((code, o["right"], o["zones_faulty"], o["errors"], len(o["faults"])), (1, False, 1, 50, 50))
        s.write("waymark.yaml", "server: 1\n")
        code, o = told(s)
        same((code, o["right"], "zones" in o), (1, False, False))
        same([(f["line"], f["column"]) for f in o["faults"] if "line" in f][0], (1, 9))
        code, out, err = tool(WAYMARKCTL, "-c", s.conf + ".not", "check", "--json")
        o = json.loads(out)
        assert code == 1 and len(o["faults"]) == 1 and "No such file" in o["faults"][0]["message"], o


@claim("a configuration that is not there, a folder and a zone file that is not there are told")
def missing():
    with Server({}, start=False) as s:
        same(subprocess.run([WAYMARKCTL, "check", "-c", "/nonexistent"], capture_output=True).returncode, 1)
        same(subprocess.run([WAYMARKCTL, "check", "-c", s.dir], capture_output=True).returncode, 1)
        s.configure(zones="[ { name: example.com, file: nosuch.zone } ]")
        code, said = s.check()
        same(code, 1)
        assert "nosuch.zone" in said, said
        s.configure(zones="[ { dir: nosuch } ]")
        code, said = s.check()
        assert code == 1 and "waymark.yaml:3:" in said, said


@claim("what cannot be read, is not there or is there twice hides nothing else that is wrong")
def hides_nothing():
    config = """geoip: { city: { file: [ one.mmdb, two.mmdb ] }, asn: { file: three.mmdb } }
clients: { office: { nets: 10.0.0.0/8, file: office.txt }, guests: { file: guests.txt } }
edges: { a: { at: "1,1", a: 192.0.2.1 } }
pools: { p: { edges: [ a ], pin: [ { country: XX, to: a }, { clients: guests, to: a } ] } }
"""
    zones = """
  - { name: a.test, file: zones/a.zone }
  - { name: b.test, file: zones/b.zone }
  - { name: b.test, file: zones/c.zone }
  - { dir: folder }
"""
    with Server({}, start=False, files={"zones/a.zone": APEX + "x A 1\n", "zones/b.zone": APEX, "guests.txt": "10.0.0.0/33\n"},
                server="tls: [ { cert: none.pem, key: none.key } ]") as s:
        s.configure(config, zones)
        code, said = s.check()
        told = re.findall(r"(?:error|warning): (.*)", said)
        wanted = ["office.txt: No such", "guests.txt:1: ", "folder: No such", "zone b.test. is there twice", '1 is not an IPv4', "one.mmdb: No such",
                  "two.mmdb: No such", "three.mmdb: No such", "none.pem: No such"]
        same((code, len(told)), (1, len(wanted)), said)
        for line, part in zip(told, wanted):
            assert part in line, (part, said)
        s.write("office.txt", "10.9.0.0/16\n")
        s.write("guests.txt", "")
        s.configure(config.replace(config.splitlines()[0], "include: more.yaml"))
        code, said = s.check()
        same((code, said.count("error: "), "more.yaml: No such" in said), (1, 1, True), said)


@claim("zones of one file are right where nobody writes it, and else told at the second of them")
def one_file():
    with Server({}, start=False, files={"shared.zone": APEX}) as s:
        for a, b, right in (("", "", True), (SYNC, "", False), ("", SYNC, False), (SYNC, SYNC, False)):
            s.configure("store: { file: w.db }\n", "\n  - { name: b.test, file: shared.zone%s }\n  - { name: a.test, file: shared.zone%s }\n" % (a, b))
            code, said = s.check()
            same(code, 0 if right else 1, said)
            assert right or re.search(r"waymark.yaml:5:\d+: error: zone a.test. has the file of zone b.test. \(first at \S*waymark.yaml:4\)", said), said
            same(said.count("error: "), 0 if right else 1, said)
        s.configure("store: { file: w.db }\ntemplates: { t: { write-back: sync } }\n", "[ { name: b.test, file: shared.zone, template: t } ]")
        s.start()
        s.write("more.zone", APEX)
        os.symlink(s.dir, s.dir + "/link")
        os.symlink("more.zone", s.dir + "/name.zone")       # waymarkctl tells the server where it leads to
        for name, file, of in (("a.test", "shared.zone", "b.test."), ("c.test", "more.zone", None), ("d.test", "more.zone", "c.test."),
                               ("d.test", "link/more.zone", "c.test."), ("d.test", "name.zone", "c.test.")):
            code, said = s.ctl("zone", "add", name, "t", s.dir + "/" + file)
            same((code, "zone %s. has the file of zone %s, and" % (name, of) in said), (1 if of else 0, of is not None), said)
        for file in ("more.zone", "link/more.zone"):
            s.configure(zones="[ { name: b.test, file: shared.zone, template: t }, { name: e.test, file: %s } ]" % file)
            said = s.ctl("reload")[1]
            assert "warning: zone c.test. has the file of zone e.test. (first at " in said, said


@claim("a file that is not there is told where the configuration names it; one with measurements is no reason not to serve")
def named():
    with Server({"example.com": APEX}, start=False) as s:
        for config, line, part, want in (
                ("geoip:\n  city: { file: nosuch.mmdb }\n", 5, "nosuch.mmdb: No such file", 1),
                ("geoip: { asn: { file: [ zones, nosuch.mmdb ] } }\n", 4, "zones: ", 1),
                ("edges: { a: { at: \"1,1\", a: 192.0.2.1 } }\nlatency: { files: [ rtt.csv, more.csv ] }\n", 5, "more.csv: No such file", 0),
                ("edges: { a: { at: \"1,1\", a: 192.0.2.1 } }\nlatency:\n  mesh: mesh.csv\n", 6, "mesh.csv: No such file", 0),
                ("include: nosuch.yaml\n", 4, "nosuch.yaml: No such file", 1)):
            s.configure(config)
            s.write("rtt.csv", "prefix,edge,rtt_ms\n")
            code, said = s.check()
            same(code, want, said)
            told = [l for l in said.splitlines() if part in l]
            assert len(told) == 1 and told[0].startswith("%s:%d:" % (s.conf, line)), said
        s.configure("", zones="[ { name: example.com, file: zones/nosuch.zone } ]")
        code, said = s.check()
        assert code == 1 and "%s:3:" % s.conf in said and "zones/nosuch.zone: No such file" in said, said
        s.configure("edges: { a: { at: \"1,1\", a: 192.0.2.1 } }\nlatency: { files: [ later.csv ] }\n")
        s.start()
        assert "later.csv: No such file" in s.said(), s.said()
        code, said = s.ctl("reload")
        assert code == 0 and "warning: " in said and "later.csv" in said, said


@claim("check looks for the store: its folder is there, and what has its name is one")
def store():
    with Server({"example.com": APEX}, "store: { file: run/w.db }\n", start=False) as s:
        code, said = s.check()
        assert code == 0 and "run/w.db: cannot be made in its folder: No such file" in said, said
        os.mkdir(s.dir + "/run")
        same((s.check()[0], "w.db" in s.check()[1]), (0, False))
        s.write("run/w.db", "")                             # as who makes it beforehand does
        same((s.check()[0], "w.db" in s.check()[1]), (0, False))
        for wrong in ("no database, but a text", "no", "SQLite format 3"):
            s.write("run/w.db", wrong)
            code, said = s.check()
            assert code == 1 and re.search(r"waymark.yaml:\d+:\d+: error: \S*run/w.db: this is no store of ours", said), said
        os.remove(s.dir + "/run/w.db")
        for make, what in ((os.mkdir, "a directory"), (os.mkfifo, "a pipe")):
            make(s.dir + "/run/w.db")
            code, said = s.check()
            assert code == 1 and "run/w.db: is %s, and a file is wanted" % what in said, said
            (os.rmdir if make == os.mkdir else os.remove)(s.dir + "/run/w.db")
        s.start()
        same(s.check()[0], 0, "beside the server that has it:")


@claim("check looks at what the server reads and writes as the user that it will be, and whether there is such a user")
def as_user():
    if os.getuid() != 0:
        raise Skip("needs root")
    with Server({"example.com": APEX, "example.net": APEX}, start=False, server="workers: 1, user: nobody") as s:
        written = "control: { socket: run/s.sock, state: run/state }\nlog: { decisions: { file: run/d.log } }\n"
        s.write("waymark.yaml", open(s.conf).read().replace("control: { socket: control.sock }\n", "") + written)
        code, said = s.check()                              # whoever starts it may make the folder
        assert code == 0 and said.count("run/s.sock: cannot be made in its folder: No such file") == 1, said
        os.mkdir(s.dir + "/run")
        code, said = s.check()
        assert code == 1 and all("run/%s: cannot be made in its folder: Permission denied (as user nobody" % f in said for f in ("s.sock", "state", "d.log")), said
        assert "waymark.yaml:4:" in said and "waymark.yaml:5:" in said, said
        os.chown(s.dir + "/run", 65534, 65534)
        same(s.check()[0], 0)
        os.chmod(s.dir + "/zones/example.net.zone", 0o600)
        code, said = s.check()
        assert code == 0 and "zones/example.net.zone: Permission denied (as user nobody, who the server will be" in said and "example.com" not in said, said
        s.write("waymark.yaml", open(s.conf).read().replace("user: nobody", "user: nosuchuser"))
        code, said = s.check()
        assert code == 1 and "waymark.yaml:1:" in said and 'there is no user "nosuchuser"' in said, said
        os.mkdir(s.dir + "/own")
        s.write("own/own.zone", APEX)
        s.configure("store: { file: waymark.db }", zones="[ { name: own.test, file: own/own.zone, write-back: sync } ]")
        code, said = s.check()
        assert code == 1 and "own/own.zone: cannot be made in its folder: Permission denied (as user nobody" in said, said


@claim("a zone that is there twice is told, and hides no other fault")
def twice():
    with Server({"example.com": APEX, "bad.test": APEX + "w A 1.2.3\n"}, start=False) as s:
        for zones, said_twice in (("[ { dir: zones }, { name: Example.COM, file: zones/example.com.zone } ]", "zone example.com. is there twice"),
                                  ("[ { dir: zones }, { dir: zones } ]", "waymark.yaml:3:33: error: this folder is here twice (first at "),
                                  ("[ { name: a.test, file: zones/bad.test.zone }, { name: a.test, file: zones/example.com.zone } ]",
                                   "zone a.test. is there twice: as ")):
            s.configure(zones=zones)
            code, said = s.check()
            assert code == 1 and said_twice in said and "bad.test.zone:5:5: error: 1.2.3 is not" in said, said
            same(said.count(": error: "), 2, said)


@claim("of a folder the files of a pattern are zones, named by what its * stands for; leftovers are passed over with a word")
def pattern():
    files = {"zones/db.a.test": APEX, "zones/db.b.test": APEX + "w A 192.0.2.1\n", "zones/named.conf": "zone {};\n",
             "zones/db.a.test.bak": "rubbish\n", "zones/db.b.test~": "rubbish\n", "zones/.db.c.test": "rubbish\n", "zones/#db.d.test#": ""}
    with Server({}, start=False, files=files) as s:
        s.configure(zones="[ { dir: zones, files: \"db.*\" } ]")
        s.start()
        same([z["zone"] for z in json.loads(s.ctl("zones", "--json")[1])], ["a.test.", "b.test."])
        same(s.udp("w.b.test").addresses(), ["192.0.2.1"])
        for said in (s.said(), s.check()[1]):
            assert "zones: 2 files are passed over as what editors and packages leave behind: db." in said, said
        s.configure(zones="[ { dir: zones, files: \"*.zone\" } ]")
        code, said = s.check()
        assert code == 0 and "no file is called like \"*.zone\"" in said, said
        for wrong in ("[ { name: a.test, file: zones/db.a.test, files: \"db.*\" } ]", "[ { dir: zones, files: \"a/*\" } ]", "[ { dir: zones, files: \"\" } ]"):
            s.configure(zones=wrong)
            code, said = s.check()
            assert code == 1 and "waymark.yaml:3:" in said, said


@claim("a file that only root can read is told of at the start, and by check, when somebody else will reload")
def readable():
    if os.getuid() != 0:
        raise Skip("who runs the tests is not root")
    files = {"inc": "w A 192.0.2.1\n", "zones/b.test.zone": APEX + "$INCLUDE ../inc\n"}
    with Server({"a.test": APEX, "c.test": APEX}, server="workers: 1, user: nobody", start=False, files=files) as s:
        os.chmod(s.dir, 0o777)
        for name in ("inc", "zones/a.test.zone"):
            os.chmod(os.path.join(s.dir, name), 0o600)
        s.start()
        for said in (s.said(), s.check()[1]):
            for name in ("zones/a.test.zone", "inc"):
                assert name + ": Permission denied" in said and "nobody" in said, said
            assert "c.test.zone: Perm" not in said and "b.test.zone: Perm" not in said, said


@claim("wrong use exits with 2")
def usage():
    for argv in ([], ["-c"], ["check", "more"], ["-x"]):
        same(subprocess.run([WAYMARKCTL] + argv, capture_output=True).returncode, 2, argv)
    for argv in ([], ["-c"], ["-c", "x", "y"]):
        same(subprocess.run([WAYMARKD] + argv, capture_output=True).returncode, 2, argv)


@claim("--help, -h, help, --version, -V and version of all three programs print and exit with 0; a word they do not know exits with 2")
def help_words():
    for program in (WAYMARKD, WAYMARKCTL, BUILD + "/waymark-agent"):
        name = os.path.basename(program)
        for word in ("--help", "-h", "help"):
            code, out, err = tool(program, word)
            assert code == 0 and out.startswith("usage: " + name) and "--version" in out and not err, (program, word, code, err)
        for word in ("--version", "-V", "version"):
            code, out, err = tool(program, word)
            assert code == 0 and out.split()[0] == name and len(out.splitlines()) == 1 and not err, (program, word, code, err)
        code, out, err = tool(program, "--vresion")
        assert code == 2 and "usage: " in err and not out, (program, code, out, err)


@claim("cases are tried without a server; what differs is told with its place, a file that is wrong tries nothing")
def cases():
    with tempfile.TemporaryDirectory() as d:
        def put(name, text):
            with open(d + "/" + name, "w") as f:
                f.write(text)
            return d + "/" + name
        put("z.zone", "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\nw EDGE web\nv EDGE video\nt EDGE top\n")
        conf = put("w.yaml", """server: { listen: [ "127.0.0.1:5300" ] }
edges: { a1: { a: 192.0.2.1 }, a2: { a: 192.0.2.2 }, b1: { a: 192.0.2.3, aaaa: "2001:db8::3" } }
pools:
  web: { edges: [ a1, a2, b1 ], policy: ordered }
  video: { edges: [ a1, a2 ], policy: weighted }
  top: { edges: [ { pool: video }, b1 ], policy: ordered }
maintenance: [ { edges: "a*", pools: web, from: 2030-01-01T00:00Z, until: 2030-01-01T02:00Z } ]
zones: [ { name: example.org, file: z.zone } ]
""")
        good = put("good.yaml", """config: w.yaml
cases:
- { ask: w.example.org, client: 8.8.8.8, edges: a1, records: [ A 192.0.2.1 ], rcode: NOERROR, ttl: 300, scope: 0 }
- { ask: w.example.org, client: 8.8.8.8, down: a1, edges: a2 }
- { ask: w.example.org, client: 8.8.8.8, down: a1@video, edges: a1 }
- { ask: w.example.org, client: 8.8.8.8, at: 2030-01-01T01:00Z, edges: b1 }
- { ask: w.example.org, client: 8.8.8.8, at: 2030-01-01T02:00Z, edges: a1 }
- { ask: w.example.org, client: 8.8.8.8, at: 2030-01-01T01:00Z, up: a2, edges: a2 }
- { ask: v.example.org, client: 8.8.8.8, drain: a1, within: [ a2 ], without: [ a1 ] }
- { ask: t.example.org, client: 8.8.8.8, down: "pool:video", edges: b1 }
- { ask: t.example.org AAAA, client: 8.8.8.8, edges: b1, records: [ "2001:db8::3" ] }
- { ask: v.example.org AAAA, client: 8.8.8.8, edges: [], records: [] }
- { ask: x.example.org, client: 8.8.8.8, rcode: NXDOMAIN }
- { ask: ns.example.org, client: 8.8.8.8, records: 192.0.2.9 }
""")
        code, out, err = tool(WAYMARKCTL, "test", good)
        assert (code, out, err) == (0, "12 cases: 12 right, 0 wrong\n", ""), (code, out, err)
        wrong = put("wrong.yaml", """cases:
- { name: one, ask: w.example.org, client: 8.8.8.8, edges: a2 }
- { ask: w.example.org, client: 8.8.8.8, without: [ a2, a1 ], ttl: 1, rcode: REFUSED, scope: 9 }
- { ask: w.example.org, client: 8.8.8.8, records: [ 192.0.2.1, 192.0.2.2 ] }
- { ask: w.example.org, client: 8.8.8.8, edges: a3 }
- { ask: w.example.org, client: 8.8.8.8, down: a1@wbe, edges: a1 }
- { ask: w.example.org, client: 8.8.8, edges: a1 }
""")
        code, out, err = tool(WAYMARKCTL, "-c", conf, "test", wrong, "--junit", d + "/j.xml", "--explain")
        for line in (":2:3: one: w.example.org for 8.8.8.8\n", ":2:60: edges: expected a2, got a1\n", "    1  a1  ", ":3:57: without: expected not a1, got a1\n",
                     ":3:68: ttl: expected 1, got 300\n", ":3:78: rcode: expected REFUSED, got NOERROR\n", ":3:94: scope: expected /9, got /0\n",
                     ":4:51: records: expected 192.0.2.1 192.0.2.2, got A 192.0.2.1\n", ':5:3: there is no edge "a3"; did you mean "a', ':6:3: there is no pool "wbe"',
                     ":7:3: --client 8.8.8: not an address", "6 cases: 0 right, 6 wrong\n"):
            assert line in out, (line, out)
        assert code == 1 and not err, (code, err)
        with open(d + "/j.xml") as f:
            j = f.read()
        assert j.count("<failure") == 6 and 'tests="6" failures="6"' in j and "expected a2, got a1" in j, j
        import xml.dom.minidom
        xml.dom.minidom.parseString(j)
        # To this one 1 is an answer.
        with open("/dev/full", "w") as full:
            done = subprocess.run([WAYMARKCTL, "-c", conf, "test", wrong], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 2 and "not all has come out: No space left on device" in done.stderr, done
        code, out, err = tool(WAYMARKCTL, "-c", conf, "test", wrong, good, "--tap")
        assert code == 1 and out.startswith("TAP version 13\nnot ok 1 - one: ") and out.endswith("1..18\n") and out.count("\nok ") == 12, out
        for text, say in (("cases: [ { ask: w.example.org, client: 8.8.8.8 } ]", ":1:10: error: this case expects nothing"),
                          ("cases: [ { ask: w.example.org, edges: a1 } ]", ':1:10: error: "client" is missing in this case'),
                          ("cases: [ { ask: w, client: 8.8.8.8, egdes: a1 } ]", ':1:37: error: unknown key "egdes" in this case; did you mean "edges"?'),
                          ("cases: [ { ask: w, client: 8.8.8.8, edges: a1, at: noon } ]", ":1:52: error: \"at\" must be a moment in UTC"),
                          ("cases: 7", ":1:8: error: \"cases\" must be a list"), ("", "error: ")):
            code, out, err = tool(WAYMARKCTL, "-c", conf, "test", put("bad.yaml", text))
            assert code == 2 and not out and say in err, (text, code, out, err)
        code, out, err = tool(WAYMARKCTL, "-c", conf, "test", d + "/gone.yaml")
        assert code == 2 and "gone.yaml" in err, err
        code, out, err = tool(WAYMARKCTL, "test")
        assert code == 2 and "usage:" in err, err


# What is wrong, where ("~" in front of it), and what is said. Without a word of its own a line is as in FINE; lines are 1 server, 2 edges, 3 probes, 4 pools, 5 zones, 6 and on more.
FINE = {"server": '{ listen: [ "127.0.0.1:5300" ] }',
        "edges": '{ ams1: { at: "52.37,4.90", a: 192.0.2.1 }, fra1: { at: "50.11,8.68", a: 192.0.2.2 }, iad1: { at: "38.95,-77.45", a: 192.0.2.3 } }',
        "probes": "{ tcp: { kind: tcp, port: 80 } }",
        "pools": "{ web: { edges: [ ams1, fra1, iad1 ], probe: tcp } }",
        "zones": "[ { name: example.org, file: z.zone } ]"}
WEB = "{ web: { edges: [ ams1, fra1, iad1 ], probe: tcp, %s } }"
AMS = '{ ams1: { at: "52.37,4.90", a: 192.0.2.1, %s }, fra1: { at: "50.11,8.68", a: 192.0.2.2 }, iad1: { at: "38.95,-77.45", a: 192.0.2.3 } }'
WRONG = [
    # words of the schema
    ({"~srever": "{}"}, 'unknown key "srever" in the configuration; did you mean "server"?'),
    ({"server": "{ ~lisen: 127.0.0.1:53 }"}, 'unknown key "lisen" in server; did you mean "listen"?'),
    ({"edges": AMS % "~wieght: 3"}, 'unknown key "wieght" in edge ams1; did you mean "weight"?'),
    ({"edges": AMS % "weight: ~heavy"}, '"weight" must be'),
    ({"edges": AMS % "state: ~drian"}, 'not "drian"; did you mean "drain"?'),
    ({"edges": AMS % "state: ~off"}, '"state" must be up, down or drain, not "off"'),
    ({"edges": AMS % "capacity: ~-1"}, '"capacity" must be'),
    ({"edges": AMS % 'aaaa: "~2001:db8::g"'}, "is not an IPv6 address"),
    ({"edges": '{ ams1: { at: ~"52.37", a: 192.0.2.1 }, fra1: { a: 192.0.2.2 }, iad1: { a: 192.0.2.3 } }'}, '"at" must be'),
    ({"edges": '{ ams1: { at: ~"91,4", a: 192.0.2.1 }, fra1: { a: 192.0.2.2 }, iad1: { a: 192.0.2.3 } }'}, "a latitude is from -90 to 90"),
    ({"edges": "{ ams1: { a: ~192.0.2.256 }, fra1: { a: 192.0.2.2 }, iad1: { a: 192.0.2.3 } }"}, "192.0.2.256"),
    ({"pools": WEB % "policy: ~nearst"}, 'not "nearst"; did you mean "nearest"?'),
    ({"pools": WEB % "policy: ~orderd"}, 'did you mean "ordered"?'),
    ({"pools": WEB % "policy: ~weigthed"}, 'did you mean "weighted"?'),
    ({"pools": WEB % "policy: ~round_robin"}, 'did you mean "round-robin"?'),
    ({"pools": WEB % "policy: ~least-latencies"}, 'did you mean "least-latency"?'),
    ({"pools": WEB % "~polcy: nearest"}, 'did you mean "policy"?'),
    ({"pools": WEB % "answers: ~0"}, '"answers" must be'),
    ({"pools": WEB % "ttl: ~60s-20s"}, '"ttl"'),
    ({"pools": WEB % "affinity: ~clinet"}, '"affinity" must be'),
    ({"pools": WEB % "all-down: ~frist"}, '"all-down"'),
    ({"pools": "{ web: { edges: [ ~asm1, fra1, iad1 ] } }"}, 'there is no edge "asm1"; did you mean "ams1"?'),
    ({"pools": "{ web: { edges: [ ams1, fra1, iad1 ], probe: ~tpc } }"}, 'there is no probe "tpc"; did you mean "tcp"?'),
    ({"pools": "{ web: { edges: [ ams1, fra1, { pool: ~vidoe } ] }, video: { edges: [ iad1 ] } }"}, 'there is no pool "vidoe"; did you mean "video"?'),
    ({"pools": "{ web: { edges: [ ams1, fra1, ~ams1 ] } }"}, "ams1"),
    ({"pools": WEB % "default: [ ~iad2 ]"}, 'there is no edge "iad2"; did you mean "iad1"?'),
    ({"probes": "{ tcp: { kind: ~tpc, port: 80 } }"}, '"kind" must be'),
    ({"probes": "{ tcp: { kind: tcp, port: ~0 } }"}, '"port" must be'),
    ({"probes": "{ tcp: { kind: tcp, port: 80, ~intervall: 5s } }"}, 'unknown key "intervall"'),
    ({"zones": "[ { ~nane: example.org, file: z.zone } ]"}, 'did you mean "name"?'),
    ({"zones": "[ { name: example.org, file: z.zone, template: ~hosted } ]"}, 'there is no template "hosted"'),
    ({"zones": "[ { name: ~exa..mple, file: z.zone } ]"}, "exa..mple"),
    # pins
    ({"pools": WEB % "pin: { country: { ~UK: ams1 } }"}, 'no client matches this pin: the GeoIP files know none such; did you mean "GB"?'),
    ({"pools": WEB % "pin: { country: { ~England: ams1 } }"}, "England"),
    ({"pools": WEB % "pin: { city: { ~Berlni: ams1 } }"}, 'did you mean "Berlin"?'),
    ({"pools": WEB % "pin: { continent: { ~EE: ams1 } }"}, "EE"),
    ({"pools": WEB % "pin: { asn: { ~64500: ams1 } }"}, "there is no geoip: asn: file"),
    ({"pools": WEB % "pin: { net: { ~192.0.2.0/33: ams1 } }"}, "192.0.2.0/33"),
    ({"pools": WEB % "~pins: { country: { DE: ams1 } }"}, 'did you mean "pin"?'),
    ({"pools": WEB % "pin: { ~countries: { DE: ams1 } }"}, 'unknown key "countries"'),
    ({"pools": WEB % "pin: [ { net: 10.0.0.0/8, to: ams1, only: on }, ~{ net: 10.1.0.0/16, to: fra1 } ]"}, "the rule of line 4 takes all these clients before [shadowed-rule]"),
    ({"pools": WEB % "pin: [ { country: DE, to: ams1 }, ~{ country: DE, net: 10.1.0.0/16, to: fra1 } ]"}, "takes all these clients before, while an edge of it is up [shadowed-rule]"),
    ({"pools": WEB % "pin: [ { country: DE, via: [ tls, quic ], to: ams1, only: on }, ~{ country: DE, via: tls, type: A, to: fra1 } ]"}, "the rule of line 4 takes all these clients before [shadowed-rule]"),
    ({"pools": WEB % 'pin: [ { during: [ "Mon 08:00-10:00", "Sat" ], to: ams1, only: on }, ~{ during: "Sat", country: GB, to: fra1 } ]'}, "the rule of line 4 takes all these clients before [shadowed-rule]"),
    ({"clients": "{ office: { nets: 10.0.0.0/8 } }", "pools": WEB % "pin: [ { clients: office, to: ams1, only: on }, ~{ clients: office, resolver: 192.0.2.0/24, to: fra1 } ]"}, "the rule of line 4 takes all these clients before [shadowed-rule]"),
    ({"pools": WEB % "pin: [ { country: DE, not: { net: 10.1.0.0/16 }, to: ams1, only: on }, ~{ country: DE, not: { net: 10.0.0.0/8 }, to: fra1 } ]"}, "the rule of line 4 takes all these clients before [shadowed-rule]"),
    ({"pools": WEB % "pin: [ ~{ country: DE, not: { country: [ DE, FR ] }, to: ams1 } ]"}, 'its "not" leaves out all that it is for [empty-rule]'),
    ({"pools": WEB % "pin: [ ~{ net: 10.1.0.0/16, not: { net: 10.0.0.0/8 }, to: ams1 } ]"}, 'its "not" leaves out all that it is for [empty-rule]'),
    ({"pools": WEB % "all-down: ~frist"}, 'not "frist"; did you mean "first"?'),
    ({"pools": WEB % "pin: [ { type: ~AAA, to: ams1 } ]"}, 'not "AAA"; did you mean "AAAA"?'),
    ({"pools": "{ web: { edges: [ ams1, fra1, iad1 ], probe: { ~al: [ tcp, icmp ] } } }"}, 'unknown key "al" in probe; did you mean "all"?'),
    ({"pools": WEB % "families: ~aprat"}, 'must be together or apart, not "aprat"; did you mean "apart"?'),
    ({"pools": WEB % "least-up: { aaaa: ~0 }"}, '"aaaa" must be a number of edges from 1 on, not "0"'),
    ({"pools": WEB % "least-up: ~{ aaaa: 9 }"}, "pool web is up with 9 edges with an IPv6 address, and has 0 that may be up: in other pools it never is"),
    ({"server": '{ listen: "127.0.0.1:5300", folders: ~none }'}, '"folders" must be any, or the path of a folder, or a list of them, not "none"'),
    ({"server": '{ listen: "127.0.0.1:5300", folders: [ /tmp, ~any ] }'}, '"folders" must be any, or the path of a folder, or a list of them, not "any"'),
    ({"server": '{ listen: "127.0.0.1:5300", folders: [ /tmp, ~later.d ] }'}, "later.d: there is no such folder: nothing in it can be opened until it is there"),
    ({"store": "{ file: w.db, images: ~on }"}, '"images" must be the path of a folder, or off, not "on"'),
    # what is right and looks wrong
    ({"edges": '{ ams1: { at: ~"4.90,52.37", a: 192.0.2.1 }, fra1: { at: "50.11,8.68", a: 192.0.2.2 }, iad1: { at: "38.95,-77.45", a: 192.0.2.3 } }'},
     'near "52.37,4.9": are latitude and longitude swapped? [swapped-coordinates]'),
    ({"edges": '{ ams1: { at: ~"0,0", a: 192.0.2.1 }, fra1: { at: "50.11,8.68", a: 192.0.2.2 }, iad1: { at: "38.95,-77.45", a: 192.0.2.3 } }'}, "Gulf of Guinea [null-island]"),
    ({"edges": '{ ams1: { a: 192.0.2.1 }, fra1: { at: "50.11,8.68", a: 192.0.2.2 }, iad1: { at: "38.95,-77.45", a: 192.0.2.3 } }', "pools": "{ web: { edges: [ ~ams1, fra1, iad1 ], probe: tcp } }"},
     'edge ams1 has no "at", and pool web is nearest'),
    ({"pools": "{ web: { edges: [ ams1, fra1 ], probe: tcp } }", "edges": AMS.replace("iad1", "~iad1") % "weight: 1"}, 'no pool has edge "iad1" [unused-edge]'),
    ({"pools": "{ web: { edges: [ ams1, fra1, iad1 ], probe: tcp }, ~old: { edges: [ ams1, fra1 ] } }"}, 'no zone has an EDGE record for pool "old", and no pool names it [unused-pool]'),
    ({"probes": "{ tcp: { kind: tcp, port: 80 }, ~old: { kind: tcp, port: 81 } }"}, 'nothing names probe "old" [unused-probe]'),
    ({"clients": "{ ~office: { nets: 10.0.0.0/8 } }"}, 'nothing names the class of clients "office" [unused-class]'),
    ({"peers": '{ ~ns2: { at: "192.0.2.9:53" } }'}, 'nothing names peer "ns2" [unused-peer]'),
    ({"keys": '{ ~xfr: { algorithm: hmac-sha256, secret: "uL5RjRPq3D8nGmy4YMXy1XyBKB+ChyqPd9NXqGkV4Z0=" } }'}, 'nothing names key "xfr" [unused-key]'),
    ({"templates": "{ ~hosted: { transfer: none } }"}, 'no zone has template "hosted" [unused-template]'),
    ({"pools": "{ ~web: { edges: [ ams1 ], probe: tcp }, two: { edges: [ fra1, iad1, { pool: web } ] } }"}, "pool web has one edge that may be up: nothing is left for its names when that fails [one-edge]"),
    ({"edges": AMS % "weight: 0", "pools": "{ web: { edges: [ ~ams1, fra1, iad1 ], probe: tcp, policy: weighted } }"}, "ams1 weighs 0 and is not chosen while another"),
    ({"pools": "{ web: { edges: [ { edge: ~ams1, weight: 0 }, fra1, iad1 ], probe: tcp, policy: weighted } }"}, "ams1 weighs 0 and is not chosen while another"),
    ({"pools": "{ web: { edges: [ ams1, fra1, iad1 ], policy: ~ordered }, x: { edges: [ ams1, { pool: web } ], probe: tcp } }"}, "without a probe the first edge is never down"),
    ({"pools": WEB % "ttl: ~20s-1h"}, "answers live up to 3600 s after their edge has failed its probe [long-ttl]"),
    ({"pools": WEB % "ttl: ~2s"}, "answers live 2 s at most: resolvers ask without end"),
    ({"maintenance": "[ { edges: ams1, from: 2020-01-01T00:00Z, until: ~2020-01-02T00:00Z } ]"}, "this window is over; take it out [window-over]"),
    ({"maintenance": "[ { edges: ams1, from: 2020-01-02T00:00Z, until: ~2020-01-01T00:00Z } ]"}, "it ends before it begins"),
    ({"maintenance": "[ { edges: ams1, from: ~02:00, until: 2030-01-01T00:00Z } ]"}, '"from" must be a moment in UTC'),
    ({"maintenance": '[ { edges: ~"asm*", from: 2030-01-01T00:00Z, until: 2030-01-02T00:00Z } ]'}, 'no edge is like "asm*"'),
    ({"maintenance": "[ { edges: ~group:eu, from: 2030-01-01T00:00Z, until: 2030-01-02T00:00Z } ]", "edge-groups": "{ eur: [ ams1 ] }"}, 'there is no group "eu" in edge-groups'),
    ({"maintenance": "[ { edges: ams1, pools: ~wbe, from: 2030-01-01T00:00Z, until: 2030-01-02T00:00Z } ]"}, 'there is no pool "wbe"; did you mean "web"?'),
    ({"maintenance": "[ { edges: ams1, state: ~dwon, from: 2030-01-01T00:00Z, until: 2030-01-02T00:00Z } ]"}, 'did you mean "down"?'),
    # as many again
    ({"server": "{ listen: [ ~\"127.0.0.1:99999\" ] }"}, '"127.0.0.1:99999": the port is a number from 1 to 65535'),
    ({"server": "{ listen: [ ~\"tsl:127.0.0.1:853\" ] }"}, '"tsl:127.0.0.1:853" is not an address: write it in numbers (192.0.2.1:53, [2001:db8::1]:53),'),
    ({"server": '{ listen: [ "127.0.0.1:5300" ], workers: ~-2 }'}, '"workers" must be auto, or a number from 1 to 256, not "-2"'),
    ({"server": '{ listen: [ "127.0.0.1:5300" ], ~worker: 2 }'}, 'unknown key "worker" in server; did you mean "workers"?'),
    ({"edges": AMS % 'flatten: "~exa..mple"'}, '"exa..mple" has an empty label (two dots together, or a dot in front)'),
    ({"edges": AMS % "bias: ~100"}, '"bias" must be a whole number from -99 to 99, not "100"'),
    ({"edges": AMS % "cost: ~-1"}, '"cost" must be a number from 0 to 1000000, not "-1"'),
    ({"edges": AMS % "needs: [ ~fra2 ]"}, 'there is no edge "fra2"; did you mean "fra1"?'),
    ({"edges": AMS % "probe: ~htpp"}, 'there is no probe "htpp"; did you mean "http"?'),
    ({"pools": "{ web: { edges: ~[ ] } }"}, '"edges" must be the name of an edge, or a list of them, or of pools, not an empty list'),
    ({"pools": "{ web: { edges: [ ams1, fra1, ~{ weight: 3 } ] } }"}, "a member is an edge or a pool; write { edge: NAME } or { pool: NAME }"),
    ({"pools": "{ web: { edges: [ ams1, fra1, { edge: iad1, weight: ~120% } ] } }"}, '"weight" must be a number from 0 to 65535, or a share such as 5%, not "120%"'),
    ({"pools": "{ web: { edges: [ ams1, fra1, { edge: iad1, ~wait: 3 } ] } }"}, 'unknown key "wait" in this member'),
    ({"pools": "{ web: { edges: [ ams1, fra1, { edge: iad1, priority: ~first } ] } }"}, '"priority" must be a number from 0 to 65535, not "first"'),
    ({"pools": "{ web: { edges: [ ams1, fra1, { edge: iad1, a: ~10.0.0 } ] } }"}, '"10.0.0" is not an IPv4 address'),
    ({"pools": "{ web: { edges: [ ams1, fra1, iad1 ], all-down: { pool: ~wbe } } }"}, 'there is no pool "wbe"; did you mean "web"?'),
    ({"pools": WEB % "fail-back: ~manuel"}, '"fail-back" must be auto, manual or "after TIME", such as after 10m, not "manuel"'),
    ({"pools": WEB % "spread: ~wide"}, '"spread" must be a time or a share, such as 10ms or 5%, not "wide"'),
    ({"pools": WEB % "cost: ~20"}, '"cost" must be a time such as 2ms, not "20"'),
    ({"pools": WEB % "panic: ~150%"}, '"panic" must be a share of the pool\'s edges from 0% to 100%, not "150%"'),
    ({"pools": WEB % "least-up: ~9"}, "pool web is up with 9 of its edges, and has 3 that may be up: in other pools it never is"),
    ({"pools": WEB % 'https: { ~alnp: [ h2 ] }'}, 'unknown key "alnp" in https; did you mean "alpn"?'),
    ({"pools": WEB % 'https: { port: ~70000 }'}, '"port" must be a port from 1 to 65535, not "70000"'),
    ({"pools": "{ web: { edges: [ ams1, fra1, iad1 ], probe: { all: [ tcp, ~htp ] } } }"}, 'there is no probe "htp"; did you mean "http"?'),
    ({"pools": "{ web: { edges: [ ams1, fra1, iad1 ], probe: { at-least: ~3, of: [ tcp ] } } }"}, "at least 3 of 1 can never be up"),
    ({"pools": WEB % "pin: [ { ~contry: DE, to: ams1 } ]"}, 'unknown key "contry" in this rule; did you mean "country"?'),
    ({"pools": WEB % "pin: [ ~{ country: DE } ]"}, 'this rule has no "to"; write for example: to: ams1'),
    ({"pools": WEB % "pin: [ { country: DE, to: ~noboby } ]"}, 'there is no edge "noboby"; did you mean "nobody"?'),
    ({"pools": WEB % "pin: [ { clients: ~ofice, to: ams1 } ]", "clients": "{ office: { nets: 10.0.0.0/8 } }"}, 'there is no class of clients "ofice"; did you mean "office"?'),
    ({"pools": WEB % "pin: [ { during: ~\"Mon-Fry 08:00-18:00\", to: ams1 } ]"}, "write days (Mon-Fri, or Sat,Sun), hours (08:00-18:00) or both, and a time zone, such as"),
    ({"pools": WEB % "pin: [ { during: ~\"Mon-Fri 08:00-18:00 Europe/Berln\", to: ams1 } ]"}, 'there is no time zone "Europe/Berln" in /usr/share/zoneinfo/'),
    ({"pools": WEB % "pin: [ { during: ~\"Mon-Fri 25:00-26:00\", to: ams1 } ]"}, "hours are as in 08:00-18:00, up to 24:00"),
    ({"pools": WEB % "pin: [ { via: ~upd, to: ams1 } ]"}, '"via" must be udp, tcp, tls, https or quic, or a list of them, not "upd"'),
    ({"pools": WEB % "pin: [ { type: ~AAA, to: ams1 } ]"}, '"type" must be A or AAAA, or a list of them, not "AAA"'),
    ({"pools": WEB % "pin: [ { country: DE, to: ~[ ] } ]"}, '"to" must be edges, a pool, nobody or refused, not an empty list'),
    ({"pools": WEB % "pin: [ { country: DE, to: ams1, only: ~yep } ]"}, '"only" must be on or off, not "yep"'),
    ({"pools": WEB % "pin: { country: { DE: ~sin1 } }"}, 'there is no edge "sin1"; write it under "edges" first'),
    ({"clients": "{ office: { nets: ~10.0.0.0/8/8 } }"}, '"10.0.0.0/8/8": a prefix length here is a number from 0 to 32'),
    ({"clients": "{ office: { ~net: 10.0.0.0/8 } }"}, 'unknown key "net" in class office; did you mean "nets"?'),
    ({"zones": "[ { name: example.org, file: z.zone, for: ~ofice } ]", "clients": "{ office: { nets: 10.0.0.0/8 } }"}, 'there is no class of clients "ofice"; did you mean "office"?'),
    ({"zones": "[ { name: example.org, file: z.zone, dnssec: ~atuo } ]"}, 'there is no policy "atuo"; did you mean "auto"?'),
    ({"zones": "[ { name: example.org, file: z.zone, notify: [ ~ns3 ] } ]"}, 'there is no peer "ns3"; write it under "peers" first'),
    ({"zones": "[ { name: example.org, file: z.zone, transfer: [ ~192.0.2.0/40 ] } ]"}, '"192.0.2.0/40": a prefix length here is a number from 0 to 32'),
    ({"zones": "[ { ~file: z.zone } ]"}, 'this zone has no "name"; write for example: name: example.com'),
    ({"keys": '{ xfr: { algorithm: ~hmac-sha255, secret: "uL5RjRPq3D8nGmy4YMXy1XyBKB+ChyqPd9NXqGkV4Z0=" } }'}, '"algorithm" must be hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224, hmac-sha1 or hmac-md5'),
    ({"keys": '{ xfr: { algorithm: hmac-sha256, secret: ~"not base64!" } }'}, '"secret" must be 1 to 128 bytes in base64 ("openssl rand -base64 32" makes them)'),
    ({"peers": '{ ns2: { at: ~"192.0.2.9.1:53" } }'}, '"192.0.2.9.1:53" is not an address (write 192.0.2.1:53 or [2001:db8::1]:53)'),
    ({"peers": '{ ns2: { at: "192.0.2.9:53", key: ~xrf } }'}, 'there is no key "xrf"; write it under "keys" first'),
    ({"probes": "{ tcp: { kind: tcp, port: 80, timeout: ~5s } }"}, 'a probe\'s "timeout" (5000 ms) must end before its next turn ("every": 4000 ms)'),
    ({"probes": "{ tcp: { kind: tcp, port: 80, every: ~1s } }"}, 'a probe\'s "timeout" is 2000 ms unless written, and must end before its next turn ("every": 1000 ms); write for example: timeout: 500ms'),
    ({"probes": "{ tcp: { kind: http, port: 80, expect: ~20x } }"}, '"expect" must be an HTTP status (100 to 999), a range such as 200-299, or a list of them, not'),
    ({"probes": "{ tcp: { kind: http, port: 80, path: ~health } }"}, '"path" must be a path that begins with "/", without blanks and "#", not "health"'),
    ({"probes": "{ tcp: { kind: ~icpm } }"}, '"kind" must be none, icmp, tcp, http, https, dns, exec or external, not "icpm"; did you mean'),
    ({"management": "{ ~listn: \"127.0.0.1:9953\" }"}, 'unknown key "listn" in management; did you mean "listen"?'),
    ({"log": "{ queries: { file: q.log, sample: ~200% } }"}, '"sample" must be a share of the queries from 0.0001% to 100%, not "200%"'),
    ({"templates": "{ hosted: { ~dnsec: auto } }"}, 'unknown key "dnsec" in hosted; did you mean "dnssec"?'),
    ({"latency": "{ ~switch-gian: 3ms }"}, 'unknown key "switch-gian" in latency'),
    ({"edge-groups": "{ eu: [ ~asm1 ] }"}, 'there is no edge "asm1"; did you mean "ams1"?'),
    ({"dnssec": "{ auto: { algorithm: ~ecdsa } }"}, '"algorithm" must be ecdsap256sha256, ecdsap384sha384, ed25519, ed448, rsasha256 or rsasha512,'),
    ({"dnssec": "{ auto: { algorithm: ecdsap256sha256, denial: ~nsec4 } }"}, '"denial" must be nsec, nsec3 or nsec3-opt-out, not "nsec4"; did you mean "nsec"?'),
    ({"pools": WEB % "default: ~[ ]"}, '"default" must be the name of an edge, or a list of them, not an empty list'),
    ({"pools": "{ web: { edges: [ ams1, fra1, iad1 ], probe: tcp }, ~web: { edges: [ ams1 ] } }"}, "this key is here twice (first on line 4); take one out"),
    ({"pools": "{ web: ~[ ams1, fra1 ] }"}, "pool web must be a mapping of keys and values, not a list"),
    ({"edges": "{ ams1: ~192.0.2.1, fra1: { a: 192.0.2.2 }, iad1: { a: 192.0.2.3 } }"}, "edge ams1 must be a mapping of keys and values, not one value"),
    ({"pools": WEB % "hash-balance: ~50%"}, '"hash-balance" must be a share from 110% to 1000%, or off, not "50%"'),
]


def shown_wrong(d, lines):
    """The text of a configuration, and where the mark stands in it: line and column."""
    rows = [(k, lines.get(k, FINE[k])) for k in FINE] + [("geoip", "{ city: { file: city.mmdb } }")] + [(k, v) for k, v in lines.items() if k not in FINE]
    text = "".join("%s: %s\n" % row for row in rows)
    at = text.index("~")
    quoted = text[at + 1] == '"'
    line, column = text[:at].count("\n") + 1, at - (text[:at].rindex("\n") if "\n" in text[:at] else -1)
    if not quoted and text[at - 1] == '"':
        column -= 1                                         # of a scalar with quotes: where it begins
    with open(d + "/w.yaml", "w") as f:
        f.write(text[:at] + text[at + 1:])
    return "w.yaml:%d:%d: " % (line, column)


@claim("120 wrong configurations are told with line, column and hint; what looks wrong is a warning that can be allowed")
def wrong_configurations():
    import mmdb
    with tempfile.TemporaryDirectory() as d:
        with open(d + "/z.zone", "w") as f:
            f.write("$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\nw EDGE web\n")
        places = {"10.0.0.0/8": ("DE", "Berlin", 52.5, 13.4), "11.0.0.0/8": ("NL", "Amsterdam", 52.37, 4.89), "12.0.0.0/8": ("GB", "London", 51.5, -0.1)}
        mmdb.write(d + "/city.mmdb", {n: {"country": {"iso_code": c}, "city": {"names": {"en": t}}, "location": {"latitude": a, "longitude": o}} for n, (c, t, a, o) in places.items()})
        shown_wrong(d, {"edge-groups": "{ eu: ~ams1 }"})    # right, but for nothing
        code, out, err = tool(WAYMARKCTL, "-c", d + "/w.yaml", "check")
        assert code == 0 and not [r for r in err.splitlines() if "error:" in r or "[" in r.partition("warning:")[2]], (out, err)
        for pair in ("{ country: DE, via: tls, to: ams1 }, ~{ country: DE, to: fra1 }", "{ country: DE, type: A, to: ams1 }, ~{ country: DE, type: [ A, AAAA ], to: fra1 }",
                     "{ clients: office, to: ams1 }, ~{ clients: [ office, home ], to: fra1 }", "{ clients: office, to: ams1 }, ~{ country: DE, to: fra1 }",
                     '{ during: "Sat", to: ams1 }, ~{ during: "Sun", to: fra1 }', "{ country: DE, not: { net: 10.0.0.0/8 }, to: ams1 }, ~{ country: DE, not: { net: 10.1.0.0/16 }, to: fra1 }",
                     "{ country: DE, not: { net: 10.0.0.0/8 }, to: ams1 }, ~{ country: DE, to: fra1 }",
                     "{ country: [ DE, FR ], not: { country: DE }, to: ams1 }, ~{ not: { country: FR }, to: fra1 }"):
            shown_wrong(d, {"pools": WEB % "pin: [ %s ]" % pair, "clients": "{ office: { nets: 10.0.0.0/8 }, home: { nets: 11.0.0.0/8 } }"})
            code, out, err = tool(WAYMARKCTL, "-c", d + "/w.yaml", "check")
            assert code == 0 and "shadowed-rule" not in err and "empty-rule" not in err, (pair, err)
        missing = []
        for lines, say in WRONG:
            where = shown_wrong(d, lines)
            code, out, err = tool(WAYMARKCTL, "-c", d + "/w.yaml", "check")
            if not [r for r in err.splitlines() if where in r and say in r]:
                missing.append("%s%s\n    %s" % (where, say, "\n    ".join(r for r in err.splitlines() if "w.yaml:" in r) or out))
        assert len(WRONG) >= 120 and not missing, "\n".join([str(len(missing))] + missing)
        # Silence: on the line, above it, by the command; and --strict.
        for text in ("x: 1", ):
            shown_wrong(d, {"clients": "{ ~office: { nets: 10.0.0.0/8 } }"})
        code, out, err = tool(WAYMARKCTL, "-c", d + "/w.yaml", "check", "--strict")
        assert code == 1 and "1 warning" in out, (code, out, err)
        code, out, err = tool(WAYMARKCTL, "-c", d + "/w.yaml", "check", "--strict", "--allow", "unused-class")
        assert code == 0 and not err, (code, out, err)
        code, out, err = tool(WAYMARKCTL, "-c", d + "/w.yaml", "check", "--allow", "nonsense")
        assert code == 2 and 'no rule "nonsense"' in err, (code, err)
        code, out, err = tool(WAYMARKCTL, "check", "--rules")
        assert code == 0 and "unused-class" in out and len(out.splitlines()) > 15, out
        with open(d + "/w.yaml") as f:
            text = f.read()
        for silent in (text.replace("10.0.0.0/8 } }", "10.0.0.0/8 } } # allow: one-edge, unused-class"), text.replace("clients:", "# allow: unused-class\nclients:")):
            with open(d + "/w.yaml", "w") as f:
                f.write(silent)
            code, out, err = tool(WAYMARKCTL, "-c", d + "/w.yaml", "check", "--strict")
            assert code == 0 and not err, (code, out, err)


@claim("help of one command needs no server; a command that is misspelt is told with the one that was meant")
def did_you_mean():
    for argv in (["help", "force"], ["force", "--help"], ["-s", "/nonexistent", "force", "-h"]):
        code, out, err = tool(WAYMARKCTL, *argv)
        assert code == 0 and "up|down|drain|disable|auto|weight N" in out and "explain" not in out, (argv, out)
    for argv, meant in ((["relaod"], "reload"), (["Status"], "status"), (["zons", "example.com"], "zones"), (["simulat"], "simulate"),
                        (["chekc"], "check"), (["help", "expalin"], "explain"), (["lat"], "latency"), (["--", "hlep"], "help")):
        code, out, err = tool(WAYMARKCTL, "-s", "/nonexistent", *argv)
        assert code == 2 and not out and 'did you mean "%s"?' % meant in err, (argv, code, err)
    code, out, err = tool(WAYMARKCTL, "xyzzy")
    assert code == 2 and "did you mean" not in err and "waymarkctl help" in err, err


@claim("what cannot be written is told, and is no success")
def full_disk():
    for argv in (["help"], ["--help"], ["--version"], ["keys"], ["keygen"], ["help", "force"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([WAYMARKCTL] + argv, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 1 and "not all has come out" in done.stderr, (argv, done)
        # Why is known of what is short: it is written at the end.
        assert argv != ["--version"] or done.stderr.endswith("come out: No space left on device\n"), done


run("check")
