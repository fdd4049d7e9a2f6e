#include "console/command.h"

#include "console/command_words.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The second words of a command with which it changes nothing, between blanks; "." is none at all. Each row has one:
 * what is not known to change nothing is written down (command_changes()). */
#define ALWAYS "" /* it changes something */
#define NEVER  "*"

static const struct {
	const char *word, *words, *help;
	const char *reads;
} table[] = {
	{ "reload", "[--force] [--stage SHARE [--here] | --promote [--here] | --rollback [--here]]\n"
		"           [--json]",
		"read configuration, zones and databases anew; a zone that is wrong keeps its old "
		"data, and exit 1 tells of it; --stage 5%: edges and pools for 5 % of the clients "
		"first; --force: however many zones are gone; --here: the other servers of the fleet do "
		"not follow",
		ALWAYS },
	{ "status", "[--json]", "what is served, and how much",
		NEVER },
	{ "ready", "[--json]",
		"exit 0: queries may come; else it says why not: for who announces a route to it",
		NEVER },
	{ "zones", "[NAME] [--match TEXT] [--faulty] [--after NAME] [--limit N] [--json]",
		"the zones, where they come from, and how they are",
		NEVER },
	{ "zone",
		"status NAME [--json] | history NAME [--last N] [--json]\n"
		"           export NAME [FILE] [--generic] [--unsigned] | notify NAME\n"
		"           refresh NAME | retransfer NAME | purge NAME\n"
		"           add NAME [TEMPLATE] [FILE] [--stored] | remove NAME [--purge]\n"
		"           promote NAME|--all TEMPLATE | demote NAME\n"
		"           freeze NAME | thaw NAME [--discard] | sync NAME [--discard] | edit NAME\n"
		"           begin NAME [--serial N] | set NAME OWNER [TTL] TYPE DATA | unset NAME OWNER [TYPE "
		"[DATA]]\n"
		"           diff NAME | commit NAME | abort NAME",
		"one zone, its primary and timers; what has changed in it; its records as a zone file; tell secondaries of "
		"it; ask its primary now; fetch it whole; forget what is stored of it; serve "
		"another zone, or one of these no more; make a secondary a primary, and back; take no updates of it, or again; write its file now; change it in $EDITOR, or record by record in a "
		"draft",
		" status history export diff " },
	{ "dnssec",
		"status NAME [--json] | ds NAME [--json] | keys NAME [--json]\n"
		"           roll NAME [--ksk | --zsk] [--now]\n"
		"           ds-seen NAME | ds-gone NAME | import NAME FILE [--zsk]\n"
		"           export NAME FOLDER [--pem] | remove NAME TAG",
		"how a zone that is signed here stands with its keys; the DS that its parent should "
		"have; its keys; new keys in their place; the parent has that DS, or none; a key "
		"from elsewhere (K*.private; K*.key alone: another signer's; or PEM); all keys into "
		"a folder; another signer's key goes",
		" status ds keys " },
	{ "edges", "[--json]", "the edges, their states, and what their probes say",
		NEVER },
	{ "pools", "[POOL] [--json]", "the pools, and which of their edges may answer",
		NEVER },
	{ "force",
		"EDGE[@POOL] up|down|drain|disable|auto|weight N [--pool POOL]\n"
		"           [--at TIME] [--for SPAN | --until TIME] [--why TEXT] [--here] [--json]",
		"set the state or the weight of an edge, whatever its probes say (auto: no longer); EDGE "
		"may be a pattern such as 'ams*', group:NAME, or pool:NAME for all edges of a pool; --pool: "
		"in that pool and those in it; --here: the other servers of the fleet do not follow",
		ALWAYS },
	{ "fail-back", "[POOL | --all] [--here] [--json]",
		"pools with \"fail-back\" that have failed over, and where to; one of them, or all, go "
		"to the first of their members that may answer",
		" . " },
	{ "changes", "[--json]", "what is forced now, and what is planned",
		NEVER },
	{ "revoke", "NUMBER", "end a change that is forced, or take back one that is planned",
		ALWAYS },
	{ "history", "[EDGE|POOL] [--last N] [--until TIME] [--json]",
		"what has become of edges and pools, by whom and why",
		NEVER },
	{ "verdict",
		"EDGE up|down|none [--probe NAME] [--address IP] [--for SPAN] [--load N]\n"
		"           [--why TEXT] | [--json]",
		"how an edge is, for probes of kind external (none: told no more); EDGE may be a pattern, or "
		"group:NAME; what is told",
		" . " },
	{ "probe", "EDGE [--json]", "probe an edge now, and tell every step",
		NEVER },
	{ "explain", "NAME [TYPE] --client IP[/LEN] [--resolver IP] [--via TRANSPORT] [--json]",
		"why this client gets the answer it gets",
		NEVER },
	{ "regions", "POOL [--stage | --drain EDGE | --down EDGE | --up EDGE] [--ipv6] [--json]",
		"whose clients (of IPv4, or of IPv6) get which edge of a pool, against what is staged, or edges that are drained, down or up; changes "
		"nothing",
		NEVER },
	{ "watch", "NET [--for TIME] [--here] | NET --stop [--here] | [--json]",
		"keep all answers that pools give these clients, for an hour unless said; who is watched",
		" . " },
	{ "why", "--client IP [--at TIME] [NAME] [--json]",
		"why this client got an edge then: TIME is 10:15 (local time), 30m (ago), \"2026-12-01 10:15\" or "
		"2026-12-01T10:15:00Z",
		NEVER },
	{ "geo", "IP [--json]", "where an address is, and what was measured there",
		NEVER },
	{ "latency",
		"show [--prefix P | --country CC | --edge EDGE] [--json] | import FILE | "
		"export | "
		"forget EDGE|PREFIX [--here]",
		"what is measured",
		" show export " },
	{ "export", "[--config] | config octodns|route53|zones [--to FOLDER]",
		"what is loaded, forced, probed and measured, as JSON: for simulate --from; or, without a server, the "
		"configuration for other programs, as a new folder (default: waymark-export) with a REPORT of what they cannot say",
		NEVER },
	{ "token",
		"add NAME --role read|operate|zones|admin [--zones PATTERNS] [--for TIME]\n"
		"           list [--json] | revoke NAME | self --json",
		"who may use the API, and what for; the token is shown once; what who asks is",
		" list self " },
	{ "audit", "[--last N] [--json]", "what has been changed, by whom, from where, and what came of it",
		NEVER },
	{ "fleet", "[--json] | --accept\n"
		   "           on SERVER[,SERVER ...]|SHARE reload [--stage SHARE | --promote | --rollback]\n"
		   "           verify NAME ... [--at ADDRESS[:PORT] ...] [--type A|AAAA] [--clients N] [--seed SEED]",
		"the servers of the fleet: who is there, how late they hear each other, how wrong their clocks go, and "
		"whether they serve the same; on: some servers do that (or a watch, fail-back, latency forget), by name or as a share of them (25%); --accept: of changes by operators that were at odds, what holds is right; "
		"verify: all are asked as 1000 random clients, and told of where their answers differ",
		" . " },
	{ "jobs", "[--json]", "what runs beside answering, since when, and how far it is",
		NEVER },
	{ "rates", "[--json]", "queries, answers, edges and pools as they are counted this moment; \"top\" shows them live",
		NEVER },
	{ "busiest", "[--json]",
		"which names are asked for most, by which nets and for which clients' subnets, since somebody looks; \"top\" shows "
		"it live",
		NEVER },
	{ "upgrade", "",
		"start the program anew as it is on the disk now, with the same words; it takes over the sockets, and no query is "
		"lost; if it fails, this one goes on",
		ALWAYS },
	{ "backup", "FILE", "a copy of the store as it is now, while it serves; \"restore\" puts it back",
		ALWAYS },
	{ "stop", "", "stop the server",
		ALWAYS },
};

