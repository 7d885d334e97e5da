/*
 * The columns of the CSV files that hold no rows of record.def: summaries, programs, samples. What
 * they mean is told here, beside each other; a test holds the names against the files' headers.
 */
#include "lab/columns_files.h"

static const struct columns_file_column summary[] = {
	{"schema_version", "version of the columns of a row"},
	{"cell", "name of the cell, as in the rows"},
	{"column", "the row's column that this line sums up"},
	{"unit", "of median, low and high"},
	{"n", "blocks that had a value"},
	{"median", "of the blocks' values"},
	{"low", "lower end of its 95 % interval; of fewer than 6 blocks the smallest value"},
	{"high", "upper end, or the largest value"},
	{"baseline", "the cell compared with; empty, with all behind it, where none is"},
	{"pairs", "blocks in which both have a value"},
	{"ratio", "of this cell to the baseline (Hodges-Lehmann)"},
	{"ratio_low", "lower end of its 95 % interval; of fewer than 6 pairs the smallest ratio"},
	{"ratio_high", "upper end, or the largest ratio"},
	{"p", "of the sign-flip test, not adjusted"},
	{"p_method", "exact: of all flips; sampled: of as many random ones"},
	{"p_holm", "p after Holm's correction over all comparisons of this column"},
	{"floor", "noise floor: the factor, above 1, that a difference must exceed"},
	{"verdict", "in words; empty where nothing was compared"},
};

static const struct columns_file_column programs[] = {
	{"program", "name of the cell"},
	{"runs", "complete runs"},
	{"left_out", "runs that failed or were cut short"},
	{"duration_s", "how long a run took, median"},
	{"duration_low_s", "the shortest"},
	{"duration_high_s", "the longest"},
	{"cpu_s", "CPU time of a run, user, system and helpers, median"},
	{"speedup", "the first program of its kind's duration over this one's"},
	{"setup_s", "before the run: making workers, looking up names, median"},
};

static const struct columns_file_column samples[] = {
	{"worker", "which, from 0"},
	{"connection", "which of the worker's, from 0"},
	{"due_us", "when the fetch was due, from the start of the measured time"},
	{"begun_us", "when it was begun, likewise"},
	{"connect_us", "connecting, of the last redirect's connection; empty on an open one"},
	{"tls_us", "TLS handshake, likewise"},
	{"first_byte_us", "from begun to the first byte"},
	{"latency_us", "from due to the last byte"},
	{"latency_uncorrected_us", "from begun to the last byte"},
	{"status", "of the answer"},
	{"body_bytes", "length of the decoded body"},
	{"url", "as asked for"},
	{"failure", "what failed; empty where nothing did"},
};

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

const struct columns_file columns_files[] = {
	{"summary", "summary.csv: a line a cell and column", summary, LENGTH(summary)},
	{"programs", "programs.csv: a line a program", programs, LENGTH(programs)},
	{"samples", "--samples of fetch-*: a line a fetch", samples, LENGTH(samples)},
};

const char *const columns_file_names[COLUMNS_FILES + 2] = {"rows", "summary", "programs", "samples",
							   NULL};
