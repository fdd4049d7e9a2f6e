"""make install: what is put where, under DESTDIR; and that what is put there can be started."""
from lib import *

# The folders of these tests are not of the user that it would become.
ROOT = "\n  user: root" if os.getuid() == 0 else ""
SCRIPT = TOP + "/contrib/install.sh"


def script(what, **env):
    done = subprocess.run([SCRIPT, what], env=dict(os.environ, BUILD=BUILD, **env), capture_output=True, text=True, timeout=120)
    same(done.returncode, 0, done.stderr)
    return done.stdout


def files(top):
    return sorted(os.path.relpath(os.path.join(d, f), top) for d, _, names in os.walk(top) for f in names)


@claim("under DESTDIR all is put that a server needs, with the paths of this installation; uninstall leaves what an operator may have changed")
def destdir():
    with tempfile.TemporaryDirectory(prefix="waymark-test.") as dest:
        where = {"DESTDIR": dest, "PREFIX": "/usr", "SYSCONFDIR": "/etc", "LOCALSTATEDIR": "/var", "RUNSTATEDIR": "/run"}
        script("install", **where)
        got = files(dest)
        for f in ("usr/sbin/waymarkd", "usr/sbin/waymarkctl", "usr/sbin/waymark-agent", "usr/share/waymark/city.mmdb", "usr/share/doc/waymark/beacon.js", "usr/share/man/man8/waymarkd.8", "usr/share/bash-completion/completions/waymarkctl",
                  "usr/lib/systemd/system/waymarkd.service", "usr/lib/systemd/system/waymark-agent.service", "usr/lib/sysusers.d/waymark.conf",
                  "usr/lib/tmpfiles.d/waymark.conf", "etc/waymark/waymark.yaml", "etc/waymark/zones/example.com.zone"):
            assert f in got, (f, got)
        assert os.path.isdir(dest + "/var/lib/waymark") and os.path.isdir(dest + "/run/waymark")
        with open(dest + "/usr/lib/systemd/system/waymarkd.service") as f:
            unit = f.read()
        assert "ExecStart=/usr/sbin/waymarkd -c /etc/waymark/waymark.yaml" in unit and "/usr/local" not in unit, unit
        # It is right as it stands, where it stands.
        conf = dest + "/etc/waymark/waymark.yaml"
        with open(conf) as f:
            text = f.read()
        assert "socket: /run/waymark/control.sock" in text and "file: /usr/share/waymark/city.mmdb" in text, text
        with open(conf, "w") as f:
            f.write(text.replace("/usr/share", dest + "/usr/share").replace("/run/", dest + "/run/").replace("/var/", dest + "/var/").replace("workers: auto", "workers: auto" + ROOT) + "# mine\n")
        done = subprocess.run([dest + "/usr/sbin/waymarkctl", "-c", conf, "check"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "right (2 zones" in done.stdout, done.stdout + done.stderr
        # Once more: an operator's file stays.
        assert "stays as it is" in script("install", **where)
        assert open(conf).read().endswith("# mine\n")
        script("uninstall", **where)
        same([f for f in files(dest) if not f.startswith("etc/waymark/")], [])
        assert open(conf).read().endswith("# mine\n")


@claim("where all goes is named in capitals, or as GNU's standards have it")
def folders():
    def into(*words):
        done = subprocess.run(["make", "-n", "install"] + list(words), cwd=TOP, capture_output=True, text=True, timeout=120,
                              env={k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS")) and k != "PREFIX"})
        same(done.returncode, 0, done.stderr)
        return re.search("PREFIX='(.*)' DESTDIR='(.*)' SYSCONFDIR='(.*)' LOCALSTATEDIR='(.*)' RUNSTATEDIR='(.*)' contrib", done.stdout).groups()
    same(into(), ("/usr/local", "", "/etc", "/var", "/run"))
    same(into("prefix=/usr", "DESTDIR=/x", "sysconfdir=/a", "localstatedir=/b", "runstatedir=/c"), ("/usr", "/x", "/a", "/b", "/c"))
    same(into("PREFIX=/usr", "SYSCONFDIR=/a"), ("/usr", "", "/a", "/var", "/run"))


@claim("the example that is installed serves its zones and steers")
def example():
    with tempfile.TemporaryDirectory(prefix="waymark-test.") as dest, Server({}, start=False) as s:
        script("install", DESTDIR=dest)
        with open(dest + "/etc/waymark/waymark.yaml") as f:
            text = f.read()
        s.write("waymark.yaml", text.replace("127.0.0.1:5300", "127.0.0.1:%d" % s.port).replace("workers: auto", "workers: 1" + ROOT)
                .replace("/usr/local/share", dest + "/usr/local/share").replace("/run/waymark/control.sock", s.socket)
                .replace("/var/lib/waymark", s.dir).replace("dir: zones", "dir: %s/etc/waymark/zones" % dest))
        s.start()
        same(s.udp("www.example.com", options=ecs("83.62.101.0/24")).addresses(), ["192.0.2.20"])
        same(s.ctl("force", "ams1", "down")[0], 0)          # and its state is kept
        assert os.path.exists(s.dir + "/state"), os.listdir(s.dir)


@claim("what distributions do first with the sources of others, autoreconf, works, and configure then finds the same")
def autoreconf():
    if not shutil.which("autoreconf"):
        raise Skip("autoreconf is not installed")
    with tempfile.TemporaryDirectory(prefix="waymark-test.") as there:
        for f in ("configure.ac", "contrib/config.h.in", "contrib/config.mk.in"):
            os.makedirs(os.path.dirname(os.path.join(there, f)), exist_ok=True)
            shutil.copy(os.path.join(TOP, f), os.path.join(there, f))
        done = subprocess.run(["autoreconf", "-fi"], cwd=there, capture_output=True, text=True, timeout=120)
        same((done.returncode, done.stdout, done.stderr), (0, "", ""))
        with open(there + "/contrib/config.h.in") as made, open(TOP + "/contrib/config.h.in") as ours:
            made, ours = ({word for word in f.read().split() if word.startswith(("WITH_", "PACKAGE_VERSION"))} for f in (made, ours))
        same(made, ours)
        assert os.path.exists(there + "/configure")


run("install")
