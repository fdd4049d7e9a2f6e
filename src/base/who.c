#include "base/who.h"

#include <pwd.h>
#include <stdio.h>

static const char *(*token_name)(void *ctx, unsigned number);
static void *token_ctx;

void who_set_tokens(const char *(*name)(void *ctx, unsigned number), void *ctx)
{
	token_name = name;
	token_ctx = ctx;
}

const char *who_text(char to[static WHO_TEXT], unsigned uid)
{
	if (uid >= WHO_TOKEN) {
		const char *name = token_name ? token_name(token_ctx, uid - WHO_TOKEN) : NULL;
		if (name)
			snprintf(to, WHO_TEXT, "token %s", name);
		else
			snprintf(to, WHO_TEXT, "token %u", uid - WHO_TOKEN);
		return to;
	}
	const struct passwd *pw = uid == WHO_FLEET ? NULL : getpwuid(uid);
	if (uid == WHO_FLEET)
		snprintf(to, WHO_TEXT, "the fleet");
	else if (pw)
		snprintf(to, WHO_TEXT, "%.64s", pw->pw_name);
	else
		snprintf(to, WHO_TEXT, "uid %u", uid);
	return to;
}
