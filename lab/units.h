/*
 * Counts, sizes and durations as people type them. Every function reads the whole text, writes
 * *value only on success, and returns 0, -EINVAL (not of the form) or -ERANGE (too large).
 */
#ifndef LAB_UNITS_H
#define LAB_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Decimal digits only: no sign, no space, no suffix. */
int units_count(const char *text, uint64_t *value);

/* Bytes: digits with an optional k, m or g (powers of 1024, either case). */
int units_size(const char *text, uint64_t *bytes);

/*
 * Nanoseconds: a decimal number with an optional fraction and one of ns, us, ms, s, m; no unit
 * means seconds.
 */
int units_duration(const char *text, uint64_t *ns);

/*
 * The name among `count` names that is nearest to `text` by edit distance, or NULL when none is
 * near enough to be what was meant. For "did you mean" in error lines.
 */
const char *units_nearest(const char *text, const char *const *names, size_t count);

#endif
