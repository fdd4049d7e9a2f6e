/* store_written.h - which version of its file a zone was last written to, or read from.
 */
#ifndef STORE_STORE_WRITTEN_H
#define STORE_STORE_WRITTEN_H

#include "base/fault.h"
#include "base/file.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

struct store_written {
	uint32_t serial;         /* that the file has */
	struct file_stamp stamp; /* not fresh */
};

bool store_put_written(
	struct store *s, const uint8_t *apex, const struct store_written *w, struct fault *why);

/* False: nothing is known, and `why` is empty; or it cannot be read. */
bool store_get_written(
	struct store *s, const uint8_t *apex, struct store_written *to, struct fault *why);

#endif
