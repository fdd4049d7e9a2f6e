/* manage_agents.c - agents at the management listener: who they are, by what they sign or by their certificates.
 */
#include "web/manage_own.h"

#include "base/memory.h"
#include "web/manage_tls.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct agent *find_agent(struct manage *m, const char *edge)
{
	for (size_t i = 0; i < m->n_agents; i++)
		if (strcmp(m->agents[i].edge, edge) == 0)
			return &m->agents[i];
	return NULL;
}

void manage_set_agents(struct manage *m, const struct manage_agent *agents, size_t n)
{
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->n_agents; i++)
		m->agents[i].may = false;
	for (size_t i = 0; i < n; i++) {
		struct agent *a = find_agent(m, agents[i].edge);
		if (!a) {
			m->agents = memory_grow(
				m->agents, (m->n_agents + 1) * sizeof *m->agents);
			a = &m->agents[m->n_agents++];
			*a = (struct agent){ .edge = memory_strdup(agents[i].edge) };
		}
		a->may = true;
		a->has_key = agents[i].key != NULL;
		if (a->has_key)
			memcpy(a->key, agents[i].key, SEAL_KEY);
		memory_free(a->certificate);
		a->certificate = agents[i].certificate ? memory_strdup(agents[i].certificate) : NULL;
	}
	pthread_mutex_unlock(&m->lock);
}

bool manage_key(struct manage *m, const char *edge, uint8_t key[static SEAL_KEY])
{
	pthread_mutex_lock(&m->lock);
	const struct agent *a = find_agent(m, edge);
	const bool may = a && a->may && a->has_key;
	if (may)
		memcpy(key, a->key, SEAL_KEY);
	pthread_mutex_unlock(&m->lock);
	return may;
}

bool manage_is_certified(struct manage *m, const struct request *r)
{
	char *name = NULL;

	if (!m->tls)
		return false;
	pthread_mutex_lock(&m->lock);
	const struct agent *a = find_agent(m, r->seal.agent);
	if (a && a->may && a->certificate)
		name = strdup(a->certificate);
	pthread_mutex_unlock(&m->lock);
	const bool is = name &&
		manage_tls_is(m->tls,
			MHD_get_connection_info(r->at, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
			name);
	free(name);
	return is;
}

void manage_see_clock(struct manage *m)
{
	struct timespec boot;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	seal_clock_see(&m->seal_clock, (uint64_t)time(NULL), (uint64_t)boot.tv_sec);
}

uint64_t manage_started_s(struct manage *m)
{
	pthread_mutex_lock(&m->lock);
	manage_see_clock(m);
	const uint64_t started_s = m->seal_clock.started_s;
	pthread_mutex_unlock(&m->lock);
	return started_s;
}

enum seal_verdict manage_take(struct manage *m, const struct request *r)
{
	pthread_mutex_lock(&m->lock);
	struct agent *a = find_agent(m, r->seal.agent);
	const enum seal_verdict v = a ? seal_take(&a->guard[r->kind], &r->seal) : SEAL_SEEN;
	if (v == SEAL_GOOD)
		manage_clients_know(&m->clients, manage_client_of(r->at));
	pthread_mutex_unlock(&m->lock);
	return v;
}

