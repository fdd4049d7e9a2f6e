"""The server opens files in the folders that its configuration names, and nowhere else (Landlock)."""
import ctypes

from lib import *

if ctypes.CDLL(None).syscall(444, None, 0, 1) < 1:          # landlock_create_ruleset(): which version is there
    def needs_landlock():
        raise Skip("this kernel has no Landlock")
else:
    def needs_landlock():
        pass

ZONE = APEX + "www A 192.0.2.1\n"
NEXT = APEX.replace("1 ", "2 ", 1) + "www A 192.0.2.2\n"
HINT = "only in the folders that were named when it started"
LATE = "waymarkctl upgrade"                                 # of what the user may open and the server may not


def elsewhere(text=ZONE):
    there = tempfile.mkdtemp(prefix="waymark-test.")
    os.chmod(there, 0o755)
    with open(there + "/zone", "w") as f:
        f.write(text)
    return there


def replaced(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


@claim("zones may be links to elsewhere from the start on; a file that becomes one later is not opened, and what was served stays")
def links():
    needs_landlock()
    there, strange = elsewhere(), elsewhere(NEXT)
    try:
        with Server({"example.com": ZONE}, start=False) as s:
            os.symlink(there + "/zone", s.dir + "/zones/example.org.zone")
            s.start()
            same([s.udp("www." + n).addresses() for n in ("example.com", "example.org")], [["192.0.2.1"]] * 2)
            replaced(there + "/zone", NEXT)
            code, said = s.ctl("reload")
            same((code, s.udp("www.example.org").addresses()), (0, ["192.0.2.2"]), said)
            os.unlink(s.dir + "/zones/example.com.zone")
            os.symlink(strange + "/zone", s.dir + "/zones/example.com.zone")
            code, said = s.ctl("reload")
            same((code != 0, "Permission denied" in said), (True, True), said)
            same(s.udp("www.example.com").addresses(), ["192.0.2.1"])
    finally:
        shutil.rmtree(there)
        shutil.rmtree(strange)


@claim("what a reload or a command names elsewhere is refused where it is written, until it is named at a start, or server: folders names it")
def named():
    needs_landlock()
    there = elsewhere()
    try:
        with Server({"example.com": ZONE}, "store: { file: w.db }\nedges: { ams: { a: [ 192.0.2.1 ] } }\nlatency: { state: t.csv }") as s:
            s.configure(None, "[ { dir: zones },\n  { name: example.org, file: %s/zone } ]" % there)
            code, said = s.ctl("reload")
            place = re.search(r"waymark\.yaml:(\d+):(\d+): error: %s/zone: the server may read " % re.escape(there), said)
            line = open(s.conf).read().splitlines()[int(place[1]) - 1] if place else ""
            same((code, line[int(place[2]) - 1:] if place else said, HINT in said), (1, "%s/zone } ]" % there, True), said)
            same(s.udp("www.example.com").addresses(), ["192.0.2.1"])
            for words in (["zone", "add", "example.net", there + "/zone"], ["backup", there + "/copy"], ["dnssec", "export", "example.com", there + "/out"],
                          ["dnssec", "import", "example.com", there + "/key.pem"], ["latency", "import", there + "/zone"]):
                code, said = s.ctl(*words)
                same((code, LATE in said, said.count(there) > 0), (1, True, True), said)
            same(os.listdir(there), ["zone"])
            s.stop()
            s.start()
            same([s.udp("www.example.org").addresses(), s.ctl("backup", there + "/copy")[0]], [["192.0.2.1"], 1], "reading is no writing:")
            s.server += ", folders: [ %s ]" % there
            s.configure(None, "[ { dir: zones } ]")
            same(s.ctl("reload")[0], 1, "it changes with a restart:")
            s.stop()
            s.start()
            for words in (["zone", "add", "example.net", there + "/zone"], ["backup", there + "/copy"]):
                code, said = s.ctl(*words)
                same(code, 0, said)
            same((s.udp("www.example.net").addresses(), sorted(os.listdir(there))), (["192.0.2.1"], ["copy", "zone"]))
    finally:
        shutil.rmtree(there)


@claim("what is denied says what to do about it: a folder that was put in the place of another, included files and verdicts elsewhere")
def told():
    needs_landlock()
    there = elsewhere("bad: [ yes\n")
    try:
        with Server({"example.com": ZONE}, "include: more.yaml", files={"more.yaml": "{}\n"}) as s:
            os.unlink(s.dir + "/more.yaml")
            for at in (there + "/zone", there + "/*"):
                s.configure("include: \"%s\"" % at)
                code, said = s.ctl("reload")
                same((code, LATE in said), (1, True), said)
            s.configure("")
            same(s.ctl("reload")[0], 0)
        os.makedirs(there + "/in/zones")
        with open(there + "/in/zones/example.com.zone", "w") as f:
            f.write(ZONE)
        with Server({}, start=False) as s:
            s.configure("", "[ { dir: %s/in/zones } ]" % there)
            s.start()
            os.rename(there + "/in/zones", there + "/in/old")
            shutil.copytree(there + "/in/old", there + "/in/zones")
            code, said = s.ctl("reload")
            same((code != 0, LATE in said, s.udp("www.example.com").addresses()), (True, True, ["192.0.2.1"]), said)
    finally:
        shutil.rmtree(there)


@claim("a folder on the way that is a link to the next version beside it may be switched, the configuration's own, too")
def versions():
    needs_landlock()
    there = elsewhere()
    try:
        with Server({}, start=False) as s:
            s.configure("control: { socket: %s/control.sock }" % s.dir)
            text = re.sub(r"control: .*\n", "", open(s.conf).read(), count=1)
            for n, zone in ((1, ZONE), (2, NEXT)):
                os.makedirs("%s/releases/%d/zones" % (there, n))
                with open("%s/releases/%d/zones/example.com.zone" % (there, n), "w") as f:
                    f.write(zone)
                with open("%s/releases/%d/waymark.yaml" % (there, n), "w") as f:
                    f.write(text)
            os.symlink("releases/1", there + "/current")
            s.conf = there + "/current/waymark.yaml"
            s.start()
            os.symlink("releases/2", there + "/next")
            os.rename(there + "/next", there + "/current")
            code, said = s.ctl("reload")
            same((code, s.udp("www.example.com").addresses()), (0, ["192.0.2.2"]), said)
    finally:
        shutil.rmtree(there)


@claim("a zone that is written back to its file is not added where that file cannot be written")
def synced():
    needs_landlock()
    there = elsewhere()
    try:
        with Server({"example.com": ZONE}, "store: { file: w.db }\ntemplates: { t: { write-back: sync } }", start=False) as s:
            s.configure(None, "[ { dir: zones }, { name: example.org, file: %s/zone } ]" % there)
            s.start()
            code, said = s.ctl("zone", "add", "example.net", "t", there + "/zone")
            same((code, "may write " + HINT in said), (1, True), said)
            same(s.udp("www.example.net").rcode, REFUSED)
    finally:
        shutil.rmtree(there)


@claim("with folders: any it opens whatever its user may")
def anywhere():
    there = elsewhere()
    try:
        with Server({"example.com": ZONE}, "store: { file: w.db }", server="workers: 1, folders: any") as s:
            code, said = s.ctl("backup", there + "/copy")
            same((code, sorted(os.listdir(there))), (0, ["copy", "zone"]), said)
    finally:
        shutil.rmtree(there)


run("confine")
