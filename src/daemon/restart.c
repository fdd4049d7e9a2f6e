#include "daemon/restart.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_listen(const struct conf *a, const struct conf *b)
{
	bool same = a->net.n == b->net.n;

	for (size_t i = 0; same && i < a->net.n; i++)
		same = a->net.listen[i].kind == b->net.listen[i].kind &&
			same_text(a->net.listen[i].path, b->net.listen[i].path) &&
			same_text(a->net.listen[i].device, b->net.listen[i].device) &&
			a->net.listen[i].len == b->net.listen[i].len &&
			memcmp(&a->net.listen[i].sa, &b->net.listen[i].sa,
				a->net.listen[i].len) == 0;
	return same;
}

static bool same_workers(const struct conf *a, const struct conf *b)
{
	return a->net.workers == b->net.workers;
}

static bool same_cpus(const struct conf *a, const struct conf *b)
{
	bool same = a->net.pin == b->net.pin && a->net.n_cpus == b->net.n_cpus;

	for (size_t i = 0; same && i < a->net.n_cpus; i++)
		same = a->net.cpus[i] == b->net.cpus[i];
	return same;
}

static bool same_batch(const struct conf *a, const struct conf *b)
{
	return a->net.batch == b->net.batch;
}

static bool same_xdp(const struct conf *a, const struct conf *b)
{
	return a->net.xdp_answers == b->net.xdp_answers;
}

static bool same_freebind(const struct conf *a, const struct conf *b)
{
	return a->net.freebind == b->net.freebind;
}

static bool same_receive(const struct conf *a, const struct conf *b)
{
	return a->net.receive_buffer == b->net.receive_buffer;
}

static bool same_send(const struct conf *a, const struct conf *b)
{
	return a->net.send_buffer == b->net.send_buffer;
}

static bool same_clients(const struct conf *a, const struct conf *b)
{
	return a->net.tcp_clients == b->net.tcp_clients;
}

static bool same_per_net(const struct conf *a, const struct conf *b)
{
	return a->net.tcp_clients_per_net == b->net.tcp_clients_per_net;
}

static bool same_idle(const struct conf *a, const struct conf *b)
{
	return a->net.tcp_idle_ms == b->net.tcp_idle_ms;
}

static bool same_handshakes(const struct conf *a, const struct conf *b)
{
	return a->net.tls_handshakes == b->net.tls_handshakes;
}

static bool same_handshake(const struct conf *a, const struct conf *b)
{
	return a->net.tls_handshake_ms == b->net.tls_handshake_ms;
}

static bool same_handshakes_per_net(const struct conf *a, const struct conf *b)
{
	return a->net.tls_handshakes_per_net == b->net.tls_handshakes_per_net;
}

static bool same_user(const struct conf *a, const struct conf *b)
{
	return same_text(a->user, b->user);
}

static bool same_management(const struct conf *a, const struct conf *b)
{
	return a->management_len == b->management_len &&
		memcmp(&a->management, &b->management, a->management_len) == 0 &&
		same_text(a->management_socket, b->management_socket);
}

static bool same_management_group(const struct conf *a, const struct conf *b)
{
	return same_text(a->management_group, b->management_group);
}

static bool same_management_tls(const struct conf *a, const struct conf *b)
{
	return a->management_tls == b->management_tls;
}

static bool same_socket(const struct conf *a, const struct conf *b)
{
	return same_text(a->control_socket, b->control_socket);
}

static bool same_store(const struct conf *a, const struct conf *b)
{
	return same_text(a->store_file, b->store_file);
}

/* A folder that nobody has named comes and goes with the store. */
static bool same_keys(const struct conf *a, const struct conf *b)
{
	struct fault_at at;
	const bool named = conf_at(a, "store", "keys", &at) || conf_at(b, "store", "keys", &at);

	return same_text(a->keys_dir, b->keys_dir) || (!named && !same_store(a, b));
}

static bool same_folders(const struct conf *a, const struct conf *b)
{
	bool same = a->folders_any == b->folders_any && a->n_folders == b->n_folders;

	for (size_t i = 0; same && i < a->n_folders; i++)
		same = strcmp(a->folders[i], b->folders[i]) == 0;
	return same;
}

static const struct {
	const char *section, *key;
	bool (*same)(const struct conf *a, const struct conf *b);
} keys[] = { { "server", "listen", same_listen }, { "server", "workers", same_workers },
	{ "server", "cpus", same_cpus }, { "server", "batch", same_batch },
	{ "server", "xdp", same_xdp }, { "server", "freebind", same_freebind },
	{ "server", "receive-buffer", same_receive }, { "server", "send-buffer", same_send },
	{ "server", "tcp-clients", same_clients },
	{ "server", "tcp-clients-per-net", same_per_net }, { "server", "tcp-idle", same_idle },
	{ "server", "tls-handshake", same_handshake },
	{ "server", "tls-handshakes", same_handshakes },
	{ "server", "tls-handshakes-per-net", same_handshakes_per_net },
	{ "server", "user", same_user }, { "server", "folders", same_folders }, { "management", "listen", same_management },
	{ "management", "tls", same_management_tls }, { "management", "socket-group", same_management_group },
	{ "control", "socket", same_socket }, { "store", "file", same_store }, { "store", "keys", same_keys } };

bool restart_needs(const char *section, const char *key)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i].section, section) == 0 &&
			(!key || strcmp(keys[i].key, key) == 0))
			return true;
	return false;
}

bool restart_check(const struct conf *next, const struct conf *now, struct faults *f)
{
	struct fault_at at;
	bool ok = true;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (keys[i].same(next, now))
			continue;
		const bool there = conf_at(next, keys[i].section, keys[i].key, &at);
		ok = faults_error(f, &at, "%s: %s %s with a restart only", keys[i].section,
			keys[i].key, there ? "changes" : "was taken out, which is done");
	}
	return ok;
}
