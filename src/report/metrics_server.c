/* metrics_server.c - the process, its configuration and what it says of itself.
 */
#include "report/metrics_inner.h"

#include "base/file.h"
#include "report/report_alarms.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* 0: /proc does not tell. */
static double resident_bytes(void)
{
	unsigned long long all, pages = 0;
	char line[128];
	const int fd = file_open("/proc/self/statm", sizeof line, NULL);
	const ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);

	if (fd >= 0)
		close(fd);
	line[n > 0 ? n : 0] = 0;
	if (sscanf(line, "%llu %llu", &all, &pages) != 2)
		pages = 0;
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	double n = 0;

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the folder itself */
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* As any process has them. */
static void of_process(const struct report_view *v, struct metrics *m)
{
	struct rusage used = { 0 };
	struct rlimit files = { 0 };
	struct timespec now, up;

	getrusage(RUSAGE_SELF, &used);
	getrlimit(RLIMIT_NOFILE, &files);
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_MONOTONIC, &up);
	const double up_s = (double)(up.tv_sec - v->started.tv_sec) +
		(double)(up.tv_nsec - v->started.tv_nsec) / 1e9;
	const struct metrics_row rows[] = {
		{ "process_cpu_seconds", METRICS_COUNTER, "Time of processors used.",
			seconds(&used.ru_utime) + seconds(&used.ru_stime), NULL, NULL },
		{ "process_resident_memory_bytes", METRICS_GAUGE, "Memory in use.",
			resident_bytes(), NULL, NULL },
		{ "process_open_fds", METRICS_GAUGE, "Open files and sockets.", open_files(), NULL,
			NULL },
		{ "process_max_fds", METRICS_GAUGE, "As many may be.", (double)files.rlim_cur,
			NULL, NULL },
		/* To the millisecond: else it would differ by rounding from scrape to scrape. */
		{ "process_start_time_seconds", METRICS_GAUGE, "UNIX time of the start.",
			(double)(int64_t)(((double)now.tv_sec + (double)now.tv_nsec / 1e9 - up_s) *
				10) / 10,
			NULL, NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
}

static void of_memory(const struct report_view *v, struct metrics *m)
{
	const struct world *w = v->world;
	double zones = 0;

	for (size_t i = 0; i < zone_set_count(w->zones); i++)
		zones += (double)zone_bytes(zone_set_get(w->zones, i));
	const struct metrics_row rows[] = {
		{ "memory_bytes", METRICS_GAUGE, "Memory by what is in it: the largest parts.",
			zones, "part", "zones" },
		{ "memory_bytes", METRICS_GAUGE, NULL,
			(double)netmap_size(w->steer->atlas->cities.map).bytes +
				(double)places_bytes(w->steer->atlas->cities.places),
			"part", "geoip" },
		{ "memory_bytes", METRICS_GAUGE, NULL, (double)latency_size(v->live.table).bytes,
			"part", "measurements" },
		{ "memory_bytes", METRICS_GAUGE, NULL, (double)v->pool_signing.table.bytes, "part",
			"pool_signatures" },
	};

	metrics_rows(m, rows, COUNT(rows));
}

static void of_alarms(const struct report_view *v, struct metrics *m)
{
	json_t *list = report_alarms(v);
	const struct metrics_row rows[] = {
		{ "alarms", METRICS_GAUGE, "Alarms now: waymarkctl status has their words.",
			(double)json_array_size(list), NULL, NULL },
		{ "ready", METRICS_GAUGE, "1: everything that was read at the start is served.",
			v->ready, NULL, NULL },
		{ "worlds_published", METRICS_COUNTER,
			"Times that what is served has become another.",
			(double)v->world->generation, NULL, NULL },
		{ "reload_last_timestamp_seconds", METRICS_GAUGE,
			"UNIX time of the last reload; 0: there was none.", (double)v->reloaded_s,
			NULL, NULL },
		{ "reload_last_errors", METRICS_GAUGE, "Errors of the last reload.",
			v->reload_errors, NULL, NULL },
		{ "reload_last_taken", METRICS_GAUGE,
			"0: the last reload was not taken; what was served before goes on.",
			!v->reloaded_s || v->reload_taken, NULL, NULL },
	};

	json_decref(list);
	metrics_rows(m, rows, COUNT(rows));
}

void metrics_server(const struct report_view *v, struct metrics *m)
{
	of_process(v, m);
	of_memory(v, m);
	of_alarms(v, m);
}
