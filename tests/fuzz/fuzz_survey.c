/* fuzz_survey.c - any bytes as an agent's report, or as a nameserver's targets.
 *
 * What is taken is within all limits and comes through another round of writing and reading;
 * what is refused leaves nothing behind and a reason.
 */
#include "ctl/errands.h"
#include "ctl/survey.h"
#include "measure/latency.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_row(const struct survey_row *row)
{
	assert(row->rtt_ms > 0 && row->rtt_ms <= LATENCY_RTT_MOST_MS);
	assert(row->min_ms >= 0 && row->min_ms <= row->rtt_ms);
	assert(row->samples >= 1 && row->samples <= SURVEY_SAMPLES_MOST);
	assert(row->age_s <= SURVEY_AGE_MOST_S);
	assert(memchr(row->edge, 0, sizeof row->edge));
	assert(*row->edge || row->net.bits >= 16);
}

static void check_survey(const char *text, size_t len)
{
	struct survey s, again;
	struct fault why = { "" };

	if (!survey_decode(&s, text, len, NULL, &why)) {
		assert(*why.text && !s.rows && !s.n);
		return;
	}
	assert(s.n <= SURVEY_ROWS_MOST);
	for (size_t i = 0; i < s.n; i++) {
		check_row(&s.rows[i]);
		if (s.rows[i].rtt_ms < 0.001)
			s.rows[i].rtt_ms = s.rows[i].min_ms = 0.001; /* is written so */
	}
	char *written = survey_encode(&s);
	if (strlen(written) <= SURVEY_BYTES_MOST) {
		assert(survey_decode(&again, written, strlen(written), NULL, &why));
		assert(again.n == s.n && again.taken_s == s.taken_s);
		for (size_t i = 0; i < s.n; i++)
			assert(memcmp(&again.rows[i].net, &s.rows[i].net,
				       sizeof s.rows[i].net) == 0 &&
				strcmp(again.rows[i].edge, s.rows[i].edge) == 0);
		survey_fini(&again);
	}
	free(written);
	survey_fini(&s);
}

static void check_errands(const char *text, size_t len)
{
	static struct errands e, again;
	struct fault why = { "" };

	if (!errands_decode(&e, text, len, &why)) {
		assert(*why.text && e.n == 0);
		return;
	}
	assert(e.n <= ERRANDS_MOST && e.again_s <= ERRANDS_AGAIN_MOST_S);
	char *written = errands_encode(&e);
	assert(errands_decode(&again, written, strlen(written), &why));
	assert(again.n == e.n && memcmp(again.list, e.list, e.n * sizeof *e.list) == 0);
	free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1); /* of exactly its length, for the sanitizer */

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = 0;
	check_survey(text, len);
	check_errands(text, len);
	free(text);
	return 0;
}
