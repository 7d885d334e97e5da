/* Cutting sums into pieces, adding one up, checking them all: see sumsq_jobs.h. */
#include "lab/sumsq_jobs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Squares between two looks at `stop`: a millisecond for the fastest core, 30 for the slowest. */
#define SLICE (UINT64_C(1) << 26)

static size_t pieces_of(uint64_t n, uint64_t grain)
{
	return grain && n > grain ? (size_t)((n - 1) / grain + 1) : 1;
}

static void cut(struct sumsq_jobs *jobs, uint64_t grain)
{
	struct sumsq_piece *piece = jobs->common->pieces;

	for (size_t job = 0; job < jobs->count; job++) {
		uint64_t n = jobs->operands[job];
		size_t pieces = pieces_of(n, grain);

		for (size_t i = 0; i < pieces; i++)
			*piece++ = (struct sumsq_piece){
				.first = i * grain,
				.last = i + 1 < pieces ? (i + 1) * grain : n,
				.job = job,
			};
	}
}

/* What is right, by the closed form; true when the total does not fit. */
static bool solve(struct sumsq_jobs *jobs)
{
	sumsq_total total = 0;

	for (size_t job = 0; job < jobs->count; job++) {
		jobs->right[job] = sumsq_closed_form(0, jobs->operands[job]);
		if (__builtin_add_overflow(total, jobs->right[job], &total))
			return true;
	}
	return false;
}

int sumsq_jobs_make(struct sumsq_jobs *jobs, const uint64_t *operands, size_t count, uint64_t grain,
		    sumsq_function *core, char *why, size_t why_size)
{
	size_t pieces = 0;

	if (!count) {
		snprintf(why, why_size, "no jobs");
		return -EINVAL;
	}
	for (size_t job = 0; job < count; job++)
		pieces += pieces_of(operands[job], grain);
	*jobs = (struct sumsq_jobs){
		.operands = operands,
		.count = count,
		.piece_count = pieces,
		.common_size = sizeof(struct sumsq_common) + pieces * sizeof(struct sumsq_piece),
	};
	jobs->common = pool_memory(jobs->common_size);
	jobs->results = aligned_alloc(16, pieces * sizeof(*jobs->results));
	jobs->sums = calloc(count, sizeof(*jobs->sums));
	jobs->right = calloc(count, sizeof(*jobs->right));
	if (!jobs->common || !jobs->results || !jobs->sums || !jobs->right) {
		sumsq_jobs_release(jobs);
		snprintf(why, why_size, "no memory for %zu pieces", pieces);
		return -ENOMEM;
	}
	jobs->common->core = core;
	pthread_mutex_init(&jobs->common->lock, NULL);
	cut(jobs, grain);
	if (!solve(jobs))
		return 0;
	sumsq_jobs_release(jobs);
	snprintf(why, why_size,
		 "the total of these %zu jobs is 2^128 or more: fewer or smaller ones have an "
		 "exact total",
		 count);
	return -EOVERFLOW;
}

void sumsq_jobs_release(struct sumsq_jobs *jobs)
{
	if (jobs->common)
		pthread_mutex_destroy(&jobs->common->lock);
	pool_memory_free(jobs->common, jobs->common_size);
	free(jobs->results);
	free(jobs->checked);
	free(jobs->sums);
	free(jobs->right);
	*jobs = (struct sumsq_jobs){0};
}

int sumsq_jobs_keep(struct sumsq_jobs *jobs, char *why, size_t why_size)
{
	jobs->checked = aligned_alloc(16, jobs->piece_count * sizeof(*jobs->checked));
	if (!jobs->checked) {
		snprintf(why, why_size, "no memory for who did each of %zu pieces",
			 jobs->piece_count);
		return -ENOMEM;
	}
	jobs->common->wants_process = true;
	return 0;
}

static void add_up(const void *context, const void *item, void *out)
{
	/* The pool's contexts are const; the lock is what there is to change in this one. */
	struct sumsq_common *common = (struct sumsq_common *)(uintptr_t)context;
	const struct sumsq_piece *piece = item;
	struct sumsq_result *result = out;
	uint64_t first = piece->first;
	sumsq_total sum = 0;

	if (common->has_lock)
		pthread_mutex_lock(&common->lock);
	while (first < piece->last && !atomic_load_explicit(&common->stop, memory_order_relaxed)) {
		uint64_t last = piece->last - first < SLICE ? piece->last : first + SLICE;

		sum += common->core(first, last);
		first = last;
	}
	if (common->has_lock)
		pthread_mutex_unlock(&common->lock);
	*result = (struct sumsq_result){
		.sum = sum,
		.squares = first - piece->first,
		.process = common->wants_process ? gettid() : 0,
	};
}

struct pool_job sumsq_jobs_map(struct sumsq_jobs *jobs)
{
	return (struct pool_job){
		.function = add_up,
		.context = jobs->common,
		.items = jobs->common->pieces,
		.item_size = sizeof(struct sumsq_piece),
		.count = jobs->piece_count,
		.results = jobs->results,
	};
}

struct pool_job sumsq_jobs_empty(struct sumsq_jobs *jobs, struct sumsq_result *results,
				 size_t count)
{
	return (struct pool_job){
		.function = add_up,
		.context = jobs->common,
		.items = &jobs->common->empty, /* all of them: no bytes from one to the next */
		.item_size = 0,
		.count = count,
		.results = results,
	};
}

int sumsq_jobs_check(struct sumsq_jobs *jobs, char *why, size_t why_size)
{
	for (size_t job = 0; job < jobs->count; job++)
		jobs->sums[job] = 0;
	for (size_t i = 0; i < jobs->piece_count; i++)
		jobs->sums[jobs->common->pieces[i].job] += jobs->results[i].sum;
	for (size_t job = 0; job < jobs->count; job++) {
		char texts[2][SUMSQ_TEXT];

		if (jobs->sums[job] == jobs->right[job])
			continue;
		snprintf(why, why_size,
			 "the sum of squares below %" PRIu64 " came out as %s; it is %s",
			 jobs->operands[job], sumsq_format(jobs->sums[job], texts[0]),
			 sumsq_format(jobs->right[job], texts[1]));
		return -EBADMSG;
	}
	if (jobs->checked) {
		struct sumsq_result *checked = jobs->results;

		jobs->results = jobs->checked;
		jobs->checked = checked;
	}
	return 0;
}

uint64_t sumsq_jobs_squares(const struct sumsq_jobs *jobs)
{
	uint64_t squares = 0;

	for (size_t job = 0; job < jobs->count; job++)
		squares += jobs->operands[job];
	return squares;
}

uint64_t sumsq_jobs_squares_done(const struct sumsq_jobs *jobs)
{
	uint64_t squares = 0;

	for (size_t i = 0; i < jobs->piece_count; i++)
		squares += jobs->results[i].squares;
	return squares;
}

sumsq_total sumsq_jobs_total(const struct sumsq_jobs *jobs)
{
	sumsq_total total = 0;

	for (size_t job = 0; job < jobs->count; job++)
		total += jobs->sums[job];
	return total;
}
