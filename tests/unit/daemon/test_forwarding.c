#include "daemon/forwarding.h"

#include "base/bytes.h"
#include "dns/query.h"
#include "dns/rcode.h"
#include "dns/rrtype.h"
#include "dns/tsig.h"
#include "unit/daemon/houses.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The first has the zone, the second has it of the first, and sends on what would change it. */
static struct houses hs;

static void configure(struct house *h, const char *more)
{
	char text[1000];

	snprintf(text, sizeof text,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\n"
		"keys: { xfr: { algorithm: hmac-sha256, secret: \"eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=\" } }\n"
		"peers: { pri: { at: \"127.0.0.1:%u\" }, sec: { at: \"127.0.0.1:%u\" } }\n%s",
		serving_port(&h->at), serving_port(&hs.one.at), serving_port(&hs.two.at), more);
	site_put(&h->site, "t.yaml", text);
}

static void open_both(void)
{
	house_open(&hs.one, "");
	house_open(&hs.two, "");
	configure(&hs.one, "zones: [ { name: u.example, file: u.zone, write-back: store, transfer: any, notify: sec, update: [ { key: xfr, names: [ dyn, \"*.dyn\" ] } ] } ]\n");
	configure(&hs.two, "zones: [ { name: u.example, primary: pri, forward-updates: any } ]\n");
	site_put(&hs.one.site, "u.zone", SITE_ZONE(1, ""));
	CU_ASSERT_TRUE_FATAL(house_start(&hs.one));
	CU_ASSERT_TRUE_FATAL(house_start(&hs.two));
	houses_wait_address(&hs, &hs.two, "ns.u.example", "192.0.2.3");
}

static void close_both(void)
{
	house_stop(&hs.two);
	if (hs.one.runs)
		house_stop(&hs.one);
	house_close(&hs.two);
	house_close(&hs.one);
}

struct change {
	const char *name;      /* in wire format, with u.example */
	uint8_t last;          /* of 192.0.2.x */
	const char *key;       /* signed with; NULL: not at all */
	uint8_t secret;        /* its bytes; 'x' is right */
	bool if_none;          /* where the name is not there */
};

/* The RCODE; 99: there is no answer. */
static unsigned change(struct house *h, const struct change *c)
{
	static uint8_t secret[32];
	static uint16_t id;
	uint8_t p[600] = { 0 }, *to = p + 12;
	const size_t name = strlen(c->name) + 1;
	const struct tsig_key key = { (const uint8_t *)c->key, secret, sizeof secret, TSIG_SHA256, 32 };
	struct tsig t = { .key = NULL };

	be16_put(p, ++id);
	p[2] = 5 << 3;
	p[5] = 1;
	p[7] = c->if_none;
	p[9] = 1;
	memcpy(to, "\1u\7example\0\0\6\0\1", 15);
	to += 15;
	if (c->if_none) {
		memcpy(to, c->name, name);
		be16_put(to + name, RRTYPE_ANY);
		be16_put(to + name + 2, 254);
		to += name + 10;
	}
	memcpy(to, c->name, name);
	memcpy(to + name, "\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2", 13);
	to[name + 13] = c->last;
	size_t len = (size_t)(to + name + 14 - p);
	memset(secret, c->secret, sizeof secret);
	if (c->key)
		len = tsig_ask(&t, &key, p, len, (uint64_t)time(NULL));
	const int fd = serving_connect(&h->at, SOCK_DGRAM, NULL);
	CU_ASSERT_EQUAL(send(fd, p, len, 0), (ssize_t)len);
	const ev_tstamp until = ev_time() + 20;
	ssize_t n = -1;
	while (n < 12 && ev_time() < until) {
		houses_turn(&hs);
		n = recv(fd, p, sizeof p, MSG_DONTWAIT);
	}
	close(fd);
	return n < 12 ? 99 : p[3] & 15u;
}

static void a_change_is_sent_on_to_who_can_make_it(void)
{
	static const char key[] = "\3xfr", other[] = "\5other";
	static const struct {
		const char *say;
		struct change c;
		bool second;
		unsigned rcode;
	} row[] = {
		{ "to the primary itself", { "\3dyn\1u\7example", 1, key, 'x', true }, false, RCODE_NOERROR },
		{ "it is there by now", { "\3dyn\1u\7example", 2, key, 'x', true }, false, RCODE_YXDOMAIN },
		{ "to the secondary", { "\1a\3dyn\1u\7example", 3, key, 'x', true }, true, RCODE_NOERROR },
		{ "what its primary says of it", { "\1a\3dyn\1u\7example", 4, key, 'x', true }, true, RCODE_YXDOMAIN },
		{ "another name", { "\1b\1u\7example", 5, key, 'x', false }, false, RCODE_REFUSED },
		{ "... by the secondary", { "\1b\1u\7example", 5, key, 'x', false }, true, RCODE_REFUSED },
		{ "unsigned", { "\1c\3dyn\1u\7example", 6, NULL, 'x', false }, false, RCODE_REFUSED },
		{ "with another secret", { "\1c\3dyn\1u\7example", 6, key, 'y', false }, false, RCODE_NOTAUTH },
		{ "with another key", { "\1c\3dyn\1u\7example", 6, other, 'x', false }, false, RCODE_NOTAUTH },
	};

	open_both();
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const unsigned got = change(row[i].second ? &hs.two : &hs.one, &row[i].c);
		if (got == row[i].rcode)
			continue;
		printf("%s: RCODE %u\n", row[i].say, got);
		CU_FAIL("an RCODE");
	}
	CU_ASSERT_STRING_EQUAL(house_ask(&hs.one, "dyn.u.example"), "192.0.2.1");
	CU_ASSERT_STRING_EQUAL(house_ask(&hs.one, "a.dyn.u.example"), "192.0.2.3");
	houses_wait_address(&hs, &hs.two, "a.dyn.u.example", "192.0.2.3");
	CU_ASSERT_STRING_EQUAL(house_ask(&hs.two, "c.dyn.u.example"), "rcode 3");
	houses_told(&hs.one, "status --json", 0, "\"updates\": 6,\n  \"updates_changed\": 2,\n  \"updates_same\": 0,\n  \"updates_refused\": 4,\n");
	houses_told(&hs.one, "status --json", 0, "\"signatures_wrong\": 2,");
	houses_told(&hs.two, "status --json", 0, "\"updates_forwarded\": 3,\n  \"updates_forward_failed\": 0,");
	houses_told(&hs.two, "zone status u.example", 0, "\nserial         3\nrecords        5\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&hs.two), "TSIG: 127.0.0.1 signs with key xfr. by hmac-sha256.: not with the secret that \"keys\" has (BADSIG)\n"));
	/* Nobody can make it. */
	house_stop(&hs.one);
	CU_ASSERT_EQUAL(change(&hs.two, &row[2].c), RCODE_SERVFAIL);
	houses_told(&hs.two, "status --json", 0, "\"updates_forwarded\": 4,\n  \"updates_forward_failed\": 1,");
	close_both();
}

void suite_forwarding(void);
void suite_forwarding(void)
{
	static const struct unit_case cases[] = {
		{ "a change is sent on to who can make it", a_change_is_sent_on_to_who_can_make_it },
	};

	unit_suite("daemon/forwarding", cases, UNIT_COUNT(cases));
}
