/* sign_put.h - a name of a zone is written into the signed image, with what signing makes of
 * it. */
#ifndef ZONE_SIGN_PUT_H
#define ZONE_SIGN_PUT_H

#include "zone/sign_plan.h"

/* What is written, or measured: then there is no image. Of one thread. */
struct sign_put {
	const struct sign_plan *plan; /* borrowed */
	uint8_t *image;               /* borrowed */
	uint32_t len;                 /* where the next byte goes */
	const struct zone_node *node; /* at work, of the unsigned image */
	uint8_t owner[NAME_MOST];
	uint16_t sets;
	uint32_t records; /* of all that were put */
	struct sign_desk desk;
	struct sign_bits bits;
	struct sign_rr *rr; /* of the RRset at work */
	size_t rr_room;
	uint8_t *bytes; /* ... and their data, where it is not as it stands in the image */
	size_t bytes_room;
	bool failed; /* there is no memory */
};

/* NULL: there is no memory. */
struct sign_put *sign_put_new(const struct sign_plan *s, uint8_t *image);
/* NULL may be freed. */
void sign_put_free(struct sign_put *p);

/* Entry `i` of the plan, from `len` on; `len` is its end afterwards. */
void sign_put_entry(struct sign_put *p, uint32_t i);

#endif
