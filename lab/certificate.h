/*
 * Throw-away certificates: a CA that exists for one run of the origin or of a test, and what it
 * signs. ECDSA on P-256, SHA-256. Nothing here is fit to guard anything.
 */
#ifndef LAB_CERTIFICATE_H
#define LAB_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

struct certificate {
	X509 *x509;
	EVP_PKEY *key;
};

struct certificate_wish {
	const char *common_name; /* of the subject; at most 64 bytes */
	/* Host names and IP addresses that it is good for (subjectAltName), NULL-terminated. */
	const char *const *names; /* NULL: none */
	bool authority;		  /* may sign others */
	int64_t from_s, until_s;  /* its validity, in seconds from now */
};

/*
 * Makes a key and a certificate, signed by `issuer`, or by itself when that is NULL. Returns 0, or
 * -EINVAL (a name that is none) or -EIO (OpenSSL refused) with a line in `why`, and *made empty.
 */
int certificate_make(const struct certificate_wish *wish, const struct certificate *issuer,
		     struct certificate *made, char *why, size_t why_size);

/*
 * Writes certificates (the leaf first; mode 0644) or a key (0600) as PEM into a file, which is
 * replaced if it is there. Returns 0 or -errno with a line in `why` that names the path.
 */
int certificate_write_chain(const struct certificate *const *chain, size_t count, const char *path,
			    char *why, size_t why_size);
int certificate_write_key(const struct certificate *certificate, const char *path, char *why,
			  size_t why_size);

/* Whether it is an IP address, or a host name, perhaps beginning with "*.". */
bool certificate_name_valid(const char *name);

/* Frees what certificate_make() made; nothing on an empty one. */
void certificate_free(struct certificate *certificate);

#endif
