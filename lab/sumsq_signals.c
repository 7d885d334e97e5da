/* See sumsq_signals.h. The handler does what is safe in one: words, the clock, write(). */
#include "lab/sumsq_signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "lab/sumsq_options.h"

/*
 * What comes sooner after the first is taken for the same one: timeout(1) signals the program and
 * then its group, which the program is in too. Work ends within a tenth of that.
 */
#define AGAIN_NS UINT64_C(300000000)

/* Handlers take no argument: what they touch is here. */
static _Atomic bool *to_stop;
static _Atomic bool was_interrupted;
static _Atomic uint64_t first_ns;

/* Ends the program by that signal; its workers die with it. */
static void end_now(int number)
{
	static const char text[] = ": interrupted again: ended without a record\n";

	signal(number, SIG_DFL);
	raise(number); /* delivered when the handler returns */
	if (write(STDERR_FILENO, program_invocation_short_name,
		  strlen(program_invocation_short_name)) > 0 &&
	    write(STDERR_FILENO, text, sizeof(text) - 1) > 0)
		return;
}

static void on_interrupt(int number)
{
	uint64_t now = sumsq_now_ns(), before = 0;
	int saved = errno;

	if (atomic_compare_exchange_strong(&first_ns, &before, now)) {
		atomic_store(&was_interrupted, true);
		atomic_store(to_stop, true);
	} else if (now - before >= AGAIN_NS) {
		end_now(number);
	}
	errno = saved;
}

void sumsq_signals_catch(_Atomic bool *stop)
{
	struct sigaction action = {.sa_handler = on_interrupt};

	to_stop = stop;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool sumsq_signals_interrupted(void)
{
	return atomic_load(&was_interrupted);
}
