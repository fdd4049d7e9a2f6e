#include "agent/assignments.h"

#include <jansson.h>
#include <string.h>

char *assignments_encode(const struct assignments *a)
{
	json_t *nets = json_array(), *edges = json_array();
	char host[ADDR_TEXT], net[ADDR_TEXT];

	for (size_t i = 0; i < a->n; i++) {
		const struct assignment *one = &a->list[i];
		addr_text(host, &one->host);
		if (*one->edge)
			json_array_append_new(edges,
				json_pack("{s:s, s:s}", "edge", one->edge, "host", host));
		else
			json_array_append_new(nets,
				json_pack("{s:s, s:s}", "net", prefix_text(net, &one->net),
					"host", host));
	}
	json_t *all = json_pack("{s:i, s:i, s:o, s:o}", "version", 1, "again_s",
		(int)a->again_s, "networks", nets, "edges", edges);
	char *text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return text;
}

static bool take_one(struct assignment *one, const json_t *o)
{
	const char *net = json_string_value(json_object_get(o, "net")),
		   *edge = json_string_value(json_object_get(o, "edge")),
		   *host = json_string_value(json_object_get(o, "host"));

	*one = (struct assignment){ 0 };
	if (!host || !addr_parse(&one->host, host) || !net == !edge)
		return false;
	if (net)
		return prefix_parse(&one->net, net, NULL);
	if (!*edge || strlen(edge) > AGENT_REPORT_EDGE_MOST)
		return false;
	strcpy(one->edge, edge);
	return true;
}

static void take_list(struct assignments *a, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list) && a->n < ASSIGNMENTS_MOST; i++)
		a->n += take_one(&a->list[a->n], json_array_get(list, i));
}

bool assignments_decode(struct assignments *a, const char *text, size_t len, struct fault *why)
{
	json_error_t at;
	json_t *top = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);

	a->n = 0;
	a->again_s = 0;
	if (!top)
		return fault(why, "no JSON: %s", at.text);
	const json_t *version = json_object_get(top, "version");
	const json_int_t again = json_integer_value(json_object_get(top, "again_s"));
	const bool ok = json_integer_value(version) == 1 && again >= 0 &&
		again <= ASSIGNMENTS_AGAIN_MOST_S;
	if (ok) {
		a->again_s = (unsigned)again;
		take_list(a, json_object_get(top, "edges"));
		take_list(a, json_object_get(top, "networks"));
	}
	json_decref(top);
	return ok || fault(why, "these are no targets of version 1");
}
