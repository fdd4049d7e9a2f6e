#include "net/xdp_question.h"

#include "base/bytes.h"
#include "dns/query.h"
#include "net/batch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum {
	OPT_LEN = XDP_OPT,
	SUBNET_HEAD = 8, /* of the option, in front of the address */
	UDP_HEAD = 8,
	DO = 0x80,
	PASSED_OVER = 0x30 /* AD and CD say nothing to us */
};

static const uint8_t subnet_head[SUBNET_HEAD] = { 0, 8, 0, 4 + XDP_SUBNET, 0, 1, 24, 0 };

static size_t read_name(struct xdp_question *q, const uint8_t *p, size_t len)
{
	size_t left = 0;

	for (size_t i = 0; i < XDP_NAME_MOST && i < len; i++) {
		if (!left && p[i] > 63)
			return 0;
		q->name[i] = left && p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i];
		if (!left && !p[i])
			return q->len = (uint8_t)(i + 1);
		left = left ? left - 1 : p[i];
	}
	return 0;
}

static bool read_opt(struct xdp_question *q, const uint8_t *p, size_t len)
{
	/* The payload, at 3, is anything. */
	if (len < OPT_LEN || p[0] || be16_get(p + 1) != 41 || p[5] || p[6] || (p[7] & ~DO) || p[8])
		return false;
	q->says = (uint8_t)(XDP_EDNS | (p[7] ? XDP_DO : 0));
	if (len == OPT_LEN)
		return be16_get(p + 9) == 0;
	if (len != OPT_LEN + SUBNET_HEAD + XDP_SUBNET || be16_get(p + 9) != SUBNET_HEAD + XDP_SUBNET ||
		memcmp(p + OPT_LEN, subnet_head, SUBNET_HEAD) != 0)
		return false;
	q->says |= XDP_ECS;
	return true;
}

bool xdp_question_read(struct xdp_question *q, const uint8_t *query, size_t len)
{
	*q = (struct xdp_question){ .unused = 0 };
	if (len < QUERY_HEADER || (query[2] & ~1) || (query[3] & ~PASSED_OVER) || be16_get(query + 4) != 1 ||
		be16_get(query + 6) || be16_get(query + 8) || be16_get(query + 10) > 1)
		return false;
	const size_t n = read_name(q, query + QUERY_HEADER, len - QUERY_HEADER), at = QUERY_HEADER + n + 4;
	if (!n || at > len || be16_get(query + at - 2) != 1)
		return false;
	memcpy(&q->type, query + at - 4, sizeof q->type);
	return query[11] ? read_opt(q, query + at, len - at) : at == len;
}

size_t xdp_question_len(const struct xdp_question *q)
{
	size_t at = 0;

	while (q->name[at])
		at += q->name[at] + 1u;
	return at + 1 + 4;
}

size_t xdp_question_write(const struct xdp_question *q, uint32_t client, uint8_t to[static XDP_QUERY_ROOM])
{
	const uint8_t subnet[XDP_SUBNET] = { (uint8_t)(client >> 24), (uint8_t)(client >> 16), (uint8_t)(client >> 8) };
	static const uint8_t opt[OPT_LEN] = { [2] = 41, [3] = 1232 >> 8, [4] = 1232 & 0xff };
	const size_t len = xdp_question_len(q);
	size_t at = QUERY_HEADER + len;

	memset(to, 0, QUERY_HEADER);
	to[5] = 1;
	memcpy(to + QUERY_HEADER, q->name, len - 4);
	memcpy(to + at - 4, &q->type, sizeof q->type);
	be16_put(to + at - 2, 1);
	if (!(q->says & XDP_EDNS))
		return at;
	to[11] = 1;
	memcpy(to + at, opt, sizeof opt);
	to[at + 7] = q->says & XDP_DO ? DO : 0;
	if (q->says & XDP_ECS) {
		to[at + 10] = SUBNET_HEAD + XDP_SUBNET;
		memcpy(to + at + OPT_LEN, subnet_head, SUBNET_HEAD);
		memcpy(to + at + OPT_LEN + SUBNET_HEAD, subnet, XDP_SUBNET);
		at += SUBNET_HEAD + XDP_SUBNET;
	}
	return at + OPT_LEN;
}

uint32_t xdp_question_subnet(const uint8_t *query, size_t len)
{
	/* It ends the query. */
	return be32_get(query + len - XDP_SUBNET - 1) << 8;
}

/* Where in the answer the subnet of the asker stands; 0: nowhere. */
static size_t find_subnet(const uint8_t *answer, size_t behind)
{
	size_t opt_len;
	const size_t opt = batch_find_opt(answer, behind, &opt_len);
	size_t at = opt + OPT_LEN;

	for (; opt && at + 4 <= opt + opt_len; at += 4u + be16_get(answer + at + 2))
		if (be16_get(answer + at) == 8 && be16_get(answer + at + 2) == 4 + XDP_SUBNET)
			return at + SUBNET_HEAD;
	return 0;
}

/* Of what all answers have in common: UDP's length, twice, and protocol, the head, the question, and what is behind it. */
static uint16_t sum_held(const struct xdp_answer *h, const uint8_t *answer, size_t behind)
{
	uint32_t sum = 2u * htons((uint16_t)(UDP_HEAD + behind + h->len)) + htons(IPPROTO_UDP);

	for (size_t i = 2; i < behind + h->len; i++)
		sum += (uint32_t)(i < behind ? answer[i] : h->bytes[i - behind]) << (i & 1 ? 8 : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

bool xdp_question_hold(struct xdp_answer *h, const struct xdp_question *q, const uint8_t *answer, size_t len, uint8_t *scope)
{
	const size_t behind = QUERY_HEADER + xdp_question_len(q);

	if (len <= behind || len - behind > XDP_BYTES_MOST || (answer[2] & (FLAG_TC >> 8)))
		return false;
	const size_t at = q->says & XDP_ECS ? find_subnet(answer, behind) : 0;
	*h = (struct xdp_answer){ .q = *q, .len = (uint16_t)(len - behind), .subnet_at = (uint16_t)at };
	memcpy(&h->flags, answer + 2, 2);
	memcpy(h->counts, answer + 4, sizeof h->counts);
	memcpy(h->bytes, answer + behind, len - behind);
	*scope = at ? answer[at - 1] : 0;
	if (at)
		memset(h->bytes + (at - 1 - behind), 0, 1 + XDP_SUBNET);
	h->sum = sum_held(h, answer, behind);
	return true;
}
