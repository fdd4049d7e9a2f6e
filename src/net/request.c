#include "net/request.h"

#include "base/bytes.h"
#include "jobs/mailbox.h"

#include <stdlib.h>
#include <string.h>

/* All of them, with their NULs. */
static size_t names_len(const char *names)
{
	const char *end = names;

	if (!names)
		return 0;
	while (*end)
		end += strlen(end) + 1;
	return (size_t)(end - names) + 1;
}

struct request *request_new(const struct answer_ask *ask, const struct answer_later *later)
{
	const size_t names = names_len(ask->names);
	struct request *r = calloc(1, sizeof *r + ask->len + names);

	if (!r)
		return NULL;
	r->source = addr_plain(&ask->source, NULL);
	r->tsig = later->tsig;
	memcpy(r->zone, later->zone, name_len(later->zone));
	r->fd = -1;
	if (later->tsig.key) {
		r->is_signed = true;
		r->algorithm = later->tsig.key->algorithm;
		memcpy(r->key_name, later->tsig.key->name, name_len(later->tsig.key->name));
		r->tsig.key = NULL;
	}
	r->len = ask->len;
	memcpy(r->packet, ask->packet, ask->len);
	r->secret = ask->secret;
	if (names)
		r->names = memcpy(r->packet + ask->len, ask->names, names);
	return r;
}

static void answer_udp(struct request *r, const uint8_t *message, size_t len)
{
	struct iovec bytes = { (void *)(uintptr_t)message, len };
	const struct msghdr m = { .msg_name = &r->from,
		.msg_namelen = r->from_len,
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = r->control_len ? r->control : NULL,
		.msg_controllen = r->control_len };

	sendmsg(r->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void request_answer(struct request *r, const uint8_t *message, size_t len)
{
	struct request_reply reply = { .request = r };

	if (r->fd >= 0) {
		if (message)
			answer_udp(r, message, len);
		free(r);
		return;
	}
	if (message && (reply.message = malloc(len + 2))) {
		be16_put(reply.message, (unsigned)len);
		memcpy(reply.message + 2, message, len);
		reply.len = len + 2;
	}
	if (mailbox_post(r->back, &reply))
		return;
	/* Full, which takes more connections that wait than a worker has. The request is the connection's to look at
	 * as long as it lives: it is left. */
	free(reply.message);
}
