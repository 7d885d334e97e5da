/*
 * Receive buffers side by side in one piece of memory, if need be in huge pages: what a model uses
 * that has more than one buffer. Untouched buffers cost no memory.
 */
#ifndef FETCH_RECEIVE_AREA_H
#define FETCH_RECEIVE_AREA_H

#include "kernels/fetch/model.h"

/* At a power of two the heads of all buffers would fall into the same few cache sets. */
#define RECEIVE_STRIDE (RECEIVE_SIZE + 256)

struct receive_area {
	uint8_t *memory; /* the buffers, RECEIVE_STRIDE apart; NULL: none */
	size_t size;	 /* of them all */
	uint8_t *map;	 /* in which they lie */
};

/* Makes room for so many buffers; 0 or -ENOMEM. Free it in either case. */
int receive_area_make(struct receive_area *area, unsigned buffers);
void receive_area_free(struct receive_area *area);

/*
 * Puts the buffers, as far as they fill them, into huge pages. With ordinary ones large bodies
 * cost up to a tenth more CPU: what a batch receives is spread over a thousand pages, written by
 * the kernel and read by the parser. Before the first receive. Returns 0, or -errno when there are
 * none to be had (the buffers are good all the same).
 */
int receive_area_use_huge_pages(struct receive_area *area);

static inline uint8_t *receive_area_at(const struct receive_area *area, unsigned index)
{
	return area->memory + index * RECEIVE_STRIDE;
}

#endif
