#include "web/store_ask.h"

static void forget(struct command_call *c)
{
	((struct store_ask *)c->pending)->call = NULL;
}

bool store_ask(const struct store_askers *s, struct store_ask *ask, struct command_call *c,
	void (*work)(void *ctx, struct job *job), void (*done)(void *ctx, enum job_end end))
{
	ask->call = c;
	c->pending = ask;
	c->forget = forget;
	if (s->store &&
		jobs_start(s->jobs,
			&(struct job_opts){ .lane = s->lane,
				.name = "audit",
				.about = "and tokens, in the store",
				.ctx = ask,
				.work = work,
				.done = done }))
		return true;
	text_add(c->out, s->store ? "out of memory\n"
				  : "there is no store, where tokens and what is done with them could be kept; write for example: "
				    "store: { file: /var/lib/waymark/waymark.db }\n");
	return false;
}
