/*
 * Which cells of two runs are one cell: first those of one identity, then, among those left over,
 * those of the same factors.
 */
#include "results/compare_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A cell that found no partner by name, and its factors. */
struct left_over {
	const struct compare_cell *cell;
	char *key;
	size_t length;
	bool in_b;
};

static int by_key(const void *a, const void *b)
{
	const struct left_over *left = a;
	const struct left_over *right = b;
	size_t shorter = left->length < right->length ? left->length : right->length;
	int order = memcmp(left->key, right->key, shorter);

	if (order == 0)
		order = (left->length > right->length) - (left->length < right->length);
	return order ? order : (int)left->in_b - (int)right->in_b;
}

static bool same_key(const struct left_over *a, const struct left_over *b)
{
	return a->length == b->length && memcmp(a->key, b->key, a->length) == 0;
}

/* Two and no more have these factors, one in either run; `end` is behind the last that has. */
static bool is_pair(const struct left_over *all, size_t first, size_t end)
{
	return end - first == 2 && !all[first].in_b && all[first + 1].in_b;
}

static void add_pair(struct comparison *c, const struct compare_cell *a,
		     const struct compare_cell *b, bool by_name)
{
	c->pairs[c->pair_count++] =
		(struct compare_pair){.a = a, .b = b, .name = compare_name(a), .by_name = by_name};
}

static void match_by_name(struct comparison *c)
{
	for (size_t i = 0; i < c->a->cell_count; i++) {
		const struct compare_cell *cell = &c->a->cells[i];
		const struct compare_cell *other = compare_find(c->b, cell->key, cell->key_length);

		if (other && other->own.count && cell->own.count)
			add_pair(c, cell, other, *record_text(&cell->sample, COLUMN_cell) != '\0');
	}
}

/* Those of one run whose identity the other does not have. 0 or -ENOMEM. */
static int add_left_over(const struct compare_side *run, const struct compare_side *other,
			 bool in_b, struct left_over *all, size_t *count)
{
	for (size_t i = 0; i < run->cell_count; i++) {
		const struct compare_cell *cell = &run->cells[i];
		const struct compare_cell *partner =
			compare_find(other, cell->key, cell->key_length);
		char key[COMPARE_KEY_MOST];
		struct left_over *added = &all[*count];

		/* A partner that failed is not away: compare_find_failures() tells of it. */
		if (cell->own.count == 0 || (partner && partner->own.count + partner->failed > 0))
			continue;
		added->cell = cell;
		added->in_b = in_b;
		added->length = compare_factors_key(&cell->sample, key);
		added->key = malloc(added->length);
		if (!added->key)
			return -ENOMEM;
		memcpy(added->key, key, added->length);
		++*count;
	}
	return 0;
}

static void match_by_factors(struct comparison *c, struct left_over *all, size_t count)
{
	qsort(all, count, sizeof(*all), by_key);
	for (size_t first = 0, end; first < count; first = end) {
		for (end = first + 1; end < count && same_key(&all[first], &all[end]);)
			end++;
		if (is_pair(all, first, end)) {
			add_pair(c, all[first].cell, all[first + 1].cell, false);
			continue;
		}
		for (size_t i = first; i < end; i++) {
			if (all[i].in_b)
				c->alone_b[c->alone_b_count++] = all[i].cell;
			else
				c->alone_a[c->alone_a_count++] = all[i].cell;
		}
	}
}

/* Workload by workload, whatever order the first block had; the same for every seed. */
static int by_workload(const void *a, const void *b)
{
	const struct compare_pair *left = a;
	const struct compare_pair *right = b;
	const struct record *one = &left->a->sample;
	const struct record *other = &right->a->sample;
	int order = (int)one->kind - (int)other->kind;

	order = order ? order : summary_compare_workloads(one, other);
	order = order ? order : strcmp(left->name, right->name);
	return order ? order : (left->a > right->a) - (left->a < right->a);
}

int compare_match(struct comparison *c)
{
	size_t most = c->a->cell_count + c->b->cell_count;
	struct left_over *all = calloc(most, sizeof(*all));
	size_t count = 0;
	int result = -ENOMEM;

	c->pairs = calloc(c->a->cell_count, sizeof(*c->pairs));
	c->alone_a = calloc(c->a->cell_count, sizeof(*c->alone_a));
	c->alone_b = calloc(c->b->cell_count, sizeof(*c->alone_b));
	if (!all || !c->pairs || !c->alone_a || !c->alone_b)
		goto out;
	match_by_name(c);
	result = add_left_over(c->a, c->b, false, all, &count);
	if (result == 0)
		result = add_left_over(c->b, c->a, true, all, &count);
	if (result == 0) {
		match_by_factors(c, all, count);
		qsort(c->pairs, c->pair_count, sizeof(*c->pairs), by_workload);
	}
out:
	for (size_t i = 0; all && i < count; i++)
		free(all[i].key);
	free(all);
	return result;
}
