/*
 * What is done with a histogram after the run: merging, percentiles and HdrHistogram's text.
 * The rules (rank of a percentile, steps of the text) are those of HdrHistogram's Java and C
 * versions, so that figures can be held against any tool that uses them.
 */
#include "results/histogram.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define US_NS		  1000.0
#define STEPS_PER_HALVING 5.0
#define SUB_BUCKETS	  ((int)(2 * HISTOGRAM_SUB))

/* The smallest value of a bin; the bin is (1 << octave) wide. */
static uint64_t bin_least(size_t bin, unsigned *octave)
{
	*octave = bin < 2 * HISTOGRAM_SUB ? 0 : (unsigned)(bin >> HISTOGRAM_SUB_BITS) - 1;
	return (bin - ((uint64_t)*octave << HISTOGRAM_SUB_BITS)) << *octave;
}

static uint64_t bin_most(size_t bin)
{
	unsigned octave;
	uint64_t least = bin_least(bin, &octave);

	return least + (UINT64_C(1) << octave) - 1;
}

/* What is reported for a bin: HdrHistogram's highest equivalent value, but no value unseen. */
static uint64_t bin_reported(const struct histogram *histogram, size_t bin)
{
	uint64_t most = bin_most(bin);

	return most < histogram->max_ns && bin != histogram_bin(HISTOGRAM_MOST_NS)
		       ? most
		       : histogram->max_ns;
}

/* The bins in use are from the first to the last of these: the others' pages are not looked at. */
static size_t first_bin(const struct histogram *histogram)
{
	return histogram_bin(histogram->min_ns < HISTOGRAM_MOST_NS ? histogram->min_ns
								   : HISTOGRAM_MOST_NS);
}

static size_t last_bin(const struct histogram *histogram)
{
	return histogram_bin(histogram->max_ns < HISTOGRAM_MOST_NS ? histogram->max_ns
								   : HISTOGRAM_MOST_NS);
}

struct histogram *histogram_new(void)
{
	struct histogram *histogram = malloc(sizeof(*histogram));

	if (histogram)
		histogram_reset(histogram);
	return histogram;
}

struct histogram *histogram_new_untouched(void)
{
	struct histogram *histogram = calloc(1, sizeof(*histogram));

	if (histogram)
		histogram->min_ns = UINT64_MAX;
	return histogram;
}

void histogram_reset(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
	histogram->min_ns = UINT64_MAX;
	/* The compiler must not turn the zeroes into untouched pages from calloc(). */
	__asm__ volatile("" : : "r"(histogram) : "memory");
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (from->total == 0)
		return;
	for (size_t i = first_bin(from); i <= last_bin(from); i++)
		into->bins[i] += from->bins[i];
	into->total += from->total;
	into->sum_ns += from->sum_ns;
	if (from->min_ns < into->min_ns)
		into->min_ns = from->min_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percentile)
{
	/* One step down first: a product that rounds up must not pass for the next rank. */
	double share = nextafter(fmin(fmax(percentile, 0.0), 100.0), -INFINITY);
	double rank = ceil(share * (double)histogram->total / 100.0);
	uint64_t wanted = rank < 1.0 ? 1 : (uint64_t)rank;
	uint64_t seen = 0;

	for (size_t i = first_bin(histogram); i < HISTOGRAM_BINS; i++) {
		seen += histogram->bins[i];
		if (seen >= wanted)
			return bin_reported(histogram, i);
	}
	return histogram->max_ns;
}

double histogram_mean(const struct histogram *histogram)
{
	return histogram->total ? (double)histogram->sum_ns / (double)histogram->total : NAN;
}

/* From the middles of the bins, as HdrHistogram has it: the squares were never summed. */
static double deviation(const struct histogram *histogram)
{
	double mean = histogram_mean(histogram);
	double sum = 0.0;

	for (size_t i = 0; i < HISTOGRAM_BINS; i++) {
		unsigned octave;
		double middle = (double)bin_least(i, &octave);

		middle += ldexp(0.5, (int)octave) - 0.5;
		sum += (double)histogram->bins[i] * (middle - mean) * (middle - mean);
	}
	return sqrt(sum / (double)histogram->total);
}

/* The step to the next percentile: a fifth of the way to where the distance to 100 has halved. */
static double step_after(double percentile)
{
	double halvings = floor(log2(100.0 / (100.0 - percentile))) + 1.0;

	return 100.0 / (STEPS_PER_HALVING * exp2(halvings));
}

static void write_percentiles(const struct histogram *histogram, FILE *file)
{
	uint64_t seen = 0;
	double next = 0.0;

	for (size_t i = 0; i < HISTOGRAM_BINS && seen < histogram->total; i++) {
		double value = (double)bin_reported(histogram, i) / US_NS;
		double reached;

		if (histogram->bins[i] == 0)
			continue;
		seen += histogram->bins[i];
		reached = 100.0 * (double)seen / (double)histogram->total;
		/* A crowded bin is several steps; the last bin is one, and then 100 %. */
		while (next <= reached) {
			fprintf(file, "%12.3f %2.12f %10" PRIu64 " %14.2f\n", value, next / 100.0,
				seen, 1.0 / (1.0 - next / 100.0));
			next += step_after(next);
			if (seen == histogram->total)
				break;
		}
	}
	if (histogram->total)
		fprintf(file, "%12.3f %2.12f %10" PRIu64 "\n", (double)histogram->max_ns / US_NS,
			1.0, histogram->total);
}

int histogram_write(const struct histogram *histogram, FILE *file)
{
	uint64_t total = histogram->total;

	fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	write_percentiles(histogram, file);
	fprintf(file, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n",
		total ? histogram_mean(histogram) / US_NS : 0.0,
		total ? deviation(histogram) / US_NS : 0.0);
	fprintf(file, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
		(double)histogram->max_ns / US_NS, total);
	fprintf(file, "#[Buckets = %12d, SubBuckets     = %12d]\n", HISTOGRAM_OCTAVES - 1,
		SUB_BUCKETS);
	return ferror(file) ? -EIO : 0;
}
