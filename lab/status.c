/* The one way in which an executable says what went wrong: a single line on stderr. */
#include "lab/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void say(const char *format, va_list arguments)
{
	flockfile(stderr);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	funlockfile(stderr);
}

void status_warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

void status_exit(enum status status, const char *format, ...)
{
	static atomic_flag ending = ATOMIC_FLAG_INIT;
	va_list arguments;

	/* Several workers may fail at once; exit() is for one of them, and so is the line. */
	while (atomic_flag_test_and_set(&ending))
		pause();
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	exit(status);
}
