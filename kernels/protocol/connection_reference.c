/*
 * Which body a request's reference becomes, and what is compared until there is one. Responses that
 * are under way together come in pieces, and only one of them can be kept: of the others a sum is
 * made (CRC-32), which is compared with that of the same bytes of the one kept as soon as that is
 * whole. Nothing of this happens once the reference is known.
 */
#include <string.h>
#include <zlib.h>

#include "kernels/protocol/connection_inside.h"

void connection_abandon_reference(struct connection *c)
{
	if (c->reference && c->reference->writer == c)
		c->reference->writer = NULL;
}

/* Of the bytes from `at` on, as many as a reference of this capacity keeps. */
static size_t kept(const struct body_reference *r, uint64_t at, size_t length)
{
	uint64_t room = at < r->capacity ? r->capacity - at : 0;

	return room < length ? (size_t)room : length;
}

void connection_learn(struct connection *c, const uint8_t *bytes, size_t length)
{
	struct body_reference *r = c->reference;
	size_t inside = kept(r, c->body_bytes, length);

	/* Only a body that is kept from its first byte is one. */
	if (!r->writer && c->body_bytes == 0)
		r->writer = c;
	if (r->writer == c)
		memcpy(r->bytes + c->body_bytes, bytes, inside);
	if (r->varies)
		return;
	if (c->body_bytes == 0) {
		c->sum = 0;
		c->summed = 0;
	}
	c->body_state = BODY_SUMMED;
	c->sum = (uint32_t)crc32_z(c->sum, bytes, inside);
	c->summed += inside;
}

/* Began before there was a reference and ended after: its first bytes against the reference's. */
static bool sum_is_right(const struct connection *c)
{
	const struct body_reference *r = c->reference;

	return c->summed <= r->length && c->sum == (uint32_t)crc32_z(0, r->bytes, c->summed);
}

/* Whole before the reference is: against the first of those. */
static bool agrees(struct connection *c)
{
	struct body_reference *r = c->reference;
	uint32_t sum = c->body_bytes ? c->sum : 0;

	if (r->varies)
		return true;
	if (!r->summed) {
		r->summed = true;
		r->sum = sum;
		r->summed_length = c->body_bytes;
	}
	return r->sum == sum && r->summed_length == c->body_bytes;
}

bool connection_body_is_right(struct connection *c)
{
	struct body_reference *r = c->reference;

	/* An error page is no page of the URL's. */
	if (!r || c->status >= 400)
		return true;
	if (r->known)
		return r->varies || (c->body_state != BODY_DIFFERS && c->body_bytes == r->length &&
				     (c->body_state == BODY_COMPARED || sum_is_right(c)));
	/* A body without a byte was never learnt of: it may be the first all the same. */
	if (!r->writer && c->body_bytes == 0)
		r->writer = c;
	if (!agrees(c)) {
		connection_abandon_reference(c);
		return false;
	}
	if (r->writer == c) {
		r->writer = NULL;
		r->length = c->body_bytes;
		r->known = true;
	}
	return true;
}
