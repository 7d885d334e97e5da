/*
 * CPU lists. hwloc's own reader takes "3-" and skips what it does not understand; a misread CPU
 * is a wrong figure, so this one takes the whole text or refuses it.
 */
#include "topology/cpulist.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_number(const char **text, unsigned *number)
{
	const char *p = *text;
	unsigned sum = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		sum = sum * 10 + (unsigned)(*p - '0');
		if (sum > CPULIST_HIGHEST)
			return -ERANGE;
	}
	if (p == *text)
		return -EINVAL;
	*text = p;
	*number = sum;
	return 0;
}

/* "N" or "N-M" at *text, which moves behind it. */
static int read_range(const char **text, hwloc_bitmap_t cpus)
{
	unsigned first, last;
	int err = read_number(text, &first);

	if (err)
		return err;
	last = first;
	if (**text == '-') {
		(*text)++;
		err = read_number(text, &last);
		if (err)
			return err;
	}
	if (last < first)
		return -EINVAL;
	return hwloc_bitmap_set_range(cpus, first, (int)last) ? -ENOMEM : 0;
}

int cpulist_parse(const char *text, hwloc_bitmap_t cpus, char *why, size_t why_size)
{
	const char *p = text;
	int err;

	hwloc_bitmap_zero(cpus);
	for (;;) {
		err = read_range(&p, cpus);
		if (err || *p != ',')
			break;
		p++;
	}
	if (!err && *p)
		err = -EINVAL;
	if (err == -EINVAL)
		snprintf(why, why_size, "'%s' is not a list of numbers; give one such as 0,2-3",
			 text);
	else if (err == -ERANGE)
		snprintf(why, why_size,
			 "'%s' has a number above %d; give the numbers that are there", text,
			 CPULIST_HIGHEST);
	else if (err)
		snprintf(why, why_size, "no memory for the list '%s'", text);
	return err;
}

char *cpulist_text(hwloc_const_bitmap_t cpus)
{
	char *text;

	return hwloc_bitmap_list_asprintf(&text, cpus) < 0 ? NULL : text;
}

const char *cpulist_brief(hwloc_const_bitmap_t cpus, char *text, size_t size)
{
	int length = hwloc_bitmap_list_snprintf(text, size, cpus);
	char *comma;

	if (length <= 0)
		snprintf(text, size, "none");
	if (length < 0 || (size_t)length < size || size < 5)
		return text;
	/* A number cut in two would be another CPU's. */
	text[size - 4] = '\0';
	comma = strrchr(text, ',');
	snprintf(comma ? comma + 1 : text, 4, "...");
	return text;
}
