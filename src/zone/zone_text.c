#include "zone/zone_text.h"

#include "base/memory.h"
#include "dns/rrtype.h"
#include "zone/image.h"

#include <stdlib.h>
#include <string.h>

static const char last[] = " records, serial ";

/* Relative to the apex; what it says ends without a dot. */
static void put_owner(struct text *to, const struct zone_node *n)
{
	uint8_t name[NAME_MOST];
	char text[NAME_TEXT];

	if (!n->name_len) {
		text_add_char(to, '@');
		return;
	}
	memcpy(name, n->name, n->name_len);
	name[n->name_len] = 0;
	name_text(text, name);
	text_add_bytes(to, text, strlen(text) - 1);
}

struct writing {
	struct text *to;
	const struct zone *z;
	uint8_t *rdata; /* [65535] */
	enum rdata_reader reader;
	size_t n;
};

static void put_set(struct writing *w, const struct zone_node *n, const struct zone_rrset *set)
{
	for (size_t at = 0; at < set->len;
		at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
		const size_t len = image_rdata(w->z, n, set, at, w->rdata);
		put_owner(w->to, n);
		text_addf(w->to, "\t%u\tIN\t", (unsigned)be32_get(set->wire + at + 6));
		rdata_write(w->to, set->type, w->rdata, len, w->reader);
		text_add_char(w->to, '\n');
		w->n++;
	}
}

static void put_node(struct writing *w, const struct zone_node *n)
{
	const struct zone_rrset *set = zone_first_rrset(n);
	const bool apex = n == image_first(w->z);

	for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set))
		if (!apex || set->type != RRTYPE_SOA)
			put_set(w, n, set);
}

size_t zone_text(struct text *to, const struct zone *z, enum rdata_reader reader)
{
	struct writing w = {
		.to = to, .z = z, .rdata = memory_zeroed(1, UINT16_MAX), .reader = reader
	};
	const struct zone_node *n = image_first(z);
	char name[NAME_TEXT];

	text_addf(to, "$ORIGIN %s\n", name_text(name, z->apex));
	put_set(&w, n, zone_find_rrset(n, RRTYPE_SOA));
	for (; n; n = image_next(z, n))
		put_node(&w, n);
	text_addf(to, "; %zu%s%u\n", w.n, last, z->serial);
	memory_free(w.rdata);
	return w.n;
}

void zone_text_record(
	struct text *to, const struct zone_text_record *rr, enum rdata_reader reader)
{
	char name[NAME_TEXT];

	text_addf(to, "%s %u IN ", name_text(name, rr->owner), rr->ttl_s);
	rdata_write(to, rr->type, rr->rdata, rr->rdlen, reader);
}

bool zone_text_is_whole(const char *text, size_t len)
{
	size_t line = len;

	if (!len || text[len - 1] != '\n')
		return false;
	for (line = len - 1; line > 0 && text[line - 1] != '\n'; line--)
		;
	const size_t digits = len - line < 3 ? 0 : strspn(text + line + 2, "0123456789");
	return text[line] == ';' && digits &&
		strncmp(text + line + 2 + digits, last, sizeof last - 1) == 0;
}
