/*
 * The table of cores and the choice among them. A core that was asked for by name and cannot run
 * is an error with its reason, never a quiet switch to another one.
 */
#include "kernels/sumsq/cores.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#ifdef __aarch64__
#include <sys/auxv.h>
#endif

#define CORE(name, function, runs, needs)                                                          \
	static bool name##_runs(void)                                                              \
	{                                                                                          \
		return runs;                                                                       \
	}
#include "kernels/sumsq/cores.def"
#undef CORE

const struct sumsq_core sumsq_cores[] = {
#define CORE(name, function, runs, needs) {#name, function, name##_runs, needs},
#include "kernels/sumsq/cores.def"
#undef CORE
};

const size_t sumsq_cores_count = sizeof(sumsq_cores) / sizeof(sumsq_cores[0]);

int sumsq_core_find(const char *name, const struct sumsq_core **core, char *why, size_t why_size)
{
	bool any = strcmp(name, "auto") == 0;

	for (size_t i = 0; i < sumsq_cores_count; i++) {
		const struct sumsq_core *candidate = &sumsq_cores[i];

		if (!any && strcmp(name, candidate->name) != 0)
			continue;
		if (candidate->runs()) {
			*core = candidate;
			return 0;
		}
		if (!any) {
			snprintf(why, why_size, "the core %s needs %s, which this is not", name,
				 candidate->needs);
			return -ENOTSUP;
		}
	}
	snprintf(why, why_size, "this build has no core named %s", name);
	return -EINVAL;
}

static sumsq_total below(uint64_t n)
{
	/* At SUMSQ_LIMIT the product stays below 2^127. */
	return n ? (sumsq_total)(n - 1) * n * (2 * n - 1) / 6 : 0;
}

sumsq_total sumsq_closed_form(uint64_t first, uint64_t last)
{
	return last > first ? below(last) - below(first) : 0;
}

const char *sumsq_format(sumsq_total total, char text[SUMSQ_TEXT])
{
	char *digit = &text[SUMSQ_TEXT - 1];

	*digit = '\0';
	do {
		*--digit = (char)('0' + (int)(total % 10));
		total /= 10;
	} while (total);
	return digit;
}
