/* ctl_fleet.c - "waymarkctl fleet verify": do all servers of the fleet answer a client alike?
 *
 * Each is asked for a name as random clients would (RFC 7871), and the answers are compared: the rcode, the edges
 * and the scope. What they choose from has a sum in the fleet, their generation: that is compared, too.
 */
#include "tools/ctl_inner.h"

#include "base/bytes.h"
#include "tools/ctl_fleet_dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SERVERS_MOST = 64, CLIENTS = 1000, CLIENTS_MOST = 1000000, WINDOW = 32, WAIT_MS = 1000, TRIES = 3, SHOWN = 10 };

/* Of what a server says of itself, as "fleet" shows them. */
struct sums {
	char answers[20], config[20], zones[20], times[20], kinds[20], prices[20];
	char sections[128]; /* of the configuration, that are others than those of the server that tells; "" */
};

struct server {
	char at[128];
	char name[64]; /* "": it was named by its address */
	struct sums sums;
	bool moved; /* they are others by now */
	int fd;
	char said[WINDOW][CTL_FLEET_DNS_ANSWER]; /* "": nothing yet */
};

struct verify {
	struct server *servers;
	unsigned n;
	const char **names;
	unsigned n_names;
	uint16_t type;
	unsigned clients;
	uint64_t random;
	unsigned differ, silent;
};

static bool complain(const char *sentence, const char *what)
{
	fprintf(stderr, "waymarkctl: %s%s\n", sentence, what);
	return false;
}

/* --- asking ------------------------------------------------------------------------------- */

struct round {
	uint8_t name[NAME_MOST];
	size_t len;
	uint32_t clients[WINDOW];
	unsigned n;
	uint16_t first; /* id of the first */
};

static unsigned send_missing(struct verify *v, const struct round *r)
{
	uint8_t query[CTL_FLEET_DNS_QUERY];
	unsigned n = 0;

	for (unsigned s = 0; s < v->n; s++)
		for (unsigned i = 0; i < r->n; i++) {
			if (v->servers[s].said[i][0])
				continue;
			const size_t len = ctl_fleet_dns_query(query, (uint16_t)(r->first + i),
				&(struct ctl_fleet_dns_question){ r->name, r->len, v->type, r->clients[i] });
			/* What is lost, or refused at once by a port where nobody is, is asked again. */
			(void)!send(v->servers[s].fd, query, len, MSG_NOSIGNAL);
			n++;
		}
	return n;
}

