/* Progress with the time left, which follows the pace so far. */
#include "lab/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lab/usage.h"

void progress_start(struct progress *p, uint64_t blocks, double expected_s)
{
	p->shown = isatty(STDERR_FILENO);
	p->blocks = blocks;
	p->expected_s = expected_s;
	p->done_s = p->skipped_s = 0;
	p->budget_s = p->spent_s = 0;
	p->widest = p->noise = 0;
	p->estimate[0] = '\0';
	p->from_ns = usage_now_ns();
}

static int width_of_terminal(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

double progress_left_s(const struct progress *p, double passed_s)
{
	double worked_s = p->done_s - p->skipped_s;
	/* Until there is a pace to go by, the plan's own estimate. */
	double pace = worked_s > 3 ? passed_s / worked_s : 1;
	double left_s = fmax(0, (p->expected_s - p->done_s) * pace);

	if (p->budget_s > 0)
		left_s = fmin(left_s, fmax(0, p->budget_s - p->spent_s - passed_s));
	return left_s;
}

double progress_share(const struct progress *p, double passed_s)
{
	double share = p->done_s / p->expected_s;

	if (p->budget_s > 0)
		share = fmax(share, (p->spent_s + passed_s) / p->budget_s);
	return fmin(1, share);
}

void progress_show(const struct progress *p, uint64_t block, const char *cell)
{
	double passed_s = (double)(usage_now_ns() - p->from_ns) / 1e9;
	char known[32] = "", noise[32] = "", of[32] = "";
	char line[512];

	if (!p->shown)
		return;
	if (p->widest > 0)
		snprintf(known, sizeof(known), "  +-%.2g %%", 100 * p->widest);
	if (p->noise > 0)
		snprintf(noise, sizeof(noise), "  A/A %.2g %%", 100 * p->noise);
	if (p->blocks > 0)
		snprintf(of, sizeof(of), " of %" PRIu64, p->blocks);
	/* Cut at the terminal's width: a line that wraps cannot be taken back. */
	snprintf(line, sizeof(line), "%3.0f %%  block %" PRIu64 "%s  %.0f s left%s%s  %s%s> %s",
		 100 * progress_share(p, passed_s), block, of, progress_left_s(p, passed_s), known,
		 noise, p->estimate, *p->estimate ? "  " : "", cell);
	fprintf(stderr, "\r\033[K%.*s", width_of_terminal() - 1, line);
}

void progress_done(struct progress *p, double expected_s)
{
	p->done_s += expected_s;
}

void progress_skip(struct progress *p, double expected_s)
{
	p->done_s += expected_s;
	p->skipped_s += expected_s;
}

void progress_clear(const struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
}
