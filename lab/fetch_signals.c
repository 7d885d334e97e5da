/* See fetch_signals.h. Handlers do what is safe in one: flags, kill() and write(). */
#include "lab/fetch_signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab/status.h"

/* Signal handlers take no argument: what they touch is here. */
static struct fetch_signalled to_tell;
static volatile sig_atomic_t was_interrupted;
static timer_t ticks;
static bool ticking;

static void repeat_alarm(void)
{
	const struct itimerval every = {.it_value = {.tv_usec = 10000},
					.it_interval = {.tv_usec = 10000}};

	setitimer(ITIMER_REAL, &every, NULL);
}

/* Makes the other workers' calls return. */
static void kick_others(void)
{
	for (unsigned i = 0; i < to_tell.count; i++) {
		if (i == to_tell.self)
			continue;
		if (to_tell.threads)
			pthread_kill(to_tell.threads[i], SIGUSR1);
		else if (to_tell.processes && to_tell.processes[i] > 0)
			kill(to_tell.processes[i], SIGUSR1);
	}
}

static void on_end(int signal, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	/* Only the run's own timer ends its time: somebody else's SIGALRM means nothing here. */
	if (signal == SIGALRM && info->si_code != SI_KERNEL)
		return;
	/* Again and again, until all have ended: a call may begin just after the flag was read. */
	if (signal != SIGALRM) {
		was_interrupted = 1;
		repeat_alarm();
	}
	if (to_tell.count)
		atomic_store(&to_tell.benches[0].shared->stop, true);
	kick_others();
	errno = saved;
}

static void on_tick(int signal)
{
	int saved = errno;

	(void)signal;
	for (unsigned i = 0; i < to_tell.count; i++)
		if (to_tell.threads || i == to_tell.self)
			atomic_store(&to_tell.benches[i].worker.tick, true);
	if (to_tell.threads)
		kick_others();
	errno = saved;
}

static void on_kick(int signal)
{
	(void)signal; /* only there to make a blocked call return EINTR */
}

struct line {
	char text[256];
	size_t length;
};

static void add_text(struct line *line, const char *text)
{
	while (*text && line->length < sizeof(line->text))
		line->text[line->length++] = *text++;
}

static void add_number(struct line *line, unsigned number)
{
	char digits[12];
	size_t at = sizeof(digits) - 1;

	digits[at] = 0;
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	add_text(line, digits + at);
}

/* Not by printf(), which a handler may not call. */
_Noreturn static void end_by_killed(unsigned worker, int how)
{
	struct line line = {.length = 0};

	add_text(&line, program_invocation_short_name);
	add_text(&line, ": worker ");
	add_number(&line, worker);
	add_text(&line, ", process ");
	add_number(&line, (unsigned)to_tell.processes[worker]);
	add_text(&line, ", was killed by signal ");
	add_number(&line, (unsigned)how);
	add_text(&line, "\n");
	/* There is nobody else to tell if this cannot be told. */
	(void)!write(STDERR_FILENO, line.text, line.length);
	_exit(STATUS_FAILED);
}

/* A worker that died would be waited for in vain. Its own line, if it had one, is written. */
static void on_child(int signal)
{
	int saved = errno;

	(void)signal;
	for (unsigned i = 1; i < to_tell.count; i++) {
		int status;

		if (waitpid(to_tell.processes[i], &status, WNOHANG) <= 0)
			continue;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		if (WIFSIGNALED(status))
			end_by_killed(i, WTERMSIG(status));
		_exit(WEXITSTATUS(status));
	}
	errno = saved;
}

static void all_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGALRM);
	sigaddset(set, SIGUSR2);
	sigaddset(set, SIGCHLD);
}

void fetch_signals_block(void)
{
	const struct sigaction kick = {.sa_handler = on_kick};
	sigset_t set;

	all_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* A worker may be kicked as soon as there is another one. */
	sigaction(SIGUSR1, &kick, NULL);
}

static void start_ticks(uint64_t tick_ns)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	const struct timespec period = {.tv_sec = (time_t)(tick_ns / 1000000000),
					.tv_nsec = (long)(tick_ns % 1000000000)};
	const struct itimerspec every = {.it_value = period, .it_interval = period};

	if (timer_create(CLOCK_MONOTONIC, &event, &ticks) || timer_settime(ticks, 0, &every, NULL))
		status_exit(STATUS_UNABLE, "cannot make a timer for time limits: %m");
	ticking = true;
}

void fetch_signals_catch(const struct fetch_signalled *signalled, bool is_main, uint64_t tick_ns)
{
	const struct sigaction end = {.sa_sigaction = on_end, .sa_flags = SA_SIGINFO};
	const struct sigaction tick = {.sa_handler = on_tick};
	const struct sigaction child = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	to_tell = *signalled;
	sigaction(SIGINT, is_main ? &end : &ignore, NULL);
	sigaction(SIGTERM, is_main ? &end : &ignore, NULL);
	sigaction(SIGALRM, &end, NULL);
	sigaction(SIGUSR2, &tick, NULL);
	if (is_main && signalled->processes)
		sigaction(SIGCHLD, &child, NULL);
	if (tick_ns)
		start_ticks(tick_ns);
	all_signals(&set);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void fetch_signals_release(void)
{
	const struct itimerval never = {.it_value = {.tv_sec = 0}};
	const struct sigaction usual = {.sa_handler = SIG_DFL};

	setitimer(ITIMER_REAL, &never, NULL);
	if (ticking)
		timer_delete(ticks);
	ticking = false;
	sigaction(SIGCHLD, &usual, NULL);
	/* One that comes late finds nobody to tell, and no memory that was freed. */
	to_tell.count = 0;
}

bool fetch_signals_interrupted(void)
{
	return was_interrupted;
}
