/* iolab clean: what runs that were killed left behind, ended. */
#include <stdio.h>
#include <unistd.h>

#include "lab/cmd.h"
#include "lab/link_leftovers.h"
#include "lab/options.h"

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
	/* A sandbox may hide its own first process even from root; a link is never in that. */
	if (found.hidden && geteuid() != 0)
		status_exit(STATUS_UNABLE,
			    "%u processes of others may not be looked at; run as root to see all",
			    found.hidden);
	if (found.stayed)
		status_exit(STATUS_FAILED, "%u processes could not be ended", found.stayed);
	if (!found.ended)
		puts(found.owned ? "otherwise nothing left" : "nothing left");
	return fflush(stdout) ? STATUS_FAILED : STATUS_DONE;
}