enum { WORDS = sizeof table / sizeof *table };

bool command_take_word(const char **words, size_t *n, const char *word)
{
	for (size_t i = 0; i < *n; i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		memmove(words + i, words + i + 1, (*n - i - 1) * sizeof *words);
		--*n;
		return true;
	}
	return false;
}

bool command_take_value(const char **words, size_t *n, const char *word, const char **value)
{
	for (size_t i = 0; i + 1 < *n; i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		*value = words[i + 1];
		memmove(words + i, words + i + 2, (*n - i - 2) * sizeof *words);
		*n -= 2;
		return true;
	}
	return false;
}

/* WORDS when there is no such command. */
static size_t find(const char *word)
{
	size_t i = 0;

	while (i < WORDS && strcmp(table[i].word, word) != 0)
		i++;
	return i;
}

bool command_changes(const char *const *words, size_t n)
{
	const size_t i = n ? find(words[0]) : WORDS;
	char second[32];
	size_t at = 1;

	if (i == WORDS || strcmp(table[i].reads, NEVER) == 0)
		return false;
	while (at < n && strcmp(words[at], "--json") == 0)
		at++; /* it may stand before what is changed, too */
	snprintf(second, sizeof second, " %s ", at < n ? words[at] : ".");
	return !strstr(table[i].reads, second);
}

