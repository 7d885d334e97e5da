/* Reading a model's variants: see model_choices.h. */
#include "lab/model_choices.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lab/units.h"

#define NAMES_MAX 32

static const struct model_option *find(const struct model *model, const char *name)
{
	for (const struct model_option *o = model->options; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static int refuse_name(const struct model *model, const char *name, char *why, size_t why_size)
{
	const char *names[NAMES_MAX];
	size_t count = 0;

	for (const struct model_option *o = model->options; o->name && count < NAMES_MAX; o++)
		names[count++] = o->name;
	const char *nearest = units_nearest(name, names, count);

	if (nearest)
		snprintf(why, why_size, "--%s: there is no '%s'; did you mean %s?", model->name,
			 name, nearest);
	else
		snprintf(why, why_size, "--%s: there is no '%s'; --help lists what there is",
			 model->name, name);
	return -EINVAL;
}

static int read_value(const struct model *model, const char *text, struct model_choice *choice,
		      char *why, size_t why_size)
{
	const struct model_option *o = choice->option;
	const char *form =
		o->value == VALUE_DURATION ? "a duration such as 20us" : "a whole number";
	int err;

	choice->has_value = text != NULL;
	if (o->value == VALUE_NONE && text) {
		snprintf(why, why_size, "--%s: %s takes no value", model->name, o->name);
		return -EINVAL;
	}
	if (!text) {
		if (o->required)
			snprintf(why, why_size, "--%s: %s needs a value, %s:VALUE, %s", model->name,
				 o->name, o->name, form);
		return o->required ? -EINVAL : 0;
	}
	err = o->value == VALUE_DURATION ? units_duration(text, &choice->value)
					 : units_count(text, &choice->value);
	if (err)
		snprintf(why, why_size, "--%s: %s:%s is not of its form; give %s", model->name,
			 o->name, text, form);
	return err ? -EINVAL : 0;
}

static int take(const struct model *model, char *word, struct model_choices *choices, char *why,
		size_t why_size)
{
	char *value = strchr(word, ':');
	struct model_choice *choice = &choices->list[choices->count];

	if (value)
		*value++ = 0;
	choice->option = find(model, word);
	if (!choice->option)
		return refuse_name(model, word, why, why_size);
	if (model_choice(choices, word)) {
		snprintf(why, why_size, "--%s: %s is there twice", model->name, word);
		return -EINVAL;
	}
	choices->count++;
	return read_value(model, value, choice, why, why_size);
}

int model_choices_parse(const struct model *model, const char *text, struct model_choices *choices,
			char *why, size_t why_size)
{
	char words[512];
	char *rest = words, *word;

	memset(choices, 0, sizeof(*choices));
	if (strlen(text) >= sizeof(words)) {
		snprintf(why, why_size, "--%s: the list is too long", model->name);
		return -EINVAL;
	}
	memcpy(words, text, strlen(text) + 1);
	while ((word = strsep(&rest, ","))) {
		if (choices->count == MODEL_CHOICES_MAX) {
			snprintf(why, why_size, "--%s: the list is too long", model->name);
			return -EINVAL;
		}
		int err = take(model, word, choices, why, why_size);

		if (err)
			return err;
	}
	return 0;
}

void model_choices_print_help(const struct model *model, FILE *file)
{
	if (!model->options)
		return;
	fprintf(file,
		"Words of --%s, with commas between. What is not in the list "
		"is not used; what this\n"
		"kernel refuses ends the run with its reason and status 3.\n",
		model->name);
	for (const struct model_option *o = model->options; o->name; o++) {
		static const char *const values[] = {
			[VALUE_NONE] = "",
			[VALUE_DURATION] = "; V is a duration such as 50us",
			[VALUE_NUMBER] = "; V is a whole number",
		};
		char word[32];

		snprintf(word, sizeof(word), "%s%s", o->name,
			 o->value == VALUE_NONE ? ""
			 : o->required		? ":V"
						: "[:V]");
		fprintf(file, "  %-16s  %s%s\n", word, o->help, values[o->value]);
	}
}
