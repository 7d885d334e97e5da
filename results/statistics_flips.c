/*
 * The interval of a paired shift: the shifts that the flip test would not refute. Every one that
 * is tried takes all its flips, counted at once: blocks count by whole levels, so a sum of flips
 * is a small whole number, and how many flips give each is added up block by block.
 */
#include "results/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a block counts for at most, and up to how many blocks flips are counted one by one. */
#define LEVELS	     64
#define COUNTED_MOST 128
#define HALVINGS     40

/* The median of the sizes above 0 of what is left of the values; 0 when nothing is. */
static double middle_size(const double *values, size_t count, double shift, double *scratch)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		double size = fabs(values[i] - shift);

		if (size > 0.0)
			scratch[used++] = size;
	}
	if (used == 0)
		return 0.0;
	statistics_sort(scratch, used);
	return statistics_quantile(scratch, used, 0.5);
}

int statistics_winsorise(const double *differences, size_t count, double *cut)
{
	double *scratch = calloc(count ? count : 1, sizeof(*scratch));
	double most;

	if (!scratch)
		return -ENOMEM;
	most = middle_size(differences, count, 0.0, scratch);
	free(scratch);
	for (size_t i = 0; i < count; i++)
		cut[i] = fmax(-most, fmin(most, differences[i]));
	return 0;
}

/* A sample under test; ways has room for every sum of COUNTED_MOST blocks. */
struct sample {
	const double *values;
	size_t count;
	double *scratch;
	double *ways;
};

/* What the blocks count for once a shift is taken off. */
struct scores {
	unsigned each[COUNTED_MOST]; /* up to so many blocks */
	unsigned long total;
	unsigned long above; /* of it, from blocks above the shift */
	double squares;
};

static struct scores score(const struct sample *sample, double shift)
{
	double most = middle_size(sample->values, sample->count, shift, sample->scratch);
	struct scores scores = {.total = 0};

	for (size_t i = 0; i < sample->count && most > 0.0; i++) {
		double left = sample->values[i] - shift;
		unsigned counts = (unsigned)ceil(LEVELS * fmin(1.0, fabs(left) / most));

		scores.total += counts;
		scores.above += left > 0.0 ? counts : 0;
		scores.squares += (double)counts * counts;
		if (sample->count <= COUNTED_MOST)
			scores.each[i] = counts;
	}
	return scores;
}

/* How far so much above the shift is from half the total, doubled. */
static unsigned long away(const struct scores *scores, unsigned long above)
{
	return 2 * above > scores->total ? 2 * above - scores->total : scores->total - 2 * above;
}

/* The share of flips that are at least as far off as what was seen. */
static double flips_beyond(const struct scores *scores, size_t count, double *ways)
{
	unsigned long reach = 0;
	double share = 0.0;

	memset(ways, 0, (scores->total + 1) * sizeof(*ways));
	ways[0] = 1.0;
	for (size_t i = 0; i < count; i++) {
		unsigned long step = scores->each[i];

		if (step == 0)
			continue;
		reach += step;
		for (unsigned long s = reach; s >= step; s--)
			ways[s] = 0.5 * ways[s] + 0.5 * ways[s - step];
		for (unsigned long s = 0; s < step; s++)
			ways[s] *= 0.5;
	}
	for (unsigned long s = 0; s <= scores->total; s++)
		if (away(scores, s) >= away(scores, scores->above))
			share += ways[s];
	return share;
}

/* Two-sided p of "the shift is that". Of many blocks the flips' sum is taken for normal. */
static double p_of_shift(const struct sample *sample, double shift)
{
	struct scores scores = score(sample, shift);

	if (scores.total == 0)
		return 1.0;
	if (sample->count > COUNTED_MOST)
		return erfc((double)away(&scores, scores.above) / sqrt(2.0 * scores.squares));
	return flips_beyond(&scores, sample->count, sample->ways);
}

/* The shift at which what lies above no longer outweighs what lies below. */
static double balance(const struct sample *sample, double low, double high)
{
	for (int i = 0; i < HALVINGS; i++) {
		double middle = 0.5 * low + 0.5 * high;
		struct scores scores = score(sample, middle);

		if (2 * scores.above > scores.total)
			low = middle;
		else
			high = middle;
	}
	return 0.5 * low + 0.5 * high;
}

/* The end of the interval between a shift inside and one beyond all values. */
static double end_of(const struct sample *sample, double inside, double outside)
{
	for (int i = 0; i < HALVINGS; i++) {
		double middle = 0.5 * inside + 0.5 * outside;

		if (p_of_shift(sample, middle) > STATISTICS_LEVEL)
			inside = middle;
		else
			outside = middle;
	}
	return outside;
}

/* values are sorted, at least STATISTICS_INTERVAL_LEAST. */
static void invert(const struct sample *sample, struct statistics_interval *interval)
{
	double least = sample->values[0];
	double most = sample->values[sample->count - 1];
	double centre = balance(sample, least, most);

	/* The estimate is of another kind: where it falls outside, the interval goes up to it. */
	interval->low = fmin(interval->estimate, end_of(sample, centre, least));
	interval->high = fmax(interval->estimate, end_of(sample, centre, most));
}

int statistics_paired_shift(const double *differences, size_t count,
			    struct statistics_interval *interval)
{
	struct sample sample = {.count = count};
	double *sorted;

	*interval = (struct statistics_interval){NAN, NAN, NAN};
	if (count == 0)
		return -EINVAL;
	sorted = calloc(2 * count + (size_t)LEVELS * COUNTED_MOST + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, differences, count * sizeof(*sorted));
	statistics_sort(sorted, count);
	sample.values = sorted;
	sample.scratch = sorted + count;
	sample.ways = sorted + 2 * count;
	interval->estimate = statistics_hodges_lehmann(sorted, count);
	if (count >= STATISTICS_INTERVAL_LEAST) {
		invert(&sample, interval);
	} else if (count > 1) {
		interval->low = sorted[0];
		interval->high = sorted[count - 1];
	}
	free(sorted);
	return 0;
}
