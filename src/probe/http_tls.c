#include "probe/http_tls.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "probe/check_tls.h"
#include "base/tls_files.h"

#include <openssl/err.h>
#include <string.h>

enum { LOOK_US = 1000000 };

/* Trusted certificates of a file; for all probes that name it. */
struct store {
	struct store *next;
	char *path; /* own; "" where the system has no such file */
	struct file_stamp stamp;
	X509_STORE *of; /* NULL: never read */
	bool used;      /* by some probe that is left */
	struct fault why;
	uint64_t looked_us;
	unsigned version; /* another one when `of` is another one */
};

struct side {
	struct side *next;
	struct http_plan *plan; /* held */
	struct store *store;
	struct http_tls *tls; /* NULL: never made */
	unsigned version;     /* of the store that it was made of, or was last tried with */
	struct file_stamp cert, key;
	uint64_t looked_us;
	struct fault why; /* of the files as they are; "" */
};

struct http_tls_files {
	int (*session)(SSL *ssl, SSL_SESSION *s);
	struct store *stores;
	struct side *sides;
};

struct http_tls *http_tls_hold(struct http_tls *t)
{
	t->refs++;
	return t;
}

void http_tls_drop(struct http_tls *t)
{
	if (!t || --t->refs)
		return;
	SSL_CTX_free(t->ctx);
	memory_free(t);
}

/* --- trusted certificates ----------------------------------------------------------------- */

static struct store *find_store(struct http_tls_files *f, const char *path)
{
	struct store *s = f->stores;

	while (s && strcmp(s->path, path) != 0)
		s = s->next;
	if (s)
		return s;
	s = memory_zeroed(1, sizeof *s);
	s->path = memory_strdup(path);
	s->next = f->stores;
	f->stores = s;
	return s;
}

static void read_store(struct store *s)
{
	X509_STORE *of = X509_STORE_new();
	bool ok;

	if (!of) {
		fault(&s->why, "out of memory");
		return;
	}
	/* As curl does: an issuer that is in the file need not be a root. */
	X509_STORE_set_flags(of, X509_V_FLAG_PARTIAL_CHAIN);
	if (*s->path)
		ok = tls_files_trust(of, s->path, &s->why);
	else
		ok = X509_STORE_set_default_paths(of) == 1;
	if (!ok) {
		X509_STORE_free(of);
		return;
	}
	X509_STORE_free(s->of);
	s->of = of;
	s->why.text[0] = 0;
	s->version++;
}

/* Once a second a look at the file; what cannot be read goes on as it was, and is told. */
static void refresh_store(struct store *s)
{
	const uint64_t now = clock_us();
	struct file_stamp stamp = { 0 };

	if (s->looked_us && now - s->looked_us < LOOK_US)
		return;
	const bool first = !s->looked_us;
	s->looked_us = now;
	if (*s->path)
		file_stamp(s->path, &stamp);
	if (!first && file_stamp_same(&stamp, &s->stamp) && s->of)
		return;
	s->stamp = stamp;
	read_store(s);
	if (*s->why.text && s->of)
		log_line(LOG_WARNING, "probes go on with the authorities that they had: %s",
			s->why.text);
	else if (!first && s->of)
		log_line(LOG_NOTICE, "probes: %s was read anew", s->path);
}

/* --- contexts ----------------------------------------------------------------------------- */

static bool set_alpn(SSL_CTX *ctx, enum probe_http2 http2)
{
	static const unsigned char both[] = "\2h2\10http/1.1";
	const unsigned from = http2 == PROBE_HTTP2_OFF ? 3 : 0,
		       to = http2 == PROBE_HTTP2_ON ? 3 : sizeof both - 1;

	return SSL_CTX_set_alpn_protos(ctx, both + from, to - from) == 0;
}

