/*
 * From cells to the units that are drawn together: lines over a factor, split or joined so that no
 * picture has more than can be told apart, and rows for what lies on no line.
 */
#include "results/picture_inside.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 40

struct line {
	const struct picture_point *points;
	size_t count;
	enum record_column x;
};

static size_t label_length(const char *name)
{
	return strcspn(name, "/");
}

static int compare_labels(const char *a, const char *b)
{
	size_t a_length = label_length(a), b_length = label_length(b);
	int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

	return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_points(const void *left, const void *right)
{
	const struct picture_point *a = left, *b = right;
	int order = strcmp(a->label, b->label);

	return order ? order : (a->x > b->x) - (a->x < b->x);
}

/* By what the lines' workloads differ in besides x. */
static int compare_contexts(const struct line *a, const struct line *b)
{
	struct record left = *a->points->cell->sample, right = *b->points->cell->sample;

	left.values[a->x].present = right.values[b->x].present = false;
	return summary_compare_workloads(&left, &right);
}

static int compare_lines(const void *left, const void *right)
{
	const struct line *a = left, *b = right;
	int order = compare_contexts(a, b);

	return order ? order : strcmp(a->points->label, b->points->label);
}

/* "load", "alone, warm, job": the first parts of the names, each once. */
static void make_title(struct picture_unit *unit)
{
	size_t used = 0;

	unit->title[0] = '\0';
	for (size_t i = 0; i < unit->count; i++) {
		const char *name = unit->points[i].cell->name;
		size_t length = label_length(name), before = 0;

		while (before < i && compare_labels(unit->points[before].cell->name, name) != 0)
			before++;
		if (before < i)
			continue;
		if (used + length + 6 >= sizeof(unit->title)) {
			snprintf(unit->title + used, sizeof(unit->title) - used, "…");
			return;
		}
		used += (size_t)snprintf(unit->title + used, sizeof(unit->title) - used, "%s%.*s",
					 used ? ", " : "", (int)length, name);
	}
}

/* What all points' labels begin with is in the title, and taken off. */
static void shorten_labels(struct picture_unit *unit)
{
	for (size_t i = 1; i < unit->count; i++)
		if (compare_labels(unit->points[0].label, unit->points[i].label) != 0)
			return;
	for (size_t i = 0; i < unit->count; i++) {
		char *label = unit->points[i].label;
		size_t length = label_length(label);

		if (label[length] == '/')
			memmove(label, label + length + 1, strlen(label + length));
	}
}

/* A unit of copies of these points; they are added one line after another. */
static struct picture_unit *add_unit(struct pictures *pictures, const struct summary *summary,
				     size_t room)
{
	struct picture_unit *grown =
		reallocarray(pictures->units, pictures->unit_count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	pictures->units = grown;
	grown = &grown[pictures->unit_count];
	*grown = (struct picture_unit){.summary = summary,
				       .points = calloc(room, sizeof(*grown->points))};
	if (!grown->points)
		return NULL;
	pictures->unit_count++;
	return grown;
}

static int add_point(struct picture_unit *unit, const struct picture_point *point, size_t line)
{
	char *label = strdup(point->label);

	if (!label)
		return -ENOMEM;
	unit->points[unit->count++] = (struct picture_point){
		.cell = point->cell, .label = label, .x = point->x, .line = line};
	return 0;
}

static int add_lines(struct pictures *pictures, const struct summary *summary,
		     const struct line *lines, size_t count)
{
	struct picture_unit *unit;
	size_t room = 0;
	int err = 0;

	for (size_t i = 0; i < count; i++)
		room += lines[i].count;
	unit = add_unit(pictures, summary, room);
	if (!unit)
		return -ENOMEM;
	unit->lines = true;
	unit->x = lines[0].x;
	unit->line_count = count;
	for (size_t i = 0; i < count && !err; i++)
		for (size_t k = 0; k < lines[i].count && !err; k++)
			err = add_point(unit, &lines[i].points[k], i);
	make_title(unit);
	shorten_labels(unit);
	return err;
}

/* How many of all lines are of that one's workload. */
static size_t count_label(const struct line *lines, size_t count, const struct line *one)
{
	size_t same = 0;

	for (size_t i = 0; i < count; i++)
		same += compare_labels(lines[i].points->label, one->points->label) == 0;
	return same;
}

/*
 * How many lines from lines[at] on make one picture: those of one context side by side, and all of
 * one workload where they are few enough, whatever their contexts.
 */
static size_t take_lines(const struct line *lines, size_t count, size_t at)
{
	bool few = count_label(lines, count, &lines[at]) <= PICTURE_LINES_MAX;
	size_t label = at + 1, context = at + 1;

	while (label < count &&
	       compare_labels(lines[at].points->label, lines[label].points->label) == 0)
		label++;
	while (context < count && compare_contexts(&lines[at], &lines[context]) == 0)
		context++;
	label -= at;
	context -= at;
	if (few && (label > context || context > PICTURE_LINES_MAX))
		return label;
	return context <= PICTURE_LINES_MAX ? context : PICTURE_LINES_MAX;
}

static int add_factor(struct pictures *pictures, const struct summary *summary,
		      enum record_column x, struct picture_point *points, size_t count)
{
	struct line *lines = calloc(count + 1, sizeof(*lines));
	size_t line_count = 0;
	int err = 0;

	if (!lines)
		return -ENOMEM;
	qsort(points, count, sizeof(*points), compare_points);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || strcmp(points[i - 1].label, points[i].label) != 0)
			lines[line_count++] = (struct line){.points = &points[i], .x = x};
		lines[line_count - 1].count++;
	}
	qsort(lines, line_count, sizeof(*lines), compare_lines);
	for (size_t i = 0, taken; i < line_count && !err; i += taken) {
		taken = take_lines(lines, line_count, i);
		err = add_lines(pictures, summary, &lines[i], taken);
	}
	free(lines);
	return err;
}

