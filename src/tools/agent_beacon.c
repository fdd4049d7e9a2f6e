#include "tools/agent_beacon.h"

#include "base/memory.h"
#include "base/text.h"
#include "measure/latency.h"
#include "tools/agent_once.h"

#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAC_BYTES = 16, NONCE_BYTES = 8 };
#define TOKEN_LIFE_S 60.0
#define SLACK_MS     20.0 /* of clocks, and of who asked before we were asked */

struct agent_beacon {
	struct agent_beacon_opts opts;
	uint8_t key[crypto_generichash_KEYBYTES]; /* of tokens: of this run only */
	double zero_ms; /* their clock's, at random: when the machine was started is nobody's concern */
	char *object;
	struct agent_once *once;
};

struct agent_beacon *agent_beacon_new(const struct agent_beacon_opts *opts)
{
	struct agent_beacon *b = memory_zeroed(1, sizeof *b);

	b->opts = *opts;
	b->object = memory_zeroed(AGENT_BEACON_OBJECT, 1);
	b->once = agent_once_new();
	randombytes_buf(b->object, AGENT_BEACON_OBJECT);
	randombytes_buf(b->key, sizeof b->key);
	b->zero_ms = randombytes_random();
	return b;
}

void agent_beacon_free(struct agent_beacon *b)
{
	if (!b)
		return;
	agent_once_free(b->once);
	memory_free(b->object);
	memory_free(b);
}

/* --- tokens ------------------------------------------------------------------------------- */

/* Of the moment, in ms, for a net: what is before the last dot is signed. */
static void sign(const struct agent_beacon *b, const char *what, size_t len, const struct addr *client, char hex[2 * MAC_BYTES + 1])
{
	const struct prefix net = tally_net(client);
	crypto_generichash_state state;
	uint8_t mac[MAC_BYTES];

	crypto_generichash_init(&state, b->key, sizeof b->key, sizeof mac);
	crypto_generichash_update(&state, net.addr.b, sizeof net.addr.b);
	crypto_generichash_update(&state, (const uint8_t *)what, len);
	crypto_generichash_final(&state, mac, sizeof mac);
	sodium_bin2hex(hex, 2 * MAC_BYTES + 1, mac, sizeof mac);
}

static void make_token(const struct agent_beacon *b, const struct addr *client, double now_s, char to[BEACON_TOKEN_ROOM])
{
	char mac[2 * MAC_BYTES + 1];
	uint8_t nonce[NONCE_BYTES];
	char hex[2 * NONCE_BYTES + 1];

	randombytes_buf(nonce, sizeof nonce);
	sodium_bin2hex(hex, sizeof hex, nonce, sizeof nonce);
	const int n = snprintf(to, BEACON_TOKEN_ROOM, "%.0f-%s", floor(b->zero_ms + now_s * 1000), hex);
	sign(b, to, (size_t)n, client, mac);
	snprintf(to + n, (size_t)(BEACON_TOKEN_ROOM - n), ".%s", mac);
}

/* How many ms ago it was made for that net; NAN: it was not, or too long ago. */
static double age_ms(const struct agent_beacon *b, const char *token, const struct addr *client, double now_s)
{
	const char *dot = strchr(token, '.');
	char mac[2 * MAC_BYTES + 1];

	if (!dot || strlen(dot + 1) != 2 * MAC_BYTES)
		return (double)NAN;
	sign(b, token, (size_t)(dot - token), client, mac);
	if (sodium_memcmp(mac, dot + 1, 2 * MAC_BYTES) != 0)
		return (double)NAN;
	const double age = b->zero_ms + now_s * 1000 - strtod(token, NULL);
	return age >= 0 && age <= TOKEN_LIFE_S * 1000 ? age : (double)NAN;
}

/* --- what a page says --------------------------------------------------------------------- */

static double ms_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

/* False: it makes no sense. */
static bool take(struct agent_beacon *b, const struct beacon_ask *ask, double now_s)
{
	json_t *o = json_loadb(ask->body, ask->len, JSON_REJECT_DUPLICATES, NULL);
	const char *token = json_string_value(json_object_get(o, "token"));
	const double ttfb = ms_of(o, "ttfb_ms"), transfer = ms_of(o, "transfer_ms"),
		     age = token ? age_ms(b, token, &ask->client, now_s) : (double)NAN;
	const struct prefix net = tally_net(&ask->client);
	const bool right = ttfb > 0 && transfer >= ttfb && transfer <= LATENCY_RTT_MOST_MS && transfer <= age + SLACK_MS;

	json_decref(o);
	if (!right || !addr_is_global(&ask->client, NULL) || agent_once_had(b->once, &ask->client, now_s))
		return right;
	tally_add(b->opts.ttfb, &net, NULL, 0, (uint32_t)lrint(fmax(ttfb * 1000, 1)), now_s);
	tally_add(b->opts.transfer, &net, NULL, 0, (uint32_t)lrint(fmax(transfer * 1000, 1)), now_s);
	return true;
}

/* Some of the edges, each as likely as any other: a walk over them from anywhere. */
static void list_edges(const struct agent_beacon *b, struct beacon_reply *to)
{
	json_t *list = json_array(), *o = json_pack("{s:o}", "edges", list);
	size_t wanted = b->opts.n_edges < AGENT_BEACON_EDGES ? b->opts.n_edges : AGENT_BEACON_EDGES;

	for (size_t i = 0; i < b->opts.n_edges && wanted; i++)
		if (randombytes_uniform((uint32_t)(b->opts.n_edges - i)) < wanted) {
			json_array_append_new(list, json_string(b->opts.edges[i]));
			wanted--;
		}
	struct text text = { 0 };
	char *dump = memory_need(json_dumps(o, JSON_COMPACT));
	text_add(&text, dump);
	memory_free(dump);
	json_decref(o);
	*to = (struct beacon_reply){ .status = 200, .type = "application/json", .body = text.s, .len = text.len, .own = true };
}

void agent_beacon_ask(struct agent_beacon *b, const struct beacon_ask *ask, double now_s, struct beacon_reply *to)
{
	if (strcmp(ask->path, "/waymark/beacon") == 0 && ask->post) {
		to->status = take(b, ask, now_s) ? 204 : 400;
	} else if (strcmp(ask->path, "/waymark/beacon") == 0) {
		list_edges(b, to);
	} else if (strcmp(ask->path, "/waymark/object") == 0 && !ask->post) {
		*to = (struct beacon_reply){ 200, "application/octet-stream", b->object, AGENT_BEACON_OBJECT, false, "" };
		make_token(b, &ask->client, now_s, to->token);
	} else {
		to->status = 404;
	}
}
