#include "conf/option.h"

#include "base/addr.h"
#include "base/file.h"
#include "base/near.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *option_shown(char buf[static OPTION_SHOWN], const char *text)
{
	const size_t most = OPTION_SHOWN - 4;
	size_t len = strnlen(text, most + 1);
	const bool cut = len > most;

	if (cut) {
		len = most;
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--; /* not inside a character */
	}
	for (size_t i = 0; i < len; i++)
		buf[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
	strcpy(buf + len, cut ? "..." : "");
	return buf;
}

/* Of the words that a row begins with ("up, down or drain", "any, all or a number"), the nearest, in `to`; else NULL. */
static const char *nearest_word(const char *say, const char *text, char to[static OPTION_SHOWN])
{
	struct near_word near = { .word = text };
	const char *found = NULL;

	if (strlen(text) < 3 && *text >= 'a')
		return NULL; /* everything is near to that */
	while (*say) {
		const size_t n = strcspn(say, ", ");
		char word[OPTION_SHOWN];
		if (!n || n >= sizeof word || (say[n] && say[n] != ',' && strncmp(say + n, " or ", 4) != 0))
			break;
		snprintf(word, sizeof word, "%.*s", (int)n, say);
		near.best = found;
		near_offer(&near, word);
		if (near.best == word)
			found = strcpy(to, word);
		say += n;
		if (strncmp(say, ", ", 2) == 0)
			say += 2;
		else if (strncmp(say, " or ", 4) == 0)
			say += 4;
		else if (*say)
			break;
	}
	return found;
}

bool option_wrong(const struct reader *r, const struct key *key, const struct node *n)
{
	char shown[OPTION_SHOWN], word[OPTION_SHOWN];
	const char *near = n->kind == NODE_SCALAR ? nearest_word(key->say, n->text, word) : NULL;

	if (near)
		return parse_error(r->src, n, "\"%s\" must be %s, not \"%s\"; did you mean \"%s\"?",
			key->name, key->say, option_shown(shown, n->text), near);
	if (n->kind == NODE_SCALAR)
		return parse_error(r->src, n, "\"%s\" must be %s, not \"%s\"", key->name,
			key->say, option_shown(shown, n->text));
	return parse_error(r->src, n, "\"%s\" must be %s, not a %s", key->name, key->say,
		n->kind == NODE_LIST ? "list" : "mapping");
}

/* C1 control characters too: U+0080 to U+009F are c2 80 to c2 9f, and a terminal may obey them.
 */
static bool has_control(const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s; s++)
		if (*s < ' ' || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0))
			return true;
	return false;
}

const char *option_scalar(const struct reader *r, const struct key *key, const struct node *n)
{
	if (n->kind == NODE_BAD)
		return NULL;
	if (n->kind != NODE_SCALAR || !*n->text) {
		option_wrong(r, key, n);
		return NULL;
	}
	if (has_control(n->text)) {
		parse_error(r->src, n,
			"a line break or control character in \"%s\"; take it out", key->name);
		return NULL;
	}
	if (strlen(n->text) > OPTION_TEXT_MOST) {
		parse_error(r->src, n, "\"%s\" is longer than %d bytes", key->name,
			OPTION_TEXT_MOST);
		return NULL;
	}
	return n->text;
}

