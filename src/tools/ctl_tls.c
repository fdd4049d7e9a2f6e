#include "tools/ctl_tls.h"

#include "dns/rrtype.h"
#include "net/tls.h"
#include "report/report_tls.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/registry.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TOLD_MOST = 16 };

struct look {
	const struct parts *parts;
	const struct tls *tls;
	struct faults *f;
	char told[TOLD_MOST][NAME_TEXT]; /* nameservers; many zones have the same */
	unsigned n_told;
};

static void check_ages(struct look *l)
{
	static const char *const says[] = { [REPORT_TLS_EARLY] = "it is not valid yet",
		[REPORT_TLS_SOON] = "less than a tenth of its life is left",
		[REPORT_TLS_ENDED] = "it has ended" };
	const struct conf *c = parts_conf(l->parts);
	char text[REPORT_TLS_TEXT];

	for (size_t i = 0; i < tls_count(l->tls); i++) {
		const struct tls_about a = tls_about(l->tls, i);
		const enum report_tls_age age = report_tls_age(&a, time(NULL));
		const struct fault_at at = conf_path_at(c, c->tls[i].cert);
		if (age != REPORT_TLS_GOOD)
			faults_warning(l->f, &at, "%s: the certificate for %s: %s",
				c->tls[i].cert, report_tls_text(text, &a), says[age]);
	}
}

/* Does a zone of ours say that the nameserver speaks TLS? `lower` is its name in wire form. */
static bool speaks_tls(const struct look *l, const uint8_t *lower)
{
	static const uint8_t label[] = "\4_dns";
	const struct registry *r = l->parts->zones;
	const size_t len = name_len(lower);
	uint8_t wire[NAME_MOST];
	struct zone_name name;

	if (len + sizeof label - 1 > NAME_MOST)
		return false;
	memcpy(wire, label, sizeof label - 1);
	memcpy(wire + sizeof label - 1, lower, len);
	zone_name_set(&name, zone_set_key(r->set), wire);
	const struct zone *home = zone_set_find(r->set, &name, name.labels, NULL);
	const struct zone_node *n =
		home && zone_is_ready(home) ? zone_find_node(home, &name, 0) : NULL;
	return n && zone_find_rrset(n, RRTYPE_SVCB);
}

static void check_nameserver(struct look *l, const struct zone *z, const uint8_t *target)
{
	uint8_t lower[NAME_MOST];
	char host[NAME_TEXT], zone[NAME_TEXT];
	const struct conf *c = parts_conf(l->parts);

	name_lower(lower, target, name_len(target));
	if (l->n_told == TOLD_MOST || !speaks_tls(l, lower))
		return;
	name_text(host, lower);
	host[strlen(host) - 1] = 0; /* its dot */
	if (tls_find(l->tls, host) != SIZE_MAX)
		return;
	for (unsigned i = 0; i < l->n_told; i++)
		if (strcmp(l->told[i], host) == 0)
			return;
	memcpy(l->told[l->n_told++], host, sizeof host);
	const struct fault_at at = conf_path_at(c, c->tls[0].cert);
	faults_warning(l->f, &at,
		"no certificate here is for %s, the nameserver of %s that _dns.%s tells to speak TLS",
		host, name_text(zone, z->apex), host);
}

static void check_zone(struct look *l, const struct zone *z)
{
	const struct zone_rrset *ns = zone_find_rrset(z->apex_node, RRTYPE_NS);
	uint8_t rdata[NAME_MOST];

	for (size_t at = 0; ns && at < ns->len; at += IMAGE_RR_FIXED + be16_get(ns->wire + at + 10)) {
		image_rdata(z, z->apex_node, ns, at, rdata);
		check_nameserver(l, z, rdata);
	}
}

void ctl_tls_check(const struct parts *p, struct faults *f)
{
	const struct conf *c = parts_conf(p);
	struct fault why;
	struct tls *tls = c->n_tls
		? tls_new(&(struct tls_opts){ .pairs = c->tls, .n = c->n_tls }, &why)
		: NULL;
	struct look l = { .parts = p, .tls = tls, .f = f };

	if (!tls)
		return;
	check_ages(&l);
	for (size_t i = 0; i < p->zones->n; i++) {
		const struct zone *z = p->zones->zones[i]->load.zone;
		if (z && zone_is_ready(z))
			check_zone(&l, z);
	}
	tls_drop(tls);
}
