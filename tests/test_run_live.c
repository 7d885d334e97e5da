/*
 * What a terminal sees while a plan runs: how far it is, what the cells show so far, how far equal
 * ones lie apart; and what a file gets instead: none of that.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/resuming.h"

static const char plan[] = "[experiment]\nblocks = 3\nseed = 2\n"
			   "[nap n]\nmodel = blocking, epoll\ntick = 2ms\nbaseline = blocking\n";

/* Everything that the run writes to a terminal of that width, as one text; to be freed. */
static char *on_terminal(unsigned short columns)
{
	const struct winsize size = {.ws_row = 24, .ws_col = columns};
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);
	char *text = calloc(1, 1 << 20);
	size_t used = 0;
	ssize_t got;
	int status;
	pid_t pid;

	assert_true(terminal >= 0 && text);
	assert_int_equal(grantpt(terminal) || unlockpt(terminal), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
		int null = open("/dev/null", O_WRONLY);

		ioctl(side, TIOCSWINSZ, &size);
		dup2(null, STDOUT_FILENO);
		dup2(side, STDERR_FILENO);
		close(terminal);
		execl(child_program("iolab"), "iolab", "run", "--results", resuming_fresh_results(),
		      resuming_plan(), NULL);
		_exit(127);
	}
	/* The terminal's end is an error, of the last one that had it open. */
	while ((got = read(terminal, text + used, (1 << 20) - 1 - used)) > 0)
		used += (size_t)got;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(terminal);
	return text;
}

static void on_a_terminal(void **state)
{
	char *text = on_terminal(200);

	(void)state;
	assert_non_null(strstr(text, "  0 %  block 1 of 3  "));
	assert_non_null(strstr(text, "block 3 of 3  "));
	assert_non_null(strstr(text, " s left"));
	/* Of a cell that has ended, and from the second block on the noise. */
	assert_non_null(strstr(text, "n/epoll "));
	assert_non_null(strstr(text, " ms  > n/"));
	assert_non_null(strstr(text, "  A/A "));
	assert_true(strstr(text, "  A/A ") > strstr(text, "block 2 of 3"));
	/* What was shown last is taken away. */
	assert_non_null(strstr(text, "\r\033[K"));
	free(text);
}

/* A line that wrapped could not be taken back. */
static void on_a_narrow_terminal(void **state)
{
	char *text = on_terminal(40);
	char *rest = text;

	(void)state;
	for (char *line; (line = strsep(&rest, "\r"));)
		if (strncmp(line, "\033[K", 3) == 0)
			assert_true(strlen(line) - 3 < 40);
	free(text);
}

static void into_a_file(void **state)
{
	struct child child;

	(void)state;
	resuming_begin(&child);
	assert_int_equal(child_wait(&child, CHILD_LIMIT_MS), 0);
	assert_null(strstr(child.err.text, "left"));
	assert_null(strchr(child.err.text, '\r'));
	assert_null(strchr(child.err.text, '\033'));
	/* But at its end every run tells what it cost beside its cells. */
	assert_non_null(strstr(child.out.text, "iolab itself: "));
	assert_non_null(
		strstr(child.out.text, " % above the warm-ups and durations of its cells."));
	child_free(&child);
}

static int start(void **state)
{
	if (resuming_start(state))
		return -1;
	resuming_write_plan(plan);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_a_terminal),
		cmocka_unit_test(on_a_narrow_terminal),
		cmocka_unit_test(into_a_file),
	};

	return cmocka_run_group_tests(tests, start, resuming_stop);
}
