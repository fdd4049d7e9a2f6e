#include "daemon/fleet_order.h"

#include "daemon/fleet_change.h"

#include <stdio.h>
#include <string.h>

bool fleet_order_has_word(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 1; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

bool fleet_order_key(const char *const *words, size_t n, char to[static FLEET_ORDER_KEY])
{
	const char *about = NULL;

	for (size_t i = 1; i < n && !about; i++)
		if (words[i][0] != '-')
			about = words[i];
	if (!n)
		return false;
	if (strcmp(words[0], "reload") == 0 &&
		(fleet_order_has_word(words, n, "--stage") || fleet_order_has_word(words, n, "--promote") || fleet_order_has_word(words, n, "--rollback")))
		return snprintf(to, FLEET_ORDER_KEY, "stage") > 0;
	if (strcmp(words[0], "latency") == 0 && n > 2 && strcmp(words[1], "forget") == 0)
		return snprintf(to, FLEET_ORDER_KEY, "forget %s", words[2]) < FLEET_ORDER_KEY;
	if (strcmp(words[0], "watch") == 0 && about)
		return snprintf(to, FLEET_ORDER_KEY, "watch %s", about) < FLEET_ORDER_KEY;
	if (strcmp(words[0], "fail-back") == 0 && (about || fleet_order_has_word(words, n, "--all")))
		return snprintf(to, FLEET_ORDER_KEY, "fail-back %s", about ? about : "--all") < FLEET_ORDER_KEY;
	return false;
}

bool fleet_order_key_at(const char *const *words, size_t n, const char *server, char to[static FLEET_ORDER_KEY])
{
	const bool reloads = *server && n && strcmp(words[0], "reload") == 0;

	if (fleet_order_has_word(words, n, "--here"))
		return false;
	if (reloads)
		snprintf(to, FLEET_ORDER_KEY, "stage");
	else if (!fleet_order_key(words, n, to))
		return false;
	const size_t len = strlen(to);
	return !*server || (size_t)snprintf(to + len, FLEET_ORDER_KEY - len, " @%s", server) < FLEET_ORDER_KEY - len;
}

size_t fleet_order_matter(const struct fleet_order *x)
{
	return strlen(x->key) - (*x->to ? strlen(x->to) + 2 : 0);
}

bool fleet_order_same_matter(const struct fleet_order *a, const struct fleet_order *b)
{
	const size_t len = fleet_order_matter(a);

	return len == fleet_order_matter(b) && memcmp(a->key, b->key, len) == 0 && (!*a->to || !*b->to || strcmp(a->to, b->to) == 0);
}

bool fleet_order_join(const char *const *words, size_t n, char to[static FLEET_ORDER_WORDS])
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], "--json") == 0)
			continue;
		const int more = snprintf(to + len, FLEET_ORDER_WORDS - len, "%s%s", len ? " " : "", words[i]);
		if (more < 0 || (size_t)more >= FLEET_ORDER_WORDS - len || strchr(words[i], ' '))
			return false;
		len += (size_t)more;
	}
	return true;
}

size_t fleet_order_split(char *text, const char *to[static FLEET_ORDER_WORDS_MOST])
{
	size_t n = 0;

	for (char *save, *w = strtok_r(text, " ", &save); w && n < FLEET_ORDER_WORDS_MOST; w = strtok_r(NULL, " ", &save))
		to[n++] = w;
	return n;
}

bool fleet_order_stops_watch(const struct fleet_order *x)
{
	return strncmp(x->key, "watch ", 6) == 0 && strstr(x->words, " --stop");
}

int64_t fleet_order_said_ms(const struct fleet_order *x)
{
	return (int64_t)(x->at / FLEET_CHANGE_SERVERS);
}

json_t *fleet_order_write(const struct fleet_order *x)
{
	char at[20], before[20];

	snprintf(at, sizeof at, "%016llx", (unsigned long long)x->at);
	snprintf(before, sizeof before, "%016llx", (unsigned long long)x->before);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "key", x->key, "words", x->words, "at", at, "before",
		before, "until_ms", (json_int_t)x->until_ms, "who", x->who, "by", x->by, "why", x->why, "to", x->to);
}

bool fleet_order_read(const json_t *j, struct fleet_order *x)
{
	const char *words[FLEET_ORDER_WORDS_MOST];
	char text[FLEET_ORDER_WORDS], key[FLEET_ORDER_KEY];

	*x = (struct fleet_order){ .at = fleet_change_version(j, "at"),
		.before = fleet_change_version(j, "before"),
		.until_ms = json_integer_value(json_object_get(j, "until_ms")) };
	snprintf(x->key, sizeof x->key, "%s", fleet_change_text(j, "key"));
	snprintf(x->words, sizeof x->words, "%s", fleet_change_text(j, "words"));
	snprintf(x->who, sizeof x->who, "%s", fleet_change_text(j, "who"));
	snprintf(x->by, sizeof x->by, "%s", fleet_change_text(j, "by"));
	snprintf(x->why, sizeof x->why, "%s", fleet_change_text(j, "why"));
	snprintf(x->to, sizeof x->to, "%s", fleet_change_text(j, "to"));
	memcpy(text, x->words, sizeof text);
	/* A newer server may tell what we do not know. */
	const size_t n = fleet_order_split(text, words);
	return x->at && fleet_order_key_at((const char *const *)words, n, x->to, key) && strcmp(key, x->key) == 0;
}
