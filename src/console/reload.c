#include "console/reload.h"

#include "steer/stage.h"

#include <stdlib.h>
#include <string.h>

static void say_served(const struct command_hooks *h, const char *what, struct text *out)
{
	const struct world *w = h->report.world(h->report.ctx);

	text_addf(out, "%s: serving %zu zones, %u pools, %u edges\n", what,
		zone_set_count(w->zones), w->steer->n_pools, w->steer->n_edges);
}

static int run_reload(const struct command_hooks *h, struct text *out)
{
	struct faults f;

	faults_init(&f);
	const bool ok = h->reload(h->ctx, &f);
	text_add(out, text_get(&f.text));
	if (ok)
		say_served(h, "reloaded", out);
	else
		text_addf(out,
			"not reloaded: %u error%s; what was served before is served on\n",
			f.errors, f.errors == 1 ? "" : "s");
	faults_fini(&f);
	return ok ? 0 : 1;
}

static void say_staged(const struct command_hooks *h, double percent, struct text *out)
{
	const struct world_stage *s = &h->report.world(h->report.ctx)->stage;

	text_addf(out,
		"staged: %g %% of the clients have %u pools and %u edges of the new "
		"configuration\n",
		percent, s->steer ? s->steer->n_pools : 0, s->steer ? s->steer->n_edges : 0);
}

static int run_stage(const struct command_hooks *h, enum command_stage what, double percent,
	struct text *out)
{
	static const char *const failed[] = { "not staged", "not promoted", "not rolled back" };
	struct faults f;

	faults_init(&f);
	const bool ok = h->stage(h->ctx, what, percent, &f);
	text_add(out, text_get(&f.text));
	if (!ok)
		text_addf(out, "%s: all clients are served as before\n", failed[what]);
	else if (what == STAGE_BEGIN)
		say_staged(h, percent, out);
	else
		say_served(h, what == STAGE_PROMOTE ? "promoted" : "rolled back", out);
	faults_fini(&f);
	return ok ? 0 : 1;
}

/* "5%": over 0 to 100. */
static bool parse_percent(const char *text, double *to)
{
	char *end;

	if (!text[0] || strspn(text, "0123456789.") != strlen(text) - 1)
		return false;
	*to = strtod(text, &end);
	return end != text && strcmp(end, "%") == 0 && *to > 0 && *to <= 100;
}

int reload_command(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	double percent;

	if (n == 0)
		return run_reload(h, c->out);
	if (n == 1 && strcmp(words[0], "--promote") == 0)
		return run_stage(h, STAGE_PROMOTE, 0, c->out);
	if (n == 1 && strcmp(words[0], "--rollback") == 0)
		return run_stage(h, STAGE_ROLLBACK, 0, c->out);
	if (n != 2 || strcmp(words[0], "--stage") != 0)
		return 2;
	if (parse_percent(words[1], &percent))
		return run_stage(h, STAGE_BEGIN, percent, c->out);
	text_addf(c->out,
		"--stage %s: write a share of the clients, over 0%% to 100%%, such as 5%%\n",
		words[1]);
	return 2;
}
