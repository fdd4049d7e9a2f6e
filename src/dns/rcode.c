#include "dns/rcode.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
	"REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
	"NOTZONE", [RCODE_BADVERS] = "BADVERS", [RCODE_BADCOOKIE] = "BADCOOKIE" };

enum { NAMES = sizeof names / sizeof *names };

const char *rcode_text(char buf[static RCODE_TEXT], unsigned rcode)
{
	if (rcode < NAMES && names[rcode])
		strcpy(buf, names[rcode]);
	else
		snprintf(buf, RCODE_TEXT, "RCODE %u", rcode);
	return buf;
}

int rcode_parse(const char *name)
{
	for (int i = 0; i < NAMES; i++)
		if (names[i] && strcasecmp(name, names[i]) == 0)
			return i;
	return -1;
}
