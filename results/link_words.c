/* Links in words: see link_words.h. */
#include "results/link_words.h"

#include <stdio.h>
#include <string.h>

#include "results/table.h"

const char *link_words(const char *kind, double latency_s, const char *by, char *text, size_t size)
{
	char number[TABLE_TEXT_SIZE];
	size_t used;

	text[0] = '\0';
	if (strcmp(kind, "veth") != 0) {
		if (strcmp(kind, "none") == 0)
			snprintf(text, size, "none of the lab's: fetches went to the plan's URLs");
		return text;
	}
	used = (size_t)snprintf(text, size,
				"veth, a pair of virtual interfaces between two network namespaces "
				"of this host; ");
	if (used >= size)
		return text;
	if (latency_s > 0)
		snprintf(text + used, size - used, "each round trip %s longer%s%s",
			 table_number(latency_s, "s", number), *by ? ", by " : "", by);
	else
		snprintf(text + used, size - used, "no latency added");
	return text;
}
