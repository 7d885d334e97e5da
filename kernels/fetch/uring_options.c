/* The table of variants, the rules for combining them, and the text of what is in effect. */
#include "kernels/fetch/uring_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAPI_DEFAULT_US 50

const struct model_option uring_option_rows[] = {
	{"plain", VALUE_NONE, false, "none of these: the ring as the kernel makes it"},
	{"defer", VALUE_NONE, false,
	 "completions are worked off inside the wait (DEFER_TASKRUN); default"},
	{"coop", VALUE_NONE, false, "completions do not interrupt the thread (COOP_TASKRUN)"},
	/* Without a CPU its thread inherits the worker's: pinned, both share that one core. */
	{"sqpoll", VALUE_NUMBER, false,
	 "a kernel thread submits, on CPU V (SQPOLL, SQ_AFF), else on the client's"},
	{"fixed", VALUE_NONE, false, "sockets are in the ring's own table (fixed files); default"},
	{"multishot", VALUE_NONE, false,
	 "one receive stays armed as long as the connection is; default"},
	{"poll-first", VALUE_NONE, false, "a receive first waits: nothing is there yet; default"},
	{"linked", VALUE_NONE, false, "the send starts the receive (IO_LINK)"},
	{"bundle", VALUE_NONE, false, "one completion may span several buffers"},
	{"incremental", VALUE_NONE, false, "arrivals share a buffer until it is full"},
	{"huge-pages", VALUE_NONE, false,
	 "the receive buffers lie in huge pages; default where there are some"},
	{"zerocopy", VALUE_NONE, false, "sends from the program's own pages (SEND_ZC)"},
	{"napi", VALUE_DURATION, false,
	 "waiting polls the interface first, for V at most (default 50us)"},
	{"min-wait", VALUE_DURATION, true, "wait so long for a whole batch, then for one"},
	{"registered-wait", VALUE_NONE, false, "the wait's arguments lie in registered memory"},
	{"direct", VALUE_NONE, false, "the ring opens and closes sockets, without descriptors"},
	{NULL, VALUE_NONE, false, NULL},
};

static bool chosen(const struct model_choices *choices, const char *name)
{
	return model_choice(choices, name) != NULL;
}

static const struct {
	const char *one, *other, *because;
} pairs[] = {
	{"defer", "coop", "each says when completions are worked off; choose one"},
	{"defer", "sqpoll", "the kernel's thread works completions off, not the wait"},
	{"coop", "sqpoll", "the kernel's thread works completions off, not this one"},
	{"linked", "multishot", "a send starts a receive of its own, and that one stays armed"},
};

/* What a thread that never waits has no use for. */
static const char *const of_waits[] = {"min-wait", "registered-wait", "napi"};

