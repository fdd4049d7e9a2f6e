#include "import/route53_text.h"

#include <ctype.h>
#include <string.h>

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7';
}

const char *route53_decimals(struct plan *p, const char *s)
{
	struct text to = { 0 };

	if (!strchr(s, '\\'))
		return s;
	for (; *s; s++) {
		const unsigned byte = *s == '\\' && is_octal(s + 1) ? (unsigned)((s[1] - '0') * 64 + (s[2] - '0') * 8 + s[3] - '0') : 0;
		if (byte == '*' || byte == '-' || byte == '_' || (byte < 128 && isalnum((int)byte)))
			text_add_char(&to, (char)byte);
		else if (byte || (*s == '\\' && is_octal(s + 1)))
			text_addf(&to, "\\%03u", byte);
		else
			text_add_char(&to, *s);
		if (*s == '\\' && is_octal(s + 1))
			s += 3;
		else if (*s == '\\' && s[1])
			text_add_char(&to, *++s);
	}
	const char *out = arena_strdup(&p->mem, text_get(&to));
	text_fini(&to);
	return out;
}

const char *route53_octals(struct plan *p, const char *data)
{
	struct text to = { 0 };

	for (; *data; data++) {
		const unsigned char *d = (const unsigned char *)data;
		if (*d == '\\' && isdigit(d[1]) && isdigit(d[2]) && isdigit(d[3])) {
			text_addf(&to, "\\%03o", (unsigned)((d[1] - '0') * 100 + (d[2] - '0') * 10 + (d[3] - '0')));
			data += 3;
		} else {
			text_add_char(&to, *data);
			if (*d == '\\' && d[1])
				text_add_char(&to, *++data);
		}
	}
	const char *s = arena_strdup(&p->mem, text_get(&to));
	text_fini(&to);
	return s;
}
