/* What a plan's section must satisfy as a whole, once all its keys are known. */
#ifndef LAB_PLAN_CHECK_H
#define LAB_PLAN_CHECK_H

#include "lab/plan.h"

/* Returns 0, or -EINVAL with file, line and key in why. */
int plan_check(const struct plan_section *section, char *why, size_t why_size);

/* The same for the [origin] of a plan whose other sections are complete. */
int plan_check_origin(const struct plan *plan, char *why, size_t why_size);

/*
 * That the program of every [command] cell is there, looked for as execvp() does; a name that only
 * the runner can fill in is not looked for.
 */
int plan_check_programs(const struct plan *plan, char *why, size_t why_size);

#endif
