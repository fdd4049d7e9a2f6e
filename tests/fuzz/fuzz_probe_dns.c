/* fuzz_probe_dns.c - any reply to a DNS probe: it passes only with our id, our question and the
 * record that is expected.
 */
#include "probe/check_dns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t name[] = "\3www\7example", answer[] = { 192, 0, 2, 1 };
	static const struct probe_range noerror = { 0, 0 };
	const struct probe_opts p = { .kind = PROBE_DNS,
		.query = name,
		.qtype = 1,
		.expect = &noerror,
		.n_expect = 1,
		.answer = answer,
		.answer_len = 4 };
	char say[200] = "";
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		abort();
	memcpy(exact, data, len);
	const enum check_dns_verdict v = check_dns_judge(&p, 0x1234, exact, len, say);
	if (v != CHECK_DNS_FOREIGN)
		assert(len >= 12 && data[0] == 0x12 && data[1] == 0x34 && data[2] & 0x80 &&
			*say);
	if (v == CHECK_DNS_SHORT)
		assert(data[2] & 2);
	if (v == CHECK_DNS_PASSED)
		assert((data[3] & 15) == 0 && memmem(data, len, answer, sizeof answer));
	free(exact);
	return 0;
}
