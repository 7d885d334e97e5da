/* The table of variants, the rules for combining them, and the model's row. */
#include "kernels/fetch/xdp_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const struct model_option rows[] = {
	{"native", VALUE_NONE, false, "the program runs in the card's driver"},
	{"generic", VALUE_NONE, false, "the program runs in the kernel's network code"},
	{"copy", VALUE_NONE, false, "the kernel copies frames"},
	{"zerocopy", VALUE_NONE, false, "the card has the program's memory itself"},
	{"busy-poll", VALUE_DURATION, true, "a call looks into the card's queue for so long"},
	{"drop", VALUE_NUMBER, true, "lose so many of 1000 frames that arrive, on purpose"},
	{"seed", VALUE_NUMBER, true, "of which frames are lost (default 1)"},
	{"queue", VALUE_NUMBER, true, "of the first worker, by itself; those behind it follow"},
	{NULL, VALUE_NONE, false, NULL},
};

static int refuse(char *why, size_t why_size, const char *text)
{
	snprintf(why, why_size, "%s", text);
	return -EINVAL;
}

static uint64_t value_of(const struct model_choices *choices, const char *name, uint64_t absent)
{
	const struct model_choice *choice = model_choice(choices, name);

	return choice ? choice->value : absent;
}

static int check(const struct model_choices *choices, enum wait_mode wait, char *why,
		 size_t why_size)
{
	uint64_t poll_ns = value_of(choices, "busy-poll", 1000);

	(void)wait;
	if (model_choice(choices, "native") && model_choice(choices, "generic"))
		return refuse(why, why_size, "native and generic exclude each other");
	if (model_choice(choices, "copy") && model_choice(choices, "zerocopy"))
		return refuse(why, why_size, "copy and zerocopy exclude each other");
	if (model_choice(choices, "generic") && model_choice(choices, "zerocopy"))
		return refuse(why, why_size,
			      "generic and zerocopy do not go together: only a "
			      "driver can do without copies");
	if (poll_ns < 1000 || poll_ns / 1000 > INT32_MAX)
		return refuse(why, why_size, "busy-poll counts whole microseconds, from 1us");
	if (value_of(choices, "drop", 1) < 1 || value_of(choices, "drop", 1) > 1000)
		return refuse(why, why_size, "drop is a number from 1 to 1000, of 1000 frames");
	if (value_of(choices, "queue", 0) > UINT16_MAX)
		return refuse(why, why_size, "queue is the number of a queue, from 0");
	if (model_choice(choices, "seed") && !model_choice(choices, "drop"))
		return refuse(why, why_size, "seed goes with drop");
	return 0;
}

void xdp_options_resolve(struct xdp_variants *o, const struct model_choices *choices)
{
	*o = (struct xdp_variants){
		.mode = model_choice(choices, "native")	   ? XDP_MODE_NATIVE
			: model_choice(choices, "generic") ? XDP_MODE_GENERIC
							   : XDP_MODE_BEST,
		.copying = model_choice(choices, "copy")       ? XDP_COPYING_COPY
			   : model_choice(choices, "zerocopy") ? XDP_COPYING_NONE
							       : XDP_COPYING_BEST,
		.busy_poll_us = (uint32_t)(value_of(choices, "busy-poll", 0) / 1000),
		.drop_permille = (uint32_t)value_of(choices, "drop", 0),
		.seed = value_of(choices, "seed", 1),
	};
}

void xdp_options_text(const struct xdp_variants *o, enum xdp_mode mode, const char *copying,
		      const char *queues, bool polls, char text[XDP_TEXT_SIZE])
{
	char polling[48] = "", dropping[48] = "";

	if (o->busy_poll_us)
		snprintf(polling, sizeof(polling), ",busy-poll:%" PRIu32 "us%s", o->busy_poll_us,
			 polls ? "" : "(not effective)");
	if (o->drop_permille)
		snprintf(dropping, sizeof(dropping), ",drop:%" PRIu32 ",seed:%" PRIu64,
			 o->drop_permille, o->seed);
	snprintf(text, XDP_TEXT_SIZE, "%s,%s%s%s%s", mode == XDP_MODE_NATIVE ? "native" : "generic",
		 copying, queues, polling, dropping);
}

const struct model model_xdp = {
	.name = "xdp",
	.notification = NOTIFY_ASYNC,
	.waits = {[WAIT_BLOCK] = true, [WAIT_SPIN] = true},
	.about = "AF_XDP and lwIP: frames from the interface's queue, TCP in the program itself",
	.processes_only = "lwIP keeps its state in globals",
	.tick_ns = XDP_TICK_NS,
	.window = UINT16_MAX, /* TCP_WND of the distributions' builds */
	.options = rows,
	.check = check,
	.reach = xdp_reach,
	.prepare = xdp_prepare,
	.run = xdp_run,
	.release = xdp_release,
	.variant = xdp_variant,
};
