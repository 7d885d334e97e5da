/*
 * What the programs that time pools share: a clock, the median of many turns, and workers that stay
 * on a CPU each.
 */
#ifndef TESTS_BENCH_TURNS_H
#define TESTS_BENCH_TURNS_H

#include <stddef.h>
#include <stdint.h>

uint64_t turns_now_ns(void);

/* Of one value at least; sorts them. */
double turns_median(double *values, size_t count);

/* A pool's bind function: worker i to the i-th CPU of the cpu_set_t that `allowed` points to. */
int turns_bind(void *allowed, unsigned worker, char *why, size_t why_size);

#endif
