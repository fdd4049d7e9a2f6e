/* manage_own.h - the management listener itself; between manage.c and manage_agents.c only.
 */
#ifndef WEB_MANAGE_OWN_H
#define WEB_MANAGE_OWN_H

#include "web/manage_clients.h"
#include "web/manage_inner.h"

#include <ev.h>
#include <pthread.h>
#include <sys/types.h>

struct MHD_Daemon;

struct agent {
	char *edge;
	uint8_t key[SEAL_KEY]; /* where `has_key` */
	bool has_key;
	char *certificate; /* or NULL */
	bool may; /* else it was one before a reload, and only its sequences are kept */
	struct seal_guard guard[MANAGE_KINDS];
};

struct manage {
	struct ev_loop *loop;
	const struct manage_hooks *hooks;
	struct MHD_Daemon *http;  /* NULL: on no address */
	struct manage_tls *tls;   /* NULL: HTTP in the clear */
	int listener;             /* with `tls` ours; else libmicrohttpd's, until it `left` */
	struct MHD_Daemon *local; /* at the Unix socket; NULL: there is none */
	int local_fd;             /* libmicrohttpd's, until it `left` */
	char *path;               /* ... own */
	dev_t device;             /* of what was bound there */
	ino_t inode;
	bool left;
	ev_async wake;
	ev_timer clock;
	struct agent_counts counts; /* atomic */

	pthread_mutex_t lock; /* of all below */
	struct agent *agents;
	size_t n_agents;
	struct request *queue, **queue_end; /* for the control thread */
	bool closing;
	struct seal_clock seal_clock;
	struct manage_clients clients;
};

/* Under the lock: sees to it that what was signed before the start is known as that. */
void manage_see_clock(struct manage *m);
/* Of the Unix socket it is AF_UNIX, and no more of it is there. */
const struct sockaddr *manage_client_of(struct MHD_Connection *at);

#endif
