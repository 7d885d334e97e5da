/*
 * The timer exercise: tasks that nap a few ticks each. It is the smallest program in which the
 * models differ: nothing is sent or received, so all that is left is how a thread waits. A model
 * that sleeps inside the call naps one task after another; one that is told by the kernel naps
 * them all together, on the same single thread.
 *
 * A model reads no clock and prints nothing: the watcher, which is the lab's, does.
 */
#ifndef KERNELS_NAP_H
#define KERNELS_NAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAP_TASKS_MAX 1024

struct nap_task {
	const char *name;
	unsigned ticks; /* naps that it is to take, 1 at least */
	unsigned taken; /* naps that are over */
};

struct nap_watcher {
	/* The task is about to take its next nap. */
	void (*begins)(struct nap_watcher *watcher, const struct nap_task *task);
	/* A nap is over; `taken` counts it already. */
	void (*ends)(struct nap_watcher *watcher, const struct nap_task *task);
};

struct nap {
	struct nap_task *tasks;
	unsigned count;
	uint64_t tick_ns; /* 1 at least: a timer of 0 would never go off */
	struct nap_watcher *watcher;
	const atomic_bool *stop; /* set from a signal handler: return at once */
	void *model;		 /* the model's own, made by prepare() */
};

struct nap_model {
	const char *name;
	bool asynchronous;   /* the kernel tells which nap is over: all tasks nap together */
	bool kernel_helpers; /* the kernel may run threads of its own for it, to be billed */
	const char *about;   /* one line for the help */
	/* Makes what run() needs. Returns 0, or -errno with one line in why. */
	int (*prepare)(struct nap *nap, char *why, size_t why_size);
	/* Takes all naps of all tasks. Returns 0, also when stopped, or -errno. */
	int (*run)(struct nap *nap);
	/* Frees what prepare() made; also after a failed prepare(). */
	void (*release)(struct nap *nap);
};

#define NAP(name) extern const struct nap_model nap_##name;
#include "kernels/nap/naps.def"
#undef NAP

/* In the order of naps.def, NULL at the end. */
extern const struct nap_model *const nap_models[];

/* NULL when there is none of that name. */
const struct nap_model *nap_find(const char *name);

static inline bool nap_stopped(const struct nap *nap)
{
	return atomic_load_explicit(nap->stop, memory_order_relaxed);
}

static inline void nap_begins(struct nap *nap, const struct nap_task *task)
{
	nap->watcher->begins(nap->watcher, task);
}

/* Counts the nap; true when the task has more of them to take. */
static inline bool nap_ends(struct nap *nap, struct nap_task *task)
{
	task->taken++;
	nap->watcher->ends(nap->watcher, task);
	return task->taken < task->ticks;
}

#endif
