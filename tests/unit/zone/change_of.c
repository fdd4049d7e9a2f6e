#include "unit/zone/change_of.h"

#include "dns/rrtype.h"
#include "unit/zone/zone_of.h"
#include "zone/head.h"
#include "zone/rdata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t root[1], apex[] = "\7example";

static bool add_line(struct change *c, const char *line, size_t len, struct fault *why)
{
	static uint8_t rdata[RDATA_MOST];
	char owner[256], type[32];
	uint8_t wire[NAME_MOST];
	unsigned ttl;
	int used;
	struct faults f;
	struct tokens t;
	struct change_record rr = { .owner = wire, .rdata = rdata };
	bool indented;

	if (sscanf(line + 1, " %255s %u %31s %n", owner, &ttl, type, &used) != 3 ||
		name_parse(wire, NULL, owner, strlen(owner), root) != NAME_OK ||
		!rrtype_parse(&rr.type, type, strlen(type)))
		abort();
	rr.ttl_s = ttl;
	faults_init(&f);
	token_init(&t, "text", line + 1 + used, len - 1 - (size_t)used, &f);
	const int n = token_entry(&t, &indented) ? rdata_read(&t, rr.type, root, rdata) : -1;
	if (n < 0)
		abort();
	rr.rdlen = (uint16_t)n;
	faults_fini(&f);
	return *line == '+' ? change_add(c, &rr, why) : change_remove(c, &rr, why);
}

struct change *change_of(const char *text, struct fault *why)
{
	struct change *c = change_new(apex);
	bool ok = c;

	for (const char *end; ok && *text; text = end + 1) {
		char line[1024];
		end = strchr(text, '\n');
		snprintf(line, sizeof line, "%.*s", (int)(end - text), text);
		ok = add_line(c, line, strlen(line), why);
	}
	if (ok && change_seal(c, why))
		return c;
	change_free(c);
	return NULL;
}

struct text change_text(const struct change *c)
{
	struct change_walk walk = change_each(c);
	const struct change_record *rr = &walk.rr;
	struct text to = { 0 };

	text_add(&to, "");
	while (change_next(&walk)) {
		char name[NAME_TEXT], type[RRTYPE_TEXT];
		text_addf(&to, "%c %s %u %s ", rr->comes ? '+' : '-',
			name_text(name, rr->owner), rr->ttl_s, rrtype_text(type, rr->type));
		if (rr->type == RRTYPE_A)
			text_addf(&to, "%u.%u.%u.%u", rr->rdata[0], rr->rdata[1], rr->rdata[2],
				rr->rdata[3]);
		else if (rr->type == RRTYPE_NS || rr->type == RRTYPE_CNAME)
			text_add(&to, name_text(name, rr->rdata));
		else if (rr->type == RRTYPE_SOA)
			text_addf(&to, "%u",
				(unsigned)rr->rdata[rr->rdlen - 17] |
					(unsigned)rr->rdata[rr->rdlen - 18] << 8);
		else
			for (unsigned i = 0; i < rr->rdlen; i++)
				text_addf(&to, "%02x", rr->rdata[i]);
		text_add_char(&to, '\n');
	}
	return to;
}

/* --- onto zones ---------------------------------------------------------------------------- */

static bool pool_known(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "web") == 0 || strcmp(name, "app") == 0;
}

/* Of no EDGE beside other data, where it can be seen. */
static bool pool_cname(void *ctx, const struct edge_rr *rr)
{
	(void)ctx;
	return rr->pool_len == 3 && memcmp(rr->pool, "app", 3) == 0;
}

struct zone_with_opts change_of_opts(bool tolerant)
{
	return (struct zone_with_opts){ .compile = { .key = zone_of_key,
						.pool_known = pool_known,
						.pool_cname = pool_cname,
						.quiet = true },
		.tolerant = tolerant };
}
