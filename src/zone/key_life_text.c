#include "zone/key_life_text.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BASE64 = sodium_base64_VARIANT_ORIGINAL, WORD = 16 };

/* --- writing ------------------------------------------------------------------------------ */

static void write_ttl(struct text *to, const char *name, const struct key_ttl *t)
{
	text_addf(to, "ttl %s %u %u\n", name, t->ttl_s, t->left_s);
}

static void write_part(struct text *to, const struct key_part *p)
{
	text_addf(to, " %s %d %u", key_state_text(p->state), p->served, p->waited_s);
}

void key_life_write(const struct key_life *l, struct text *to)
{
	char base64[sodium_base64_ENCODED_LEN(SIGNING_DNSKEY_MOST, BASE64)];
	size_t len;

	write_ttl(to, "dnskey", &l->dnskey_ttl);
	write_ttl(to, "zone", &l->zone_ttl);
	write_ttl(to, "ds", &l->ds_ttl);
	text_addf(to, "parent %" PRId64 "\nroll %u\n", l->ds_seen_s, l->roll);
	for (size_t i = 0; i < l->n; i++) {
		const struct life_key *k = &l->keys[i];
		const uint8_t *dnskey = signing_key_dnskey(k->key, &len);
		sodium_bin2base64(base64, sizeof base64, dnskey, len, BASE64);
		text_addf(to, "key %s %s %s %" PRId64, key_role_text(k->role),
			k->foreign ? "foreign" : "own", k->wanted ? "wanted" : "leaving",
			k->created_s);
		write_part(to, &k->dnskey);
		write_part(to, &k->zone);
		write_part(to, &k->ds);
		text_addf(to, " %s\n", base64);
	}
}

/* --- reading ------------------------------------------------------------------------------ */

static bool read_ttl(struct key_life *l, const char *line)
{
	struct key_ttl t;
	char name[WORD];

	if (sscanf(line, "ttl %15s %" SCNu32 " %" SCNu32, name, &t.ttl_s, &t.left_s) != 3)
		return false;
	if (strcmp(name, "dnskey") == 0)
		l->dnskey_ttl = t;
	else if (strcmp(name, "zone") == 0)
		l->zone_ttl = t;
	else if (strcmp(name, "ds") == 0)
		l->ds_ttl = t;
	return true;
}

static bool read_role(const char *text, uint8_t *to)
{
	static const uint8_t roles[] = { KEY_CSK, KEY_KSK, KEY_ZSK };

	for (size_t i = 0; i < sizeof roles; i++)
		if (strcmp(text, key_role_text(roles[i])) == 0) {
			*to = roles[i];
			return true;
		}
	return false;
}

/* `*line` is behind it then. */
static bool read_part(struct key_part *to, const char **line)
{
	char state[WORD];
	int served, n = 0;

	if (sscanf(*line, " %15s %d %" SCNu32 "%n", state, &served, &to->waited_s, &n) != 3 ||
		!key_state_parse(state, &to->state))
		return false;
	to->served = served != 0;
	*line += n;
	return true;
}

static bool read_key(struct key_life *l, const char *line, struct fault *why)
{
	char role[WORD], whose[WORD], wanted[WORD];
	uint8_t dnskey[SIGNING_DNSKEY_MOST];
	struct life_key k = { 0 };
	size_t len;
	int n = 0;

	if (l->n == KEY_LIFE_MOST ||
		sscanf(line, "key %15s %15s %15s %" SCNd64 "%n", role, whose, wanted,
			&k.created_s, &n) != 4)
		return false;
	line += n;
	if (!read_role(role, &k.role) || !read_part(&k.dnskey, &line) ||
		!read_part(&k.zone, &line) || !read_part(&k.ds, &line) || *line++ != ' ' ||
		sodium_base642bin(dnskey, sizeof dnskey, line, strcspn(line, "\n"), NULL, &len,
			NULL, BASE64) != 0)
		return false;
	struct signing_key *key = signing_key_foreign(dnskey, len, why);
	if (!key)
		return false;
	k.foreign = strcmp(whose, "foreign") == 0;
	k.wanted = strcmp(wanted, "wanted") == 0;
	k.key = signing_key_keep(key);
	signing_key_drop(key);
	l->keys[l->n++] = k;
	return true;
}

/* What is not known here was written by a later one of us. */
static bool read_line(struct key_life *l, const char *line, struct fault *why)
{
	unsigned roll;

	if (strncmp(line, "ttl ", 4) == 0)
		return read_ttl(l, line);
	if (strncmp(line, "key ", 4) == 0)
		return read_key(l, line, why);
	if (strncmp(line, "parent ", 7) == 0)
		return sscanf(line, "parent %" SCNd64, &l->ds_seen_s) == 1;
	if (sscanf(line, "roll %u", &roll) == 1)
		l->roll = (uint8_t)(roll & KEY_CSK);
	return true;
}

bool key_life_read(struct key_life *to, const char *text, struct fault *why)
{
	*to = (struct key_life){ 0 };
	for (const char *line = text; *line;
		line += strcspn(line, "\n"), line += *line == '\n') {
		if (read_line(to, line, why))
			continue;
		key_life_fini(to);
		return fault(why, "the states of keys cannot be read: \"%.*s\"",
			(int)strcspn(line, "\n") > 60 ? 60 : (int)strcspn(line, "\n"), line);
	}
	return true;
}
