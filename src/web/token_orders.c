#include "web/token_orders.h"

#include "base/ago.h"
#include "base/memory.h"
#include "base/who.h"
#include "store/store_api.h"
#include "web/store_ask.h"
#include "web/tokens.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SPAN_MOST_S = 3660 * 86400 };

struct token_orders {
	struct store_askers askers;
	struct tokens *tokens; /* borrowed; outlives it */
};

/* One that waits for the store. */
struct ordered {
	struct store_ask ask; /* first */
	struct token_orders *owner;
	bool revokes;
	struct store_token row;
	char name[TOKEN_NAME], role[16], zones[TOKEN_ZONES], text[TOKEN_TEXT];
	bool ok;
	struct fault why;
};

static void token_work(void *ctx, struct job *job)
{
	struct ordered *o = ctx;

	(void)job;
	o->ok = o->revokes ? store_drop_token(o->owner->askers.store, o->name, &o->why)
			   : store_put_token(o->owner->askers.store, &o->row, &o->why);
}

static void token_done(void *ctx, enum job_end end)
{
	struct ordered *o = ctx;
	struct command_call *c = o->ask.call;
	bool ok = end == JOB_DONE && o->ok;

	if (ok)
		ok = o->revokes ? tokens_remove(o->owner->tokens, o->name) : tokens_add(o->owner->tokens, &o->row);
	if (c && ok && o->revokes)
		text_addf(c->out, "%s may use the API no more\n", o->name);
	else if (c && ok)
		text_addf(c->out, "%s\nThis is shown once, and is stored nowhere.\n", o->text);
	else if (c)
		text_addf(c->out, "%s\n", end == JOB_DONE && *o->why.text ? o->why.text : "out of memory, or there are too many");
	if (c)
		c->done(c, ok ? 0 : 1);
	memset(o->text, 0, sizeof o->text);
	free(o);
}

static int ask_for(struct token_orders *a, struct ordered *o, struct command_call *c)
{
	o->owner = a;
	if (store_ask(&a->askers, &o->ask, c, token_work, token_done))
		return COMMAND_LATER;
	free(o);
	return 1;
}

static bool is_name(const char *s)
{
	return *s && strlen(s) < TOKEN_NAME && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(s) &&
		*s != '-';
}

static int token_add(struct token_orders *a, const char **words, size_t n, struct command_call *c)
{
	const char *role = NULL, *zones = NULL, *span = NULL;
	struct token look = { 0 };
	int64_t span_s = 0;

	command_take_value(words, &n, "--role", &role);
	command_take_value(words, &n, "--zones", &zones);
	command_take_value(words, &n, "--for", &span);
	if (n != 1 || !role)
		return 2;
	if (!is_name(words[0]))
		text_addf(c->out, "%s: a name has letters, digits, \"-\", \"_\" and \".\", %d at most\n", words[0], TOKEN_NAME - 1);
	else if (tokens_find(a->tokens, words[0]))
		text_addf(c->out, "there is a token %s already (\"token revoke %s\")\n", words[0], words[0]);
	else if (!token_role_parse(role, &look.role, &look.only_zones))
		text_addf(c->out, "--role %s: read, operate, zones or admin\n", role);
	else if (look.only_zones != (zones != NULL))
		text_add(c->out, "--zones goes with --role zones, and says which, such as 'example.org,*.example.net'\n");
	else if (zones && strlen(zones) >= TOKEN_ZONES)
		text_addf(c->out, "--zones: %d characters at most\n", TOKEN_ZONES - 1);
	else if (span && (!ago_moment(&span_s, span, 0) || span_s >= 0 || span_s < -(int64_t)SPAN_MOST_S))
		text_addf(c->out, "--for %s: a duration is wanted, such as 90d\n", span);
	if (c->out->len)
		return 1;
	struct ordered *o = calloc(1, sizeof *o);
	if (!o) {
		text_add(c->out, "out of memory\n");
		return 1;
	}
	strcpy(o->name, words[0]);
	strcpy(o->role, role);
	strcpy(o->zones, zones ? zones : "");
	o->row = (struct store_token){ .name = o->name,
		.role = o->role,
		.zones = o->zones,
		.created_s = time(NULL),
		.until_s = span ? time(NULL) - span_s : 0,
		.uid = c->uid };
	token_new(o->text, o->row.hash);
	return ask_for(a, o, c);
}

