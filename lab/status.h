/* Exit statuses, the same for every executable. Scripts depend on them: never renumber. */
#ifndef LAB_STATUS_H
#define LAB_STATUS_H

enum status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,	 /* a fetch failed, a sum was wrong */
	STATUS_USAGE = 2,	 /* the command line is wrong, or a plan or run that it names */
	STATUS_UNABLE = 3,	 /* this host cannot do that; the reason was printed */
	STATUS_UNTRUSTED = 4,	 /* done, but the figures cannot be trusted */
	STATUS_REGRESSION = 5,	 /* compare found one */
	STATUS_INTERRUPTED = 130 /* what was measured so far was written, marked partial */
};

/*
 * Ends the program: one line "PROGRAM: text" on stderr, then exit(status). Only mains and what
 * they alone call may use it; library code returns -errno and a reason.
 */
void status_exit(enum status status, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* One line "PROGRAM: text" on stderr, and the program goes on. */
void status_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
