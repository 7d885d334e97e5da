/*
 * Sleeping on a word of memory and waking those who do: futex(2), for which glibc has no name.
 * `shared` when other processes wait on the word too.
 */
#ifndef KERNELS_POOL_FUTEX_H
#define KERNELS_POOL_FUTEX_H

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleeps while the word has that value, at most ns (0: for ever); true when the time was up. */
static inline bool futex_wait(_Atomic uint32_t *word, uint32_t value, bool shared, uint64_t ns)
{
	struct timespec limit = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	return syscall(SYS_futex, word, FUTEX_WAIT | (shared ? 0 : FUTEX_PRIVATE_FLAG), value,
		       ns ? &limit : NULL, NULL, 0) &&
	       errno == ETIMEDOUT;
}

/* Wakes at most that many sleepers. */
static inline void futex_wake(_Atomic uint32_t *word, int sleepers, bool shared)
{
	syscall(SYS_futex, word, FUTEX_WAKE | (shared ? 0 : FUTEX_PRIVATE_FLAG), sleepers, NULL,
		NULL, 0);
}

#endif
