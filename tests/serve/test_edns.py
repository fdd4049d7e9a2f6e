"""EDNS (RFC 6891) and client subnets (RFC 7871) on the wire; packets that are none."""
from lib import *

server = Server({"example.com": APEX + "www A 192.0.2.10\n$GENERATE 1-100 big A 10.0.0.$\n$GENERATE 1-60 mid A 10.0.0.$\n"})


@claim("an OPT is answered with an OPT of payload 1232, no OPT with none")
def answered():
    same(server.udp("www.example.com").edns, None)
    same(server.udp("www.example.com", edns=opt(4096)).payload, 1232)


@claim("an answer is never larger than the asker takes, nor than 1232")
def sizes():
    for payload in (0, 511, 512, 600, 1000, 1232, 1400, 65535):
        for name in ("big", "mid", "www"):
            packet = query(name + ".example.com", "A", edns=opt(payload))
            reply = server.exchange(packet)
            assert len(reply) <= min(max(payload, 512), 1232), (payload, len(reply))
            same(Message(reply).tc, name == "big" or name == "mid" and payload < 1005, "%s %d" % (name, payload))


@claim("EDNS version 1 is BADVERS")
def badvers():
    m = server.udp("www.example.com", edns=opt(version=1))
    same((m.rcode, m.answer), (16, []))


@claim("the DO bit comes back, other flags do not (RFC 6891 section 6.1.4)")
def flags():
    same(server.udp("www.example.com", edns=opt(flags=0xffff)).edns & 0xffff, 0x8000)


@claim("unknown options are passed over; broken ones are FORMERR")
def options():
    same(server.udp("www.example.com", options=option(65001, b"abc") + option(3, b"")).rcode, NOERROR)
    for bad in (b"\0", b"\0\3\0", b"\0\3\0\1", option(3, b"")[:-1]):
        same(server.udp("www.example.com", options=bad).rcode, FORMERR)


@claim("a second OPT is FORMERR")
def two():
    packet = bytearray(query("www.example.com", "A", edns=opt() + opt()))
    packet[11] = 2
    same(Message(server.exchange(bytes(packet))).rcode, FORMERR)


@claim("client subnets are echoed with scope 0 for names that are not steered, whatever the answer")
def echoed():
    for name in ("www", "nope", "x.y"):
        m = server.udp(name + ".example.com", options=ecs("83.62.101.0/24"))
        same(m.subnet, (1, 24, 0, bytes([83, 62, 101])))
    same(server.udp("www.example.com", options=ecs("2001:db8::/32")).subnet, (2, 32, 0, bytes.fromhex("20010db8")))
    same(server.udp("www.example.com", options=ecs("0.0.0.0/0")).subnet, (1, 0, 0, b""))
    same(server.udp("www.example.com", options=option(8, b"\0\0\0\0")).subnet, (0, 0, 0, b""))


@claim("client subnets that break RFC 7871 are FORMERR: family, length, bytes, bits behind the prefix, scope")
def strict():
    for body in (b"\0\3\x18\0abc", b"\0\1\x21\0abcde", b"\0\2\x81\0" + b"a" * 17, b"\0\1\x18\0ab", b"\0\1\x18\0abcd",
                 b"\0\1\x17\0abc", b"\0\1\x18\x18abc", b"\0\1\x18", b"\0\0\x08\0a"):
        m = server.udp("www.example.com", options=option(8, body))
        same((m.rcode, m.subnet, m.answer), (FORMERR, None, []), repr(body))


@claim("dig's +subnet and +subnet=0 work")
def by_dig():
    assert "CLIENT-SUBNET: 83.62.101.0/24/0" in server.dig("www.example.com", "+subnet=83.62.101.0/24")
    assert "status: NOERROR" in server.dig("www.example.com", "+subnet=0")


@claim("answers are dropped, opcodes other than QUERY, NOTIFY and UPDATE are NOTIMP, no or two questions FORMERR")
def headers():
    same(server.exchange(query("www.example.com", "A", flags=0x8000), wait=0.2), None)
    for opcode in set(range(1, 16)) - {4, 5}:               # NOTIFY (RFC 1996), UPDATE (RFC 2136)
        same(Message(server.exchange(query("www.example.com", "A", flags=opcode << 11))).rcode, NOTIMP)
    for count in (0, 2):
        packet = bytearray(query("www.example.com", "A"))
        packet[5] = count
        same(Message(server.exchange(bytes(packet))).rcode, FORMERR)


@claim("another class than IN is refused")
def classes():
    same(server.udp("www.example.com", qclass=3).rcode, REFUSED)


@claim("20,000 mangled packets later the server is alive and answers; what it said was well formed")
def mangled():
    rng = random.Random(7)
    seeds = [query(n + ".example.com", t, edns=o) for n in ("www", "big", "*", "a.b.c") for t in ("A", "ANY", "SOA")
             for o in (None, opt(), opt(options=ecs("192.0.2.0/24")))]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", server.port))
        s.setblocking(False)
        for i in range(20000):
            packet = bytearray(rng.choice(seeds))
            for _ in range(rng.randint(1, 4)):
                how = rng.random()
                if how < 0.6:
                    packet[rng.randrange(len(packet))] = rng.getrandbits(8)
                elif how < 0.8:
                    del packet[rng.randrange(len(packet)):]
                else:
                    packet += rng.randbytes(rng.randint(1, 20))
                if not packet:
                    packet = bytearray(b"\0")
            s.send(packet)
            with contextlib.suppress(BlockingIOError):
                while True:
                    Message(s.recv(4096))
    # The first ones may find the queue full of what is left of that.
    while server.exchange(query("www.example.com", "A"), wait=0.5) is None:
        assert server.proc.poll() is None
    same(server.udp("www.example.com").addresses(), ["192.0.2.10"])


with server:
    run("edns")
