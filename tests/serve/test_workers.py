"""Addresses, threads, privileges and the service manager."""
import glob
import pwd
import json
import re

from lib import *

ZONES = {"example.com": APEX + "www A 192.0.2.10\n"}


@claim("several addresses, IPv4 and IPv6, UDP and TCP, several workers")
def addresses():
    with Server(ZONES, server="workers: 3", listen='"127.0.0.1:PORT", "[::1]:PORT", "127.0.0.3:PORT"') as s:
        for host in ("127.0.0.1", "::1", "127.0.0.3"):
            for _ in range(8):
                same(Message(s.exchange(query("www.example.com", "A"), host=host)).addresses(), ["192.0.2.10"])
            with socket.create_connection((host, s.port), timeout=60) as c:
                send_tcp(c, query("www.example.com", "A"))
                same(Message(recv_tcp(c)).addresses(), ["192.0.2.10"])


@claim("on a socket for all addresses the answer comes from the one that was asked")
def any_address():
    with Server(ZONES, listen='"0.0.0.0:PORT", "[::]:PORT"') as s:
        for host in ("127.0.0.1", "127.0.0.2", "127.1.2.3", "::1"):
            same(Message(s.exchange(query("www.example.com", "A"), host=host)).rcode, NOERROR, host)    # connect() filters


@claim("over UDP we tell the size that is set for IPv4 or IPv6, and no answer is larger, whatever the asker takes; a reload sets another")
def edns_sizes():
    def of(host, payload):
        reply = s.exchange(query("big.example.com", "A", edns=opt(payload)), host=host)
        m = Message(reply)
        return m.payload, m.tc, len(m.answer), len(reply) <= m.payload

    zone = ZONES["example.com"] + "".join("big A 192.0.2.%d\n" % i for i in range(45))   # 761 bytes
    with Server({"example.com": zone}, server="workers: 1, edns-size-ipv4: 600, edns-size-ipv6: 800", listen='"127.0.0.1:PORT", "[::1]:PORT"') as s:
        for host, payload, wanted in (("127.0.0.1", 4096, (600, True, 0, True)), ("127.0.0.1", 512, (600, True, 0, True)), ("::1", 4096, (800, False, 45, True)),
                                      ("::1", 600, (800, True, 0, True))):
            same(of(host, payload), wanted, "%s, who takes %d:" % (host, payload))
        m = s.tcp("big.example.com", edns=opt(1232))
        same((m.payload, len(m.answer)), (600, 45), "by TCP:")
        s.server = "workers: 1, edns-size-ipv6: 512"
        s.configure()
        same(s.ctl("reload")[0], 0)
        same([of(host, 4096) for host in ("127.0.0.1", "::1")], [(1232, False, 45, True), (512, True, 0, True)])
        s.server = "workers: 1, edns-size-ipv4: 1400"
        s.configure()
        said = s.ctl("reload")[1]
        same('"edns-size-ipv4" must be a number of bytes from 512 to 1232, not "1400"' in said, True, said)


def threads_on(s, cpu):
    """How many threads of the server may run on that processor only."""
    tasks = glob.glob("/proc/%d/task/*/status" % s.proc.pid)
    return sum("Cpus_allowed_list:\t%d\n" % cpu in open(t).read() for t in tasks)


@claim("workers run on the processors that are named, one after the other, and nowhere else")
def pinned():
    have = sorted(os.sched_getaffinity(0))
    if len(have) < 2:
        raise Skip("there is one processor only")
    for cpus, want in (("auto", (4, 2)), ("[ %d ]" % have[1], (0, 6)), ("[ %d, %d ]" % (have[1], have[0]), (2, 4)), ("off", (0, 0))):
        with Server(ZONES, server="workers: 3, cpus: %s" % cpus) as s:     # a worker is two threads: UDP and TCP
            same((threads_on(s, have[0]), threads_on(s, have[1])), want, cpus)
            same(s.udp("www.example.com").addresses(), ["192.0.2.10"])
    with Server(ZONES, server="workers: 1, cpus: [ 1023 ]", start=False) as s:
        try:
            s.start()
            raise RuntimeError("started on no processor")
        except AssertionError as e:
            assert "may not run on processor 1023" in str(e), e
        s.proc = None


@claim("batches of any size answer every query of a burst once")
def batches():
    for batch in (1, 7, 256):
        with Server(ZONES, server="workers: 1, batch: %d" % batch) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
            c.settimeout(60 * SLOW)
            c.connect(("127.0.0.1", s.port))
            packets = [query("www.example.com", "A", ident=i) for i in range(600)]
            got = []
            for i in range(0, 600, 100):
                for p in packets[i:i + 100]:
                    c.send(p)
                got += [struct.unpack(">H", c.recv(600)[:2])[0] for _ in range(100)]
            same(sorted(got), list(range(600)), "batch %d" % batch)


