/* from_route53_checks.c - Route 53: where its regions are, and its health checks.
 */
#include "import/from_route53.h"

#include "import/to_route53.h"

#include <stdio.h>
#include <string.h>

static const struct { const char *region, *at; } regions[] = { { "us-east-1", "38.95,-77.45" }, { "us-east-2", "39.96,-83.00" },
	{ "us-west-1", "37.35,-121.96" }, { "us-west-2", "45.84,-119.70" }, { "us-gov-east-1", "39.96,-83.00" },
	{ "us-gov-west-1", "45.84,-119.70" }, { "ca-central-1", "45.50,-73.57" }, { "ca-west-1", "51.05,-114.07" },
	{ "mx-central-1", "20.59,-100.39" }, { "sa-east-1", "-23.55,-46.63" }, { "eu-west-1", "53.35,-6.26" }, { "eu-west-2", "51.51,-0.13" },
	{ "eu-west-3", "48.86,2.35" }, { "eu-central-1", "50.11,8.68" }, { "eu-central-2", "47.38,8.54" }, { "eu-north-1", "59.33,18.07" },
	{ "eu-south-1", "45.46,9.19" }, { "eu-south-2", "41.65,-0.89" }, { "ap-south-1", "19.08,72.88" }, { "ap-south-2", "17.39,78.49" },
	{ "ap-northeast-1", "35.68,139.69" }, { "ap-northeast-2", "37.57,126.98" }, { "ap-northeast-3", "34.69,135.50" },
	{ "ap-southeast-1", "1.35,103.82" }, { "ap-southeast-2", "-33.87,151.21" }, { "ap-southeast-3", "-6.21,106.85" },
	{ "ap-southeast-4", "-37.81,144.96" }, { "ap-southeast-5", "3.14,101.69" }, { "ap-southeast-7", "13.76,100.50" },
	{ "ap-east-1", "22.32,114.17" }, { "me-south-1", "26.07,50.56" }, { "me-central-1", "25.20,55.27" }, { "il-central-1", "32.09,34.78" },
	{ "af-south-1", "-33.92,18.42" }, { "cn-north-1", "39.90,116.41" }, { "cn-northwest-1", "37.51,105.19" } };

const char *route53_region_at(double lat, double lon)
{
	char at[64];

	snprintf(at, sizeof at, "%.2f,%.2f", lat, lon);
	for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
		if (strcmp(at, regions[i].at) == 0)
			return regions[i].region;
	return NULL;
}

const char *route53_region(struct route53 *r, const struct set *s, const char *region)
{
	for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
		if (strcmp(region, regions[i].region) == 0)
			return regions[i].at;
	plan_note(r->p, NOTE_SEE, s->path, s->n->line, "where the region %s is is not known: write \"at\" at its edges", region);
	return NULL;
}

static void http_check(struct out *probe, const struct node *c, const char *type)
{
	const bool tls = strncmp(type, "HTTPS", 5) == 0;
	const char *host = node_get_string(c, "FullyQualifiedDomainName"), *path = node_get_string(c, "ResourcePath");
	const char *text = node_get_string(c, "SearchString");

	out_set(probe, "kind", tls ? "https" : "http");
	if (host)
		out_set(probe, "host", host);
	if (path && *path)
		out_setf(probe, "path", "%s%s", *path == '/' ? "" : "/", path);
	if (text)
		out_set(probe, "body", text);
	if (tls)
		out_set(probe, "verify", "off"); /* Route 53 looks at no certificate */
}

static const struct node *check_config(const struct route53 *r, const char *id)
{
	for (size_t i = 0; i < r->n_checks; i++)
		for (const struct node *c = r->checks[i]->first; c; c = c->next) {
			const char *is = node_get_string(c, "Id");
			if (is && strcmp(is, id) == 0)
				return parse_get(c, "HealthCheckConfig");
		}
	return NULL;
}

const char *route53_probe(struct route53 *r, const struct set *s, const char **address)
{
	const char *id = node_get_string(s->n, "HealthCheckId");
	const struct node *c = id ? check_config(r, id) : NULL;
	struct out *probes;

	if (!id)
		return NULL;
	if (!c || c->kind != NODE_MAP) {
		plan_note(r->p, NOTE_LOST, s->path, s->n->line, "the health check %s is in none of the files (aws route53 list-health-checks)", id);
		return NULL;
	}
	const char *type = node_get_string(c, "Type"), *text, *name = plan_textf(r->p, "check-%.8s", id);
	*address = node_get_string(c, "IPAddress");
	if (!type || strcmp(type, "CALCULATED") == 0 || strcmp(type, "CLOUDWATCH_METRIC") == 0 || strcmp(type, "RECOVERY_CONTROL") == 0) {
		plan_note(r->p, NOTE_LOST, s->path, s->n->line, "the health check %s of type %s: it counts as healthy", id, type ? type : "(none)");
		return NULL;
	}
	if (node_is_true(parse_get(c, "Disabled")))
		return NULL;
	if (node_is_true(parse_get(c, "Inverted")))
		plan_note(r->p, NOTE_LOST, s->path, s->n->line, "the health check %s is inverted, and here it is not", id);
	probes = out_map(r->p->conf, "probes");
	if (out_get(probes, name))
		return name;
	struct out *probe = out_map(probes, name);
	if (strncmp(type, "HTTP", 4) == 0)
		http_check(probe, c, type);
	else
		out_set(probe, "kind", "tcp");
	if ((text = node_get_string(c, "Port")))
		out_set(probe, "port", text);
	else if (strncmp(type, "HTTP", 4) != 0)
		out_set(probe, "port", "80");
	text = node_get_string(c, "RequestInterval");
	out_setf(probe, "every", "%ss", text ? text : "30");
	out_set(probe, "timeout", strncmp(type, "HTTP", 4) == 0 ? "4s" : "10s");
	text = node_get_string(c, "FailureThreshold");
	out_set(probe, "rise", text ? text : "3");
	out_set(probe, "fall", text ? text : "3");
	return name;
}
