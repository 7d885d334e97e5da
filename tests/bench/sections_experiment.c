/*
 * What the experiment itself costs: the runner beside the cells that it runs, by its own account
 * (run_trust.c prints it), and a comparison of two runs of half a million rows each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/status.h"
#include "results/record.h"
#include "results/statistics.h"
#include "tests/bench/bench.h"

/* Each is five blocks of the default plan, some forty seconds: beginning is part of a run. */
#define RUN_ROUNDS 3

#define ROWS  500000
#define CELLS 20
/* So many rows are rendered; the others are these again with another block. */
#define RENDERED   (50 * CELLS)
#define BLOCK_MARK 987654321

static char folder[] = "/tmp/iolab-bench-XXXXXX";

static void bench_runner(struct bench *b)
{
	static const struct contender contenders[] = {
		{.name = "own CPU",
		 .argv = {"iolab", "run", "--blocks=5", "--results", folder, "matrix"},
		 .rate = "iolab itself: ([0-9.e+-]+) % CPU",
		 .on_all_cpus = true,
		 .unit = "% of the run"},
		{.name = "wall time",
		 .argv = {"iolab", "run", "--blocks=5", "--results", folder, "matrix"},
		 .rate = "wall time .* s, ([0-9.e+-]+) % above",
		 .on_all_cpus = true,
		 .unit = "% above its cells"},
	};
	static const struct target targets[] = {
		{"own CPU", NULL, BENCH_RATE, 0, 1.0},
		{"wall time", NULL, BENCH_RATE, 0, 5.0},
	};
	unsigned rounds = b->rounds;

	if (b->rounds > RUN_ROUNDS)
		b->rounds = RUN_ROUNDS;
	bench_section(b, "iolab run: five blocks of the default plan", NULL, contenders, 2, targets,
		      2);
	b->rounds = rounds;
}

/* As wide as a row of a real run. */
static void fill(struct record *row, const char *run, unsigned cell, uint64_t *random)
{
	double noise = 0.02 * (double)(statistics_random(random) >> 11) * 0x1p-53;
	char name[32];

	snprintf(name, sizeof(name), "waiting/model-%u", cell / 2);
	record_init(row, RECORD_FETCH);
	record_set_text(row, COLUMN_run_id, run);
	record_set_text(row, COLUMN_experiment, "bench");
	record_set_count(row, COLUMN_block, BLOCK_MARK);
	record_set_text(row, COLUMN_cell, name);
	record_set_text(row, COLUMN_role, cell % 2 ? "control" : "cell");
	record_set_text(row, COLUMN_model, "epoll");
	record_set_text(row, COLUMN_url, "http://127.0.0.1:40000/delay/5ms");
	record_set_count(row, COLUMN_partial, 0);
	for (enum record_column i = 0; i < RECORD_COLUMNS; i++) {
		if (!record_has_column(RECORD_FETCH, i) || row->values[i].present)
			continue;
		if (record_columns[i].type == RECORD_REAL && i % 2)
			record_set_real(row, i, 1000.0 * (1.0 + noise));
		if (record_columns[i].type == RECORD_COUNT)
			record_set_count(row, i, 16);
	}
	record_set_real(row, COLUMN_throughput_rps, 1e5 * (1.0 + noise));
	record_set_real(row, COLUMN_cpu_us_per_request, 5.0 * (1.0 + noise));
}

/* A row's text, cut in two where its block is to stand. */
struct rendered {
	char *before, *after;
};

static void render(struct rendered *r, const char *run, unsigned cell, uint64_t *random)
{
	struct record row;
	char *text = NULL, mark[16], *at;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	fill(&row, run, cell, random);
	snprintf(mark, sizeof(mark), "%d", BLOCK_MARK);
	if (!file || record_write_csv_row(file, &row) || fclose(file))
		status_exit(STATUS_UNABLE, "out of memory");
	record_release(&row);
	at = strstr(text, mark);
	*at = '\0';
	r->before = text;
	r->after = at + strlen(mark);
}

static void write_run(const char *path, const char *run, uint64_t seed)
{
	static struct rendered rows[RENDERED];
	FILE *file = fopen(path, "we");

	if (!file || record_write_csv_header(file, RECORD_FETCH))
		status_exit(STATUS_FAILED, "cannot write %s: %m", path);
	for (unsigned i = 0; i < RENDERED; i++)
		render(&rows[i], run, i % CELLS, &seed);
	for (unsigned i = 0; i < ROWS; i++)
		fprintf(file, "%s%u%s", rows[i % RENDERED].before, 1 + i / CELLS,
			rows[i % RENDERED].after);
	for (unsigned i = 0; i < RENDERED; i++)
		free(rows[i].before);
	if (ferror(file) | fclose(file))
		status_exit(STATUS_FAILED, "cannot write %s: %m", path);
}

static void bench_compare(struct bench *b)
{
	static char first[64], second[64];
	static const struct contender contenders[] = {{.name = "iolab compare",
						       .argv = {"iolab", "compare", first, second},
						       .on_all_cpus = true}};
	static const struct target targets[] = {{"iolab compare", NULL, BENCH_WALL, 0, 2.0}};

	snprintf(first, sizeof(first), "%s/a.csv", folder);
	snprintf(second, sizeof(second), "%s/b.csv", folder);
	write_run(first, "a", 1);
	write_run(second, "b", 2);
	bench_section(b, "iolab compare: two runs of 500,000 rows, seconds from start to end", NULL,
		      contenders, 1, targets, 1);
}

void bench_experiment(struct bench *b)
{
	char command[64];

	if (!mkdtemp(folder))
		status_exit(STATUS_UNABLE, "cannot make a folder in /tmp: %m");
	bench_runner(b);
	bench_compare(b);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		status_warn("%s was not removed", folder);
}
