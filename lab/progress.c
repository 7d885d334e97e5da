/* Progress with the time left, which follows the pace so far. */
#include "lab/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "lab/usage.h"

void progress_start(struct progress *p, uint64_t blocks, double expected_s)
{
	p->shown = isatty(STDERR_FILENO);
	p->blocks = blocks;
	p->expected_s = expected_s;
	p->done_s = 0;
	p->widest = 0;
	p->from_ns = usage_now_ns();
}

void progress_show(const struct progress *p, uint64_t block, const char *cell)
{
	double passed_s = (double)(usage_now_ns() - p->from_ns) / 1e9;
	/* Until there is a pace to go by, the plan's own estimate. */
	double pace = p->done_s > 3 ? passed_s / p->done_s : 1;
	double left_s = (p->expected_s - p->done_s) * pace;

	double done = p->done_s / p->expected_s;
	char known[32] = "";

	if (!p->shown)
		return;
	if (p->widest > 0)
		snprintf(known, sizeof(known), "  +-%.2g %%", 100 * p->widest);
	fprintf(stderr, "\r\033[K%3.0f %%  block %" PRIu64 " of %" PRIu64 "  %.0f s left%s  %s",
		100 * (done < 1 ? done : 1), block, p->blocks, left_s > 0 ? left_s : 0, known,
		cell);
}

void progress_done(struct progress *p, double expected_s)
{
	p->done_s += expected_s;
}

void progress_clear(const struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
}
