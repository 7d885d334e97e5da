/* One character of UTF-8, after RFC 3629: see utf8.h. */
#include "results/utf8.h"

#include <stdbool.h>

/* What follows the first byte is of the form, and yet no character. */
static bool is_none(const unsigned char *p, size_t length)
{
	switch (length) {
	case 2: /* overlong */
		return p[0] < 0xc2;
	case 3: /* overlong, surrogates, U+FFFE and U+FFFF */
		return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
		       (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe);
	case 4: /* overlong, beyond U+10FFFF */
		return (p[0] == 0xf0 && p[1] < 0x90) || p[0] > 0xf4 ||
		       (p[0] == 0xf4 && p[1] >= 0x90);
	default:
		return false;
	}
}

size_t utf8_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t length = p[0] < 0x80		? 1
			: (p[0] & 0xe0) == 0xc0 ? 2
			: (p[0] & 0xf0) == 0xe0 ? 3
			: (p[0] & 0xf8) == 0xf0 ? 4
						: 0;

	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return is_none(p, length) ? 0 : length;
}

size_t utf8_strange(const char *text)
{
	const char *at = text;

	for (size_t length; *at; at += length) {
		length = utf8_length(at);
		if (length == 0)
			return (size_t)(at - text) + 1;
	}
	return 0;
}
