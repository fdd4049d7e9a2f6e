/* request.h - an UPDATE whose answer comes later, and its way back.
 *
 * The worker that took it hands it to the loop with its news; the loop's thread holds it until it has
 * answered it. Where it came over TCP its connection waits, and may end meanwhile.
 */
#ifndef NET_REQUEST_H
#define NET_REQUEST_H

#include "answer/answer.h"

#include <sys/socket.h>
#include <sys/uio.h>

struct connection;
struct mailbox;

enum { REQUEST_CONTROL = 64 };

struct request {
	struct addr source; /* plain */
	struct tsig tsig;   /* its key is by name: keys end with their configuration */
	bool is_signed;
	bool secret;       /* nobody between could read it */
	const char *names; /* of the client's certificate, behind the packet; NULL: none */
	uint8_t key_name[NAME_MOST];
	uint8_t zone[NAME_MOST]; /* the id (zone/view.h) of the zone that it is for */
	enum tsig_algorithm algorithm;
	/* Of UDP: where the answer goes out, and to whom. */
	int fd; /* -1: it came over TCP */
	struct sockaddr_storage from;
	socklen_t from_len;
	size_t control_len;
	_Alignas(8) uint8_t control[REQUEST_CONTROL];
	/* Of TCP: the worker's thread alone looks at the connection. */
	struct mailbox *back; /* of struct request_reply */
	struct connection *connection; /* NULL once it has ended */
	struct request *next; /* the holder's */
	size_t len;
	uint8_t packet[];
};

/* What a worker of TCP gets back. */
struct request_reply {
	struct request *request;
	uint8_t *message; /* of the heap, its length of two bytes in front; NULL: the connection is closed */
	size_t len;
};

/* Workers: of a query that has asked for it (struct answer_later). NULL: no memory. */
struct request *request_new(const struct answer_ask *ask, const struct answer_later *later);

/* The loop's thread: sends the answer, and lets go of the request. `message` NULL: there is none. Workers
 * still run. */
void request_answer(struct request *r, const uint8_t *message, size_t len);

#endif