static void take_answers(const struct round *r, struct server *s, unsigned *missing)
{
	uint8_t bytes[4096];
	ssize_t n;

	while ((n = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		const unsigned i = n >= 12 ? (uint16_t)(be16_get(bytes) - r->first) : WINDOW;
		if (i < r->n && !s->said[i][0] && ctl_fleet_dns_answer(bytes, (size_t)n, s->said[i]))
			--*missing;
	}
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void ask_round(struct verify *v, const struct round *r)
{
	struct pollfd fds[SERVERS_MOST];

	for (unsigned s = 0; s < v->n; s++) {
		fds[s] = (struct pollfd){ v->servers[s].fd, POLLIN, 0 };
		memset(v->servers[s].said, 0, sizeof v->servers[s].said);
	}
	for (unsigned try = 0; try < TRIES; try++) {
		unsigned missing = send_missing(v, r);
		const int64_t end = now_ms() + WAIT_MS;
		while (missing && now_ms() < end && poll(fds, v->n, (int)(end - now_ms())) >= 0)
			for (unsigned s = 0; s < v->n; s++)
				take_answers(r, &v->servers[s], &missing);
		if (!missing)
			return;
	}
}

/* --- comparing ---------------------------------------------------------------------------- */

static void compare(struct verify *v, const struct round *r, const char *name, unsigned i)
{
	const char *first = NULL;
	bool differ = false;

	for (unsigned s = 0; s < v->n; s++) {
		const char *said = v->servers[s].said[i];
		v->silent += !*said;
		differ = differ || (*said && first && strcmp(first, said) != 0);
		first = *said ? said : first;
	}
	if (!differ || v->differ++ >= SHOWN)
		return;
	const struct in_addr net = { htonl(r->clients[i]) };
	char text[INET_ADDRSTRLEN];
	printf("%s for %s/24:\n", name, inet_ntop(AF_INET, &net, text, sizeof text));
	for (unsigned s = 0; s < v->n; s++)
		printf("  %-28s %s\n", v->servers[s].at, v->servers[s].said[i][0] ? v->servers[s].said[i] : "no answer");
}

static bool verify_name(struct verify *v, const char *name)
{
	static const uint8_t root[] = { 0 };
	struct round r = { .first = (uint16_t)v->random };

	if (name_parse(r.name, &r.len, name, strlen(name), root) != NAME_OK)
		return complain("not a domain name: ", name);
	for (unsigned done = 0; done < v->clients; done += r.n) {
		r.first = (uint16_t)(r.first + WINDOW);
		for (r.n = 0; r.n < WINDOW && done + r.n < v->clients; r.n++)
			r.clients[r.n] = ctl_fleet_dns_client(&v->random);
		ask_round(v, &r);
		for (unsigned i = 0; i < r.n; i++)
			compare(v, &r, name, i);
	}
	return true;
}

/* --- whom to ask -------------------------------------------------------------------------- */

/* "192.0.2.1", "192.0.2.1:53", "[2001:db8::1]:53", "2001:db8::1". */
static bool add_server(struct verify *v, const char *at)
{
	char host[128];
	const char *port = "53", *colon = strrchr(at, ':');
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found = NULL;

	if (v->n == SERVERS_MOST)
		return complain("so many servers cannot be asked: ", at);
	if (snprintf(host, sizeof host, "%s", at) >= (int)sizeof host)
		return complain("not an address: ", at);
	if (colon && (*at == '[' ? colon[-1] == ']' : strchr(at, ':') == colon)) {
		host[colon - at] = 0;
		port = colon + 1;
	}
	if (*host == '[') {
		host[strlen(host) - 1] = 0;
		memmove(host, host + 1, strlen(host));
	}
	if (getaddrinfo(host, port, &hints, &found) != 0)
		return complain("not an address: ", at);
	struct server *s = &v->servers[v->n++];
	snprintf(s->at, sizeof s->at, "%s", at);
	s->fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const bool ok = s->fd >= 0 && connect(s->fd, found->ai_addr, found->ai_addrlen) == 0;
	freeaddrinfo(found);
	return ok || complain(at, ": cannot be reached");
}

static void take_sum(const json_t *row, const char *key, char to[static 20])
{
	const char *s = json_string_value(json_object_get(row, key));

	snprintf(to, 20, "%s", s ? s : "");
}

static void take_sections(const json_t *row, char *to, size_t room)
{
	json_t *list = json_object_get(row, "config_differs"), *name;
	size_t i, at = 0;

	*to = 0;
	json_array_foreach (list, i, name) {
		const int len = snprintf(to + at, room - at, "%s%s", i ? ", " : ": ", json_string_value(name));
		if (len < 0 || (size_t)len >= room - at)
			break; /* cut short */
		at += (size_t)len;
	}
}

static struct sums sums_of(const json_t *row)
{
	struct sums s;

	take_sum(row, "generation", s.answers);
	take_sum(row, "config", s.config);
	take_sum(row, "zones", s.zones);
	take_sum(row, "times", s.times);
	take_sum(row, "times_kinds", s.kinds);
	take_sum(row, "prices", s.prices);
	take_sections(row, s.sections, sizeof s.sections);
	return s;
}

/* What the server says that we are told by; NULL: told why not. */
static json_t *fleet_now(const struct ctl *c)
{
	char *words[] = { "fleet", "--json" }, *path = ctl_socket(c, NULL);
	struct text reply = { 0 };
	const enum ctl_status status = path ? ctl_ask(path, words, 2, &reply) : NOT_DONE;
	json_t *all = status == DONE ? json_loads(text_get(&reply), 0, NULL) : NULL;

	if (path && !all)
		fputs(text_get(&reply), stderr);
	free(path);
	text_fini(&reply);
	return all;
}

/* Those that say in the fleet where they answer. */
static bool ask_fleet(struct verify *v, const struct ctl *c)
{
	json_t *all = fleet_now(c), *row;
	bool ok = all != NULL;
	size_t i;

	json_array_foreach (json_object_get(all, "servers"), i, row) {
		const char *at = json_string_value(json_object_get(row, "at")),
			   *state = json_string_value(json_object_get(row, "state")),
			   *server = json_string_value(json_object_get(row, "server"));
		if (!state || strcmp(state, "gone") == 0)
			continue;
		if (!at) {
			ok = complain(server ? server : "?",
				" does not say where it answers, since it listens on all addresses: name all with --at");
		} else if (add_server(v, at)) {
			snprintf(v->servers[v->n - 1].name, sizeof v->servers->name, "%s", server ? server : "?");
			v->servers[v->n - 1].sums = sums_of(row);
		} else {
			ok = false;
		}
	}
	json_decref(all);
	return ok;
}

/* --- what they choose from ---------------------------------------------------------------- */

/* After the questions: whose sums are others by now. */
static void ask_again(struct verify *v, const struct ctl *c)
{
	json_t *all = *v->servers[0].name ? fleet_now(c) : NULL, *row;
	size_t i;

	json_array_foreach (json_object_get(all, "servers"), i, row) {
		const char *name = json_string_value(json_object_get(row, "server"));
		const struct sums now = sums_of(row);
		for (unsigned s = 0; name && s < v->n; s++)
			if (strcmp(v->servers[s].name, name) == 0)
				v->servers[s].moved = strcmp(v->servers[s].sums.answers, now.answers) != 0;
	}
	json_decref(all);
}

static const char *what_differs(const struct sums *a, const struct sums *b)
{
	return strcmp(a->config, b->config) ? "another configuration (CONFIG)"
		: strcmp(a->zones, b->zones) ? "other versions of zones (ZONES)"
					     : "edges in other states";
}

/* Of servers of one generation; NULL: nothing that they tell of. */
static const char *what_moves(const struct sums *a, const struct sums *b)
{
	return strcmp(a->times, b->times) || strcmp(a->kinds, b->kinds) ? "measurements (TIMES)"
		: strcmp(a->prices, b->prices) ? "prices of edges"
					       : NULL;
}

static void tell_generations(const struct verify *v)
{
	const struct server *first = &v->servers[0];
	bool same = *first->name != 0;

	for (unsigned i = 0; *first->name && i < v->n; i++) {
		const struct server *s = &v->servers[i];
		const bool is_first = strcmp(s->sums.answers, first->sums.answers) == 0;
		if (s->moved)
			printf("%s: what it chooses from has changed meanwhile\n", s->name);
		else if (!is_first)
			printf("%s has generation %.8s, and %s %.8s: %s%s\n", s->name, s->sums.answers, first->name,
				first->sums.answers, what_differs(&s->sums, &first->sums), s->sums.sections);
		else if (v->differ && what_moves(&s->sums, &first->sums))
			printf("%s has other %s than %s\n", s->name, what_moves(&s->sums, &first->sums), first->name);
		same = same && is_first && !s->moved;
	}
	if (same && v->differ)
		printf("all have generation %.8s: what differs is what was measured (TIMES), or files of it\n", first->sums.answers);
}

static bool take_number(const char *word, unsigned long most, unsigned long *to)
{
	char *end;

	errno = 0;
	*to = strtoul(word, &end, 10);
	return *word >= '0' && *word <= '9' && !*end && !errno && *to && *to <= most;
}

static bool take_words(struct verify *v, char **words, int n)
{
	unsigned long number;

	for (int i = 0; i < n; i++) {
		const char *word = words[i], *value = i + 1 < n ? words[i + 1] : NULL;
		if (*word != '-') {
			v->names[v->n_names++] = word;
			continue;
		}
		if (!value)
			return false;
		if (strcmp(word, "--at") == 0) {
			if (!add_server(v, value))
				return false;
		} else if (strcmp(word, "--type") == 0 && (!strcmp(value, "A") || !strcmp(value, "AAAA"))) {
			v->type = strcmp(value, "A") ? 28 : 1;
		} else if (strcmp(word, "--clients") == 0 && take_number(value, CLIENTS_MOST, &number)) {
			v->clients = (unsigned)number;
		} else if (strcmp(word, "--seed") == 0 && take_number(value, ULONG_MAX, &number)) {
			v->random = number;
		} else {
			return false;
		}
		i++;
	}
	return v->n_names;
}

static enum ctl_status ask_all(struct verify *v, const struct ctl *c)
{
	if (!v->n && !ask_fleet(v, c))
		return NOT_DONE;
	if (v->n < 2) {
		complain("there is one server, and nothing to compare", "");
		return NOT_DONE;
	}
	for (unsigned i = 0; i < v->n_names; i++)
		if (!verify_name(v, v->names[i]))
			return NOT_DONE;
	if (v->differ > SHOWN)
		printf("... and %u more\n", v->differ - SHOWN);
	ask_again(v, c);
	tell_generations(v);
	const unsigned asked = v->clients * v->n_names;
	printf("%u servers, %u questions: %u answered alike, %u not", v->n, asked, asked - v->differ, v->differ);
	if (v->silent)
		printf("; %u times a server did not answer", v->silent);
	putchar('\n');
	return v->differ || v->silent ? NOT_DONE : DONE;
}

enum ctl_status ctl_fleet_verify(const struct ctl *c, char **words, int n)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	struct verify v = { .servers = calloc(SERVERS_MOST, sizeof *v.servers),
		.names = calloc((size_t)n + 1, sizeof *v.names),
		.type = 1,
		.clients = CLIENTS,
		.random = (uint64_t)t.tv_nsec << 32 | (uint64_t)t.tv_sec };
	enum ctl_status status = NOT_DONE;

	if (!v.servers || !v.names)
		complain("out of memory", "");
	else if (!take_words(&v, words, n))
		status = (enum ctl_status)ctl_help_one("fleet", stderr, WRONG_USE);
	else
		status = ask_all(&v, c);
	for (unsigned i = 0; v.servers && i < v.n; i++)
		close(v.servers[i].fd);
	free(v.servers);
	free(v.names);
	return status;
}
