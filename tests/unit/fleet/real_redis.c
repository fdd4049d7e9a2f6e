#include "unit/fleet/real_redis.h"

#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void real_redis_begin(struct real_redis *r)
{
	char port[8];

	snprintf(port, sizeof port, "%u", serving_port(&r->at));
	fflush(stdout);
	r->pid = fork();
	if (r->pid == 0) {
		const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 1);
		dup2(null, 2);
		execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp", (char *)NULL);
		_exit(127);
	}
}

bool real_redis_open(struct real_redis *r)
{
	int status;

	r->at = serving_address("127.0.0.1");
	real_redis_begin(r);
	for (unsigned i = 0; i < 1000; i++) {
		const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		const bool is_there = connect(fd, (const struct sockaddr *)&r->at.sa, r->at.len) == 0;
		close(fd);
		if (is_there)
			return true;
		if (waitpid(r->pid, &status, WNOHANG) == r->pid)
			break;
		ev_sleep(0.01);
	}
	puts("redis-server is not there: fleets are not looked at");
	return false;
}

void real_redis_end(struct real_redis *r)
{
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
}
