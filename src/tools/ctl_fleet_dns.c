#include "tools/ctl_fleet_dns.h"

#include "base/bytes.h"
#include "base/text.h"
#include "dns/message.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESSES = 32, TYPE_OPT = 41, OPTION_ECS = 8 };

uint32_t ctl_fleet_dns_client(uint64_t *random)
{
	for (;;) {
		*random ^= *random << 13;
		*random ^= *random >> 7;
		*random ^= *random << 17;
		const uint32_t net = (uint32_t)(*random >> 24) & 0xffffff00u, first = net >> 24;
		if (first && first != 10 && first != 127 && first < 224)
			return net;
	}
}

size_t ctl_fleet_dns_query(uint8_t to[static CTL_FLEET_DNS_QUERY], uint16_t id, const struct ctl_fleet_dns_question *q)
{
	uint8_t *p = to + 12;

	memset(to, 0, 12);
	be16_put(to, id);
	be16_put(to + 4, 1);
	be16_put(to + 10, 1);
	memcpy(p, q->name, q->len);
	be16_put(p + q->len, q->type);
	be16_put(p + q->len + 2, 1);
	p += q->len + 4;
	*p = 0;
	be16_put(p + 1, TYPE_OPT);
	be16_put(p + 3, 1232);
	be32_put(p + 5, 0);
	be16_put(p + 9, 11);
	be16_put(p + 11, OPTION_ECS);
	be16_put(p + 13, 7);
	be16_put(p + 15, 1);
	p[17] = 24;
	p[18] = 0;
	p[19] = (uint8_t)(q->client >> 24);
	p[20] = (uint8_t)(q->client >> 16);
	p[21] = (uint8_t)(q->client >> 8);
	return (size_t)(p + 22 - to);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int scope_of(const struct message_rr *opt)
{
	for (size_t at = 0; at + 4 <= opt->rdlen;) {
		const unsigned code = be16_get(opt->rdata + at), len = be16_get(opt->rdata + at + 2);
		if (code == OPTION_ECS && len >= 4 && at + 8 <= opt->rdlen)
			return opt->rdata[at + 7];
		at += 4 + len;
	}
	return -1;
}

bool ctl_fleet_dns_answer(const uint8_t *bytes, size_t len, char to[static CTL_FLEET_DNS_ANSWER])
{
	struct message m;
	struct message_rr rr;
	unsigned section, n = 0;
	char found[ADDRESSES][INET6_ADDRSTRLEN];
	int scope = -1;
	struct text text = { 0 };

	if (!message_open(&m, bytes, len))
		return false;
	while (message_next(&m, &rr, &section)) {
		if (section == 0 && n < ADDRESSES && ((rr.type == 1 && rr.rdlen == 4) || (rr.type == 28 && rr.rdlen == 16)))
			inet_ntop(rr.type == 1 ? AF_INET : AF_INET6, rr.rdata, found[n++], INET6_ADDRSTRLEN);
		else if (section == 0 && n < ADDRESSES)
			snprintf(found[n++], INET6_ADDRSTRLEN, "type %u of %u bytes", rr.type, rr.rdlen);
		else if (section == 2 && rr.type == TYPE_OPT)
			scope = scope_of(&rr);
	}
	qsort(found, n, sizeof *found, compare_text);
	if (m.flags & 15)
		text_addf(&text, "rcode %u ", m.flags & 15);
	for (unsigned i = 0; i < n; i++)
		text_addf(&text, "%s ", found[i]);
	if (scope >= 0)
		text_addf(&text, "scope /%d", scope);
	else
		text_add(&text, "no scope");
	snprintf(to, CTL_FLEET_DNS_ANSWER, "%s", text_get(&text));
	text_fini(&text);
	return !m.wrong;
}
