/* fuzz_agent_report.c - any bytes as an agent's report, or as a nameserver's targets.
 *
 * What is taken is within all limits and comes through another round of writing and reading;
 * what is refused leaves nothing behind and a reason.
 */
#include "agent/assignments.h"
#include "agent/agent_report.h"
#include "measure/latency.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_row(const struct agent_report_row *row)
{
	assert(row->rtt_ms > 0 && row->rtt_ms <= LATENCY_RTT_MOST_MS);
	assert(row->min_ms >= 0 && row->min_ms <= row->rtt_ms);
	assert(row->samples >= 1 && row->samples <= AGENT_REPORT_SAMPLES_MOST);
	assert(row->age_s <= AGENT_REPORT_AGE_MOST_S);
	assert(memchr(row->edge, 0, sizeof row->edge));
	assert(*row->edge || row->net.bits >= 16);
}

static void check_report(const char *text, size_t len)
{
	struct agent_report s, again;
	struct fault why = { "" };

	if (!agent_report_decode(&s, text, len, NULL, &why)) {
		assert(*why.text && !s.rows && !s.n);
		return;
	}
	assert(s.n <= AGENT_REPORT_ROWS_MOST);
	for (size_t i = 0; i < s.n; i++) {
		check_row(&s.rows[i]);
		if (s.rows[i].rtt_ms < 0.001)
			s.rows[i].rtt_ms = s.rows[i].min_ms = 0.001; /* is written so */
	}
	char *written = agent_report_encode(&s);
	if (strlen(written) <= AGENT_REPORT_BYTES_MOST) {
		assert(agent_report_decode(&again, written, strlen(written), NULL, &why));
		assert(again.n == s.n && again.taken_s == s.taken_s);
		for (size_t i = 0; i < s.n; i++)
			assert(memcmp(&again.rows[i].net, &s.rows[i].net,
				       sizeof s.rows[i].net) == 0 &&
				strcmp(again.rows[i].edge, s.rows[i].edge) == 0);
		agent_report_fini(&again);
	}
	free(written);
	agent_report_fini(&s);
}

static void check_assignments(const char *text, size_t len)
{
	static struct assignments e, again;
	struct fault why = { "" };

	if (!assignments_decode(&e, text, len, &why)) {
		assert(*why.text && e.n == 0);
		return;
	}
	assert(e.n <= ASSIGNMENTS_MOST && e.again_s <= ASSIGNMENTS_AGAIN_MOST_S);
	char *written = assignments_encode(&e);
	assert(assignments_decode(&again, written, strlen(written), &why));
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
	check_report(text, len);
	check_assignments(text, len);
	free(text);
	return 0;
}
