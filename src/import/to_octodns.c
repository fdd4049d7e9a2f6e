/* to_octodns.c - zones as YAML that octoDNS' YamlProvider reads.
 */
#include "import/to_octodns.h"

#include "dns/rrtype.h"

#include <ctype.h>
#include <string.h>

/* Types, and the keys of their fields; a type of one field has values without keys. */
static const struct form {
	uint16_t type;
	const char *name, *fields; /* NULL: the whole of it; "": a name */
	bool single;
} forms[] = { { RRTYPE_A, "A", NULL, false }, { RRTYPE_AAAA, "AAAA", NULL, false }, { RRTYPE_CNAME, "CNAME", NULL, true },
	{ RRTYPE_DNAME, "DNAME", NULL, true }, { RRTYPE_NS, "NS", NULL, false }, { RRTYPE_PTR, "PTR", NULL, false },
	{ RRTYPE_TXT, "TXT", NULL, false }, { RRTYPE_SPF, "SPF", NULL, false }, { RRTYPE_MX, "MX", "preference exchange", false },
	{ RRTYPE_SRV, "SRV", "priority weight port target", false }, { RRTYPE_CAA, "CAA", "flags tag value", false },
	{ RRTYPE_SSHFP, "SSHFP", "algorithm fingerprint_type fingerprint", false },
	{ RRTYPE_TLSA, "TLSA", "certificate_usage selector matching_type certificate_association_data", false },
	{ RRTYPE_NAPTR, "NAPTR", "order preference flags service regexp replacement", false },
	{ RRTYPE_DS, "DS", "key_tag algorithm digest_type digest", false }, { RRTYPE_URI, "URI", "priority weight target", false },
	{ RRTYPE_SVCB, "SVCB", "svcpriority targetname", false }, { RRTYPE_HTTPS, "HTTPS", "svcpriority targetname", false } };

static const struct form *form_of(uint16_t type)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (forms[i].type == type)
			return &forms[i];
	return NULL;
}

/* --- values ------------------------------------------------------------------------------- */

/* The next word or string; strings that follow each other are not joined. NULL behind the last. */
static const char *next_word(struct plan *p, const char **at)
{
	struct text word = { 0 };
	const char *s = *at;

	while (*s == ' ')
		s++;
	if (!*s)
		return NULL;
	const bool quoted = *s == '"';
	for (s += quoted; *s && (quoted ? *s != '"' : *s != ' '); s++) {
		const unsigned char *d = (const unsigned char *)s;
		if (quoted && *d == '\\' && isdigit(d[1]) && isdigit(d[2]) && isdigit(d[3])) {
			text_add_char(&word, (char)((d[1] - '0') * 100 + (d[2] - '0') * 10 + (d[3] - '0')));
			s += 3;
			continue;
		}
		if (quoted && *d == '\\' && d[1])
			s++;
		text_add_char(&word, *s);
	}
	*at = s + (quoted && *s);
	const char *out = arena_strdup(&p->mem, text_get(&word));
	text_fini(&word);
	return out;
}

/* All strings of a TXT as one; octoDNS wants a backslash in front of each semicolon. */
static const char *txt_value(struct to_octodns *o, const char *owner, const char *data)
{
	struct text all = { 0 };
	const char *word;
	bool odd = false;

	while ((word = next_word(o->p, &data)))
		for (; *word; word++) {
			if (*word == ';')
				text_add_char(&all, '\\');
			odd = odd || (unsigned char)*word < 0x20 || (unsigned char)*word > 0x7e;
			text_add_char(&all, *word);
		}
	if (odd)
		plan_note(o->p, NOTE_SEE, o->from->conf->path, 0, "%s TXT: it has bytes that are no ASCII, which octoDNS may write otherwise", owner);
	const char *value = arena_strdup(&o->p->mem, text_get(&all));
	text_fini(&all);
	return value;
}

/* "alpn=h3,h2 port=8443": lists where SvcParams are lists (RFC 9460 section 14.3). */
static void put_params(struct plan *p, struct out *to, const char *rest)
{
	const char *word;

	while ((word = next_word(p, &rest))) {
		char *key = plan_textf(p, "%s", word), *value = strchr(key, '=');
		if (!value) {
			out_set(to, key, "");
			continue;
		}
		*value++ = 0;
		if (*value == '"') {
			value++;
			value[strcspn(value, "\"")] = 0;
		}
		const bool list = strcmp(key, "alpn") == 0 || strcmp(key, "ipv4hint") == 0 || strcmp(key, "ipv6hint") == 0 || strcmp(key, "mandatory") == 0;
		if (!list) {
			out_set(to, key, value);
			if (strcmp(key, "port") != 0)
				out_quote_last(to);
		}
		for (char *item = value; list && item; item = value) {
			value = strchr(item, ',');
			if (value)
				*value++ = 0;
			out_add(out_list(to, key), item);
		}
	}
}

