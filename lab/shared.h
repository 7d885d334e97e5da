/*
 * Memory that worker processes share with the one that started them, or threads with each other:
 * what they measure is read there after the join. Untouched pages cost nothing, so whoever
 * writes first decides on which node a page lies.
 */
#ifndef LAB_SHARED_H
#define LAB_SHARED_H

#include <stddef.h>

/* Zeroed, at a page's start; NULL without memory. */
void *shared_new(size_t size);
void shared_free(void *memory, size_t size);

#endif
