#include "zone/catalog.h"

#include "base/memory.h"
#include "base/scope.h"
#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/records.h"
#include "zone/registry.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------ */

static const uint8_t zones_label[] = "\5zones", version_label[] = "\7version",
		     group_label[] = "\5group", coo_label[] = "\3coo";

struct reading {
	const struct zone *z;
	struct arena *mem;
	struct catalog *to;
	size_t most, room;
	struct catalog_member *last; /* whose properties follow; NULL */
	bool has_version;
	struct fault *why;
};

static bool is_label(const uint8_t *at, const uint8_t *label)
{
	return *at == *label && memcmp(at + 1, label + 1, *label) == 0;
}

/* The labels of a node's name, which has no root; their number, up to 4. */
static unsigned labels_of(const struct zone_node *n, const uint8_t *at[4])
{
	unsigned k = 0;

	for (const uint8_t *p = n->name; p < n->name + n->name_len && k < 4; p += *p + 1u)
		at[k++] = p;
	return k;
}

static const char *node_text(const struct reading *r, const struct zone_node *n, char *to)
{
	uint8_t owner[NAME_MOST];

	image_owner(r->z, n, owner);
	return name_text(to, owner);
}

/* One string of a TXT record, and nothing behind it. NULL: something else. */
static const char *one_string(struct reading *r, const uint8_t *rr, size_t *len)
{
	const size_t rdlen = be16_get(rr + 10);
	const uint8_t *rdata = rr + IMAGE_RR_FIXED;

	if (!rdlen || rdata[0] + 1u != rdlen || memchr(rdata + 1, 0, rdata[0]))
		return NULL;
	*len = rdata[0];
	char *text = arena_zalloc(r->mem, *len + 1);
	memcpy(text, rdata + 1, *len);
	return text;
}

static bool read_version(struct reading *r, const struct zone_node *n)
{
	const struct zone_rrset *txt = zone_find_rrset(n, RRTYPE_TXT);
	size_t len;

	if (!txt)
		return true;
	const char *text = txt->count == 1 ? one_string(r, txt->wire, &len) : NULL;
	if (!text)
		return fault(r->why, "its version is not one TXT record with one string");
	if (strcmp(text, "2") != 0)
		return fault(r->why, "its version is \"%s\", and 2 is the one that is known (RFC "
				     "9432)", text);
	r->has_version = true;
	return true;
}

static bool add_member(
	struct reading *r, const struct zone_node *n, const struct zone_rrset *ptr, const uint8_t *label)
{
	struct catalog *c = r->to;
	uint8_t target[65535];
	char name[NAME_TEXT];

	if (ptr->count != 1)
		return fault(r->why, "there are %u PTR records at %s, and one is allowed", ptr->count,
			node_text(r, n, name));
	if (c->n == r->most)
		return fault(r->why,
			"it has more than %zu members (\"members\" of its entry allows more)", r->most);
	if (c->n == r->room) {
		const size_t room = r->room ? 2 * r->room : 64;
		struct catalog_member *list = arena_alloc(r->mem, room * sizeof *list);
		if (c->n)
			memcpy(list, c->members, c->n * sizeof *list);
		c->members = list;
		r->room = room;
	}
	const size_t len = image_rdata(r->z, n, ptr, 0, target);
	name_lower(target, target, len);
	if (view_is(target))
		return fault(r->why, "its member %s cannot be a zone: its name begins with \\000",
			name_text(name, target));
	r->last = &c->members[c->n++];
	*r->last = (struct catalog_member){ .apex = arena_memdup(r->mem, target, len),
		.label = arena_memdup(r->mem, label, *label + 1u) };
	return true;
}

static void add_groups(struct reading *r, const struct zone_rrset *txt)
{
	const char **list = arena_alloc(r->mem, txt->count * sizeof(*list));
	size_t n = 0, len;

	for (size_t at = 0; at < txt->len; at += IMAGE_RR_FIXED + be16_get(txt->wire + at + 10)) {
		const char *text = one_string(r, txt->wire + at, &len);
		if (text)
			list[n++] = text;
	}
	r->last->groups = list;
	r->last->n_groups = n;
}

/* Of the member that the node in front of it was about. */
static void read_property(struct reading *r, const struct zone_node *n, const uint8_t *const *at)
{
	const struct zone_rrset *set;
	uint8_t target[65535];

	if (!r->last || !is_label(at[1], r->last->label))
		return;
	if (is_label(at[0], group_label) && (set = zone_find_rrset(n, RRTYPE_TXT)))
		add_groups(r, set);
	else if (is_label(at[0], coo_label) && (set = zone_find_rrset(n, RRTYPE_PTR)) &&
		set->count == 1) {
		const size_t len = image_rdata(r->z, n, set, 0, target);
		name_lower(target, target, len);
		r->last->coo = arena_memdup(r->mem, target, len);
	}
}

static bool read_node(struct reading *r, const struct zone_node *n)
{
	const uint8_t *at[4];
	const unsigned labels = n->flags & NODE_NSEC3 ? 0 : labels_of(n, at);
	const struct zone_rrset *ptr;

	if (labels == 1 && is_label(at[0], version_label))
		return read_version(r, n);
	if (labels == 2 && is_label(at[1], zones_label)) {
		r->last = NULL;
		ptr = zone_find_rrset(n, RRTYPE_PTR);
		return !ptr || add_member(r, n, ptr, at[0]);
	}
	if (labels == 3 && is_label(at[2], zones_label))
		read_property(r, n, at);
	return true;
}

