"""slow - what slow.c does to a process that runs with it: disks that take their time or fail, threads that are held."""
import ctypes
import errno
import mmap
import os
import signal
import struct

RULES, RULE, PREFIX = 15, 256, 240
OPEN, STAT, READ, WRITE, SYNC, RENAME = 1, 2, 4, 8, 16, 32
ALL = 63
HOLD = signal.SIGRTMIN + 5
TGKILL = {"x86_64": 234, "aarch64": 131}


class Slow:
    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as f:
            f.truncate((RULES + 1) * RULE)
            self.plan = mmap.mmap(f.fileno(), (RULES + 1) * RULE)
        os.chmod(path, 0o666)
        self.libc = ctypes.CDLL(None, use_errno=True)

    def put(self, at, *values):
        self.plan[at:at + 4 * len(values)] = struct.pack("=%dI" % len(values), *values)

    def rule(self, prefix, calls=ALL, delay_s=0.0, error=0, n=0):
        """The n-th rule, in the place of what it was: calls on what begins with the prefix."""
        at = (n + 1) * RULE
        self.off(n)
        self.put(at + 4, int(delay_s * 1000), error, 0)
        self.plan[at + 16:at + RULE] = prefix.encode().ljust(PREFIX, b"\0")
        self.put(at, calls)

    def off(self, *which):
        """Those rules, or all; calls that wait go on."""
        for n in which or range(RULES):
            self.put((n + 1) * RULE, 0)

    def seen(self, n=0):
        """How many calls the rule has met."""
        at = (n + 1) * RULE
        return struct.unpack("=I", self.plan[at + 12:at + 16])[0]

    def held(self):
        return struct.unpack("=I", self.plan[4:8])[0]

    def hold(self, pid, seconds, pick):
        """Holds one of the helper threads where it is just now; False: there is none."""
        tids = [tid for tid in os.listdir("/proc/%d/task" % pid) if is_helper(pid, tid)]
        if not tids:
            return False
        self.put(0, int(seconds * 1e6))
        return self.libc.syscall(TGKILL[os.uname().machine], pid, int(pick(tids)), int(HOLD)) == 0 or \
            ctypes.get_errno() != errno.ESRCH


def is_helper(pid, tid):
    try:
        with open("/proc/%d/task/%s/comm" % (pid, tid)) as f:
            return f.read().startswith("job")
    except OSError:
        return False