static int refuse(char *why, size_t why_size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, why_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int check_time(const struct model_choices *choices, const char *name, char *why,
		      size_t why_size)
{
	const struct model_choice *choice = model_choice(choices, name);

	if (!choice || !choice->has_value)
		return 0;
	if (choice->value < 1000 || choice->value / 1000 > INT32_MAX)
		return refuse(why, why_size, "%s counts whole microseconds, from 1us to 30m", name);
	return 0;
}

int uring_options_check(const struct model_choices *choices, enum wait_mode wait, char *why,
			size_t why_size)
{
	const struct model_choice *sqpoll = model_choice(choices, "sqpoll");

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (chosen(choices, pairs[i].one) && chosen(choices, pairs[i].other))
			return refuse(why, why_size, "%s and %s do not go together: %s",
				      pairs[i].one, pairs[i].other, pairs[i].because);
	for (size_t i = 0; i < sizeof(of_waits) / sizeof(of_waits[0]); i++)
		if (wait == WAIT_SPIN && chosen(choices, of_waits[i]))
			return refuse(why, why_size,
				      "%s goes with --wait=block: a thread that spins "
				      "never waits",
				      of_waits[i]);
	if (chosen(choices, "plain") && choices->count > 1)
		return refuse(why, why_size, "plain is none of the others: leave it out");
	if (sqpoll && sqpoll->has_value && sqpoll->value > INT32_MAX)
		return refuse(why, why_size, "sqpoll:%" PRIu64 " is no CPU", sqpoll->value);
	int err = check_time(choices, "napi", why, why_size);

	return err ? err : check_time(choices, "min-wait", why, why_size);
}

/*
 * What costs least: completions are worked off inside the one call that a blocking thread makes
 * anyway; a spinning one sees in memory when there are any, and calls then.
 */
static void resolve_default(struct uring_options *o)
{
	o->defer = true;
	o->fixed = true;
	o->multishot = true;
	o->poll_first = true;
	o->huge_pages = true;
	o->by_default = true;
}

void uring_options_resolve(struct uring_options *o, const struct model_choices *choices)
{
	const struct model_choice *sqpoll = model_choice(choices, "sqpoll");
	const struct model_choice *napi = model_choice(choices, "napi");
	const struct model_choice *min_wait = model_choice(choices, "min-wait");

	memset(o, 0, sizeof(*o));
	if (!choices || !choices->count) {
		resolve_default(o);
		return;
	}
	o->defer = chosen(choices, "defer");
	o->coop = chosen(choices, "coop");
	o->sqpoll = sqpoll != NULL;
	o->sqpoll_pinned = sqpoll && sqpoll->has_value;
	o->sqpoll_cpu = o->sqpoll_pinned ? (uint32_t)sqpoll->value : 0;
	o->fixed = chosen(choices, "fixed");
	o->direct = chosen(choices, "direct");
	o->multishot = chosen(choices, "multishot");
	o->poll_first = chosen(choices, "poll-first");
	o->linked = chosen(choices, "linked");
	o->bundle = chosen(choices, "bundle");
	o->incremental = chosen(choices, "incremental");
	o->huge_pages = chosen(choices, "huge-pages");
	o->zerocopy = chosen(choices, "zerocopy");
	o->napi = napi != NULL;
	o->napi_us = napi && napi->has_value ? (uint32_t)(napi->value / 1000) : NAPI_DEFAULT_US;
	o->registered_wait = chosen(choices, "registered-wait");
	o->min_wait_us = min_wait ? (uint32_t)(min_wait->value / 1000) : 0;
}

static void add(char text[URING_TEXT_SIZE], const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	if (used && used < URING_TEXT_SIZE - 1)
		text[used++] = ',';
	va_start(arguments, format);
	vsnprintf(text + used, URING_TEXT_SIZE - used, format, arguments);
	va_end(arguments);
}

void uring_options_text(const struct uring_options *o, const struct uring_findings *f,
			char text[URING_TEXT_SIZE])
{
	const struct {
		bool on;
		const char *name;
	} plain[] = {
		{o->fixed, "fixed"},
		{o->multishot, "multishot"},
		{o->poll_first, "poll-first"},
		{o->linked, "linked"},
		{o->bundle, "bundle"},
		{o->incremental, "incremental"},
		{o->huge_pages, "huge-pages"},
		{o->zerocopy, f->zerocopy_copied ? "zerocopy(copied)" : "zerocopy"},
		{o->registered_wait, "registered-wait"},
		{o->direct, "direct"},
	};

	text[0] = 0;
	if (o->defer)
		add(text, "defer");
	if (o->coop)
		add(text, "coop");
	if (o->sqpoll_pinned)
		add(text, "sqpoll:%" PRIu32, o->sqpoll_cpu);
	else if (o->sqpoll)
		add(text, "sqpoll");
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].on)
			add(text, "%s", plain[i].name);
	if (o->napi)
		add(text, "napi:%" PRIu32 "us%s", o->napi_us,
		    f->napi_idle ? "(not effective)" : "");
	if (o->min_wait_us)
		add(text, "min-wait:%" PRIu32 "us", o->min_wait_us);
	if (!text[0])
		add(text, "plain");
}
