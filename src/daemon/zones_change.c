#include "daemon/zones_change.h"

#include <string.h>

enum { SAID = 10 }; /* names in a sentence */

static void add(struct text *to, size_t *n, const struct registry_zone *z)
{
	char name[NAME_TEXT];

	if ((*n)++ < ZONES_CHANGE_NAMED)
		text_addf(to, "%s\n", view_text(name, z->origin));
}

/* Both ascend. */
void zones_change_find(
	struct zones_change *to, const struct registry *before, const struct registry *next)
{
	const size_t nb = before ? before->n : 0, nn = next ? next->n : 0;
	size_t b = 0, n = 0;

	*to = (struct zones_change){ .before = nb };
	if (before == next)
		return;
	while (b < nb || n < nn) {
		const int d = b == nb ? 1
			: n == nn
			? -1
			: registry_compare(before->zones[b]->origin, next->zones[n]->origin);
		if (d < 0)
			add(&to->removed, &to->n_removed, before->zones[b]);
		else if (d > 0)
			add(&to->added, &to->n_added, next->zones[n]);
		b += d <= 0;
		n += d >= 0;
	}
}

void zones_change_fini(struct zones_change *c)
{
	text_fini(&c->added);
	text_fini(&c->removed);
}

/* "2 added (a.example, b.example)" */
static void say(const char *what, size_t n, const struct text *names, struct text *out)
{
	const char *at = text_get(names);
	size_t said = 0;

	text_addf(out, "%zu %s (", n, what);
	for (; *at && said < SAID; said++) {
		const size_t len = strcspn(at, "\n");
		text_addf(out, "%s%.*s", said ? ", " : "", (int)len, at);
		at += len + 1;
	}
	if (said < n)
		text_addf(out, " and %zu more", n - said);
	text_add(out, ")");
}

void zones_change_say(const struct zones_change *c, struct text *out)
{
	if (!c->n_added && !c->n_removed)
		return;
	text_add(out, "zones: ");
	if (c->n_added)
		say("added", c->n_added, &c->added, out);
	text_add(out, c->n_added && c->n_removed ? ", " : "");
	if (c->n_removed)
		say("removed", c->n_removed, &c->removed, out);
	text_add(out, "\n");
}

bool zones_change_check(
	const struct zones_change *c, double share, const struct fault_at *at, struct faults *f)
{
	struct text names = { 0 };

	if ((double)c->n_removed <= share * (double)c->before)
		return true;
	say("would go", c->n_removed, &c->removed, &names);
	faults_error(f, at,
		"of %zu zones %s: that is more than %g %% (reload: zones-lost); if it is "
		"meant, "
		"\"waymarkctl reload --force\" takes it",
		c->before, text_get(&names), share * 100);
	text_fini(&names);
	return false;
}
