/*
 * Numbers for people. A prefix is chosen after rounding, so that 999.7 µs is shown as 1.00 ms and
 * never as 1000 µs.
 */
#include "results/table.h"

#include <math.h>
#include <string.h>

#define DIGITS 3

struct scale {
	double factor;	    /* one of these in the record's unit */
	const char *suffix; /* with its space */
};

/* Smallest first; the first also takes what is smaller still, the last what is larger. */
static const struct scale seconds[] = {{1e-9, " ns"}, {1e-6, " µs"}, {1e-3, " ms"}, {1.0, " s"}};
static const struct scale micros[] = {{1e-3, " ns"}, {1.0, " µs"}, {1e3, " ms"}, {1e6, " s"}};
static const struct scale nanos[] = {{1.0, " ns"}, {1e3, " µs"}, {1e6, " ms"}, {1e9, " s"}};
static const struct scale rates[] = {
	{1.0, " /s"}, {1e3, " k/s"}, {1e6, " M/s"}, {1e9, " G/s"}, {1e12, " T/s"}};
static const struct scale bytes[] = {{1.0, " B"}, {1e3, " kB"}, {1e6, " MB"}, {1e9, " GB"}};
static const struct scale plain[] = {{1.0, ""}, {1e6, " M"}, {1e9, " G"}};

static const struct {
	const char *unit;
	const struct scale *scales;
	size_t count;
} units[] = {
#define UNIT(name, table)                                                                          \
	{                                                                                          \
		name, table, sizeof(table) / sizeof((table)[0])                                    \
	}
	UNIT("s", seconds), UNIT("us", micros), UNIT("ns", nanos),
	UNIT("1/s", rates), UNIT("B", bytes),	UNIT("", plain),
#undef UNIT
};

/* Digits behind the point for so many in all; one less where rounding up a power is due. */
static int decimals_for(double size, int digits)
{
	int decimals = digits - 1;

	if (size == 0.0 || !isfinite(size))
		return 0;
	decimals -= (int)floor(log10(size));
	if (decimals < 0)
		return 0;
	/* 9.996 is 10.0, not 10.00. */
	if (size * pow(10.0, decimals) >= pow(10.0, digits) - 0.5)
		decimals--;
	return decimals > 9 ? 9 : decimals < 0 ? 0 : decimals;
}

static int decimals_of(double size)
{
	return decimals_for(size, DIGITS);
}

static const struct scale *scale_of(double size, const char *unit)
{
	static const struct scale none = {1.0, NULL};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t place = 0;

		if (strcmp(units[i].unit, unit) != 0)
			continue;
		while (place + 1 < units[i].count &&
		       size >= 0.9995 * units[i].scales[place + 1].factor)
			place++;
		return &units[i].scales[place];
	}
	return &none;
}

const char *table_number(double value, const char *unit, char text[static TABLE_TEXT_SIZE])
{
	const struct scale *scale = scale_of(fabs(value), unit);
	double shown = value / scale->factor;

	if (isnan(value))
		snprintf(text, TABLE_TEXT_SIZE, "%s", TABLE_EMPTY);
	else if (value == 0.0 && scale->suffix)
		snprintf(text, TABLE_TEXT_SIZE, "0");
	else if (scale->suffix)
		snprintf(text, TABLE_TEXT_SIZE, "%.*f%s", decimals_of(fabs(shown)), shown,
			 scale->suffix);
	else
		snprintf(text, TABLE_TEXT_SIZE, "%.*f %s", decimals_of(fabs(shown)), shown, unit);
	return text;
}

const char *table_percent(double share, char text[static TABLE_TEXT_SIZE])
{
	double percent = 100.0 * share;

	/* Half a thousandth of a percent is noise in any share the lab records. */
	if (fabs(percent) < 0.0005)
		percent = 0.0;
	return table_number(percent, "%", text);
}

const char *table_interval_of(double value, double low, double high, const char *unit, int digits,
			      char text[static TABLE_TEXT_SIZE])
{
	double factor = scale_of(fabs(value), unit)->factor;

	if (isnan(low) || isnan(high))
		snprintf(text, TABLE_TEXT_SIZE, "%s", TABLE_EMPTY);
	else
		snprintf(text, TABLE_TEXT_SIZE, "[%.*f, %.*f]",
			 decimals_for(fabs(low / factor), digits), low / factor,
			 decimals_for(fabs(high / factor), digits), high / factor);
	return text;
}

const char *table_interval(double value, double low, double high, const char *unit,
			   char text[static TABLE_TEXT_SIZE])
{
	return table_interval_of(value, low, high, unit, DIGITS, text);
}

const char *table_ratio(double ratio, double low, double high, char text[static TABLE_TEXT_SIZE])
{
	int decimals = fabs(ratio - 1.0) < 0.1 ? DIGITS : decimals_of(fabs(ratio));

	if (isnan(ratio))
		return table_number(ratio, "", text);
	if (isnan(low) || isnan(high))
		snprintf(text, TABLE_TEXT_SIZE, "%.*f", decimals, ratio);
	else
		snprintf(text, TABLE_TEXT_SIZE, "%.*f [%.*f, %.*f]", decimals, ratio, decimals, low,
			 decimals, high);
	return text;
}
