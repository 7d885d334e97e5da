/*
 * Conditions on a cell, as `skip` and `baseline` have them: terms "KEY OP VALUE" without blanks
 * inside, with blanks between, of which all must hold. OP is = != < <= > or >=; what is less is
 * told by the key's unit, and texts are equal or not.
 */
#ifndef LAB_PLAN_TERMS_H
#define LAB_PLAN_TERMS_H

#include <stdbool.h>
#include <stddef.h>

#include "lab/plan.h"

/*
 * Whether the terms make sense for the section: 0, or -EINVAL with what is wrong in why. Do this
 * before plan_terms_hold().
 */
int plan_terms_check(const struct plan_section *section, const char *terms, char *why,
		     size_t why_size);

/* Whether all terms hold for the cell. A term on a key that the cell does not have does not. */
bool plan_terms_hold(const struct plan_cell *cell, const char *terms);

/*
 * How terms would name the cell whose name is nearest to what was typed for a baseline, one of
 * `count` (at least one) of a section: "for answers/epoll/4 write baseline = model=epoll
 * connections=4". Cut where the text is full.
 */
void plan_terms_suggest(const struct plan_cell *cells, unsigned count, const char *typed,
			char *text, size_t size);

#endif
