#include "daemon/restart.h"

#include <string.h>

/* What restart_check() refuses to change. */
static const struct {
	const char *section, *key;
} keys[] = { { "server", "listen" }, { "server", "workers" }, { "server", "cpus" },
	{ "server", "batch" }, { "server", "receive-buffer" }, { "server", "send-buffer" },
	{ "server", "tcp-clients" }, { "server", "tcp-clients-per-net" },
	{ "server", "tcp-idle" }, { "server", "user" }, { "management", "listen" },
	{ "control", "socket" } };

bool restart_needs(const char *section, const char *key)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i].section, section) == 0 &&
			(!key || strcmp(keys[i].key, key) == 0))
			return true;
	return false;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_net(const struct net_opts *a, const struct net_opts *b)
{
	bool same = a->n == b->n && a->workers == b->workers && a->pin == b->pin &&
		a->n_cpus == b->n_cpus && a->batch == b->batch &&
		a->receive_buffer == b->receive_buffer && a->send_buffer == b->send_buffer &&
		a->tcp_clients == b->tcp_clients &&
		a->tcp_clients_per_net == b->tcp_clients_per_net &&
		a->tcp_idle_ms == b->tcp_idle_ms;

	for (size_t i = 0; same && i < a->n; i++)
		same = a->listen[i].len == b->listen[i].len &&
			memcmp(&a->listen[i].sa, &b->listen[i].sa, a->listen[i].len) == 0;
	for (size_t i = 0; same && i < a->n_cpus; i++)
		same = a->cpus[i] == b->cpus[i];
	return same;
}

bool restart_check(const struct conf *next, const struct conf *now, struct faults *f)
{
	const struct fault_at at = { .path = next->path };

	if (!same_net(&next->net, &now->net))
		return faults_error(f, &at,
			"server: listen, workers, cpus, batch, buffers and tcp settings change "
			"with a restart only");
	if (next->management_len != now->management_len ||
		memcmp(&next->management, &now->management, next->management_len) != 0)
		return faults_error(f, &at, "management: listen changes with a restart only");
	if (!same_text(next->user, now->user) ||
		!same_text(next->control_socket, now->control_socket))
		return faults_error(
			f, &at, "server: user and control: socket change with a restart only");
	return true;
}
