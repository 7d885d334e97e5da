/* The names of the content codings, read as strictly as a list of tokens can be: a parameter, a
 * quote or a name nobody knows is not taken for anything. */
#include "kernels/protocol/coding.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	enum coding coding;
} names[] = {
	/* A coding's own name comes before its aliases. */
	{"identity", CODING_IDENTITY}, {"gzip", CODING_GZIP}, {"x-gzip", CODING_GZIP},
	{"deflate", CODING_DEFLATE},   {"br", CODING_BR},     {"zstd", CODING_ZSTD},
};

#define NAMES (sizeof(names) / sizeof(names[0]))

static bool find(const char *name, size_t length, enum coding *coding)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (strlen(names[i].name) == length &&
		    strncasecmp(names[i].name, name, length) == 0) {
			*coding = names[i].coding;
			return true;
		}
	}
	return false;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

int coding_from_header(const char *value, size_t length, enum coding *coding)
{
	enum coding found = CODING_IDENTITY, one;
	size_t at = 0;

	while (at < length) {
		size_t begin = at, end;

		while (at < length && value[at] != ',')
			at++;
		end = at++; /* past the comma */
		while (begin < end && is_space(value[begin]))
			begin++;
		while (begin < end && is_space(value[end - 1]))
			end--;
		if (begin == end)
			continue;
		if (!find(value + begin, end - begin, &one))
			return -ENOTSUP;
		if (one != CODING_IDENTITY && found != CODING_IDENTITY)
			return -ENOTSUP;
		if (one != CODING_IDENTITY)
			found = one;
	}
	*coding = found;
	return 0;
}

const char *coding_accept(void)
{
	return "gzip, deflate, br, zstd";
}

const char *coding_name(enum coding coding)
{
	for (size_t i = 0; i < NAMES; i++)
		if (names[i].coding == coding)
			return names[i].name;
	return "identity";
}
