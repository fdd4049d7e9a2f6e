/* schema_resolver.c - resolver: who tells the addresses of names that edges flatten, and for how long.
 */
#include "conf/host_name.h"
#include "conf/option.h"
#include "conf/schema.h"

#include <string.h>

enum { SERVERS_MOST = 8, TTL_MOST_S = 86400, PORT = 53 };

static bool take_server(
	struct reader *r, const struct key *key, const struct node *item, struct text *to)
{
	const char *text = option_scalar(r, key, item);
	char shown[OPTION_SHOWN], name[ADDR_TEXT];
	struct host_name h;
	struct fault why;
	struct addr a;

	if (!text)
		return false;
	if (!host_name_parse(&h, text, true, &why) || !addr_parse(&a, h.name))
		return parse_error(r->src, item, "\"%s\" must be %s, not \"%s\"", key->name, key->say,
			option_shown(shown, text));
	addr_text(name, &a);
	text_addf(to, strchr(name, ':') ? "%s[%s]:%u" : "%s%s:%u", to->len ? "," : "", name,
		h.port ? h.port : (unsigned)PORT);
	return true;
}

static void take_servers(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;
	struct text list = { 0 };

	if (!option_is_list(r, key, value, SERVERS_MOST))
		return;
	for (const struct node *i = option_first(value); i; i = option_next(value, i))
		take_server(r, key, i, &list);
	if (list.len)
		c->resolvers = arena_strdup(r->mem, text_get(&list));
	text_fini(&list);
}

static bool seconds(const char *text, const char *end, unsigned *s)
{
	uint64_t ms;

	if (!option_duration(text, end, &ms) || ms < 1000 || ms % 1000 || ms / 1000 > TTL_MOST_S)
		return false;
	*s = (unsigned)(ms / 1000);
	return true;
}

static void take_ttl(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;
	const char *text = option_scalar(r, key, value), *dash = text ? strchr(text, '-') : NULL;
	unsigned least, most;

	if (!text)
		return;
	if (!dash || !seconds(text, dash, &least) || !seconds(dash + 1, text + strlen(text), &most) ||
		least > most) {
		option_wrong(r, key, value);
		return;
	}
	c->resolve_least_s = least;
	c->resolve_most_s = most;
}

const struct key schema_resolver_keys[] = {
	{ "at", take_servers, .say = "an address, perhaps with a port, or a list of them",
		.about = "The resolvers that are asked, one after the other.",
		.otherwise = "those of /etc/resolv.conf" },
	{ "ttl", take_ttl, .say = "a range of durations in whole seconds from 1s to 1d, such as 5s-1h",
		.about = "Names are resolved anew when their TTL has gone by, but not more often than the "
			 "one and at least as often as the other. Answers live no longer than either.",
		.otherwise = "5s-1h" },
	{ 0 },
};

void schema_resolver_defaults(struct conf *c)
{
	c->resolve_least_s = 5;
	c->resolve_most_s = 3600;
}
