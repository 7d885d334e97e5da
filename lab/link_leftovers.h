/*
 * What a link may leave behind: a run that was killed takes its own children along, but not what
 * those had started. Such a process is told by its network namespace, whose loopback has the alias
 * "in iolab END OWNER"; the owner is the process that made the link, by number, the time it was
 * started at and the process namespace that it was in, so that a run that is alive is let be.
 */
#ifndef LAB_LINK_LEFTOVERS_H
#define LAB_LINK_LEFTOVERS_H

#include <stdio.h>
#include <sys/types.h>

#define LINK_MARK	"in iolab "
#define LINK_OWNER_SIZE 80

/* This process as an owner. */
void link_owner(char owner[static LINK_OWNER_SIZE]);

/*
 * Ends all processes of a network namespace but this one: SIGTERM, and SIGKILL two seconds later.
 * said NULL, or a line for each goes there. Returns how many there were.
 */
unsigned link_end_inside(ino_t netns, FILE *said);

struct link_leftovers {
	unsigned ended;	 /* processes */
	unsigned stayed; /* processes that even SIGKILL did not end within two seconds */
	unsigned owned;	 /* namespaces whose owner is alive, or cannot be told from here */
	unsigned hidden; /* processes whose namespace this user may not find out or enter */
};

/*
 * Finds all namespaces that a link left behind and ends what is in them, with lines about it to
 * `said`. Returns 0, or -errno with one line in why. What may not be looked at is counted only.
 */
int link_clean(struct link_leftovers *found, FILE *said, char *why, size_t why_size);

#endif