@claim("socket buffers are as configured, or the log says what the kernel gave")
def buffers():
    with Server(ZONES, server="workers: 1, receive-buffer: 1M, send-buffer: 512k") as s:
        said = s.said()
        shown = subprocess.run(["ss", "-ulnm", "sport", "=", str(s.port)], capture_output=True, text=True).stdout
        for key, field, size in (("receive-buffer", "rb", 1 << 20), ("send-buffer", "tb", 512 << 10)):
            assert "%s%d," % (field, 2 * size) in shown or "server: %s: %d bytes are wanted" % (key, size) in said, (shown, said)


@claim("an address that another server has is refused with a hint")
def taken():
    with Server(ZONES) as s, Server(ZONES, start=False) as other:
        other.port, other.listen = s.port, s.listen
        other.configure()
        try:
            other.start()
            raise RuntimeError("two servers on one port")
        except AssertionError as e:
            assert "another server has it" in str(e), e
        other.proc = None


@claim("answers are never fragmented; one that our own link cannot take whole is truncated")
def small_link():
    if "OWN_NET" not in os.environ:
        if os.getuid() != 0:
            raise Skip("not root")
        inside = subprocess.run(["unshare", "-n", sys.executable, os.path.abspath(__file__), "small_link"], capture_output=True,
                                text=True, timeout=60 * SLOW, env=dict(os.environ, OWN_NET="1"))
        if "unshare failed" in inside.stderr:
            raise Skip(inside.stderr.strip())
        same(inside.returncode, 0, inside.stdout + inside.stderr)
        return
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    text = "".join('big TXT "%s"\n' % (chr(97 + i) * 200) for i in range(5))
    with Server({"example.com": APEX + "www A 192.0.2.10\n" + text}, server="workers: 1") as s, \
            socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as tap:
        tap.settimeout(60 * SLOW)
        subprocess.run(["ip", "link", "set", "lo", "mtu", "700"], check=True)
        same(s.udp("www.example.com", "A", edns=opt()).addresses(), ["192.0.2.10"])
        while True:
            packet = tap.recv(2000)
            if packet[9] == 17 and packet[20:22] == struct.pack(">H", s.port):
                break
        same(packet[6] & 0xe0, 0x40, "the flags of the IP header")
        big = s.udp("big.example.com", "TXT", edns=opt())
        same((big.tc, big.rcode, len(big.answer), len(big.raw)), (True, NOERROR, 0, 12 + 17 + 4 + 11), "the question, and OPT (RFC 6891 section 7)")
        with socket.create_connection(("127.0.0.1", s.port), timeout=60) as c:
            send_tcp(c, query("big.example.com", "TXT"))
            same(len(Message(recv_tcp(c)).answer), 5)


@claim("the configured user is what the server runs as, with no way back")
def user():
    if os.getuid() != 0:
        raise Skip("not root")
    nobody = pwd.getpwnam("nobody")
    with Server(ZONES, server="workers: 1, user: nobody", start=False) as s:
        os.chown(s.dir, nobody.pw_uid, nobody.pw_gid)
        s.start()
        status = open("/proc/%d/status" % s.proc.pid).read()
        for line in ("Uid:\t%d\t%d\t%d\t%d" % ((nobody.pw_uid,) * 4), "Gid:\t%d\t%d\t%d\t%d" % ((nobody.pw_gid,) * 4), "NoNewPrivs:\t1"):
            assert line in status, status
        same(s.udp("www.example.com").rcode, NOERROR)
        same(s.ctl("reload")[0], 0)
    with Server(ZONES, server="workers: 1, user: nosuchuser", start=False) as s:
        try:
            s.start()
            raise RuntimeError("started as nobody known")
        except AssertionError as e:
            assert "there is no user" in str(e), e
        s.proc = None


@claim("root becomes the user waymark where there is one, stays root with a warning where there is none, and without one when it is said")
def default_user():
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"]).returncode:
        raise Skip("not root, or no namespaces")
    for line, server, uid in (("waymark:x:4242:4242::/:/bin/false\n", "workers: 1", 4242), ("", "workers: 1", 0),
                              ("waymark:x:4242:4242::/:/bin/false\n", "workers: 1, user: root", 0)):
        with Server(ZONES, server=server, start=False) as s:
            conf = open(s.conf).read()
            if "user: root" not in server:
                s.write("waymark.yaml", conf.replace(", user: root", ""))
            with open("/etc/passwd") as f:
                s.write("passwd", line + "".join(l for l in f if not l.startswith("waymark:")))
            s.write("waymarkd", "#!/bin/sh\nmount --bind %s/passwd /etc/passwd && exec %s \"$@\"\n" % (s.dir, WAYMARKD))
            s.write("alone", "#!/bin/sh\nexec unshare -m %s/waymarkd \"$@\"\n" % s.dir)
            for name in ("alone", "waymarkd"):
                os.chmod(os.path.join(s.dir, name), 0o755)
            os.chmod(s.dir, 0o777)
            s.start(program=s.dir + "/alone")
            status = open("/proc/%d/status" % s.proc.pid).read()
            assert "Uid:\t%d\t%d\t%d\t%d" % ((uid,) * 4) in status, status
            same("stays root" in s.said(), not line, s.said())
            same(s.udp("www.example.com").rcode, NOERROR)


