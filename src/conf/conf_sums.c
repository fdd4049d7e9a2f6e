#include "conf/conf_sums.h"

#include "base/bytes.h"

#include <string.h>

/* Where a zone comes from, and goes to; what is in it is told by its serial. */
#define ZONE_OWN " transfer notify notify-from primary update forward-updates serial write-back verify nameservers contact "

/* What of a section is in no sum: words of `keys`, of the section itself or (`each`) of each of its entries. With `only` they are all
 * that is. Sections of no row are summed up whole. */
static const struct rule {
	const char *section;
	enum { SECTION, EACH } at;
	bool only;
	const char *keys; /* a space before and behind each */
} rules[] = {
	/* How it runs, who may control it, what it keeps. */
	{ "control", SECTION, true, "" },
	{ "store", SECTION, true, "" },
	{ "management", SECTION, true, "" },
	{ "log", SECTION, true, "" },
	{ "reload", SECTION, true, "" },
	{ "stage", SECTION, true, "" },
	{ "resolver", SECTION, true, "" },
	/* What is refused, and how others are known. */
	{ "cookies", SECTION, true, "" },
	{ "rrl", SECTION, true, "" },
	{ "keys", SECTION, true, "" },
	{ "peers", SECTION, true, "" },
	/* The files that it has read are in its sum (conf_sums_add()), by what they are and not by where. */
	{ "geoip", SECTION, true, "" },
	{ "include", SECTION, true, "" }, /* what they have is in its place */
	{ "server", SECTION, true, " ecs minimal-responses edns-size-ipv4 edns-size-ipv6 " },
	{ "fleet", SECTION, true, " quorum " },
	{ "latency", SECTION, false, " state learned-resolvers agents " },
	{ "probes", EACH, false, " client-cert client-key ca command file " },
	{ "templates", EACH, false, ZONE_OWN },
	{ "zones", EACH, false, ZONE_OWN " file dir files catalog produce groups members " },
};

static const struct hash_key key = { 31, 32 };

static uint64_t sum_of_text(const char *text)
{
	return hash_bytes(key, (const uint8_t *)text, strlen(text));
}

static bool has_order(const struct node *n, const char *section)
{
	const bool named = strcmp(section, "edges") == 0 || strcmp(section, "pools") == 0;

	return n->kind == NODE_LIST ? strcmp(section, "zones") != 0 : named;
}

/* `deep` is 0 for the section itself, and 1 for an entry of it. */
static bool is_summed(const struct rule *r, const struct node *child, unsigned deep)
{
	const char *name = child->key ? child->key->text : "";
	const size_t len = strlen(name);
	bool named = false;

	if (!r || deep != (unsigned)r->at)
		return true;
	for (const char *at = r->keys; len && !named && (at = strstr(at, name)); at += len)
		named = at > r->keys && at[-1] == ' ' && at[len] == ' ';
	return named == r->only;
}

static uint64_t sum_of(const struct node *n, const struct rule *r, const char *section, unsigned deep)
{
	uint64_t sum = n->kind;

	if (n->kind == NODE_SCALAR)
		return sum_of_text(n->text);
	for (const struct node *c = n->first; c; c = c->next) {
		if (!is_summed(r, c, deep))
			continue;
		const uint64_t one = hash_pair(c->key ? sum_of_text(c->key->text) : 0, sum_of(c, r, section, deep + 1));
		const bool order = deep ? n->kind == NODE_LIST : has_order(n, section);
		sum = order ? hash_pair(sum, one) : sum + one;
	}
	return sum;
}

static const struct rule *rule_of(const char *section)
{
	for (unsigned i = 0; i < sizeof rules / sizeof *rules; i++)
		if (strcmp(rules[i].section, section) == 0)
			return &rules[i];
	return NULL;
}

void conf_sums_make(struct conf_sums *to, const struct node *top, struct arena *mem)
{
	to->n = 0;
	for (const struct node *c = top->first; c && to->n < CONF_SUMS_MOST; c = c->next) {
		const struct rule *r = c->key ? rule_of(c->key->text) : NULL;
		if (!c->key || (r && !*r->keys))
			continue;
		to->of[to->n++] = (struct conf_sum){ arena_strdup(mem, c->key->text), sum_of(c, r, c->key->text, 0) };
	}
}

void conf_sums_add(struct conf_sums *to, const char *section, uint64_t more)
{
	for (unsigned i = 0; i < to->n; i++)
		if (strcmp(to->of[i].section, section) == 0) {
			to->of[i].sum = hash_pair(to->of[i].sum, more);
			return;
		}
	if (to->n < CONF_SUMS_MOST)
		to->of[to->n++] = (struct conf_sum){ section, more };
}
