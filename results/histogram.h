/*
 * Latencies by the million: a histogram of nanoseconds in the layout of HdrHistogram (Gil Tene),
 * log-linear with three significant digits. One worker records into one histogram, nothing is
 * shared; after the run they are merged. The struct is plain memory without pointers, so that it
 * may lie in memory shared between processes.
 */
#ifndef RESULTS_HISTOGRAM_H
#define RESULTS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Values below 2048 ns have a bin each; above, every power of two is 1024 bins wide, so that a
 * bin is at most 1/1024 (0.1 %) of its value. An octave is 8 KiB: a run touches the two or three
 * octaves its latencies lie in, whatever the range, which is why 64-bit counts are affordable.
 */
#define HISTOGRAM_SUB_BITS 10
#define HISTOGRAM_SUB	   (UINT64_C(1) << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_MOST_NS  UINT64_C(3600000000000) /* one hour; longer counts in its bin */
#define HISTOGRAM_OCTAVES  33
#define HISTOGRAM_BINS	   (HISTOGRAM_OCTAVES << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t total;
	uint64_t sum_ns;
	uint64_t min_ns; /* exact, UINT64_MAX when empty */
	uint64_t max_ns; /* exact, even above HISTOGRAM_MOST_NS */
	uint64_t bins[HISTOGRAM_BINS];
};

/* An empty histogram, all its pages in memory; NULL when memory is out. Free with free(). */
struct histogram *histogram_new(void);

/* The same, its pages touched only as values come: for what is filled when no clock runs. */
struct histogram *histogram_new_untouched(void);

/* Empties it, and touches every page: call before the clock runs. */
void histogram_reset(struct histogram *histogram);

/* The bin of a value up to HISTOGRAM_MOST_NS. */
static inline size_t histogram_bin(uint64_t ns)
{
	unsigned octave =
		63 - HISTOGRAM_SUB_BITS - (unsigned)__builtin_clzll(ns | (2 * HISTOGRAM_SUB - 1));

	return ((size_t)octave << HISTOGRAM_SUB_BITS) + (size_t)(ns >> octave);
}

/* Counts one value. No branch that could go wrong: the comparisons become conditional moves. */
static inline void histogram_record(struct histogram *histogram, uint64_t ns)
{
	uint64_t clamped = ns < HISTOGRAM_MOST_NS ? ns : HISTOGRAM_MOST_NS;

	histogram->bins[histogram_bin(clamped)]++;
	histogram->total++;
	histogram->sum_ns += ns;
	histogram->min_ns = ns < histogram->min_ns ? ns : histogram->min_ns;
	histogram->max_ns = ns > histogram->max_ns ? ns : histogram->max_ns;
}

/* Adds what `from` holds to `into`. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/*
 * The value that `percentile` (0 to 100) percent of the values do not exceed, in ns: the largest
 * value of its bin, as HdrHistogram reports it, but never above max_ns. At most 1/1024 above the
 * exact order statistic and never below it. 0 when empty.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percentile);

/* Exact mean in ns, NAN when empty. */
double histogram_mean(const struct histogram *histogram);

/*
 * HdrHistogram's percentile text ("Value Percentile TotalCount 1/(1-Percentile)" and its footer,
 * five steps per halving of the distance to 100 %), values in microseconds, for HdrHistogram's
 * plotter. Numbers have the decimal point of LC_NUMERIC. Returns 0 or -EIO.
 */
int histogram_write(const struct histogram *histogram, FILE *file);

#endif
