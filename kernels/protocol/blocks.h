/*
 * Memory for a library that allocates anew for every stream: what it gives back is kept and taken
 * again, so that after the first few streams nothing comes from malloc. A free list, best fit;
 * when nothing kept is large enough, the largest kept block is exchanged for a larger one, so that
 * there are never more blocks than were once in use together. For one thread at a time.
 */
#ifndef PROTOCOL_BLOCKS_H
#define PROTOCOL_BLOCKS_H

#include <stddef.h>

struct block;

/* Zero-initialised, it is empty. */
struct blocks {
	struct block *kept;
};

/* size bytes, aligned as malloc does, not zeroed; NULL when there is no memory. */
void *blocks_take(struct blocks *blocks, size_t size);

/* Gives back what blocks_take() returned; NULL is nothing. */
void blocks_give(struct blocks *blocks, void *address);

/* Frees all that is kept; what is still taken must have been given back. */
void blocks_release(struct blocks *blocks);

#endif