int option_word(const struct reader *r, const struct key *key, const struct node *n,
	const char *const *words)
{
	const char *text = option_scalar(r, key, n);

	for (int i = 0; text && words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	if (text)
		option_wrong(r, key, n);
	return -1;
}

/* --- lists, or one value alone ------------------------------------------------------------ */

bool option_is_list(
	const struct reader *r, const struct key *key, const struct node *n, size_t most)
{
	if (n->kind == NODE_MAP)
		return option_wrong(r, key, n);
	if (n->kind == NODE_LIST && !n->n)
		return parse_error(
			r->src, n, "\"%s\" must be %s, not an empty list", key->name, key->say);
	if (n->kind == NODE_LIST && n->n > most)
		return parse_error(r->src, n, "\"%s\" has %zu entries; %zu are allowed",
			key->name, n->n, most);
	return n->kind != NODE_BAD;
}

const struct node *option_first(const struct node *list)
{
	return list->kind == NODE_LIST ? list->first : list;
}

const struct node *option_next(const struct node *list, const struct node *item)
{
	return list->kind == NODE_LIST ? item->next : NULL;
}

size_t option_count(const struct node *list)
{
	return list->kind == NODE_LIST ? list->n : 1;
}

/* --- pure readers ------------------------------------------------------------------------- */

static bool take_digits(const char **s, uint64_t *to)
{
	const char *from = *s;
	uint64_t v = 0;

	for (; **s >= '0' && **s <= '9'; ++*s) {
		if (v > UINT32_MAX * (uint64_t)1000)
			return false; /* far more than any option takes, far less than overflows
				       */
		v = v * 10 + (uint64_t)(**s - '0');
	}
	*to = v;
	return *s > from && (*from != '0' || *s == from + 1);
}

bool option_whole(const char *text, uint64_t *to)
{
	return take_digits(&text, to) && !*text;
}

bool option_decimal(const char *text, bool sign, double *to, const char **end)
{
	const char *s = text + (sign && (*text == '-' || *text == '+'));
	const size_t whole = strspn(s, "0123456789");
	const size_t fraction = s[whole] == '.' ? strspn(s + whole + 1, "0123456789") : 0;
	char buf[32];

	*end = s + whole + (s[whole] == '.' ? 1 + fraction : 0);
	if (!whole || (s[whole] == '.' && !fraction) || (size_t)(*end - text) >= sizeof buf)
		return false;
	memcpy(buf, text, (size_t)(*end - text));
	buf[*end - text] = 0;
	*to = strtod(buf, NULL);
	return true;
}

bool option_percent(const char *text, double least, double most, double *share)
{
	const char *unit;
	double v;

	if (!option_decimal(text, false, &v, &unit) || strcmp(unit, "%") != 0 || v < least || v > most)
		return false;
	*share = v / 100;
	return true;
}

bool option_duration(const char *text, const char *end, uint64_t *ms)
{
	static const struct {
		char unit[3];
		uint32_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 }, { "w", 604800000 } };
	uint64_t v;

	if (!take_digits(&text, &v) || text >= end)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if ((size_t)(end - text) == strlen(units[i].unit) &&
			memcmp(text, units[i].unit, (size_t)(end - text)) == 0)
			return !__builtin_mul_overflow(v, units[i].ms, ms);
	return false;
}

/* --- takers ------------------------------------------------------------------------------- */

void option_number(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);
	uint64_t v;

	if (!text)
		return;
	if (option_whole(text, &v) && v >= key->least && v <= key->most)
		*(uint32_t *)to = (uint32_t)v;
	else
		option_wrong(r, key, value);
}

void option_duration_ms(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);
	uint64_t v;

	if (!text)
		return;
	if (option_whole(text, &v) && v && v <= UINT32_MAX && v * 1000 >= key->least && v * 1000 <= key->most)
		parse_error(r->src, value,
			"\"%s\" needs a unit (ms, s, m, h, d or w); write %ss", key->name,
			text);
	else if (option_duration(text, text + strlen(text), &v) && v >= key->least &&
		v <= key->most)
		*(unsigned *)to = (unsigned)v;
	else
		option_wrong(r, key, value);
}

void option_size(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char units[] = "kMG";
	const char *text = option_scalar(r, key, value), *unit;
	uint64_t v;

	if (!text)
		return;
	const char *end = text;
	bool ok = take_digits(&end, &v);
	if (ok && *end && (unit = strchr(units, *end)) && !end[1])
		v <<= 10 * (unit - units + 1);
	else
		ok = ok && !*end;
	if (ok && v >= key->least && v <= key->most)
		*(unsigned *)to = (unsigned)v;
	else
		option_wrong(r, key, value);
}

void option_share(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (text && !option_percent(text, key->least, key->most, to))
		option_wrong(r, key, value);
}