static SSL_CTX *make_ctx(const struct http_tls_files *f, struct side *s)
{
	const struct probe_opts *p = &s->plan->opts;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	ERR_clear_error();
	if (!ctx || !set_alpn(ctx, p->http2)) {
		fault(&s->why, "out of memory");
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, f->session);
	SSL_CTX_set1_cert_store(ctx, s->store->of);
	check_tls_watch(ctx, p->verify);
	if (p->client_cert && !tls_files_show(ctx, p->client_cert, p->client_key, &s->why)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* What does not go is told once, and tried again at each look. */
static void make_side(const struct http_tls_files *f, struct side *s)
{
	const struct fault was = s->why;

	s->why.text[0] = 0;
	s->version = s->store->version;
	SSL_CTX *ctx = make_ctx(f, s);
	if (!ctx) {
		if (s->tls && strcmp(was.text, s->why.text) != 0)
			log_line(LOG_WARNING,
				"probe %s goes on with the certificate that it had: %s",
				s->plan->opts.name, s->why.text);
		return;
	}
	http_tls_drop(s->tls);
	s->tls = memory_zeroed(1, sizeof *s->tls);
	*s->tls = (struct http_tls){ 1, ctx };
}

static void refresh_side(const struct http_tls_files *f, struct side *s)
{
	const struct probe_opts *p = &s->plan->opts;
	const uint64_t now = clock_us();
	struct file_stamp cert = { 0 }, key = { 0 };

	refresh_store(s->store);
	if (!s->store->of) {
		fault(&s->why, "cannot read the \"ca\" file %.900s", s->store->why.text);
		return;
	}
	if (s->version == s->store->version && s->looked_us && now - s->looked_us < LOOK_US)
		return;
	s->looked_us = now;
	if (p->client_cert) {
		file_stamp(p->client_cert, &cert);
		file_stamp(p->client_key, &key);
	}
	if (s->tls && !*s->why.text && s->version == s->store->version && file_stamp_same(&cert, &s->cert) &&
		file_stamp_same(&key, &s->key))
		return;
	s->cert = cert;
	s->key = key;
	make_side(f, s);
}

/* Those that nobody else asks any more. */
static void sweep(struct http_tls_files *f)
{
	for (struct store *s = f->stores; s; s = s->next)
		s->used = false;
	for (struct side **at = &f->sides; *at;) {
		struct side *s = *at;
		s->store->used = true;
		if (__atomic_load_n(&s->plan->part.refs, __ATOMIC_ACQUIRE) > 1) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		http_plan_drop(s->plan);
		http_tls_drop(s->tls);
		memory_free(s);
	}
	for (struct store **at = &f->stores; *at;) {
		struct store *s = *at;
		if (s->used) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		X509_STORE_free(s->of);
		memory_free(s->path);
		memory_free(s);
	}
}

static struct side *find_side(struct http_tls_files *f, struct http_plan *plan)
{
	struct side *s = f->sides;

	while (s && s->plan != plan)
		s = s->next;
	if (s)
		return s;
	sweep(f);
	const char *ca = plan->opts.ca ? plan->opts.ca
		: plan->opts.verify    ? tls_files_system()
				       : NULL;
	s = memory_zeroed(1, sizeof *s);
	s->plan = http_plan_hold(plan);
	s->store = find_store(f, ca ? ca : "");
	s->next = f->sides;
	f->sides = s;
	return s;
}

struct http_tls *http_tls_of(struct http_tls_files *f, struct http_plan *plan,
	const char **notice, struct fault *why)
{
	struct side *s = find_side(f, plan);

	refresh_side(f, s);
	*notice = *s->store->why.text ? s->store->why.text : s->why.text;
	if (!s->tls)
		*why = s->why;
	return s->tls;
}

struct http_tls_files *http_tls_files_new(int (*session)(SSL *ssl, SSL_SESSION *s))
{
	struct http_tls_files *f = memory_zeroed(1, sizeof *f);

	f->session = session;
	return f;
}

void http_tls_files_free(struct http_tls_files *f)
{
	while (f->sides) {
		struct side *s = f->sides;
		f->sides = s->next;
		http_plan_drop(s->plan);
		http_tls_drop(s->tls);
		memory_free(s);
	}
	while (f->stores) {
		struct store *s = f->stores;
		f->stores = s->next;
		X509_STORE_free(s->of);
		memory_free(s->path);
		memory_free(s);
	}
	memory_free(f);
}
