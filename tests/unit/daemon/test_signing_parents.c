#include "daemon/signing_parents.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"
#include "unit/xfr/nameserver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The parent's nameserver: its thread reads, the test writes before it is asked or under no lock at all, by atomics. */
struct parent {
	struct nameserver ns;
	uint8_t ds[64];
	unsigned ds_len;             /* atomic; 0: it has none */
	bool refuses;                /* atomic */
	unsigned asked, told;        /* atomic: for the DS; by NOTIFY */
};

static struct house h;

static size_t say(void *ctx, const uint8_t *query, size_t len, uint8_t *to)
{
	struct parent *p = ctx;
	const unsigned type = be16_get(query + len - 4), n = __atomic_load_n(&p->ds_len, __ATOMIC_ACQUIRE);
	const bool refuses = __atomic_load_n(&p->refuses, __ATOMIC_RELAXED);
	uint8_t dsync[] = "\0\73\1\0\0\11localhost";

	size_t at = nameserver_begin(to, query, len, FLAG_QR | FLAG_AA | (refuses ? RCODE_REFUSED : 0));
	be16_put(dsync + 3, ntohs(p->ns.at.sin_port));
	if (type == RRTYPE_DSYNC && !refuses)
		at = nameserver_add(to, at, 0, "child._dsync.test.", RRTYPE_DSYNC, 60, dsync, sizeof dsync);
	else if (type == RRTYPE_DS && n && !refuses)
		at = nameserver_add(to, at, 0, "child.test.", RRTYPE_DS, 60, p->ds, n);
	__atomic_add_fetch(&p->asked, type == RRTYPE_DS, __ATOMIC_RELAXED);
	__atomic_add_fetch(&p->told, type == RRTYPE_CDS, __ATOMIC_RELAXED);
	return nameserver_end(to, at);
}

/* What the parent is to have, by the server's own word: "child.test. 3600 IN DS 12345 15 2 HEX". */
static bool put_ds(struct parent *p)
{
	const char *at = strstr(house_tell(&h, "dnssec ds child.test"), "DS ");
	unsigned tag, algorithm, digest, n = 4, byte;
	int used = 0;

	if (!at || sscanf(at + 3, "%u %u %u %n", &tag, &algorithm, &digest, &used) != 3)
		return false;
	be16_put(p->ds, tag);
	p->ds[2] = (uint8_t)algorithm;
	p->ds[3] = (uint8_t)digest;
	for (at += 3 + used; n < sizeof p->ds && sscanf(at, "%2x", &byte) == 1; at += 2)
		p->ds[n++] = (uint8_t)byte;
	__atomic_store_n(&p->ds_len, n, __ATOMIC_RELEASE);
	return n == 4 + 32;
}

static bool waits(const char *words, const char *what)
{
	for (unsigned i = 0; i < 1000 && !strstr(house_tell(&h, words), what); i++)
		house_pass(&h, 0.02);
	return strstr(house_tell(&h, words), what) != NULL;
}

static void a_parent_is_asked_and_told(void)
{
	static struct parent p;
	char conf[700];

	memset(&p, 0, sizeof p);
	nameserver_open(&p.ns, say, &p);
	__atomic_store_n(&p.refuses, true, __ATOMIC_RELAXED);
	house_open(&h, "");
	site_put(&h.site, "child.zone", "$TTL 1\n@ SOA ns h 1 2 3 4 1\n@ NS ns\nns A 192.0.2.3\n");
	snprintf(conf, sizeof conf,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\n"
		"dnssec: { quick: { dnskey-ttl: 1s, propagation: 0s, ds-check: 1s, parent: \"127.0.0.1:%u\" } }\n"
		"zones: [ { name: child.test, file: child.zone, dnssec: quick } ]\n",
		serving_port(&h.at), ntohs(p.ns.at.sin_port));
	site_put(&h.site, "t.yaml", conf);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_TRUE(waits("dnssec status child.test", "it answers REFUSED"));
	__atomic_store_n(&p.refuses, false, __ATOMIC_RELAXED);
	CU_ASSERT_TRUE(waits("dnssec status child.test", "DS records at the parent: 0"));
	CU_ASSERT_TRUE(house_logs(&h, "zone child.test.: its parent is told of its CDS, at localhost. port"));
	CU_ASSERT_EQUAL(__atomic_load_n(&p.told, __ATOMIC_RELAXED), 1);
	CU_ASSERT_TRUE(put_ds(&p));
	CU_ASSERT_TRUE(house_logs(&h, "zone child.test.: the parent has another DS than before"));
	CU_ASSERT_TRUE(waits("dnssec status child.test", "DS records at the parent: 1"));
	CU_ASSERT_TRUE(strstr(house_tell(&h, "dnssec keys child.test"), "ds rumoured") || strstr(house_tell(&h, "dnssec keys child.test"), "ds omnipresent"));
	CU_ASSERT_TRUE(__atomic_load_n(&p.asked, __ATOMIC_RELAXED) >= 2);
	house_stop(&h);
	house_close(&h);
	nameserver_close(&p.ns);
}

void suite_signing_parents(void);
void suite_signing_parents(void)
{
	static const struct unit_case cases[] = {
		{ "a parent is asked and told", a_parent_is_asked_and_told },
	};

	unit_suite("daemon/signing_parents", cases, UNIT_COUNT(cases));
}
