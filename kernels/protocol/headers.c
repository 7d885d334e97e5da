/* Names are compared as they come, piece by piece, and dropped at the first byte that differs: no
 * name is ever stored. */
#include "kernels/protocol/headers.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	size_t length;
} wanted[] = {
	[HEADERS_ENCODING] = {"content-encoding", 16},
	[HEADERS_LOCATION] = {"location", 8},
};

void headers_reset(struct headers *h)
{
	/* The values are as long as their lengths say. */
	memset(h, 0, offsetof(struct headers, encoding));
}

void headers_close(struct headers *h)
{
	h->closed = true;
	h->field = HEADERS_OTHER;
}

/* The wanted names differ in their first letters. */
static uint8_t candidate(char first)
{
	switch (first) {
	case 'C':
	case 'c':
		return HEADERS_ENCODING;
	case 'L':
	case 'l':
		return HEADERS_LOCATION;
	default:
		return HEADERS_OTHER;
	}
}

void headers_field(struct headers *h, const char *at, size_t length)
{
	if (h->field == HEADERS_OTHER || length == 0)
		return;
	if (h->field == HEADERS_UNKNOWN) {
		h->field = candidate(*at);
		h->matched = 0;
		if (h->field == HEADERS_OTHER)
			return;
	}
	if (length > wanted[h->field].length - h->matched ||
	    strncasecmp(at, wanted[h->field].name + h->matched, length) != 0)
		h->field = HEADERS_OTHER;
	else
		h->matched += (uint8_t)length;
}

/* Appends what there is room for; false when that was not all. */
static bool append(char *to, size_t room, size_t *used, const char *at, size_t length)
{
	size_t fits = length < room - *used ? length : room - *used;

	memcpy(to + *used, at, fits);
	*used += fits;
	return fits == length;
}

static void add_encoding(struct headers *h, const char *at, size_t length)
{
	size_t used = h->encoding_length;

	if (!append(h->encoding, sizeof(h->encoding), &used, at, length))
		h->encoding_too_long = true;
	h->encoding_length = (uint8_t)used;
}

static void add_location(struct headers *h, const char *at, size_t length)
{
	size_t used = h->location_length;

	if (h->locations > 1)
		return;
	if (!append(h->location, sizeof(h->location), &used, at, length))
		h->location_too_long = true;
	h->location_length = (uint16_t)used;
}

/* The name is whole: what its line means. */
static void begin_value(struct headers *h)
{
	h->in_value = true;
	if (h->field == HEADERS_UNKNOWN || h->matched != wanted[h->field].length) {
		h->field = HEADERS_OTHER;
		return;
	}
	if (h->field == HEADERS_ENCODING && h->encoding_length > 0)
		add_encoding(h, ", ", 2);
	if (h->field == HEADERS_LOCATION && h->locations < UINT8_MAX)
		h->locations++;
}

void headers_value(struct headers *h, const char *at, size_t length)
{
	if (h->field == HEADERS_OTHER)
		return;
	if (!h->in_value)
		begin_value(h);
	if (h->field == HEADERS_ENCODING)
		add_encoding(h, at, length);
	else if (h->field == HEADERS_LOCATION)
		add_location(h, at, length);
}

/* llhttp drops the spaces before a value and keeps those behind it. */
static size_t trimmed(const char *text, size_t length)
{
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	return length;
}

void headers_value_complete(struct headers *h)
{
	if (h->closed)
		return;
	headers_value(h, "", 0); /* a value without a byte begins here */
	if (h->field == HEADERS_ENCODING)
		h->encoding_length = (uint8_t)trimmed(h->encoding, h->encoding_length);
	if (h->field == HEADERS_LOCATION)
		h->location_length = (uint16_t)trimmed(h->location, h->location_length);
	h->field = HEADERS_UNKNOWN;
	h->in_value = false;
}
