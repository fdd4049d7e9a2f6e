#include "daemon/readiness.h"

#include "base/memory.h"
#include "jobs/jobs.h"

struct readiness {
	struct publisher *publisher;
	const struct jobs *jobs;
	bool started;
};

__attribute__((format(printf, 3, 4))) static bool tell(
	bool ready, struct text *say, const char *fmt, ...)
{
	va_list ap;

	if (!say)
		return ready;
	va_start(ap, fmt);
	text_addv(say, fmt, ap);
	va_end(ap);
	return ready;
}

bool readiness_now(const struct readiness *r, struct text *say)
{
	const struct registry *zones = publisher_live(r->publisher)->zones;

	if (jobs_are_stopped(r->jobs))
		return tell(false, say, "not ready: stopping\n");
	if (!r->started)
		return tell(false, say, "not ready: starting, probes have not said how edges are\n");
	if (zones->n == zones->n_empty)
		return tell(false, say, "not ready: none of %zu zones can be answered from\n",
			zones->n);
	return tell(true, say, "ready: %zu of %zu zones\n", zones->n - zones->n_empty, zones->n);
}

static int run(void *ctx, const char **words, size_t n, struct command_call *c)
{
	const bool json = command_take_word(words, &n, "--json");
	struct text say = { 0 };

	if (n)
		return 2;
	const bool ready = readiness_now(ctx, json ? &say : c->out);
	if (json)
		text_addf(c->out, "{\"ready\": %s, \"say\": \"%.*s\"}\n", ready ? "true" : "false",
			(int)(say.len ? say.len - 1 : 0), text_get(&say));
	text_fini(&say);
	return ready ? 0 : 1;
}

void readiness_started(struct readiness *r)
{
	r->started = true;
}

struct readiness *readiness_new(struct publisher *p, const struct jobs *j, struct commands *commands)
{
	struct readiness *r = memory_zeroed(1, sizeof *r);

	r->publisher = p;
	r->jobs = j;
	commands_bind(commands, "ready", run, r);
	return r;
}

void readiness_free(struct readiness *r)
{
	memory_free(r);
}
