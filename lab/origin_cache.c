/* The last few requests by their bytes, with their answers. */
#include <string.h>

#include "lab/origin_reply.h"

const struct origin_reply *origin_cache_find(struct origin_cache *cache, const char *bytes,
					     size_t size, size_t *used)
{
	for (unsigned i = 0; i < CACHE_ENTRIES; i++) {
		unsigned at = (cache->last + i) % CACHE_ENTRIES;
		const struct origin_cache_entry *entry = &cache->entries[at];

		if (entry->size && entry->size <= size &&
		    memcmp(entry->bytes, bytes, entry->size) == 0) {
			cache->last = at;
			*used = entry->size;
			return &entry->reply;
		}
	}
	return NULL;
}

/* Keeps the request for next time; returns where its answer goes. */
static struct origin_reply *remember(struct origin_cache *cache, const char *bytes, size_t size)
{
	struct origin_cache_entry *entry = &cache->entries[cache->victim];

	cache->last = cache->victim;
	cache->victim = (cache->victim + 1) % CACHE_ENTRIES;
	entry->size = (uint32_t)size;
	memcpy(entry->bytes, bytes, size);
	return &entry->reply;
}

const struct origin_reply *origin_cache_parse(struct origin_cache *cache,
					      struct origin_parser *parser, const char *bytes,
					      size_t size, struct origin_contents *contents,
					      size_t *used)
{
	bool fresh = !parser->midway;
	struct origin_reply *reply = &cache->other;
	struct origin_request request;

	if (origin_parse(parser, bytes, size, used, &request) == PARSE_MORE)
		return NULL;
	/*
	 * Bytes that begin like those of this request, body included, are this request again: where
	 * a request ends, and that it is garbage, is told by its bytes alone.
	 */
	if (fresh && *used <= CACHE_REQUEST_MAX)
		reply = remember(cache, bytes, *used);
	origin_reply_build(reply, &request, contents);
	return reply;
}

void origin_cache_release(struct origin_cache *cache)
{
	for (unsigned i = 0; i < CACHE_ENTRIES; i++)
		origin_reply_release(&cache->entries[i].reply);
	origin_reply_release(&cache->other);
}
