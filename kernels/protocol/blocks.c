/* A free list with best fit: there are a dozen blocks, so it is walked from end to end. */
#include "kernels/protocol/blocks.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

struct block {
	struct block *next;
	size_t size; /* bytes that the taker may use */
	alignas(max_align_t) unsigned char bytes[];
};

/* Takes the block that *link points to out of the list. */
static struct block *unlink_block(struct block **link)
{
	struct block *block = *link;

	*link = block->next;
	return block;
}

void *blocks_take(struct blocks *blocks, size_t size)
{
	struct block **best = NULL, **largest = NULL, *block;

	for (struct block **link = &blocks->kept; *link; link = &(*link)->next) {
		if ((*link)->size >= size && (!best || (*link)->size < (*best)->size))
			best = link;
		if (!largest || (*link)->size > (*largest)->size)
			largest = link;
	}
	if (best)
		return unlink_block(best)->bytes;
	if (largest)
		free(unlink_block(largest));
	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	return block->bytes;
}

void blocks_give(struct blocks *blocks, void *address)
{
	struct block *block;

	if (!address)
		return;
	block = (struct block *)((unsigned char *)address - offsetof(struct block, bytes));
	block->next = blocks->kept;
	blocks->kept = block;
}

void blocks_release(struct blocks *blocks)
{
	while (blocks->kept)
		free(unlink_block(&blocks->kept));
}
