/* Certificates by OpenSSL: the fields that clients look at, and no others. */
#include "lab/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define SERIAL_BYTES 16
#define NAME_MAX_DNS 253 /* RFC 1035, 2.3.4, less the root's two bytes */

static int refused(const char *what, char *why, size_t why_size)
{
	char text[160];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	snprintf(why, why_size, "%s: %s", what, text);
	return -EIO;
}

bool certificate_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	unsigned char address[16];

	if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
		return true;
	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	return *name && *name != '.' && strlen(name) <= NAME_MAX_DNS && !strstr(name, "..") &&
	       name[strspn(name, allowed)] == '\0';
}

/* A DNS name or an IP address as a GENERAL_NAME; NULL when out of memory. */
static GENERAL_NAME *general_name(const char *text)
{
	unsigned char address[16];
	int size = inet_pton(AF_INET, text, address) == 1    ? 4
		   : inet_pton(AF_INET6, text, address) == 1 ? 16
							     : 0;
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = size ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

	if (!name || !value ||
	    !ASN1_STRING_set(value, size ? (const void *)address : text, size ? size : -1)) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(value);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, size ? GEN_IPADD : GEN_DNS, value);
	return name;
}

static bool add_names(X509 *x509, const char *const *names)
{
	GENERAL_NAMES *list = GENERAL_NAMES_new();
	bool done = list != NULL;

	for (; done && *names; names++) {
		GENERAL_NAME *name = general_name(*names);

		done = name && sk_GENERAL_NAME_push(list, name) > 0;
		if (!done)
			GENERAL_NAME_free(name);
	}
	done = done && X509_add1_ext_i2d(x509, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT);
	GENERAL_NAMES_free(list);
	return done;
}

static bool add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	bool done;

	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	done = extension && X509_add_ext(x509, extension, -1);
	X509_EXTENSION_free(extension);
	return done;
}

/* The extensions that OpenSSL 3 and its strict mode (X509_V_FLAG_X509_STRICT) want to see. */
static bool add_extensions(X509 *x509, X509 *issuer, const struct certificate_wish *wish)
{
	return add_extension(x509, issuer, NID_basic_constraints,
			     wish->authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
	       add_extension(x509, issuer, NID_key_usage,
			     wish->authority ? "critical,keyCertSign,cRLSign"
					     : "critical,digitalSignature") &&
	       (wish->authority || add_extension(x509, issuer, NID_ext_key_usage, "serverAuth")) &&
	       add_extension(x509, issuer, NID_subject_key_identifier, "hash") &&
	       (issuer == x509 ||
		add_extension(x509, issuer, NID_authority_key_identifier, "keyid")) &&
	       (!wish->names || add_names(x509, wish->names));
}

/* All but the signature. */
static bool fill(X509 *x509, EVP_PKEY *key, X509 *issuer, const struct certificate_wish *wish)
{
	X509_NAME *subject = X509_get_subject_name(x509);
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *serial;
	bool done;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and never shorter */
	serial = BN_bin2bn(bytes, sizeof(bytes), NULL);
	done = serial && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509));
	BN_free(serial);
	return done && X509_set_version(x509, X509_VERSION_3) &&
	       X509_gmtime_adj(X509_getm_notBefore(x509), wish->from_s) &&
	       X509_gmtime_adj(X509_getm_notAfter(x509), wish->until_s) &&
	       X509_set_pubkey(x509, key) &&
	       X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
					  (const unsigned char *)"iolab", -1, -1, 0) &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
					  (const unsigned char *)wish->common_name, -1, -1, 0) &&
	       X509_set_issuer_name(x509, X509_get_subject_name(issuer)) &&
	       add_extensions(x509, issuer, wish);
}

int certificate_make(const struct certificate_wish *wish, const struct certificate *issuer,
		     struct certificate *made, char *why, size_t why_size)
{
	*made = (struct certificate){0};
	for (const char *const *name = wish->names; name && *name; name++) {
		if (!certificate_name_valid(*name)) {
			snprintf(why, why_size, "'%s' is neither a host name nor an address",
				 *name);
			return -EINVAL;
		}
	}
	made->key = EVP_EC_gen("P-256");
	made->x509 = X509_new();
	if (!made->key || !made->x509 ||
	    !fill(made->x509, made->key, issuer ? issuer->x509 : made->x509, wish) ||
	    !X509_sign(made->x509, issuer ? issuer->key : made->key, EVP_sha256())) {
		certificate_free(made);
		return refused("certificate", why, why_size);
	}
	return 0;
}

static int write_file(const char *path, mode_t mode, BIO *text, char *why, size_t why_size)
{
	char *bytes;
	long size = BIO_get_mem_data(text, &bytes);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int err = fd < 0 ? -errno : 0;
	struct stat status;

	/* The mode that was asked for, whatever the umask and whatever was there before. */
	if (!err && (fstat(fd, &status) || (S_ISREG(status.st_mode) && fchmod(fd, mode))))
		err = -errno;
	while (!err && size > 0) {
		ssize_t wrote = write(fd, bytes, (size_t)size);

		if (wrote < 0) {
			err = errno == EINTR ? 0 : -errno;
			continue;
		}
		bytes += wrote;
		size -= wrote;
	}
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (err)
		snprintf(why, why_size, "%s: %s", path, strerror(-err));
	return err;
}

int certificate_write_chain(const struct certificate *const *chain, size_t count, const char *path,
			    char *why, size_t why_size)
{
	BIO *text = BIO_new(BIO_s_mem());
	bool done = text != NULL;
	int err;

	for (size_t i = 0; done && i < count; i++)
		done = PEM_write_bio_X509(text, chain[i]->x509) == 1;
	err = done ? write_file(path, 0644, text, why, why_size) : refused(path, why, why_size);
	BIO_free(text);
	return err;
}

int certificate_write_key(const struct certificate *certificate, const char *path, char *why,
			  size_t why_size)
{
	BIO *text = BIO_new(BIO_s_mem());
	int err;

	if (text && PEM_write_bio_PrivateKey(text, certificate->key, NULL, NULL, 0, NULL, NULL))
		err = write_file(path, 0600, text, why, why_size);
	else
		err = refused(path, why, why_size);
	BIO_free(text);
	return err;
}

void certificate_free(struct certificate *certificate)
{
	X509_free(certificate->x509);
	EVP_PKEY_free(certificate->key);
	*certificate = (struct certificate){0};
}