void option_switch(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char on[3][5] = { "on", "true", "yes" },
			  off[3][6] = { "off", "false", "no" };
	const char *text = option_scalar(r, key, value);

	if (!text)
		return;
	for (unsigned i = 0; i < 3; i++) {
		if (strcasecmp(text, on[i]) != 0 && strcasecmp(text, off[i]) != 0)
			continue;
		*(bool *)to = strcasecmp(text, on[i]) == 0;
		return;
	}
	option_wrong(r, key, value);
}

void option_text(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (text)
		*(const char **)to = arena_strdup(r->mem, text);
}

void option_key(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);
	uint8_t bytes[OPTION_KEY];
	size_t len;

	if (!text)
		return;
	if (sodium_base642bin(bytes, sizeof bytes, text, strlen(text), NULL, &len, NULL,
		    sodium_base64_VARIANT_ORIGINAL) == 0 &&
		len == sizeof bytes)
		memcpy(to, bytes, sizeof bytes);
	else /* without what is written there */
		parse_error(r->src, value, "\"%s\" must be %s", key->name, key->say);
}

void option_nets(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct nets {
		const struct prefix *list;
		size_t n;
	} *nets = to;
	size_t n = 0;

	if (!option_is_list(r, key, value, OPTION_NETS_MOST))
		return;
	struct prefix *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		struct fault why;
		if (!text)
			continue;
		if (prefix_parse(&list[n], text, &why))
			n++;
		else
			parse_error(r->src, i, "%s", why.text);
	}
	*nets = (struct nets){ list, n };
}

/* For what is told of it later. */
static void remember_path(struct reader *r, const struct node *value, const char *path)
{
	struct conf *c = r->conf;

	if (c->n_paths == c->room_paths) {
		const size_t room = c->room_paths ? 2 * c->room_paths : 16;
		struct conf_path *more = arena_alloc(r->mem, room * sizeof *more);
		if (c->n_paths)
			memcpy(more, c->paths, c->n_paths * sizeof *more);
		c->paths = more;
		c->room_paths = room;
	}
	c->paths[c->n_paths++] = (struct conf_path){
		path, value->file, value->line, value->column
	};
}

void option_path(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (!text)
		return;
	*(const char **)to = file_beside(r->mem, r->conf->path, text);
	remember_path(r, value, *(const char **)to);
}

void option_program(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	size_t n = 0;

	if (!option_is_list(r, key, value, OPTION_WORDS_MOST))
		return;
	const char **words = arena_zalloc(r->mem, (option_count(value) + 1) * sizeof *words);
	for (const struct node *i = option_first(value); i; i = option_next(value, i), n++) {
		(n ? option_text : option_path)(r, key, i, &words[n]);
		if (!words[n])
			return;
	}
	*(const char *const **)to = words;
}

/* Where nameservers and those in front of them listen. Any other number is as likely the end of an address. */
static bool is_usual_port(uint64_t n, unsigned port)
{
	static const uint16_t usual[] = { 53, 443, 853, 5300, 5353, 8053, 8443, 8853 };

	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (usual[i] == n)
			return true;
	return n == port;
}

/* The port that the end of an IPv6 address looks like, as of "2001:db8::1:53"; NULL: none. */
static const char *looks_like_port(const char *text, unsigned port)
{
	const char *colon = strrchr(text, ':');
	char before[64];
	struct addr a;
	uint64_t n;

	if (*text == '[' || !colon || !option_whole(colon + 1, &n) || !is_usual_port(n, port) ||
		(size_t)(colon - text) >= sizeof before)
		return NULL;
	memcpy(before, text, (size_t)(colon - text));
	before[colon - text] = 0;
	return strchr(before, ':') && addr_parse(&a, before) ? colon : NULL;
}

bool option_endpoint(const struct reader *r, const struct node *item, const char *text, unsigned port, struct sockaddr_storage *sa,
	socklen_t *len)
{
	struct fault why;

	if (!addr_parse_endpoint(sa, len, text, port, &why))
		return parse_error(r->src, item, "%s", why.text);
	const char *colon = looks_like_port(text, port);
	if (colon)
		parse_warning(r->src, item, "\"%s\" is an address and no port; write [%.*s]%s if its end is one, else [%s]", text,
			(int)(colon - text), text, colon, text);
	return true;
}
