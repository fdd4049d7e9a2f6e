#include "zone/order.h"

#include "base/bytes.h"
#include "dns/name.h"

#include <string.h>

/* A byte of the key is one more than the name's, so that 0 can end a label and sorts before
 * all; the two values that leave no room end the key. */
struct order_key order_key(const uint8_t *labels, size_t len)
{
	uint8_t at[NAME_LABELS_MOST + 1], key[16] = { 0 };
	unsigned n = 0, k = 0;

	for (unsigned p = 0; p < len; p += labels[p] + 1u)
		at[n++] = (uint8_t)p;
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
