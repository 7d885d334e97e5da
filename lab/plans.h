/* The plans shipped with the lab, embedded by the build from lab/plans/. */
#ifndef LAB_PLANS_H
#define LAB_PLANS_H

struct plan_text {
	const char *name; /* "matrix"; NULL ends the table */
	const char *text; /* the file, whole */
};

extern const struct plan_text plan_texts[];

#endif
