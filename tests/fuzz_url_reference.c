/*
 * Fuzzes reference resolution: up to a newline the base URL, behind it the reference. What it must
 * keep: no crash, one clean line for a refusal, and results that read as they print, have nothing
 * in them that a request line must not have, no dot segments of the reference's making, and resolve
 * to themselves.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/protocol/url_reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *why)
{
	if (!*why)
		abort();
	for (; *why; why++)
		if ((unsigned char)*why < ' ')
			abort();
}

static void check_result(const struct url *url)
{
	char text[URL_TEXT_MAX], why[64];
	struct url again;
	int length = url_print(url, text, sizeof(text));

	if (length <= 0 || (size_t)length >= sizeof(text) || url->target[0] != '/')
		abort();
	for (int i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] >= 127)
			abort();
	if (url_resolve(url, text, (size_t)length, &again, why, sizeof(why)) != 0 ||
	    !url_same_origin(url, &again) || again.default_port != url->default_port)
		abort();
}

/* What an absolute reference becomes has no dot segments left. */
static void check_dots(const struct url *url)
{
	size_t path = strcspn(url->target, "?");

	for (size_t i = 0; i < path; i++) {
		const char *segment = url->target + i + 1;
		size_t length = strcspn(segment, "/?");

		if (url->target[i] == '/' && ((length == 1 && segment[0] == '.') ||
					      (length == 2 && memcmp(segment, "..", 2) == 0)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = memchr(data, '\n', size);
	size_t length = newline ? (size_t)(newline - data) : 0;
	char *base = malloc(length + 1), *reference;
	struct url url, target;
	char why[300] = "";

	memcpy(base, data, length);
	base[length] = 0;
	if (url_parse(base, &url, why, sizeof(why)) != 0)
		url_parse("http://a/b/c/d;p?q", &url, why, sizeof(why));
	free(base);
	if (newline)
		length++;
	reference = malloc(size - length + 1);
	memcpy(reference + 1, data + length, size - length);
	if (url_resolve(&url, reference + 1, size - length, &target, why, sizeof(why)) != 0) {
		check_line(why);
	} else {
		check_result(&target);
		if (size > length && reference[1] == '/')
			check_dots(&target);
	}
	free(reference);
	return 0;
}
