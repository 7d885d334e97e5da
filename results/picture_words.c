/* The words in pictures: axes with their units, ticks, what all cells of a picture share. */
#include "results/picture_inside.h"
#include "results/table.h"

#include <math.h>
#include <string.h>

static const struct {
	enum record_column column;
	const char *name;
} names[] = {
	{COLUMN_throughput_rps, "fetches per second"},
	{COLUMN_cpu_us_per_request, "CPU per fetch"},
	{COLUMN_latency_p50_us, "latency, median"},
	{COLUMN_latency_p90_us, "latency, 90th percentile"},
	{COLUMN_latency_p99_us, "latency, 99th percentile"},
	{COLUMN_latency_p999_us, "latency, 99.9th percentile"},
	{COLUMN_elements_per_s, "squares per second"},
	{COLUMN_dispatch_ns_per_job, "dispatch per job"},
	{COLUMN_duration_s, "time taken"},
	{COLUMN_rate_rps, "offered rate"},
	{COLUMN_connections, "connections"},
	{COLUMN_workers, "workers"},
	{COLUMN_body_bytes, "body"},
	{COLUMN_origin_latency_us, "latency injected by the origin"},
	{COLUMN_squares_per_job, "squares in a job"},
	{COLUMN_jobs, "jobs"},
	{COLUMN_tasks, "tasks"},
	{COLUMN_tick_s, "length of a nap"},
};

const char *picture_column_name(enum record_column column)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].column == column)
			return names[i].name;
	return record_columns[column].name;
}

static const struct prefix {
	const char *unit; /* as record.def has it */
	double factor;
	const char *shown;
} prefixes[] = {
	{"1/s", 1, "1/s"}, {"1/s", 1e3, "k/s"}, {"1/s", 1e6, "M/s"}, {"1/s", 1e9, "G/s"},
	{"us", 1, "µs"},   {"us", 1e3, "ms"},	{"us", 1e6, "s"},    {"ns", 1, "ns"},
	{"ns", 1e3, "µs"}, {"ns", 1e6, "ms"},	{"s", 1e-6, "µs"},   {"s", 1e-3, "ms"},
	{"s", 1, "s"},	   {"B", 1, "B"},	{"B", 1e3, "kB"},    {"B", 1e6, "MB"},
	{"", 1, ""},	   {"", 1e3, "k"},	{"", 1e6, "M"},	     {"", 1e9, "G"},
};

static const struct prefix *prefix_of(const char *unit, double value)
{
	const struct prefix *best = NULL;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strcmp(prefixes[i].unit, unit) == 0 &&
		    (!best || fabs(value) >= prefixes[i].factor))
			best = &prefixes[i];
	return best;
}

struct picture_scale picture_scale(enum record_column column, double largest)
{
	const char *unit = record_columns[column].unit;
	const char *name = picture_column_name(column);
	/* Two digits before the point are no reason for a larger unit. */
	const struct prefix *prefix = prefix_of(unit, largest / 2);
	struct picture_scale scale = {.factor = prefix ? prefix->factor : 1};

	if (prefix && prefix->shown[0] == '\0')
		snprintf(scale.label, sizeof(scale.label), "%s", name);
	else
		snprintf(scale.label, sizeof(scale.label), "%s, %s", name,
			 prefix ? prefix->shown : unit);
	return scale;
}

const char *picture_tick(double value, const char *unit, char text[static 32])
{
	const struct prefix *prefix = value == 0 ? NULL : prefix_of(unit, value);
	bool rate = strcmp(unit, "1/s") == 0;

	if (!prefix)
		snprintf(text, 32, "%.4g", value);
	else if (rate || !unit[0])
		/* The unit is in the axis's label: "8k". */
		snprintf(text, 32, "%.4g%.*s", value / prefix->factor, prefix->factor > 1,
			 prefix->shown);
	else
		snprintf(text, 32, "%.4g %s", value / prefix->factor, prefix->shown);
	return text;
}

static const enum record_column *context_columns(enum record_kind kind)
{
	static const enum record_column fetch[] = {COLUMN_connections, COLUMN_origin_latency_us,
						   COLUMN_body_bytes,  COLUMN_rate_rps,
						   COLUMN_tls,	       RECORD_COLUMNS};
	static const enum record_column sums[] = {COLUMN_jobs, COLUMN_squares_per_job, COLUMN_core,
						  RECORD_COLUMNS};
	static const enum record_column naps[] = {COLUMN_tasks, COLUMN_tick_s, RECORD_COLUMNS};

	return kind == RECORD_FETCH ? fetch : kind == RECORD_SUMSQ ? sums : naps;
}

/* Whether all cells of the unit have the column, and the same in it. */
static bool is_shared(const struct picture_unit *unit, enum record_column column)
{
	const struct record *first = unit->points[0].cell->sample;

	for (size_t i = 0; i < unit->count; i++) {
		const struct record *sample = unit->points[i].cell->sample;

		if (!sample->values[column].present)
			return false;
		if (record_columns[column].type == RECORD_TEXT
			    ? strcmp(record_text(sample, column), record_text(first, column)) != 0
			    : picture_coordinate(unit->points[i].cell, column) !=
				      picture_coordinate(unit->points[0].cell, column))
			return false;
	}
	return unit->count > 0;
}

static void describe(const struct summary_cell *cell, enum record_column column, char *text,
		     size_t size)
{
	double value = picture_coordinate(cell, column);
	const char *unit = record_columns[column].unit;
	const char *name = picture_column_name(column);
	char number[32];

	picture_tick(value, unit, number);
	switch ((int)column) {
	case COLUMN_tls:
		snprintf(text, size, "%s", value > 0 ? "TLS" : "no TLS");
		break;
	case COLUMN_core:
		snprintf(text, size, "core %s", record_text(cell->sample, column));
		break;
	case COLUMN_origin_latency_us:
		snprintf(text, size, value > 0 ? "origin latency %s" : "no origin latency", number);
		break;
	case COLUMN_body_bytes:
		snprintf(text, size, "bodies of %s", number);
		break;
	case COLUMN_squares_per_job:
		snprintf(text, size, "of %s squares", number);
		break;
	case COLUMN_rate_rps:
		snprintf(text, size, "offered %s/s", number);
		break;
	case COLUMN_tick_s:
		snprintf(text, size, "naps of %s", number);
		break;
	default: /* counts: the name is their plural */
		snprintf(text, size, "%.0f %.*s", value, (int)strlen(name) - (value == 1), name);
	}
}

void picture_context(const struct picture_unit *unit, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (const enum record_column *c = context_columns(unit->summary->kind);
	     *c != RECORD_COLUMNS; c++) {
		char part[96];

		if ((unit->lines && *c == unit->x) || !is_shared(unit, *c))
			continue;
		describe(unit->points[0].cell, *c, part, sizeof(part));
		if (used + strlen(part) + 3 > size)
			return;
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", part);
	}
}
