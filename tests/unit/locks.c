/* locks.c - whoever lets go of a lock holds it, and nobody waits for one that it holds itself: the process ends else.
 *
 * So a test that runs the code needs no second thread at the wrong moment to see that a lock is missing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __real_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr);
int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __real_pthread_mutex_unlock(pthread_mutex_t *m);
int __real_pthread_mutex_destroy(pthread_mutex_t *m);

int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *m);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *m);

static int right(int error, const char *what)
{
	if (!error)
		return 0;
	printf("FAILED: a lock is %s: %s\n", what, strerror(error));
	fflush(stdout);
	abort();
}

int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr)
{
	pthread_mutexattr_t checked;

	if (attr)
		return __real_pthread_mutex_init(m, attr);
	pthread_mutexattr_init(&checked);
	pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
	const int error = __real_pthread_mutex_init(m, &checked);
	pthread_mutexattr_destroy(&checked);
	return error;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	return right(__real_pthread_mutex_lock(m), "taken by who holds it");
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
	return right(__real_pthread_mutex_unlock(m), "let go of by who does not hold it");
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *m)
{
	return right(__real_pthread_mutex_destroy(m), "destroyed while it is held");
}
