/*
 * In place of async_xdp.c and what it stands on, in every executable but fetch-xdp: they know the
 * model's name and options, and need neither lwIP nor libxdp.
 */
#include <errno.h>
#include <stdio.h>

#include "kernels/fetch/xdp_options.h"

static int absent(char *why, size_t why_size)
{
	snprintf(why, why_size, "only fetch-xdp has this model");
	return -ENOSYS;
}

int xdp_reach(const struct reach *reach, char *why, size_t why_size)
{
	(void)reach;
	return absent(why, why_size);
}

int xdp_prepare(struct worker *worker, char *why, size_t why_size)
{
	(void)worker;
	return absent(why, why_size);
}

int xdp_run(struct worker *worker)
{
	(void)worker;
	return -ENOSYS;
}

void xdp_release(struct worker *worker)
{
	(void)worker;
}

const char *xdp_variant(const struct worker *worker)
{
	(void)worker;
	return "";
}
