/*
 * Feeds bytes to the plan reader as a plan's text. A text that is taken has cells and a flat form
 * that is taken again as the same plan; one that is refused says why in one line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lab/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char why[512] = "";
	struct plan plan, again;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (plan_read_text("fuzz.ini", text, 64, &plan, why, sizeof(why)) == 0) {
		if (plan.cell_count == 0 || plan_expected_s(&plan) < 0 ||
		    plan_read_text("flat.ini", plan.text.flat, 64, &again, why, sizeof(why)) ||
		    again.cell_count != plan.cell_count)
			abort();
		plan_release(&again);
	} else if (why[0] == '\0' || strchr(why, '\n')) {
		abort();
	}
	plan_release(&plan);
	free(text);
	return 0;
}
