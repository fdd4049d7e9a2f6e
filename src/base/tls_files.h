/* tls_files.h - certificates and keys out of PEM files.
 *
 * Read by the one door for files, so that nobody waits for a pipe. Any thread.
 */
#ifndef BASE_TLS_FILES_H
#define BASE_TLS_FILES_H

#include "base/fault.h"

#include <openssl/ssl.h>
#include <stdbool.h>

/* Trusts the certificates of a file, which has one at least. */
bool tls_files_trust(X509_STORE *to, const char *path, struct fault *why);

/* Shows the certificate and the chain of the one file, with the key of the other. */
bool tls_files_show(SSL_CTX *to, const char *cert, const char *key, struct fault *why);

/* Is that what such files are? `cert` and `key` together; for who only wants to know. */
bool tls_files_check_ca(const char *path, struct fault *why);
bool tls_files_check_pair(const char *cert, const char *key, struct fault *why);

/* The file with the authorities that this system trusts; NULL where none is known. */
const char *tls_files_system(void);

#endif
