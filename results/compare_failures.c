/*
 * Cells that lost rows to failure, on either side, and cells that B lacks. What survives of a cell
 * says nothing of what did not: a change that makes every second run crash may leave the others
 * fast.
 */
#include "results/compare_keys.h"

#include <errno.h>
#include <stdlib.h>

static void add(struct comparison *c, const struct compare_cell *a, const struct compare_cell *b)
{
	struct compare_failure failure = {
		.name = compare_name(a ? a : b),
		.a_rows = a ? a->own.count + a->failed : 0,
		.a_failed = a ? a->failed : 0,
		.b_rows = b ? b->own.count + b->failed : 0,
		.b_failed = b ? b->failed : 0,
	};
	size_t unable = (a ? a->unable : 0) + (b ? b->unable : 0);

	/* What no host here can do is no loss. */
	if (unable < failure.a_rows + failure.b_rows)
		c->failures[c->failure_count++] = failure;
}

/* With rows of its own, whatever became of them. */
static const struct compare_cell *partner_of(const struct compare_side *side,
					     const struct compare_cell *cell)
{
	const struct compare_cell *found = compare_find(side, cell->key, cell->key_length);

	return found && found->own.count + found->failed > 0 ? found : NULL;
}

int compare_find_failures(struct comparison *c)
{
	c->failures = calloc(c->a->cell_count + c->b->cell_count + 1, sizeof(*c->failures));
	if (!c->failures)
		return -ENOMEM;
	for (size_t i = 0; i < c->pair_count; i++)
		if (c->pairs[i].a->failed + c->pairs[i].b->failed > 0)
			add(c, c->pairs[i].a, c->pairs[i].b);
	for (size_t i = 0; i < c->a->cell_count; i++) {
		const struct compare_cell *cell = &c->a->cells[i];
		const struct compare_cell *other = partner_of(c->b, cell);
		bool own = cell->own.count > 0;

		if ((!own && cell->failed > 0) || (own && other && other->own.count == 0))
			add(c, cell, other);
	}
	for (size_t i = 0; i < c->alone_a_count; i++)
		add(c, c->alone_a[i], NULL);
	for (size_t i = 0; i < c->b->cell_count; i++) {
		const struct compare_cell *cell = &c->b->cells[i];

		if (cell->own.count == 0 && cell->failed > 0 && !partner_of(c->a, cell))
			add(c, NULL, cell);
	}
	for (size_t i = 0; i < c->alone_b_count; i++)
		if (c->alone_b[i]->failed > 0)
			add(c, NULL, c->alone_b[i]);
	return 0;
}

bool compare_failure_is_worse(const struct compare_failure *failure)
{
	if (failure->b_rows == 0)
		return failure->a_failed < failure->a_rows;
	return failure->b_failed * failure->a_rows > failure->a_failed * failure->b_rows;
}

const char *compare_failure_text(const struct compare_failure *failure, char *text, size_t size)
{
	const struct compare_failure *f = failure;

	if (f->b_rows == 0)
		snprintf(text, size, "%s: B has no row of it, A has %zu, of which %zu failed",
			 f->name, f->a_rows, f->a_failed);
	else if (f->a_rows == 0)
		snprintf(text, size, "%s: %zu of %zu rows of B failed, and A has none", f->name,
			 f->b_failed, f->b_rows);
	else
		snprintf(text, size, "%s: %zu of %zu rows of B failed, %zu of %zu of A", f->name,
			 f->b_failed, f->b_rows, f->a_failed, f->a_rows);
	return text;
}
