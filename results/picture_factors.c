/*
 * Which column is a factor of which cells. The rows do not say what the plan's factors were, but a
 * cell's name has a part for each; the part that goes up and down with a column, one to one over
 * all cells of the workload, is that column's. So are shares of a capacity ("70%") the rate's.
 */
#include "results/picture_inside.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const enum record_column fetch_axes[] = {COLUMN_rate_rps,	  COLUMN_connections,
						COLUMN_workers,		  COLUMN_body_bytes,
						COLUMN_origin_latency_us, RECORD_COLUMNS};
static const enum record_column sumsq_axes[] = {COLUMN_workers, COLUMN_squares_per_job, COLUMN_jobs,
						RECORD_COLUMNS};
static const enum record_column nap_axes[] = {COLUMN_tasks, COLUMN_tick_s, RECORD_COLUMNS};
static const enum record_column no_axes[] = {RECORD_COLUMNS};

const enum record_column *const picture_axes[RECORD_KINDS] = {
	[RECORD_COMMON] = no_axes,
	[RECORD_FETCH] = fetch_axes,
	[RECORD_SUMSQ] = sumsq_axes,
	[RECORD_NAP] = nap_axes,
};

double picture_coordinate(const struct summary_cell *cell, enum record_column column)
{
	double value = record_number(cell->sample, column);

	/* A mean of what was received: what was asked for is a whole number. */
	return column == COLUMN_body_bytes ? round(value) : value;
}

/* A cell among those of its workload whose names have as many parts. */
struct named {
	const struct summary_cell *cell;
	size_t label; /* bytes of the name's first part */
	size_t parts; /* others */
	double x;
	const char *part; /* the one that is looked at, with its length */
	size_t length;
};

static void name(const struct summary_cell *cell, enum record_column column, struct named *named)
{
	*named = (struct named){.cell = cell,
				.label = strcspn(cell->name, "/"),
				.x = picture_coordinate(cell, column)};
	for (const char *p = cell->name; (p = strchr(p, '/')); p++)
		named->parts++;
}

static void look_at(struct named *named, size_t part)
{
	const char *at = named->cell->name + named->label;

	while (part-- > 0)
		at = strchr(at + 1, '/');
	named->part = at + 1;
	named->length = strcspn(named->part, "/");
}

static int compare_texts(const char *a, size_t a_length, const char *b, size_t b_length)
{
	int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

	return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_classes(const void *left, const void *right)
{
	const struct named *a = left, *b = right;
	int order = compare_texts(a->cell->name, a->label, b->cell->name, b->label);

	return order ? order : (a->parts > b->parts) - (a->parts < b->parts);
}

static int compare_parts(const struct named *a, const struct named *b)
{
	return compare_texts(a->part, a->length, b->part, b->length);
}

static int compare_x(const struct named *a, const struct named *b)
{
	return (a->x > b->x) - (a->x < b->x);
}

static int by_part(const void *left, const void *right)
{
	int order = compare_parts(left, right);

	return order ? order : compare_x(left, right);
}

static int by_x(const void *left, const void *right)
{
	int order = compare_x(left, right);

	return order ? order : compare_parts(left, right);
}

/*
 * Shares of a capacity are another rate for each model: such a part is a factor though its rates
 * are not the same for all. How many shares there are; 0 if the parts are none.
 */
static size_t count_shares(struct named *class, size_t count)
{
	size_t values = 1;

	for (size_t i = 0; i < count; i++)
		if (class[i].length == 0 || class[i].part[class[i].length - 1] != '%')
			return 0;
	qsort(class, count, sizeof(*class), by_part);
	for (size_t i = 1; i < count; i++)
		values += compare_parts(&class[i - 1], &class[i]) != 0;
	return values;
}

/* How many values x has in a class whose parts go with it one to one; 0 if they do not. */
static size_t count_values(struct named *class, size_t count)
{
	size_t values = 1;

	qsort(class, count, sizeof(*class), by_part);
	for (size_t i = 1; i < count; i++)
		if (compare_parts(&class[i - 1], &class[i]) == 0 &&
		    compare_x(&class[i - 1], &class[i]) != 0)
			return 0;
	qsort(class, count, sizeof(*class), by_x);
	for (size_t i = 1; i < count; i++) {
		bool same = compare_x(&class[i - 1], &class[i]) == 0;

		if (same && compare_parts(&class[i - 1], &class[i]) != 0)
			return 0;
		values += !same;
	}
	return values;
}

/* The name without the part: "load/epoll/64" is a point of "load/epoll". */
static char *name_rest(const struct named *named)
{
	const char *whole = named->cell->name;
	char *rest;

	if (asprintf(&rest, "%.*s%s", (int)(named->part - 1 - whole), whole,
		     named->part + named->length) < 0)
		return NULL;
	return rest;
}

/* Adds the points of one class, if the column is a factor of it. */
static long add_class(struct named *class, size_t count, enum record_column column,
		      struct picture_point *points)
{
	size_t part = 0, values = 0;

	for (size_t i = 0; i < count; i++)
		if (isnan(class[i].x))
			return 0;
	for (; part < class[0].parts; part++) {
		for (size_t i = 0; i < count; i++)
			look_at(&class[i], part);
		values = column == COLUMN_rate_rps ? count_shares(class, count) : 0;
		if (values == 0)
			values = count_values(class, count);
		if (values >= PICTURE_VALUES_LEAST)
			break;
	}
	if (values < PICTURE_VALUES_LEAST)
		return 0;
	for (size_t i = 0; i < count; i++) {
		points[i] = (struct picture_point){.cell = class[i].cell,
						   .label = name_rest(&class[i]),
						   .x = class[i].x,
						   .part = part};
		if (!points[i].label)
			return -ENOMEM;
	}
	return (long)count;
}

long picture_find_factor(const struct summary *summary, enum record_column column,
			 struct picture_point *points)
{
	struct named *all = calloc(summary->cell_count + 1, sizeof(*all));
	size_t count = 0;
	long found = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < summary->cell_count; i++)
		if (summary->cells[i].rows > 0)
			name(&summary->cells[i], column, &all[count++]);
	qsort(all, count, sizeof(*all), compare_classes);
	for (size_t i = 0, end; i < count && found >= 0; i = end) {
		long added;

		for (end = i + 1; end < count && compare_classes(&all[i], &all[end]) == 0;)
			end++;
		added = add_class(&all[i], end - i, column, points + found);
		found = added < 0 ? added : found + added;
	}
	free(all);
	return found;
}