void commands_bind(struct commands *c, const char *word, command_fn *run, void *ctx)
{
	const size_t i = find(word);

	assert(i < WORDS);
	c->of[i].run = run;
	c->of[i].ctx = ctx;
}

void commands_bind_state(struct commands *c, const char *word, command_state_fn *state)
{
	c->of[find(word)].state = state;
}

void commands_state(const struct commands *all, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const size_t i = n && n <= COMMAND_WORDS_MOST ? find(words[0]) : WORDS;

	*to = 0;
	if (i == WORDS || !all->of[i].state)
		return;
	all->of[i].state(all->of[i].ctx, words + 1, n - 1, to);
	text_utf8_end(to);
}

void commands_follow(struct commands *c, command_ran_fn *ran, void *ctx)
{
	assert(c->n_followers < COMMANDS_RAN);
	c->followers[c->n_followers].ran = ran;
	c->followers[c->n_followers++].ctx = ctx;
}

static void add_usage(size_t i, struct text *to)
{
	text_addf(to, "usage: waymarkctl %s %s\n", table[i].word, table[i].words);
}

void commands_ran(const struct commands *c, const struct command_call *call, const char *const *words, size_t n,
	int status)
{
	const size_t row = n ? find(words[0]) : WORDS;

	if (status == 2 && call->out->len == 0 && row < WORDS)
		add_usage(row, call->out);
	for (size_t i = 0; i < c->n_followers; i++)
		c->followers[i].ran(c->followers[i].ctx, call, words, n, status);
}

/* Of what a server that another one follows is told now, that one would know nothing. */
static bool may_be_lost(const char *const *words, size_t n)
{
	return strcmp(words[0], "stop") != 0 && command_changes(words, n);
}

/* A wrong option of row `i`, which is told; of what another server is to do, by that command's own row. What a record is made of may
 * look like an option. */
static bool has_wrong_option(size_t i, const char *const *words, size_t n, struct text *to)
{
	if (n > 3 && strcmp(words[0], "fleet") == 0 && strcmp(words[1], "on") == 0) {
		const size_t of = find(words[3]);
		return of < WORDS && has_wrong_option(of, words + 3, n - 3, to);
	}
	if (n > 1 && strcmp(words[0], "zone") == 0 && (strcmp(words[1], "set") == 0 || strcmp(words[1], "unset") == 0))
		return false;
	const size_t at = command_wrong_option(table[i].words, words + 1, n - 1);
	if (at == n - 1)
		return false;
	text_addf(to, "%s: ", table[i].word);
	command_add_wrong_option(to, table[i].words, words[1 + at]);
	text_add_char(to, '\n');
	add_usage(i, to);
	return true;
}

int commands_run(const struct commands *all, const char *const *words, size_t n,
	struct command_call *c)
{
	const char *rest[COMMAND_WORDS_MOST];
	const size_t i = n && n <= COMMAND_WORDS_MOST ? find(words[0]) : WORDS;

	if (i == WORDS || !all->of[i].run) {
		text_addf(c->out, "there is no command \"%s\"; these are:\n", n ? words[0] : "");
		command_help(c->out);
		return 2;
	}
	if (has_wrong_option(i, words, n, c->out))
		return 2;
	if (all->closed && may_be_lost(words, n)) {
		text_addf(c->out, "%s\n", all->closed);
		return 1;
	}
	memcpy(rest, words + 1, (n - 1) * sizeof *rest);
	*c->before = 0;
	if (command_changes(words, n))
		commands_state(all, words, n, c->before);
	const int status = all->of[i].run(all->of[i].ctx, rest, n - 1, c);
	if (status == 2 && c->out->len == 0)
		add_usage(i, c->out);
	return status;
}

static void add_help(size_t i, struct text *out)
{
	text_addf(out, "  %-8s %s\n           %s\n", table[i].word, table[i].words,
		table[i].help);
}

void command_help(struct text *out)
{
	for (size_t i = 0; i < WORDS; i++)
		add_help(i, out);
}

bool command_help_one(const char *word, struct text *out)
{
	const size_t i = find(word);

	if (i == WORDS)
		return false;
	add_help(i, out);
	return true;
}

const char *command_usage(size_t i)
{
	return i < WORDS ? table[i].words : NULL;
}

const char *command_word(size_t i)
{
	return i < WORDS ? table[i].word : NULL;
}