static bool is_text(const char *field, size_t len)
{
	static const char *const texts[] = { "value", "fingerprint", "certificate_association_data", "digest", "service", "regexp" };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strlen(texts[i]) == len && memcmp(texts[i], field, len) == 0)
			return true;
	return false;
}

static void put_fields(struct to_octodns *o, struct out *to, const struct form *f, const char *data)
{
	const char *fields = f->fields, *word;

	while (*fields && (word = next_word(o->p, &data))) {
		const size_t len = strcspn(fields, " ");
		out_set(to, plan_textf(o->p, "%.*s", (int)len, fields), word);
		if (is_text(fields, len))
			out_quote_last(to);
		fields += len + (fields[len] == ' ');
	}
	if (f->type == RRTYPE_SVCB || f->type == RRTYPE_HTTPS)
		put_params(o->p, out_map(to, "svcparams"), data);
}

static const char *one_value(struct to_octodns *o, const char *owner, uint16_t type, const char *data)
{
	return type == RRTYPE_TXT || type == RRTYPE_SPF ? txt_value(o, owner, data) : data;
}

/* --- records ------------------------------------------------------------------------------ */

/* Relative to the zone; "" at its apex. */
static const char *key_of(struct to_octodns *o, const char *owner)
{
	const size_t len = strlen(owner), tail = strlen(o->zone);

	if (len == tail)
		return "";
	return plan_textf(o->p, "%.*s", (int)(len - tail - (tail > 1)), owner);
}

struct out *octodns_record(struct to_octodns *o, const char *owner, const char *type, uint32_t ttl_s)
{
	/* A zone has its names one after the other. */
	if (!o->owner || strcmp(o->owner, owner) != 0)
		o->at_owner = out_new_list(o->names, key_of(o, owner));
	o->owner = owner;
	struct out *one = out_add_map(o->at_owner);

	out_set(one, "type", type);
	out_setf(one, "ttl", "%u", (unsigned)ttl_s);
	return one;
}

bool octodns_put_values(struct to_octodns *o, const char *owner, uint16_t type, uint32_t ttl_s, const struct words *data)
{
	const struct form *f = form_of(type);

	if (!f)
		return false;
	struct out *one = octodns_record(o, owner, f->name, ttl_s);
	if (f->single || data->n == 1) {
		if (f->fields)
			put_fields(o, out_map(one, "value"), f, data->of[0]);
		else
			out_set(one, "value", one_value(o, owner, type, data->of[0]));
		if (!f->fields)
			out_quote_last(one);
		return true;
	}
	for (size_t i = 0; i < data->n; i++)
		if (f->fields)
			put_fields(o, out_add_map(out_list(one, "values")), f, data->of[i]);
		else {
			out_add(out_list(one, "values"), one_value(o, owner, type, data->of[i]));
			out_quote_last(out_list(one, "values"));
		}
	return true;
}

static bool begin_zone(void *ctx, const char *name, const struct zone *z)
{
	struct to_octodns *o = ctx;

	if (export_is_view(o->p, o->from, z))
		return false;
	o->zone = name;
	o->names = out_new_strict(&o->p->mem);
	o->owner = NULL;
	return true;
}

static void one_rrset(void *ctx, const struct export_rrset *set)
{
	struct to_octodns *o = ctx;
	char type[RRTYPE_TEXT];

	if (set->type == RRTYPE_EDGE) {
		const struct export_pool pool = export_pool_of_edge(o->p, o->from, set);
		if (pool.opts)
			octodns_put_pool(o, set, &pool);
	} else if (set->type == RRTYPE_SOA) {
		plan_note(o->p, NOTE_DIFFERS, o->from->conf->path, 0, "%s SOA: octoDNS leaves it to the provider", set->owner);
	} else if (!octodns_put_values(o, set->owner, set->type, set->ttl_s, &set->data)) {
		plan_note(o->p, NOTE_LOST, o->from->conf->path, 0, "%s: octoDNS has no %s", set->owner, rrtype_text(type, set->type));
	}
}

/* In the order of the zone, which is not octoDNS': its reader has "enforce_order: false" for that. */
static void end_zone(void *ctx)
{
	struct to_octodns *o = ctx;
	struct plan_zone *file = plan_file(o->p, plan_textf(o->p, "%syaml", strcmp(o->zone, ".") == 0 ? "root." : o->zone));

	text_add(&file->text, "---\n");
	out_write(o->names, &file->text);
}

void to_octodns(struct plan *p, const struct export_from *from)
{
	struct to_octodns o = { .p = p, .from = from };

	export_notes(p, from);
	export_zones(p, from, &(struct export_sink){ &o, begin_zone, one_rrset, end_zone });
}
