/* Which figures of a unit are drawn, and the names of their files. */
#include "results/picture_inside.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct figure {
	enum record_kind kind;
	const char *name;
	enum record_column columns[PICTURE_PANELS_MAX];
	size_t count;
};

static const struct figure figures[] = {
	{RECORD_FETCH, "throughput", {COLUMN_throughput_rps}, 1},
	{RECORD_FETCH, "cpu", {COLUMN_cpu_us_per_request}, 1},
	{RECORD_FETCH,
	 "latency",
	 {COLUMN_latency_p50_us, COLUMN_latency_p90_us, COLUMN_latency_p99_us,
	  COLUMN_latency_p999_us},
	 4},
	{RECORD_SUMSQ, "squares", {COLUMN_elements_per_s}, 1},
	{RECORD_SUMSQ, "dispatch", {COLUMN_dispatch_ns_per_job}, 1},
	{RECORD_NAP, "time", {COLUMN_duration_s}, 1},
};

static bool has_values(const struct picture_unit *unit, enum record_column column)
{
	for (size_t i = 0; i < unit->count; i++) {
		const struct summary_value *value = summary_get(unit->points[i].cell, column);

		if (value && value->blocks > 0)
			return true;
	}
	return false;
}

/* Letters, digits, '-', '_' and '.' of the text; anything else is '-', and none twice. */
static size_t file_name(char *name, size_t size, const char *text)
{
	size_t used = 0;

	for (; *text && used + 1 < size; text++) {
		bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			     (*text >= '0' && *text <= '9') || *text == '_' ||
			     (*text == '.' && used > 0);

		if (plain)
			name[used++] = *text;
		else if (used > 0 && name[used - 1] != '-')
			name[used++] = '-';
	}
	while (used > 0 && name[used - 1] == '-')
		used--;
	name[used] = '\0';
	return used;
}

static bool is_taken(const struct pictures *pictures, const char *name)
{
	for (size_t i = 0; i < pictures->count; i++)
		if (strcmp(pictures->pictures[i].name, name) == 0)
			return true;
	return false;
}

static void name_picture(const struct pictures *pictures, struct picture *picture)
{
	char base[PICTURE_NAME_SIZE - 8];
	size_t used = file_name(base, 40, picture->unit->title);
	const char *axis = picture->unit->lines ? record_columns[picture->unit->x].name : NULL;

	snprintf(base + used, sizeof(base) - used, "%s%s%s%s", used ? "-" : "", picture->figure,
		 axis ? "-by-" : "", axis ? axis : "");
	snprintf(picture->name, sizeof(picture->name), "%s", base);
	for (unsigned i = 2; is_taken(pictures, picture->name); i++)
		snprintf(picture->name, sizeof(picture->name), "%s-%u", base, i);
}

static int add_pictures(struct pictures *pictures, const struct picture_unit *unit)
{
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		const struct figure *figure = &figures[i];
		struct picture *grown;

		if (figure->kind != unit->summary->kind || !has_values(unit, figure->columns[0]))
			continue;
		if (pictures->count == PICTURES_MAX) {
			pictures->left_out++;
			continue;
		}
		grown = reallocarray(pictures->pictures, pictures->count + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		pictures->pictures = grown;
		grown = &grown[pictures->count];
		*grown = (struct picture){
			.form = unit->lines	    ? PICTURE_LINES
				: figure->count > 1 ? PICTURE_SPREAD
						    : PICTURE_ROWS,
			.unit = unit,
			.figure = figure->name,
			.column_count = figure->count,
		};
		memcpy(grown->columns, figure->columns, sizeof(grown->columns));
		name_picture(pictures, grown);
		pictures->count++;
	}
	return 0;
}

int pictures_make(const struct summary *const *summaries, size_t count, struct pictures *pictures)
{
	int err = 0;

	memset(pictures, 0, sizeof(*pictures));
	for (size_t i = 0; i < count && !err; i++)
		if (summaries[i])
			err = picture_add_units(pictures, summaries[i]);
	for (size_t i = 0; i < pictures->unit_count && !err; i++)
		err = add_pictures(pictures, &pictures->units[i]);
	if (err)
		pictures_release(pictures);
	return err;
}

void pictures_release(struct pictures *pictures)
{
	for (size_t i = 0; i < pictures->unit_count; i++) {
		for (size_t k = 0; k < pictures->units[i].count; k++)
			free(pictures->units[i].points[k].label);
		free(pictures->units[i].points);
	}
	free(pictures->units);
	free(pictures->pictures);
	memset(pictures, 0, sizeof(*pictures));
}

const char *picture_caption(const struct picture *picture, char *text, size_t size)
{
	const struct picture_unit *unit = picture->unit;
	const char *what =
		picture->column_count > 1 ? "latency" : picture_column_name(picture->columns[0]);

	if (unit->lines)
		snprintf(text, size, "%s: %s by %s", unit->title, what,
			 picture_column_name(unit->x));
	else
		snprintf(text, size, "%s: %s", unit->title, what);
	return text;
}
