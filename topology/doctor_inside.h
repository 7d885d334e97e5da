/* What the doctor's rules have in common. Private to topology/doctor*. */
#ifndef TOPOLOGY_DOCTOR_INSIDE_H
#define TOPOLOGY_DOCTOR_INSIDE_H

#include <stdbool.h>

#include "topology/doctor.h"

/* One line of the answer: it finds out its facts and says its verdict, or leaves it unknown. */
struct doctor_rule {
	const char *name;
	void (*judge)(const json_t *host, struct doctor_finding *finding);
};

/* By subject, each ended by a row without a name. */
extern const struct doctor_rule doctor_processor_rules[];
extern const struct doctor_rule doctor_quiet_rules[];
extern const struct doctor_rule doctor_memory_rules[];
extern const struct doctor_rule doctor_network_rules[];
extern const struct doctor_rule doctor_link_rules[];
extern const struct doctor_rule doctor_counter_rules[];

/* host[section][key] as text, or NULL. */
const char *doctor_text(const json_t *host, const char *section, const char *key);

/* The same as a number; a text must be one from end to end. False when it is not there. */
bool doctor_number(const json_t *host, const char *section, const char *key, double *number);

/* The verdict, and a line like printf's. */
void doctor_say(struct doctor_finding *finding, enum doctor_verdict verdict, const char *format,
		...) __attribute__((format(printf, 3, 4)));

/* And what mends it. */
void doctor_mend(struct doctor_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Good up to `good`, bad above `warn`, else in between. */
enum doctor_verdict doctor_grade(double value, double good, double warn);

/* Findings of io_uring: the ring, then a line a feature. Appends to the report. */
void doctor_judge_uring(const json_t *host, struct doctor_report *report);

/* The next finding, unknown as yet. */
struct doctor_finding *doctor_next(struct doctor_report *report, const char *group,
				   const char *name);

#endif
