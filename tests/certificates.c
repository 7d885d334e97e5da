/* One CA a run, one row a kind. */
#include "tests/certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "lab/certificate.h"

#define DAY_S INT64_C(86400)

static const char *const wrong_names[] = {"wrong.test", NULL};
static const char *const local_names[] = {"localhost", "127.0.0.1", "::1", NULL};

static const struct kind {
	const char *name;
	enum { BY_CA, BY_INTERMEDIATE, BY_ITSELF } signer;
	const char *const *names; /* NULL: those given */
	int64_t from_s, until_s;
} kinds[] = {
	{"good", BY_CA, NULL, -DAY_S, DAY_S},
	{"chain", BY_INTERMEDIATE, NULL, -DAY_S, DAY_S},
	{"expired", BY_CA, NULL, -2 * DAY_S, -DAY_S},
	{"not-yet-valid", BY_CA, NULL, DAY_S, 2 * DAY_S},
	{"wrong-name", BY_CA, wrong_names, -DAY_S, DAY_S},
	{"self-signed", BY_ITSELF, NULL, -DAY_S, DAY_S},
};

static void make(const struct certificate_wish *wish, const struct certificate *issuer,
		 struct certificate *made)
{
	char why[256];

	if (certificate_make(wish, issuer, made, why, sizeof(why)))
		fail_msg("%s", why);
}

static void write_chain(const char *folder, const char *name,
			const struct certificate *const *chain, size_t count)
{
	char path[512], why[600];

	snprintf(path, sizeof(path), "%s/%s.pem", folder, name);
	if (certificate_write_chain(chain, count, path, why, sizeof(why)))
		fail_msg("%s", why);
	snprintf(path, sizeof(path), "%s/%s.key", folder, name);
	if (certificate_write_key(chain[0], path, why, sizeof(why)))
		fail_msg("%s", why);
}

void certificates_make(const char *folder, const char *const *names)
{
	struct certificate_wish authority = {
		.common_name = "test CA",
		.authority = true,
		.from_s = -3 * DAY_S,
		.until_s = 3 * DAY_S,
	};
	struct certificate ca, intermediate;
	const struct certificate *only_ca[] = {&ca};

	make(&authority, NULL, &ca);
	authority.common_name = "test intermediate CA";
	make(&authority, &ca, &intermediate);
	write_chain(folder, "ca", only_ca, 1);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *kind = &kinds[i];
		const struct certificate *issuers[] = {&ca, &intermediate, NULL};
		struct certificate_wish wish = {
			.common_name = kind->name,
			.names = kind->names ? kind->names
				 : names     ? names
					     : local_names,
			.from_s = kind->from_s,
			.until_s = kind->until_s,
		};
		struct certificate leaf;
		const struct certificate *chain[] = {&leaf, &intermediate};

		make(&wish, issuers[kind->signer], &leaf);
		write_chain(folder, kind->name, chain, kind->signer == BY_INTERMEDIATE ? 2 : 1);
		certificate_free(&leaf);
	}
	certificate_free(&intermediate);
	certificate_free(&ca);
}
