/* One worker, several by turns, several at once: see concurrency.h. */
#include "results/concurrency.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/series.h"

unsigned concurrency_cpus(const char *list)
{
	unsigned count = 0;

	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return 0;
		if (*end == '-') {
			list = end + 1;
			last = strtoul(list, &end, 10);
			if (end == list || last < first)
				return 0;
		}
		count += (unsigned)(last - first + 1);
		if (*end && *end != ',')
			return 0;
		list = end + (*end == ',');
	}
	return count;
}

static const struct record *sample_of(const struct series *series)
{
	return series->rows[0];
}

static bool equal(const struct record *a, const struct record *b, const enum record_column *columns,
		  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum record_column c = columns[i];

		if (a->values[c].present != b->values[c].present)
			return false;
		if (record_columns[c].type == RECORD_TEXT
			    ? strcmp(record_text(a, c), record_text(b, c)) != 0
			    : a->values[c].present && record_number(a, c) != record_number(b, c))
			return false;
	}
	return true;
}

/* Whether two cells do the same, whoever does it. */
static bool same_work(const struct record *a, const struct record *b)
{
	static const enum record_column sums[] = {COLUMN_jobs, COLUMN_squares_per_job, COLUMN_core};
	static const enum record_column fetches[] = {COLUMN_model, COLUMN_wait,
						     COLUMN_origin_latency_us, COLUMN_tls};

	return a->kind == RECORD_SUMSQ ? equal(a, b, sums, 3) : equal(a, b, fetches, 4);
}

static bool same_workers(const struct record *a, const struct record *b)
{
	static const enum record_column columns[] = {COLUMN_model, COLUMN_variant_requested,
						     COLUMN_workers_kind, COLUMN_workers};

	return same_work(a, b) && equal(a, b, columns, 4);
}

static double workers_of(const struct record *row)
{
	return record_number(row, COLUMN_workers);
}

static unsigned cpus_of(const struct record *row)
{
	return concurrency_cpus(record_text(row, COLUMN_cpus));
}

static enum record_column rate_of(const struct record *row)
{
	return row->kind == RECORD_SUMSQ ? COLUMN_elements_per_s : COLUMN_throughput_rps;
}

static const struct series *find_alone(const struct series_set *set, const struct record *row)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct record *it = sample_of(&set->series[i]);
		bool is_serial = it->kind != RECORD_SUMSQ ||
				 strcmp(record_text(it, COLUMN_model), "serial") == 0;

		if (workers_of(it) == 1 && is_serial && same_work(it, row))
			return &set->series[i];
	}
	return NULL;
}

static const struct series *find_apart(const struct series_set *set, const struct record *row)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct record *it = sample_of(&set->series[i]);

		if (cpus_of(it) > 1 && same_workers(it, row))
			return &set->series[i];
	}
	return NULL;
}

static int add_line(struct concurrency *c, const struct series_set *set,
		    const struct series *together, uint64_t seed)
{
	const struct series *alone = find_alone(set, sample_of(together));
	const struct series *apart = find_apart(set, sample_of(together));
	enum record_column rate = rate_of(sample_of(together));
	struct concurrency_line *line = &c->lines[c->count];
	int err;

	if (!alone)
		return 0;
	*line = (struct concurrency_line){.alone = sample_of(alone),
					  .together = sample_of(together),
					  .apart = apart ? sample_of(apart) : NULL,
					  .alone_rate = series_median(alone, rate)};
	c->count++;
	err = series_compare(together, alone, rate, seed, &line->by_turns);
	if (!err)
		err = series_compare(apart, alone, rate, seed, &line->at_once);
	if (!err)
		err = series_compare(apart, together, rate, seed, &line->more_cores);
	return err;
}

/* On a machine with one core the cell that was to be apart is together too: once is enough. */
static bool is_first(const struct series_set *set, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (cpus_of(sample_of(&set->series[i])) == 1 &&
		    same_workers(sample_of(&set->series[i]), sample_of(&set->series[index])))
			return false;
	return true;
}

static int add_kind(struct concurrency *c, const struct record *records, size_t count,
		    enum record_kind kind, uint64_t seed)
{
	struct concurrency_line *grown;
	struct series_set set;
	int err = series_make(records, count, kind, &set);

	if (err)
		return err;
	grown = realloc(c->lines, (c->count + set.count + 1) * sizeof(*grown));
	if (grown)
		c->lines = grown;
	else
		err = -ENOMEM;
	for (size_t i = 0; i < set.count && !err; i++) {
		const struct record *row = sample_of(&set.series[i]);

		if (workers_of(row) > 1 && cpus_of(row) == 1 && is_first(&set, i))
			err = add_line(c, &set, &set.series[i], seed);
	}
	series_release(&set);
	return err;
}

int concurrency_make(const struct record *records, size_t count, uint64_t seed,
		     struct concurrency *c)
{
	int err;

	*c = (struct concurrency){0};
	err = add_kind(c, records, count, RECORD_SUMSQ, seed);
	if (!err)
		err = add_kind(c, records, count, RECORD_FETCH, seed);
	if (err)
		concurrency_release(c);
	return err;
}

void concurrency_release(struct concurrency *c)
{
	free(c->lines);
	*c = (struct concurrency){0};
}