static int token_revoke(struct token_orders *a, const char *name, struct command_call *c)
{
	struct ordered *o = tokens_find(a->tokens, name) ? calloc(1, sizeof *o) : NULL;

	if (!o) {
		text_addf(c->out, "there is no token %s (\"token list\")\n", name);
		return 1;
	}
	snprintf(o->name, sizeof o->name, "%s", name);
	o->revokes = true;
	return ask_for(a, o, c);
}

static void tell_state(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct token_orders *a = ctx;
	const struct token *t = n > 1 ? tokens_find(a->tokens, words[1]) : NULL;

	if (t)
		snprintf(to, COMMAND_STATE, "role %s%s%.120s", token_role_text(t), *t->zones ? " of " : "", t->zones);
	else if (n > 1)
		strcpy(to, "none");
}

/* Who asks: a token, or who may do everything here. */
static int token_self(const struct token_orders *a, const struct command_call *c)
{
	const struct token *t = NULL;
	char who[WHO_TEXT];

	for (size_t i = 0; i < a->tokens->n && c->uid >= WHO_TOKEN; i++)
		if (a->tokens->list[i].id == (int64_t)(c->uid - WHO_TOKEN))
			t = &a->tokens->list[i];
	json_t *o = json_pack("{s:s, s:s, s:s, s:o}", "name", t ? t->name : who_text(who, c->uid), "role",
		t                                           ? token_role_text(t)
			: c->uid == 0 || c->uid == geteuid() ? "admin"
							     : "operate", "zones", t ? t->zones : "", "until",
		t && t->until_s ? json_integer(t->until_s) : json_null());
	char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	text_addf(c->out, "%s\n", text ? text : "{}");
	free(text);
	json_decref(o);
	return 0;
}

static int token_list(const struct token_orders *a, bool json, struct text *out)
{
	json_t *rows = json_array();
	char created[AGO_TEXT], until[AGO_TEXT], used[AGO_TEXT];

	for (size_t i = 0; i < a->tokens->n; i++) {
		const struct token *t = &a->tokens->list[i];
		json_array_append_new(rows,
			json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "name", t->name, "role", token_role_text(t), "zones",
				t->zones, "created", (json_int_t)t->created_s, "until",
				t->until_s ? json_integer(t->until_s) : json_null(), "used",
				t->used_s ? json_integer(t->used_s) : json_null()));
		if (!json)
			text_addf(out, "%-24s %-8s %s made %s, %s%s, %s%s\n", t->name, token_role_text(t), t->zones,
				ago_text(created, t->created_s), t->until_s ? "until " : "for good",
				t->until_s ? ago_text(until, t->until_s) : "", t->used_s ? "used " : "not used since the start",
				t->used_s ? ago_text(used, t->used_s) : "");
	}
	char *text = json ? json_dumps(rows, JSON_INDENT(2)) : NULL;
	if (text)
		text_addf(out, "%s\n", text);
	else if (!a->tokens->n)
		text_add(out, "there are no tokens\n");
	free(text);
	json_decref(rows);
	return 0;
}

static int run_token(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct token_orders *a = ctx;
	const bool json = command_take_word(words, &n, "--json");

	if (n && strcmp(words[0], "add") == 0 && !json)
		return token_add(a, words + 1, n - 1, c);
	if (n == 2 && strcmp(words[0], "revoke") == 0 && !json)
		return token_revoke(a, words[1], c);
	if (n == 1 && strcmp(words[0], "list") == 0)
		return token_list(a, json, c->out);
	if (n == 1 && strcmp(words[0], "self") == 0 && json)
		return token_self(a, c);
	return 2;
}
struct token_orders *token_orders_new(
	const struct store_askers *askers, struct tokens *tokens, struct commands *commands)
{
	struct token_orders *a = memory_zeroed(1, sizeof *a);

	a->askers = *askers;
	a->tokens = tokens;
	commands_bind(commands, "token", run_token, a);
	commands_bind_state(commands, "token", tell_state);
	return a;
}

void token_orders_free(struct token_orders *a)
{
	memory_free(a);
}
