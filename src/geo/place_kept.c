#include "geo/place_kept.h"

#include "base/memory.h"
#include "geo/netmap.h"
#include "geo/pages.h"
#include "geo/place_inner.h"

enum { TEXT_MOST = 1 << 30 };

struct kept_places {
	uint64_t n, text_len, cities;
};

void place_kept_put(struct kept_out *o, const struct places *p)
{
	const struct kept_places head = { p->n, p->text_len, p->cities };

	kept_put(o, &head, sizeof head);
	kept_put(o, p->list, p->n * sizeof *p->list);
	kept_put(o, p->text, p->text_len);
}

/* A place's texts are among those that were read. */
static bool are_right(const struct places *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].region >= p->text_len || p->list[i].city >= p->text_len)
			return false;
	return p->text_len && p->text[p->text_len - 1] == 0;
}

struct places *place_kept_get(struct kept_in *in)
{
	struct kept_places head;

	if (!kept_get(in, &head, sizeof head) || head.n > NETMAP_VALUE_MOST || head.text_len > TEXT_MOST ||
		kept_next(in) != head.n * sizeof(struct place))
		return NULL;
	struct places *p = memory_zeroed(1, sizeof *p);
	p->refs = 1;
	p->n = p->room = (size_t)head.n;
	p->cities = head.cities;
	p->list = pages_resize(NULL, 0, p->n * sizeof *p->list);
	bool ok = kept_get(in, p->list, p->n * sizeof *p->list) && kept_next(in) == head.text_len;
	if (ok) {
		p->text_len = p->text_room = (size_t)head.text_len;
		p->text = pages_resize(NULL, 0, p->text_len);
		ok = kept_get(in, p->text, p->text_len) && are_right(p);
	}
	if (ok)
		return p;
	places_drop(p);
	return NULL;
}