static int compare_members(const void *va, const void *vb)
{
	const struct catalog_member *a = va, *b = vb;

	return registry_compare(a->apex, b->apex);
}

static bool sort(struct reading *r)
{
	struct catalog *c = r->to;
	char name[NAME_TEXT];

	if (c->n)
		qsort(c->members, c->n, sizeof *c->members, compare_members);
	for (size_t i = 1; i < c->n; i++)
		if (name_equal(c->members[i - 1].apex, c->members[i].apex))
			return fault(r->why, "zone %s is listed twice in it",
				name_text(name, c->members[i].apex));
	return true;
}

bool catalog_read(const struct zone *z, size_t most, struct arena *mem, struct catalog *to,
	struct fault *why)
{
	struct reading r = { .z = z, .mem = mem, .to = to, .most = most, .why = why };

	*to = (struct catalog){ .n = 0 };
	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n))
		if (!read_node(&r, n))
			return false;
	if (!r.has_version)
		return fault(why, "it has no version: no TXT record \"2\" at version in front of "
				  "its name");
	return sort(&r);
}

const struct catalog_member *catalog_find(const struct catalog *c, const uint8_t *apex)
{
	const struct catalog_member key = { .apex = apex };

	return c->n ? bsearch(&key, c->members, c->n, sizeof *c->members, compare_members) : NULL;
}

/* --- making one --------------------------------------------------------------------------- */

void catalog_label(const uint8_t *apex, uint8_t to[static 1 + CATALOG_LABEL])
{
	uint8_t hash[CATALOG_LABEL / 2];
	char text[CATALOG_LABEL + 1];

	crypto_generichash(hash, sizeof hash, apex, name_len(apex), NULL, 0);
	sodium_bin2hex(text, sizeof text, hash, sizeof hash);
	to[0] = CATALOG_LABEL;
	memcpy(to + 1, text, CATALOG_LABEL);
}

enum { REFRESH_S = 3600, RETRY_S = 600, EXPIRE_S = 2147483646, NEGATIVE_S = 0 };

static bool put(struct records *r, const uint8_t *owner, uint16_t type, const void *rdata,
	size_t len)
{
	const uint32_t group = records_owner(r, owner, name_len(owner));

	return group && records_add(r, group,
				&(struct record){ .rdata = rdata,
					.type = type,
					.rdlen = (uint16_t)len,
					.file = UINT16_MAX });
}

/* The name `label`.`under`. Its length; 0: it is too long. */
static size_t put_label(uint8_t to[static NAME_MOST], const uint8_t *label, const uint8_t *under)
{
	const size_t len = name_len(under), own = *label + 1u;

	if (own + len > NAME_MOST)
		return 0;
	memmove(to + own, under, len);
	memcpy(to, label, own);
	return own + len;
}

static bool put_row(struct records *r, const uint8_t *zones, const struct catalog_row *row)
{
	uint8_t label[1 + CATALOG_LABEL], owner[NAME_MOST], text[256];

	catalog_label(row->apex, label);
	if (!put_label(owner, label, zones) ||
		!put(r, owner, RRTYPE_PTR, row->apex, name_len(row->apex)))
		return false;
	if (!row->group)
		return true;
	const size_t len = strlen(row->group);
	text[0] = (uint8_t)len;
	memcpy(text + 1, row->group, len);
	return put_label(owner, group_label, owner) && put(r, owner, RRTYPE_TXT, text, len + 1);
}

static bool put_head(struct records *r, const uint8_t *apex, uint32_t serial)
{
	static const uint8_t invalid[] = "\7invalid", two[] = "\1""2";
	const uint32_t numbers[] = { serial, REFRESH_S, RETRY_S, EXPIRE_S, NEGATIVE_S };
	uint8_t soa[2 * sizeof invalid + sizeof numbers], owner[NAME_MOST];

	memcpy(soa, invalid, sizeof invalid);
	memcpy(soa + sizeof invalid, invalid, sizeof invalid);
	for (unsigned i = 0; i < 5; i++)
		be32_put(soa + 2 * sizeof invalid + i * 4, numbers[i]);
	return put(r, apex, RRTYPE_SOA, soa, sizeof soa) &&
		put(r, apex, RRTYPE_NS, invalid, sizeof invalid) &&
		put_label(owner, version_label, apex) &&
		put(r, owner, RRTYPE_TXT, two, sizeof two - 1);
}

static void let_go(void *r)
{
	records_fini(r);
}

struct zone *catalog_make(const uint8_t *apex, uint32_t serial, const struct catalog_row *rows,
	size_t n, const struct compile_opts *opts, struct faults *f)
{
	struct compile_opts quiet = *opts;
	uint8_t zones[NAME_MOST];
	struct records r;
	struct zone *z = NULL;

	quiet.quiet = true;
	records_init(&r, apex);
	scope_hold(&r, let_go);
	bool ok = put_label(zones, zones_label, apex) && put_head(&r, apex, serial);
	for (size_t i = 0; ok && i < n; i++)
		ok = put_row(&r, zones, &rows[i]);
	if (ok)
		z = zone_compile(&r, &quiet, f);
	else
		faults_take(f, &(struct fault){ .text = "the catalog's name is too long, or there is "
						       "no memory" });
	scope_forget(&r, let_go);
	records_fini(&r);
	return z;
}
