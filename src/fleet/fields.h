/* fields.h - which of many has this name, where names are hashes already (fleet_seal.h), in hexadecimal.
 *
 * An open table of their first 64 bits. Nothing is taken out: who lets go of things fills it anew. One thread.
 */
#ifndef FLEET_FIELDS_H
#define FLEET_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#define FIELDS_NONE SIZE_MAX

struct fields {
	struct fields_slot *slots; /* own */
	size_t room, n;
};

void fields_fini(struct fields *f);
/* Of nothing any more; its room stays. */
void fields_clear(struct fields *f);

/* `field`: 16 hexadecimal digits at least. In the place of what it was before. */
void fields_put(struct fields *f, const char *field, size_t number);
/* FIELDS_NONE: it was not put. */
size_t fields_get(const struct fields *f, const char *field);

#endif
