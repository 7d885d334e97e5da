/*
 * Binding of a thread to one CPU by its number, read back: a binding that did not take would make
 * every figure a lie.
 */
#ifndef LAB_ORIGIN_CPU_H
#define LAB_ORIGIN_CPU_H

#include <stddef.h>

/*
 * Reads "0,2-3" into cpus[0..most). Returns how many, or -EINVAL (not of the form, or too many)
 * with a line in `why`.
 */
int origin_cpu_list(const char *text, int *cpus, int most, char *why, size_t why_size);

/* Binds the calling thread. Returns 0, or -errno (-EINVAL: no such CPU) with a line in `why`. */
int origin_cpu_bind(int cpu, char *why, size_t why_size);

#endif
