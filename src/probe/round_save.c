#include "probe/round_save.h"

#include "base/memory.h"

#include <stdlib.h>

void round_save(struct text *to, const struct round *round, const struct forced_list *forced,
	const struct state_file_clock *now)
{
	struct state_file s = { .forced = *forced };

	s.verdicts = memory_zeroed(round_targets(round), sizeof *s.verdicts);
	for (uint32_t i = 0; i < round_targets(round); i++) {
		const struct round_view v = round_view(round, i);
		if (v.known || v.hinted)
			s.verdicts[s.n++] = (struct state_file_verdict){ v.probe->name, v.edge,
				v.addr, v.up, v.since_us };
	}
	state_file_write(to, &s, now);
	free(s.verdicts);
}
