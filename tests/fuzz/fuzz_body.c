/* fuzz_body.c - the body of an edge's answer, of which values are taken: the first line is an expression or a path.
 */
#include "probe/json_path.h"
#include "probe/regex.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char first[300] = "", value[JSON_PATH_VALUE];
	const uint8_t *end = memchr(data, '\n', size < 299 ? size : 299);
	struct fault why;

	if (!end)
		return 0;
	memcpy(first, data, (size_t)(end - data));
	const char *body = (const char *)end + 1;
	const size_t len = size - (size_t)(end + 1 - data);
	if (json_path_is(first, &why))
		json_path_find(first, body, len, value);
	json_path_find("a.b[0]", body, len, value);
	if (regex_is(first, &why))
		regex_find(first, body, len);
	return 0;
}