static void free_labels(struct picture_point *points, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(points[i].label);
}

/*
 * Drops points whose part of the name another column has told already: connections and workers of
 * a model that has one a worker.
 */
static size_t drop_told(uint64_t *told, const struct summary *summary, struct picture_point *points,
			size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t *mask = &told[points[i].cell - summary->cells];
		uint64_t bit = UINT64_C(1) << (points[i].part % 64);

		if (*mask & bit)
			free(points[i].label);
		else
			points[kept++] = points[i];
		*mask |= bit;
	}
	return kept;
}

static int find_lines(struct pictures *pictures, const struct summary *summary, uint64_t *told,
		      struct picture_point *points)
{
	int err = 0;

	for (const enum record_column *x = picture_axes[summary->kind];
	     *x != RECORD_COLUMNS && !err; x++) {
		long found = picture_find_factor(summary, *x, points);
		size_t count;

		if (found < 0)
			return -ENOMEM;
		count = drop_told(told, summary, points, (size_t)found);
		err = add_factor(pictures, summary, *x, points, count);
		free_labels(points, count);
	}
	return err;
}

static int add_rows(struct pictures *pictures, const struct summary *summary, const size_t *cells,
		    size_t count)
{
	int err = 0;

	for (size_t first = 0; first < count && !err; first += ROWS_MAX) {
		size_t end = first + ROWS_MAX < count ? first + ROWS_MAX : count;
		struct picture_unit *unit = add_unit(pictures, summary, end - first);

		if (!unit)
			return -ENOMEM;
		for (size_t i = first; i < end && !err; i++) {
			const struct summary_cell *cell = &summary->cells[cells[i]];
			const struct picture_point point = {
				.cell = cell, .label = (char *)cell->name, .x = NAN};

			err = add_point(unit, &point, i - first);
		}
		unit->line_count = end - first;
		make_title(unit);
		shorten_labels(unit);
	}
	return err;
}

/* Workloads of one cell each have nothing to stand beside: they are put together. */
static int find_rows(struct pictures *pictures, const struct summary *summary, const uint64_t *told)
{
	size_t *cells = calloc(2 * summary->cell_count + 1, sizeof(*cells));
	size_t *alone = cells ? cells + summary->cell_count : NULL;
	size_t alone_count = 0;
	int err = cells ? 0 : -ENOMEM;

	for (size_t g = 0; g < summary->group_count && !err; g++) {
		const struct summary_group *group = &summary->groups[g];
		size_t count = 0;

		for (size_t i = group->first; i < group->first + group->count; i++)
			if (!told[i] && summary->cells[i].rows > 0)
				cells[count++] = i;
		if (count == 1)
			alone[alone_count++] = cells[0];
		else
			err = add_rows(pictures, summary, cells, count);
	}
	if (!err)
		err = add_rows(pictures, summary, alone, alone_count);
	free(cells);
	return err;
}

int picture_add_units(struct pictures *pictures, const struct summary *summary)
{
	uint64_t *told = calloc(summary->cell_count + 1, sizeof(*told));
	struct picture_point *points = calloc(summary->cell_count + 1, sizeof(*points));
	int err = -ENOMEM;

	if (told && points)
		err = find_lines(pictures, summary, told, points);
	if (!err)
		err = find_rows(pictures, summary, told);
	free(points);
	free(told);
	return err;
}
