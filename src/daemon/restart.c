#include "daemon/restart.h"

#include <stddef.h>
#include <string.h>

/* What daemon_reload() refuses to change. */
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
