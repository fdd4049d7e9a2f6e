#include "fleet/fleet_inner.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 1 + 8 + 8 + 8 + 1 /* of a record: topic, life, number, moment, length of the name */ };

uint8_t *fleet_record_write(struct fleet *f, enum fleet_topic topic, const uint8_t *bytes, size_t len,
	size_t *to_len)
{
	const size_t name = strlen(f->opts.server), all = HEAD + name + len;
	uint8_t *plain = malloc(all), *sealed = malloc(all + FLEET_SEAL);

	if (!plain || !sealed) {
		free(plain);
		free(sealed);
		return NULL;
	}
	plain[0] = (uint8_t)topic;
	be64_put(plain + 1, f->life);
	be64_put(plain + 9, ++f->number);
	be64_put(plain + 17, (uint64_t)fleet_now_ms(f));
	plain[25] = (uint8_t)name;
	memcpy(plain + HEAD, f->opts.server, name);
	memcpy(plain + HEAD + name, bytes, len);
	*to_len = fleet_seal(&f->keys, "record", plain, all, sealed);
	free(plain);
	return sealed;
}

bool fleet_record_read(const struct fleet *f, struct fleet_record *r, const uint8_t *sealed, size_t len,
	uint8_t *plain)
{
	size_t n;

	if (!fleet_open(&f->keys, "record", sealed, len, plain, &n) || n < HEAD)
		return false;
	const size_t name = plain[25];
	if (!name || name > FLEET_NAME_MOST || HEAD + name > n || memchr(plain + HEAD, 0, name))
		return false;
	*r = (struct fleet_record){ .topic = plain[0],
		.place = { be64_get(plain + 1), be64_get(plain + 9) },
		.said_ms = (int64_t)be64_get(plain + 17),
		.bytes = plain + HEAD + name,
		.len = n - HEAD - name };
	memcpy(r->server, plain + HEAD, name);
	return true;
}
