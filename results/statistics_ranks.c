/*
 * The rank test of two samples. Ranks are doubled, so that the ranks which ties share are whole
 * numbers and sums compare without rounding.
 */
#include "results/statistics_shift.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct placed {
	double value;
	bool side;
};

/* Doubled ranks of all values; those of the smaller sample add up to `seen`. */
struct ranks {
	unsigned long *doubled;
	size_t count;
	size_t fewer;
	unsigned long seen;
	double ties; /* sum of t^3 - t over groups of t equal values */
};

const char *statistics_method_name(enum statistics_method method)
{
	switch (method) {
	case STATISTICS_EXACT:
		return "exact";
	case STATISTICS_SAMPLED:
		return "sampled";
	case STATISTICS_NORMAL:
		break;
	}
	return "normal";
}

enum statistics_method statistics_rank_method(size_t side_count, size_t baseline_count)
{
	size_t fewer = side_count < baseline_count ? side_count : baseline_count;

	if (side_count + baseline_count <= STATISTICS_DEALT_ALL)
		return STATISTICS_EXACT;
	return fewer < STATISTICS_MANY ? STATISTICS_SAMPLED : STATISTICS_NORMAL;
}

double statistics_rank_least_p(size_t side_count, size_t baseline_count)
{
	double deals = lgamma((double)(side_count + baseline_count) + 1) -
		       lgamma((double)side_count + 1) - lgamma((double)baseline_count + 1);
	double least = fmin(1.0, 2.0 * exp(-deals));

	if (statistics_rank_method(side_count, baseline_count) == STATISTICS_SAMPLED)
		return fmax(least, 1.0 / (double)STATISTICS_FLIPS);
	return least;
}

static void merge(const double *side, size_t side_count, const double *baseline,
		  size_t baseline_count, struct placed *all)
{
	size_t i = 0;
	size_t j = 0;

	while (i < side_count || j < baseline_count) {
		bool of_side = j == baseline_count || (i < side_count && side[i] < baseline[j]);

		all[i + j] = (struct placed){of_side ? side[i] : baseline[j], of_side};
		i += of_side;
		j += !of_side;
	}
}

static void rank_all(struct ranks *r, const struct placed *all, bool side_is_smaller)
{
	for (size_t i = 0; i < r->count;) {
		size_t end = i;
		double ties;

		while (end < r->count && all[end].value == all[i].value)
			end++;
		ties = (double)(end - i);
		r->ties += ties * ties * ties - ties;
		for (size_t k = i; k < end; k++) {
			/* The mean of the ranks i + 1 to end, twice. */
			r->doubled[k] = (unsigned long)(i + 1 + end);
			r->seen += all[k].side == side_is_smaller ? r->doubled[k] : 0;
		}
		i = end;
	}
}

static unsigned long distance(const struct ranks *r, unsigned long sum)
{
	unsigned long mean = (unsigned long)(r->fewer * (r->count + 1));

	return sum > mean ? sum - mean : mean - sum;
}

/*
 * ways[k * sums + s]: how many choices of k ranks add up to s. At most C(50, 25), which a double
 * holds exactly.
 */
static double deal_all(const struct ranks *r)
{
	size_t sums = r->count * (r->count + 1) + 1;
	double *ways = calloc((r->fewer + 1) * sums, sizeof(*ways));
	double extreme = 0.0;
	double all = 0.0;

	if (!ways)
		return NAN;
	ways[0] = 1.0;
	for (size_t i = 0; i < r->count; i++) {
		size_t most = i < r->fewer ? i + 1 : r->fewer;

		for (size_t k = most; k > 0; k--) {
			double *with = ways + k * sums;

			for (size_t s = r->doubled[i]; s < sums; s++)
				with[s] += ways[(k - 1) * sums + s - r->doubled[i]];
		}
	}
	for (size_t s = 0; s < sums; s++) {
		double here = ways[r->fewer * sums + s];

		all += here;
		extreme += distance(r, s) >= distance(r, r->seen) ? here : 0.0;
	}
	free(ways);
	return extreme / all;
}

/* The deal that was seen counts as one of those tried: p is never 0 and never too small. */
static double deal_some(struct ranks *r, uint64_t seed)
{
	uint64_t extreme = 1;

	for (uint64_t deal = 1; deal < STATISTICS_FLIPS; deal++) {
		unsigned long sum = 0;

		for (size_t i = 0; i < r->fewer; i++) {
			size_t j = i + statistics_random_below(&seed, r->count - i);
			unsigned long kept = r->doubled[j];

			r->doubled[j] = r->doubled[i];
			r->doubled[i] = kept;
			sum += kept;
		}
		extreme += distance(r, sum) >= distance(r, r->seen);
	}
	return (double)extreme / (double)STATISTICS_FLIPS;
}

static double by_normal(const struct ranks *r)
{
	double n = (double)r->fewer;
	double m = (double)(r->count - r->fewer);
	double all = n + m;
	/* Of the doubled sum; 1 is its continuity correction. */
	double variance = n * m / 3.0 * (all + 1.0 - r->ties / (all * (all - 1.0)));
	double far = fmax(0.0, (double)distance(r, r->seen) - 1.0);

	return variance > 0.0 ? erfc(far / sqrt(variance) / M_SQRT2) : 1.0;
}

int statistics_rank_test(const double *side, size_t side_count, const double *baseline,
			 size_t baseline_count, uint64_t seed, double *p)
{
	struct ranks r = {.count = side_count + baseline_count};
	struct placed *all;

	*p = 1.0;
	if (side_count == 0 || baseline_count == 0)
		return 0;
	r.fewer = side_count < baseline_count ? side_count : baseline_count;
	r.doubled = calloc(r.count, sizeof(*r.doubled));
	all = calloc(r.count, sizeof(*all));
	*p = NAN;
	if (all && r.doubled) {
		merge(side, side_count, baseline, baseline_count, all);
		rank_all(&r, all, r.fewer == side_count);
		switch (statistics_rank_method(side_count, baseline_count)) {
		case STATISTICS_EXACT:
			*p = deal_all(&r);
			break;
		case STATISTICS_SAMPLED:
			*p = deal_some(&r, seed);
			break;
		case STATISTICS_NORMAL:
			*p = by_normal(&r);
			break;
		}
	}
	free(all);
	free(r.doubled);
	return isnan(*p) ? -ENOMEM : 0;
}
