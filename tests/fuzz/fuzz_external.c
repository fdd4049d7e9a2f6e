/* fuzz_external.c - a file in which somebody else says how edges are.
 */
#include "probe/external_file.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct external_file about = { "f", "p", 1000, 1, 60000 };
	struct externals l;
	struct fault why = { "" };

	if (!external_read(&l, (const char *)data, size, &about, &why)) {
		assert(*why.text && !l.n);
		return 0;
	}
	for (size_t i = 0; i < l.n; i++) {
		const struct external_verdict *v = externals_find(&l, "p", l.of[i].edge, &l.of[i].addr);
		assert(v && (l.of[i].one ? v == &l.of[i] : v != NULL));
	}
	externals_fini(&l);
	return 0;
}
