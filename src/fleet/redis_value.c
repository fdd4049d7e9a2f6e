/* redis_value.c - commands and replies as they go over the wire, for who does not want to know the library.
 */
#include "fleet/redis.h"

#include "base/text.h"

#include <hiredis/hiredis.h>
#include <string.h>

bool redis_value_command(struct text *to, const struct redis_word *words, unsigned n)
{
	const size_t was = to->len;

	text_addf(to, "*%u\r\n", n);
	for (unsigned i = 0; i < n; i++) {
		text_addf(to, "$%zu\r\n", words[i].len);
		text_add_bytes(to, words[i].s, words[i].len);
		text_add(to, "\r\n");
	}
	if (!to->lost)
		return true;
	to->len = was;
	to->lost = false;
	return false;
}

bool redis_value_is_of_server(const struct redisReply *m)
{
	static const char *const codes[] = { "MOVED ", "READONLY ", "LOADING ", "MASTERDOWN ", "CLUSTERDOWN " };

	for (unsigned i = 0; m->type == REDIS_REPLY_ERROR && i < sizeof codes / sizeof *codes; i++)
		if (strncmp(m->str, codes[i], strlen(codes[i])) == 0)
			return true;
	return false;
}

struct redis_value redis_value(const struct redisReply *m)
{
	struct redis_value v = { .kind = REDIS_NOTHING, .s = "" };

	if (!m)
		return v;
	switch (m->type) {
	case REDIS_REPLY_INTEGER: v.kind = REDIS_NUMBER; break;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS: v.kind = REDIS_TEXT; break;
	case REDIS_REPLY_ERROR: v.kind = REDIS_FAULT; break;
	case REDIS_REPLY_ARRAY: v.kind = REDIS_LIST; break;
	default: return v;
	}
	v.number = m->integer;
	if (v.kind == REDIS_TEXT || v.kind == REDIS_FAULT) {
		v.s = m->str;
		v.len = (size_t)m->len;
	} else if (v.kind == REDIS_LIST) {
		v.len = m->elements;
	}
	return v;
}

const struct redisReply *redis_list(const struct redisReply *list, size_t i)
{
	return list && list->type == REDIS_REPLY_ARRAY && i < list->elements ? list->element[i] : NULL;
}

struct redis_value redis_item(const struct redisReply *list, size_t i)
{
	return redis_value(redis_list(list, i));
}
