#include "report/report_faults.h"

/* Text of files may be in any encoding; JSON is UTF-8, or the text as Latin-1 where it is not.
 */
static json_t *text_json(const char *s, size_t len)
{
	json_t *text = json_stringn(s, len);
	struct text latin = { 0 };

	if (text)
		return text;
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)s[i];
		if (c >= 0x80)
			text_add_char(&latin, (char)(0xc0 | c >> 6));
		text_add_char(&latin, (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c));
	}
	text = json_stringn(text_get(&latin), latin.len);
	text_fini(&latin);
	return text;
}

void report_faults(const struct faults *f, json_t *to)
{
	json_t *list = json_array();
	struct fault_view v;

	for (const char *at = NULL; (at = faults_view(f, at, &v));) {
		json_t *o = json_object();
		json_object_set_new(
			o, "severity", json_string(v.warning ? "warning" : "error"));
		if (v.path_len)
			json_object_set_new(o, "file", text_json(v.path, v.path_len));
		if (v.line) {
			json_object_set_new(o, "line", json_integer(v.line));
			json_object_set_new(o, "column", json_integer(v.column));
		}
		json_object_set_new(o, "message", text_json(v.say, v.say_len));
		json_array_append_new(list, o);
	}
	json_object_set_new(to, "errors", json_integer(f->errors));
	json_object_set_new(to, "warnings", json_integer(f->warnings));
	json_object_set_new(to, "faults", list);
}
