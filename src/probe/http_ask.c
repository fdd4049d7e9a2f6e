#include "probe/http_ask.h"

#include "base/memory.h"

void http_ask_step(struct http_ask *a, const char *fmt, ...)
{
	char line[1200];
	va_list ap;

	if (!a->own.steps)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&a->lock);
	check_step(&a->own, "%s", line);
	pthread_mutex_unlock(&a->lock);
}

struct http_ask *http_ask_hold(struct http_ask *a)
{
	__atomic_add_fetch(&a->refs, 1, __ATOMIC_RELAXED);
	return a;
}

void http_ask_drop(struct http_ask *a)
{
	if (__atomic_sub_fetch(&a->refs, 1, __ATOMIC_ACQ_REL))
		return;
	http_plan_drop(a->plan);
	text_fini(&a->steps);
	pthread_mutex_destroy(&a->lock);
	memory_free(a->name);
	memory_free(a);
}
