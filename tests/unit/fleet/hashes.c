#include "unit/fleet/hashes.h"

#include "base/text.h"
#include "unit/unit.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct hashed *find(struct hashes *h, const char *key, const char *field)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->of[i].key, key) == 0 && strcmp(h->of[i].field, field) == 0)
			return &h->of[i];
	return NULL;
}

static char *copy(const char *s, size_t len)
{
	char *to = malloc(len + 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	memcpy(to, s, len);
	to[len] = 0;
	return to;
}

static void drop(struct hashes *h, struct hashed *x)
{
	free(x->key);
	free(x->field);
	free(x->value);
	*x = h->of[--h->n];
}

/* True: it is a new one. */
static bool set(struct hashes *h, const char *key, const char *field, const char *value, size_t len)
{
	struct hashed *x = find(h, key, field);
	const bool is_new = !x;

	if (x)
		drop(h, x);
	CU_ASSERT_FATAL(h->n < HASHES_MOST);
	h->of[h->n++] = (struct hashed){ copy(key, strlen(key)), copy(field, strlen(field)), copy(value, len), len };
	return is_new;
}

void hashes_set(struct hashes *h, const char *key, const char *field, const char *value, size_t len)
{
	set(h, key, field, value, len);
}

void hashes_forget(struct hashes *h)
{
	while (h->n)
		drop(h, h->of);
}

size_t hashes_count(const struct hashes *h, const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += strcmp(h->of[i].key, key) == 0;
	return n;
}

/* --- the channel -------------------------------------------------------------------------- */

static void add_text(struct text *to, const char *s, size_t len)
{
	text_addf(to, "$%zu\r\n", len);
	text_add_bytes(to, s, len);
	text_add(to, "\r\n");
}

static void pass_on(struct hashes *h, const char *s, size_t len)
{
	struct text m = { 0 };

	text_add(&m, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n");
	add_text(&m, s, len);
	for (unsigned i = 0; i < h->engine.n; i++)
		if (h->listens[i])
			engine_send_to(&h->engine.of[i], m.s, m.len);
	text_fini(&m);
}

void hashes_pass_on(struct hashes *h)
{
	h->holds = false;
	for (size_t i = 0; i < h->n_later; i++) {
		pass_on(h, h->later[i].s, h->later[i].len);
		free(h->later[i].s);
	}
	h->n_later = 0;
}

static void publish(struct hashes *h, const char *s, size_t len)
{
	if (!h->holds) {
		pass_on(h, s, len);
		return;
	}
	CU_ASSERT_FATAL(h->n_later < HASHES_LATER);
	h->later[h->n_later].s = copy(s, len);
	h->later[h->n_later++].len = len;
}

/* --- commands ----------------------------------------------------------------------------- */

/* What the one script of a fleet's changes does: the later version stays. */
static void eval(struct hashes *h, const redisReply *m, struct text *to)
{
	const char *key = m->element[3]->str, *field = m->element[4]->str;
	const redisReply *value = m->element[5];
	const struct hashed *x = find(h, key, field);

	if (h->refuses)
		text_add(to, "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
	else if (x && strncmp(x->value, value->str, 16) >= 0)
		text_add(to, ":0\r\n");
	else {
		set(h, key, field, value->str, (size_t)value->len);
		text_add(to, ":1\r\n");
	}
}

static void list(const struct hashes *h, const char *key, bool values, struct text *to)
{
	text_addf(to, "*%zu\r\n", hashes_count(h, key) * (values ? 2 : 1));
	for (size_t i = 0; i < h->n; i++) {
		if (strcmp(h->of[i].key, key) != 0)
			continue;
		add_text(to, h->of[i].field, strlen(h->of[i].field));
		if (values)
			add_text(to, h->of[i].value, h->of[i].len);
	}
}

static void tell_time(struct text *to)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	text_addf(to, "*2\r\n$10\r\n%010lld\r\n$6\r\n%06ld\r\n", (long long)t.tv_sec, t.tv_nsec / 1000);
}

static void of_a_field(struct hashes *h, const redisReply *m, struct text *to)
{
	struct hashed *x = find(h, m->element[1]->str, m->element[2]->str);

	if (strcmp(m->element[0]->str, "HSET") == 0) {
		const redisReply *value = m->element[3];
		text_addf(to, ":%d\r\n", set(h, m->element[1]->str, m->element[2]->str, value->str, (size_t)value->len));
	} else if (strcmp(m->element[0]->str, "HDEL") == 0) {
		text_addf(to, ":%d\r\n", x != NULL);
		if (x)
			drop(h, x);
	} else if (x) {
		add_text(to, x->value, x->len);
	} else {
		text_add(to, "$-1\r\n");
	}
}

bool hashes_answer(void *ctx, struct engine_call *c, const struct redisReply *m)
{
	struct hashes *h = ctx;
	const char *word = m->element[0]->str;
	struct text to = { 0 };

	if (strcmp(word, "TIME") == 0)
		tell_time(&to);
	else if (strcmp(word, "HKEYS") == 0 || strcmp(word, "HGETALL") == 0)
		list(h, m->element[1]->str, word[1] == 'G', &to);
	else if (strcmp(word, "HSET") == 0 || strcmp(word, "HGET") == 0 || strcmp(word, "HDEL") == 0)
		of_a_field(h, m, &to);
	else if (strcmp(word, "EVAL") == 0)
		eval(h, m, &to);
	else if (strcmp(word, "PUBLISH") == 0)
		text_add(&to, ":1\r\n");
	else if (strcmp(word, "SUBSCRIBE") == 0)
		h->listens[c - h->engine.of] = true;
	if (to.len)
		engine_send_to(c, to.s, to.len);
	const bool is_done = to.len != 0;
	text_fini(&to);
	if (strcmp(word, "PUBLISH") == 0)
		publish(h, m->element[2]->str, (size_t)m->element[2]->len);
	return is_done;
}

void hashes_open(struct hashes *h, struct ev_loop *loop)
{
	memset(h, 0, sizeof *h);
	engine_open(&h->engine, loop);
	h->engine.answer = hashes_answer;
	h->engine.ctx = h;
}

void hashes_close(struct hashes *h)
{
	engine_close(&h->engine);
	hashes_forget(h);
	for (size_t i = 0; i < h->n_later; i++)
		free(h->later[i].s);
}
