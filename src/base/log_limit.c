#include "base/log_limit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct kind {
	const void *place; /* NULL: free */
	uint64_t since_s;
	unsigned lines; /* since then that went */
	struct log_held held;
};

/* All of the log's, which all threads share as they share what it writes to. */
static struct {
	pthread_mutex_t lock;
	struct kind kinds[LOG_LIMIT_KINDS];
} limit = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* NULL: there are too many. */
static struct kind *find(const void *place)
{
	const size_t start = (size_t)(((uintptr_t)place >> 2) * 0x9e3779b97f4a7c15u >> 32);

	for (size_t i = 0; i < LOG_LIMIT_KINDS; i++) {
		struct kind *k = &limit.kinds[(start + i) % LOG_LIMIT_KINDS];
		if (k->place == place)
			return k;
		if (!k->place) {
			k->place = place;
			return k;
		}
	}
	return NULL;
}

/* Its time is over: what was held back is handed out. */
static void begin_anew(struct kind *k, uint64_t now_s, struct log_held *held)
{
	*held = k->held;
	held->for_s = (unsigned)(now_s - k->since_s);
	k->held.lines = 0;
	k->lines = 0;
	k->since_s = now_s;
}

bool log_limit_may(const struct log_kind *kind, uint64_t now_s, struct log_held *held, const char *fmt,
	va_list ap)
{
	held->lines = 0;
	pthread_mutex_lock(&limit.lock);
	struct kind *k = find(kind->place);
	if (k && (!k->lines || now_s - k->since_s >= LOG_LIMIT_S))
		begin_anew(k, now_s, held);
	const bool may = !k || k->lines < LOG_LIMIT_LINES;
	if (k && may)
		k->lines++;
	if (!may) {
		k->held.lines++;
		k->held.level = kind->level;
		k->held.id = kind->id;
		vsnprintf(k->held.last, sizeof k->held.last, fmt, ap);
	}
	pthread_mutex_unlock(&limit.lock);
	return may;
}

bool log_limit_next(uint64_t now_s, struct log_held *held)
{
	bool any = false;

	pthread_mutex_lock(&limit.lock);
	for (size_t i = 0; i < LOG_LIMIT_KINDS && !any; i++) {
		struct kind *k = &limit.kinds[i];
		any = k->held.lines && now_s - k->since_s >= LOG_LIMIT_S;
		if (any)
			begin_anew(k, now_s, held);
	}
	pthread_mutex_unlock(&limit.lock);
	return any;
}

void log_limit_forget(void)
{
	pthread_mutex_lock(&limit.lock);
	memset(limit.kinds, 0, sizeof limit.kinds);
	pthread_mutex_unlock(&limit.lock);
}
