#include "daemon/readable.h"

#include "base/log.h"
#include "daemon/parts_read.h"
#include "zone/registry.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 8 };

static void look(const char *path, int how, size_t *n)
{
	if (!path || access(path, how) == 0)
		return;
	const int failed = errno;
	if (failed == ENOENT || (*n)++ >= LINES)
		return;
	const struct passwd *pw = getpwuid(geteuid());
	log_line(LOG_WARNING,
		"%s: %s as user %s: it was read at the start, and no reload can read it again",
		path, strerror(failed), pw ? pw->pw_name : "?");
}

static void look_at_conf(const struct conf *c, size_t *n)
{
	for (size_t i = 0; i < c->sources.n; i++)
		look(c->sources.of[i].path, R_OK, n);
	for (size_t i = 0; i < c->n_city_files; i++)
		look(c->city_files[i], R_OK, n);
	for (size_t i = 0; i < c->n_asn_files; i++)
		look(c->asn_files[i], R_OK, n);
	for (size_t i = 0; i < c->latency.n_files; i++)
		look(c->latency.files[i], R_OK, n);
	look(c->latency.mesh, R_OK, n);
	look(c->latency.resolver_clients, R_OK, n);
	for (size_t i = 0; i < c->n_tls; i++) {
		look(c->tls[i].cert, R_OK, n);
		look(c->tls[i].key, R_OK, n);
	}
	look(c->tls_clients, R_OK, n);
	for (size_t i = 0; i < c->n_peers; i++) {
		look(c->peers[i].tls_opts.ca, R_OK, n);
		look(c->peers[i].tls_opts.cert, R_OK, n);
		look(c->peers[i].tls_opts.key, R_OK, n);
	}
	look(c->tls_tickets, R_OK, n);
	for (size_t i = 0; i < c->n_zones; i++)
		look(c->zones[i].dir, R_OK | X_OK, n);
}

void readable_tell(const struct parts *p)
{
	size_t n = 0;

	look_at_conf(parts_conf(p), &n);
	for (size_t i = 0; i < p->zones->n; i++) {
		const struct load *l = &p->zones->zones[i]->load;
		for (size_t k = 0; k < l->n; k++)
			look(l->sources[k].path, R_OK, &n);
	}
	if (n > LINES)
		log_line(LOG_WARNING, "... nor %zu more files", n - LINES);
}
