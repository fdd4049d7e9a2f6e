/* doh_inner.h - requests and their answers; between doh.c, doh_one.c and doh_two.c only.
 */
#ifndef NET_DOH_INNER_H
#define NET_DOH_INNER_H

#include "net/doh.h"

enum doh_method { DOH_GET, DOH_POST, DOH_OTHER };

struct doh_request {
	enum doh_method method;
	unsigned status;      /* what is wrong with it; 0: nothing so far */
	bool is_message;      /* by its content type */
	size_t header_len;    /* counted as HTTP/2 does (RFC 9113 section 6.5.2) */
	uint8_t *message;     /* the query */
	size_t len;
	bool has_client;
	struct addr client;
};

/* In the order in which they come. */
void doh_set_method(struct doh_request *r, const char *name, size_t len);
void doh_set_target(const struct doh *d, struct doh_request *r, const char *target, size_t len);
/* `name` in lower case. */
void doh_set_header(const struct doh *d, struct doh_request *r, const char *name, size_t name_len,
	const char *value, size_t len);
void doh_add_body(struct doh_request *r, const uint8_t *bytes, size_t len);
void doh_request_fini(struct doh_request *r);

struct doh_reply {
	unsigned status;
	const uint8_t *body; /* a message, of status 200 alone; good until the next reply */
	size_t len;
	char cache[40]; /* Cache-Control */
	const char *date;
};

/* When all of it is there. */
struct doh_reply doh_reply(struct doh *d, const struct doh_request *r);

struct doh {
	const struct doh_opts *opts;
	uint64_t refused;
	const struct doh_speech {
		bool (*take)(struct doh *d, const uint8_t *bytes, size_t len);
		size_t (*give)(struct doh *d, uint8_t *to, size_t enough);
		bool (*has_more)(const struct doh *d);
		bool (*is_over)(const struct doh *d);
		void (*free)(struct doh *d);
	} *speech; /* NULL: not known yet */
	void *state; /* the speech's */
	uint8_t first[4]; /* that have come and do not tell yet */
	size_t n_first;
};

/* False: no memory. */
bool doh_one_open(struct doh *d);
bool doh_two_open(struct doh *d);

/* How long a message holds (RFC 8484 section 5.1): the least TTL of its answers, or what its SOA says of what is
 * not there; 0 of an error. */
uint32_t doh_ttl_s(const uint8_t *packet, size_t len);

#endif
