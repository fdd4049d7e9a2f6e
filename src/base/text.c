#include "base/text.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void drain(struct text *t)
{
	if (!t->lost && !t->drain(t->drain_ctx, t->s, t->len))
		t->lost = true;
	t->len = 0;
}

static bool make_room(struct text *t, size_t more)
{
	if (t->drain && t->len >= TEXT_DRAIN)
		drain(t);
	if (t->len + more + 1 <= t->room)
		return true;
	size_t room = t->room ? t->room * 2 : 256;
	while (room < t->len + more + 1)
		room *= 2;
	char *s = memory_beside(t->s, room);
	if (!s) {
		t->lost = true;
		return false;
	}
	t->s = s;
	t->room = room;
	return true;
}

void text_add_bytes(struct text *t, const char *s, size_t len)
{
	if (!make_room(t, len))
		return;
	memcpy(t->s + t->len, s, len);
	t->len += len;
	t->s[t->len] = 0;
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_add_char(struct text *t, char c)
{
	text_add_bytes(t, &c, 1);
}

void text_addv(struct text *t, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	const int len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0 || !make_room(t, (size_t)len))
		return;
	vsnprintf(t->s + t->len, (size_t)len + 1, fmt, ap);
	t->len += (size_t)len;
}

void text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_addv(t, fmt, ap);
	va_end(ap);
}

void text_take(struct text *to, struct text *from)
{
	if (to->len || to->drain || to->lost || from->drain) {
		text_add_bytes(to, text_get(from), from->len);
		to->lost = to->lost || from->lost;
		text_fini(from);
		return;
	}
	text_fini(to);
	*to = *from;
	*from = (struct text){ 0 };
}

const char *text_get(const struct text *t)
{
	return t->s ? t->s : "";
}

void text_fini(struct text *t)
{
	free(t->s);
	*t = (struct text){ 0 };
}

void text_let_go(void *t)
{
	text_fini(t);
}

size_t text_utf8_len(const unsigned char *s)
{
	const unsigned c = s[0];
	const unsigned least = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	const unsigned most = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	const size_t len = c < 0x80 ? 1
		: c < 0xc2          ? 0
		: c < 0xe0          ? 2
		: c < 0xf0          ? 3
		: c < 0xf5          ? 4
				    : 0;

	for (size_t i = 1; i < len; i++)
		if (s[i] < (i == 1 ? least : 0x80) || s[i] > (i == 1 ? most : 0xbf))
			return 0; /* the NUL at the end is none of these */
	return len;
}

size_t text_utf8_end(char *s)
{
	size_t len = strlen(s), at = len;

	while (at && ((unsigned char)s[at - 1] & 0xc0) == 0x80)
		at--;
	if (at && (unsigned char)s[at - 1] >= 0xc0 && !text_utf8_len((unsigned char *)s + at - 1))
		s[len = at - 1] = 0;
	return len;
}
