#include "web/api_spec.h"

#include "config.h"
#include "web/api_rows.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const role_text[] = { [API_ANY] = "any", [API_READ] = "read", [API_OPERATE] = "operate", [API_ADMIN] = "admin" };

static json_t *parameter(const char *name, const char *in, bool must, bool flag)
{
	return json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", name, "in", in, "required", must, "schema",
		"type", flag ? "boolean" : "string");
}

static bool is_in_path(const struct api_row *r, const char *member)
{
	char form[40];

	snprintf(form, sizeof form, "{%s}", member);
	return strstr(r->path, form) != NULL;
}

/* Members of the path, and of the query; or, of a POST, of the body. */
static void add_members(const struct api_row *r, json_t *parameters, json_t *body, json_t *required)
{
	const bool post = strcmp(r->method, "POST") == 0;
	struct api_piece p;
	const char *at = r->words;

	while (at && api_next_piece(&at, &p)) {
		const bool must = p.kind == API_MUST, flag = p.kind == API_FLAG;
		if (p.kind == API_WORD)
			continue;
		if (is_in_path(r, p.member))
			json_array_append_new(parameters, parameter(p.member, "path", true, false));
		else if (!post)
			json_array_append_new(parameters, parameter(p.member, "query", must, flag));
		else
			json_object_set_new(body, p.member, json_pack("{s:s}", "type", flag ? "boolean" : "string"));
		if (post && must && !is_in_path(r, p.member))
			json_array_append_new(required, json_string(p.member));
	}
}

static json_t *record_schema(bool comes)
{
	json_t *o = json_pack("{s:s, s:{s:{s:s}, s:{s:s}, s:{s:s}}}", "type", "object", "properties", "owner",
		"type", "string", "type", "type", "string", "data", "type", "string");

	if (comes)
		json_object_set_new(json_object_get(o, "properties"), "ttl", json_pack("{s:s}", "type", "integer"));
	json_object_set_new(o, "required", comes ? json_pack("[s, s, s]", "owner", "type", "data") : json_pack("[s]", "owner"));
	return json_pack("{s:s, s:o}", "type", "array", "items", o);
}

static json_t *change_set_schema(void)
{
	return json_pack("{s:o, s:o, s:{s:s}, s:{s:s}}", "unset", record_schema(false), "set", record_schema(true), "serial",
		"type", "integer", "dry_run", "type", "boolean");
}

static json_t *error_response(const char *what)
{
	return json_pack("{s:s, s:{s:{s:{s:s}}}}", "description", what, "content", "application/json", "schema", "$ref",
		"#/components/schemas/Error");
}

static json_t *responses(const struct api_row *r)
{
	const char *type = r->type ? r->type : "application/json";
	json_t *schema = r->type ? json_pack("{s:s}", "type", "string")
		: r->json        ? json_pack("{s:[s, s]}", "type", "object", "array")
				 : json_pack("{s:s}", "$ref", "#/components/schemas/Done");
	json_t *o = json_pack("{s:{s:s, s:{s:{s:o}}}}", "200", "description", "done", "content", type, "schema", schema);

	json_object_set_new(o, "400", error_response("what was sent is wrong"));
	json_object_set_new(o, "401", error_response("there is no token, or it is none"));
	json_object_set_new(o, "403", error_response("the token is not for this"));
	json_object_set_new(o, "409", error_response("it is not done, and the error says why"));
	json_object_set_new(o, "429", error_response("too many requests of this token"));
	json_object_set_new(o, "503", error_response("too much is going on, or there is no memory"));
	return o;
}

static json_t *operation(const struct api_row *r)
{
	json_t *parameters = json_array(), *required = json_array(),
	       *body = r->words ? json_object() : change_set_schema();

	add_members(r, parameters, body, required);
	if (!r->words)
		json_array_append_new(parameters, parameter("zone", "path", true, false));
	json_t *o = json_pack("{s:s, s:s, s:o, s:o}", "summary", r->about, "x-role", role_text[r->role], "parameters",
		parameters, "responses", responses(r));
	if (json_object_size(body)) {
		json_t *schema = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", json_incref(body),
			"additionalProperties", 0);
		if (json_array_size(required))
			json_object_set(schema, "required", required);
		json_object_set_new(o, "requestBody",
			json_pack("{s:b, s:{s:{s:o}}}", "required", json_array_size(required) != 0, "content", "application/json",
				"schema", schema));
	}
	json_decref(body);
	json_decref(required);
	return o;
}

static json_t *paths(void)
{
	json_t *all = json_object();

	for (const struct api_row *r = api_rows; r->path; r++) {
		json_t *path = json_object_get(all, r->path);
		char method[8] = "";
		for (size_t i = 0; r->method[i] && i < sizeof method - 1; i++)
			method[i] = (char)(r->method[i] | 0x20);
		if (!path)
			json_object_set_new(all, r->path, path = json_object());
		json_object_set_new(path, method, operation(r));
	}
	return all;
}

void api_spec(struct text *out)
{
	json_t *o = json_pack("{s:s, s:{s:s, s:s, s:s}, s:[{s:s}], s:[{s:[]}], s:o, s:o}", "openapi", "3.1.0", "info", "title",
		"Waymark", "version", PACKAGE_VERSION, "description",
		"What waymarkctl can, for programs. Each path is one of its commands.", "servers", "url", "/api/v1", "security",
		"token", "paths", paths(), "components",
		json_pack("{s:{s:{s:s, s:s}}, s:{s:{s:s, s:{s:{s:s}}, s:[s]}, s:{s:s, s:{s:{s:s}}, s:[s]}}}", "securitySchemes", "token", "type",
			"http", "scheme", "bearer", "schemas", "Error", "type", "object", "properties", "error", "type",
			"string", "required", "error", "Done", "type", "object", "properties", "said", "type", "string", "required",
			"said"));
	char *text = o ? json_dumps(o, JSON_INDENT(1)) : NULL;

	text_add(out, text ? text : "{}");
	text_add(out, "\n");
	free(text);
	json_decref(o);
}
