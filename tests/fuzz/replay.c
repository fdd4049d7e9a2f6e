/* replay.c - run a fuzz target over the files named on the command line, without a fuzzer.
 */
#include "base/file.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct file f;
		struct fault why;
		if (!file_read(&f, argv[i], 1 << 24, &why)) {
			fprintf(stderr, "%s\n", why.text);
			return 1;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)f.text, f.len);
		file_free(&f);
	}
	return 0;
}
