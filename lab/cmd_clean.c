/* iolab clean: what runs that were killed left behind, ended. */
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/cmd.h"
#include "lab/link_leftovers.h"
#include "lab/options.h"

/*
 * Whether this user may look at every process (CAP_SYS_PTRACE) and into every network namespace
 * (CAP_SYS_ADMIN): root without them may not.
 */
static bool may_see_all(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{.effective = 0}};
	const unsigned needed = 1U << CAP_SYS_PTRACE | 1U << CAP_SYS_ADMIN;

	return syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & needed) == needed;
}

enum status cmd_clean(int argc, char **argv)
{
	static const struct option_set set = {
		.usage = "clean",
		.about = "Ends the processes that a killed run left at the ends of its link, and\n"
			 "with them the link. What belongs to a run that is alive is let be.",
	};
	struct link_leftovers found;
	char why[512];

	if (options_parse(&set, NULL, argc, argv))
		status_exit(STATUS_USAGE, "clean takes no operand; '%s' is one", argv[1]);
	if (link_clean(&found, stdout, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	/* A sandbox may hide its own first process even from root: that is no failure, but said. */
	if (found.hidden && !may_see_all())
		status_exit(
			STATUS_UNABLE,
			"%u processes may not be looked at, nor what links left in their "
			"network namespaces; run as root, with CAP_SYS_ADMIN and CAP_SYS_PTRACE",
			found.hidden);
	if (found.stayed)
		status_exit(STATUS_FAILED, "%u processes could not be ended", found.stayed);
	if (!found.ended)
		puts(found.owned ? "otherwise nothing left" : "nothing left");
	if (found.hidden)
		printf("%u processes may not be looked at, even by root: not judged\n",
		       found.hidden);
	return fflush(stdout) ? STATUS_FAILED : STATUS_DONE;
}
