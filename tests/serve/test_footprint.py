"""What memory it takes to load zones: little more than to have them."""
import re
from lib import *


def memory(s):
    """(peak, now) of what is resident, in KiB."""
    with open("/proc/%d/status" % s.proc.pid) as f:
        text = f.read()
    return tuple(int(re.search(r"%s:\s+(\d+)" % what, text).group(1)) for what in ("VmHWM", "VmRSS"))


def forget_peak(s):
    try:
        with open("/proc/%d/clear_refs" % s.proc.pid, "w") as f:
            f.write("5")
    except OSError as why:
        raise Skip("the peak cannot be reset: %s" % why)


def not_sanitized():
    if SLOW != 1:
        raise Skip("a sanitizer has memory of its own")


def large(order, n=150000):
    """A zone of 2 n records, of names in canonical order or in any other."""
    numbers = list(range(n))
    if order == "random":
        random.Random(7).shuffle(numbers)
    return APEX + "".join("host%07d A 10.%d.%d.%d\nhost%07d AAAA 2001:db8::%x:%x\n" % (
        i, i >> 16, i >> 8 & 255, i & 255, i, i >> 16, i & 65535) for i in numbers)


@claim("a zone of 300,000 records is loaded in less than twice the memory that it has afterwards")
def load_large():
    not_sanitized()
    for order in ("canonical", "random"):
        with Server({"example.com": large(order)}) as s:
            same(s.udp("host0149999.example.com").addresses(), ["10.2.73.239"])
            peak, now = memory(s)
            assert peak < 2 * now, "%s: %d KiB, and %d KiB at the end" % (order, peak, now)


@claim("a zone of 300,000 records is loaded again in less than three times its memory, one of which is the old zone's")
def reload_large():
    not_sanitized()
    with Server({"example.com": APEX}) as s:
        empty = memory(s)[1]
        s.write("zones/example.com.zone", large("random"))
        same(s.ctl("reload")[0], 0)
        same(s.udp("host0149999.example.com").addresses(), ["10.2.73.239"])
        now = memory(s)[1]
        s.write("zones/example.com.zone", large("canonical") + "more TXT x\n")
        forget_peak(s)
        same(s.ctl("reload")[0], 0)
        assert s.udp("more.example.com", "TXT").answer
        peak = memory(s)[0]
        assert peak - empty < 3 * (now - empty), "%d KiB, and %d KiB before, %d KiB without it" % (peak, now, empty)


@claim("a reload that changes one of 1,000 zones takes less than a fifth more memory than there is")
def reload_one_of_many():
    not_sanitized()

    def zone(ttl):
        return "$TTL %d\n@ SOA ns1 hostmaster 7 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\n" % ttl + "".join(
            "host%d A 192.0.2.%d\nhost%d TXT \"some text\"\n" % (i, i % 256, i) for i in range(500))

    with Server({"z%d.example" % i: zone(300) for i in range(1000)}) as s:
        for ttl in (301, 302):                              # the second time nothing is new
            s.write("zones/z500.example.zone", zone(ttl))
            forget_peak(s)
            now = memory(s)[1]
            same(s.ctl("reload")[0], 0)
            same(s.udp("host7.z500.example").answer[0][2], ttl)
            peak = memory(s)[0]
            assert peak < 1.2 * now, "%d KiB, and %d KiB before" % (peak, now)
            if os.environ.get("TELL"):
                print(peak, now)


run("footprint")
