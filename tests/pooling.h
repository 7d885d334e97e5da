/*
 * What the tests of the pool share: memory that all workers see, items that are counted when they
 * are done, and a map whose every result is checked. Include it after cmocka.h.
 */
#ifndef TESTS_POOLING_H
#define TESTS_POOLING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/pool/pool.h"

#define POOLING_ITEMS 1000
#define POOLING_KINDS 5

struct pooling_kind {
	const char *name;
	enum pool_kind kind;
};

/* POOL_CALLER first, the kinds per job last. */
extern const struct pooling_kind pooling_kinds[POOLING_KINDS];

struct pooling_result {
	alignas(16) uint64_t value;
	uint64_t item;
};

/* In memory that the workers share, whatever they are. */
struct pooling {
	_Atomic uint32_t times[POOLING_ITEMS]; /* how often each item was done */
	_Atomic uint32_t bound[16];	       /* how often each worker was bound */
	uint64_t factor;
	uint64_t items[POOLING_ITEMS]; /* item i is i */
	_Atomic int is_deadly;	       /* the next worker that looks dies of it */
	int turns;		       /* items that a worker does before it looks */
	int caller;		       /* process id of the one who must not die */
};

extern struct pooling *pooling;

/* cmocka's: make the memory; give it back and see that no process was left behind. */
int pooling_setup(void **state);
int pooling_teardown(void **state);

/* Settings for maps of pooling->items, with a bind that counts in pooling->bound. */
struct pool_settings pooling_settings(enum pool_kind kind, unsigned workers);
/* A pool; the test fails when it does not start. */
struct pool *pooling_start(const struct pool_settings *settings);
/*
 * Maps the first `count` items to themselves times `factor`, checks all results, and that each
 * item was done exactly once. Returns what pool_map() does.
 */
int pooling_map(struct pool *pool, size_t count, uint64_t factor, char *why, size_t why_size);

#endif
