#include "daemon/keeper.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct keeper {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t news, rest;
	char *path;       /* where `next` goes; our own copy: options die at the next reload */
	struct text next; /* empty: nothing to do */
	bool busy, over;
	struct fault why; /* "" */
};

/* With the lock held but for the writing. */
static void write_next(struct keeper *k)
{
	struct text text = k->next;
	char *path = k->path;
	struct fault why = { "" };

	k->next = (struct text){ 0 };
	k->path = NULL;
	k->busy = true;
	pthread_mutex_unlock(&k->lock);
	const bool ok = file_replace(path, &text, 0600, &why);
	text_fini(&text);
	pthread_mutex_lock(&k->lock);
	if (!ok && !*k->why.text)
		log_line(LOG_WARNING,
			"state file %s; states are not kept until it can be written", why.text);
	else if (ok && *k->why.text)
		log_line(LOG_NOTICE, "state file %s is written again", path);
	free(path);
	k->why = why;
	k->busy = false;
}

static void *run(void *arg)
{
	struct keeper *k = arg;

	pthread_mutex_lock(&k->lock);
	for (;;) {
		while (k->next.len)
			write_next(k);
		pthread_cond_broadcast(&k->rest);
		if (k->over)
			break;
		pthread_cond_wait(&k->news, &k->lock);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

struct keeper *keeper_new(void)
{
	struct keeper *k = memory_zeroed(1, sizeof *k);
	sigset_t all, before;

	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->news, NULL);
	pthread_cond_init(&k->rest, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&k->thread, NULL, run, k) != 0)
		die("cannot start the thread for the state file");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return k;
}

void keeper_save(struct keeper *k, const char *path, struct text *text)
{
	char *copy = text->lost ? NULL : strdup(path);

	pthread_mutex_lock(&k->lock);
	if (copy) {
		text_fini(&k->next);
		free(k->path);
		k->next = *text;
		k->path = copy;
		pthread_cond_signal(&k->news);
	} else {
		fault(&k->why, "%s: out of memory", path);
		text_fini(text);
	}
	pthread_mutex_unlock(&k->lock);
	*text = (struct text){ 0 };
}

void keeper_wait(struct keeper *k)
{
	pthread_mutex_lock(&k->lock);
	while (k->next.len || k->busy)
		pthread_cond_wait(&k->rest, &k->lock);
	pthread_mutex_unlock(&k->lock);
}

bool keeper_well(struct keeper *k, struct fault *why)
{
	pthread_mutex_lock(&k->lock);
	*why = k->why;
	pthread_mutex_unlock(&k->lock);
	return !*why->text;
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	k->over = true;
	pthread_cond_signal(&k->news);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	text_fini(&k->next);
	free(k->path);
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->news);
	pthread_cond_destroy(&k->rest);
	memory_free(k);
}
