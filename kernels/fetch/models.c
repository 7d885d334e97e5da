/* The table of models, for those who need them all: the plans and the documentation. */
#include "kernels/fetch/models.h"

#include <string.h>

const struct model *const models[] = {
#define MODEL(name) &model_##name,
#include "kernels/fetch/models.def"
#undef MODEL
	NULL,
};

const struct model *models_find(const char *name)
{
	for (const struct model *const *m = models; *m; m++)
		if (strcmp((*m)->name, name) == 0)
			return *m;
	return NULL;
}
