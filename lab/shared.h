/*
 * Memory that worker processes share with the one that started them, or threads with each other:
 * what they measure is read there after the join. Untouched pages cost nothing, so whoever
 * writes first decides on which node a page lies.
 */
#ifndef LAB_SHARED_H
#define LAB_SHARED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Zeroed, at a page's start; NULL without memory. forked: for processes forked from now on too;
 * else for threads only, where a page is had in a third of the time.
 */
void *shared_new(size_t size, bool forked);
/* Has the pages of such memory all at once, where the kernel can: else they come one by one. */
void shared_populate(void *memory, size_t size);
void shared_free(void *memory, size_t size);

#endif
