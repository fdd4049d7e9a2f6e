#include "base/polite.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

enum { NICE = 10, LEAST_NICE = 20 /* RLIMIT_NICE counts down from it */ };

static __thread bool is_polite;
static __thread int usual, polite;

/* Linux: of this thread alone. */
static void set(int nice)
{
	const int before = errno;

	setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
	errno = before;
}

/* The loop's: whoever started this thread may have given way himself. */
void polite_begin(void)
{
	usual = getpriority(PRIO_PROCESS, (id_t)getpid());
	is_polite = true;
	polite = usual > NICE ? usual : NICE;
	set(polite);
}

void polite_pause(void)
{
	if (is_polite)
		set(usual);
}

void polite_resume(void)
{
	if (is_polite)
		set(polite);
}

void polite_allow(void)
{
	const rlim_t wanted = (rlim_t)(LEAST_NICE - getpriority(PRIO_PROCESS, 0));
	struct rlimit now;

	if (getrlimit(RLIMIT_NICE, &now) != 0 || now.rlim_cur >= wanted)
		return;
	now.rlim_cur = wanted;
	if (now.rlim_max < wanted)
		now.rlim_max = wanted;
	setrlimit(RLIMIT_NICE, &now);
}
