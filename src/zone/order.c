#include "zone/order.h"

#include "base/bytes.h"
#include "dns/name.h"

#include <string.h>

/* Where its labels start. Returns how many there are. */
static unsigned mark(uint8_t at[static NAME_LABELS_MOST + 1], const uint8_t *labels, size_t len)
{
	unsigned n = 0;

	for (unsigned p = 0; p < len; p += labels[p] + 1u)
		at[n++] = (uint8_t)p;
	return n;
}

/* A byte of the key is one more than the name's, so that 0 can end a label and sorts before
 * all; the two values that leave no room end the key. */
struct order_key order_key(const uint8_t *labels, size_t len)
{
	uint8_t at[NAME_LABELS_MOST + 1], key[16] = { 0 };
	unsigned n = mark(at, labels, len), k = 0;

	while (n-- && k < 16) {
		const uint8_t *label = labels + at[n];
		for (unsigned i = 1; i <= *label && k < 16; i++) {
			if (label[i] >= 254) {
				memset(key + k, 0xff, 16 - k);
				k = 16;
				break;
			}
			key[k++] = (uint8_t)(label[i] + 1);
		}
		k++; /* the 0 that ends the label */
	}
	return (struct order_key){ be64_get(key), be64_get(key + 8) };
}

int order_names(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	uint8_t at_a[NAME_LABELS_MOST + 1], at_b[NAME_LABELS_MOST + 1];
	unsigned na = mark(at_a, a, a_len), nb = mark(at_b, b, b_len);

	while (na && nb) {
		const uint8_t *x = a + at_a[--na], *y = b + at_b[--nb];
		const int d = memcmp(x + 1, y + 1, *x < *y ? *x : *y);
		if (d)
			return d;
		if (*x != *y)
			return *x - *y;
	}
	return (int)na - (int)nb;
}

enum { SPREAD_BASE = 42, SPREAD_DIGITS = 5 };

/* The digit of a byte of the key: ends of labels, hyphens, ten digits and 26 letters have one
 * each. What stands between and behind them shares one, and `*shared` is set: nothing that
 * follows such a byte may count. */
static unsigned digit(uint8_t byte, bool *shared)
{
	const unsigned c = byte - 1u;

	*shared = false;
	if (byte == 0)
		return 0;
	if (c == '-')
		return 2;
	if (c >= '0' && c <= '9')
		return c - '0' + 4;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 15;
	*shared = true;
	return c < '-' ? 1 : c < '0' ? 3 : c < 'a' ? 14 : SPREAD_BASE - 1;
}

uint64_t order_spread(const struct order_key *key)
{
	uint64_t sum = 0, unit = UINT64_MAX;
	bool shared = false;

	for (unsigned i = 0; i < SPREAD_DIGITS && !shared; i++) {
		unit /= SPREAD_BASE;
		sum += unit * digit((uint8_t)(key->high >> (56 - 8 * i)), &shared);
	}
	return sum;
}
