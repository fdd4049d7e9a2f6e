/* fuzz_export.c - any text is an export of a server, or one sentence says that it is not.
 */
#include "base/log.h"
#include "daemon/foresee.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const down[] = { "ams" };
	struct foresee s;
	struct faults f;

	faults_init(&f);
	const bool ok = foresee_open(&s,
		&(struct foresee_opts){ .export = (const char *)data,
			.export_name = "fuzz",
			.export_len = len,
			.down = down,
			.n_down = len % 2 },
		&f);
	assert(ok == (f.errors == 0));
	if (ok) {
		assert(s.old_standing && s.new_standing && s.old.steer && s.old.table);
		foresee_close(&s);
	}
	faults_fini(&f);
	return 0;
}