@claim("the service manager hears READY, RELOADING and STOPPING")
def notify():
    with Server(ZONES, start=False) as s, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(s.dir + "/notify")
        manager.settimeout(60 * SLOW)
        s.start(env=dict(os.environ, NOTIFY_SOCKET=s.dir + "/notify"))
        same(manager.recv(200), b"READY=1")
        s.ctl("reload")
        assert manager.recv(200).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        same(manager.recv(200), b"READY=1")
        s.stop()
        same(manager.recv(200), b"STOPPING=1")
    with Server(ZONES, start=False) as s, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(s.dir + "/notify")
        manager.settimeout(60 * SLOW)
        # Its watchdog is told twice in that time; one that is for another process is not.
        s.start(env=dict(os.environ, NOTIFY_SOCKET=s.dir + "/notify", WATCHDOG_USEC="200000"))
        same([manager.recv(200) for _ in range(4)].count(b"WATCHDOG=1") >= 2, True)


@claim("every thread of the server is in its cage, where no program is started, and threads that answer packets are in one of their own inside it")
def cage():
    if SLOW > 1:
        raise Skip("the sanitizers look into the process")
    with Server(ZONES, server="workers: 2") as s:
        filters = {}
        for task in os.listdir("/proc/%d/task" % s.proc.pid):
            with open("/proc/%d/task/%s/status" % (s.proc.pid, task)) as f:
                row = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            filters.setdefault(int(row.get("Seccomp_filters", row["Seccomp"])), []).append(task)
        with open("/proc/self/status") as f:
            own = int((re.findall(r"Seccomp_filters:\s*(\d+)", f.read()) or [0])[0])
        same(len(filters.get(own + 2, [])) >= 2, True, filters)
        same(str(s.proc.pid) in filters.get(own + 1, []), True, filters)
        same(set(filters) <= {own + 1, own + 2}, True, filters)
        same(s.udp("www.example.com").rcode, NOERROR)


@claim("a configuration that is wrong starts nothing and exits with 1; a server whose zones are all wrong starts, and says SERVFAIL")
def wrong():
    with Server(ZONES, config="edgse: {}", start=False) as s:
        ran = subprocess.run([BUILD + "/waymarkd", "-c", s.conf], capture_output=True, text=True, timeout=60 * SLOW)
        same(ran.returncode, 1)
        assert 'did you mean "edges"' in ran.stderr and "not started" in ran.stderr, ran.stderr
    with Server({"example.com": "@ SOA ns h 1 2 3 4\n"}, start=False) as s:
        s.start()
        assert "1 of them could not be read" in s.said(), s.said()
        same(s.udp("www.example.com").rcode, 2)


@claim("errors in place of queries keep no processor busy, are told once and counted, and queries are answered when they are over")
def deaf():
    if SLOW > 1:
        raise Skip("a sanitizer's runtime wants to be loaded first")
    with Server({"example.com": APEX + "www A 192.0.2.10\n"}, start=False) as s:
        s.write("deaf.c", """#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
int recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t)
{
    if (access("%s/on", F_OK) == 0) { errno = ENOMEM; return -1; }
    return ((int (*)(int, struct mmsghdr *, unsigned, int, struct timespec *))dlsym(RTLD_NEXT, "recvmmsg"))(fd, m, n, flags, t);
}
""" % s.dir)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", s.dir + "/deaf.so", s.dir + "/deaf.c", "-ldl"], check=True)
        s.start(env=dict(os.environ, LD_PRELOAD=preload(s.dir + "/deaf.so")))

        def processor_s():
            fields = open("/proc/%d/stat" % s.proc.pid).read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        def failed():
            return json.loads(s.ctl("status", "--json")[1])["receive_failed"]
        s.write("on", "")
        s.exchange(query("www.example.com", "A"), 5)        # wakes the thread up
        end = time.monotonic() + 60
        while ("in place of queries" not in s.said() or failed() < 10) and time.monotonic() < end:
            time.sleep(0.1)
        before, counted = processor_s(), failed()
        time.sleep(2)
        used, counted = processor_s() - before, failed() - counted
        assert used < 0.3 and 0 < counted < 50, (used, counted)
        same(s.said().count("Cannot allocate memory in place of queries"), 1)
        os.unlink(s.dir + "/on")
        same(s.udp("www.example.com").addresses(), ["192.0.2.10"])


run("workers")
