/* fuzz_import.c - any text of another server's configuration is a tree, or a sentence.
 *
 * The first byte says which reader gets the rest.
 */
#include "import/from_powerdns.h"
#include "import/import_lines.h"
#include "import/import_node.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Each child has its text, lists and mappings count what is in them. */
static void look(const struct node *n, unsigned deep)
{
	size_t count = 0;

	assert(deep < 4 * NODE_DEPTH_MOST);
	if (n->kind == NODE_SCALAR)
		assert(n->text && strlen(n->text) < SIZE_MAX);
	for (const struct node *c = n->kind == NODE_SCALAR ? NULL : n->first; c; c = c->next, count++) {
		assert((n->kind == NODE_MAP) == (c->key != NULL));
		look(c, deep + 1);
	}
	assert(n->kind == NODE_SCALAR || count == n->n);
}

static void read_lua(struct plan *p, const char *text)
{
	struct powerdns_lua lua = { p, "fuzz", 1, "A", "www", "example.org." };
	const struct plan_mark before = plan_mark(p);
	struct variant v;

	if (powerdns_lua(&lua, text, &v)) {
		assert(v.edge);
	} else {
		const struct plan_mark after = plan_mark(p);
		assert(before.edges == after.edges && before.pools == after.pools && before.last == after.last);
	}
}

static void read_lines(const char *text, size_t len)
{
	struct lines l;

	lines_init(&l, text, len);
	while (lines_next(&l))
		for (size_t i = 0; i < l.n; i++)
			assert(l.words[i].at >= l.raw && l.words[i].len && l.words[i].at + l.words[i].len <= l.raw + l.raw_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct plan plan;
	struct fault why = { .text = "" };

	if (!len)
		return 0;
	/* Of its own size, so that a byte read behind it is seen. */
	char *text = malloc(len);
	if (!text)
		abort();
	memcpy(text, data + 1, len - 1);
	text[len - 1] = 0;
	plan_init(&plan);
	struct reading r = { "/nowhere/fuzz", text, text + len - 1, 1, &plan.mem, &why, 0, 0 };
	const struct node *n = NULL;
	switch (*data % 8) {
	case 0: n = node_read_json(&r); break;
	case 1: n = node_read_vscf(&r); break;
	case 2: n = node_read_knot(&r); break;
	case 3: n = node_read_named(&r, false); break;
	case 4: n = node_read_named(&r, true); break;
	case 5: read_lua(&plan, text); break;
	case 6: read_lines(text, len - 1); break;
	default: powerdns_geoip(&plan, "fuzz", &(struct file){ text, len - 1 }); break;
	}
	if (n)
		look(n, 0);
	else
		assert(*data % 8 > 4 || *why.text);
	plan_fini(&plan);
	free(text);
	return 0;
}
