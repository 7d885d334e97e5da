/*
 * Ctrl-C and SIGTERM in a sumsq program: the first ends the work soon, and what was measured is
 * written. Another one ends the program at once, whatever it waits for, such as a stopped worker.
 */
#ifndef LAB_SUMSQ_SIGNALS_H
#define LAB_SUMSQ_SIGNALS_H

#include <stdatomic.h>
#include <stdbool.h>

/* From now on an interruption sets *stop, which must outlive the program's work. */
void sumsq_signals_catch(_Atomic bool *stop);
/* Whether there was one. */
bool sumsq_signals_interrupted(void);

#endif
