/* The table of nap models, for those who need them all: the plans and the documentation. */
#include "kernels/nap/nap.h"

#include <string.h>

const struct nap_model *const nap_models[] = {
#define NAP(name) &nap_##name,
#include "kernels/nap/naps.def"
#undef NAP
	NULL,
};

const struct nap_model *nap_find(const char *name)
{
	for (const struct nap_model *const *m = nap_models; *m; m++)
		if (strcmp((*m)->name, name) == 0)
			return *m;
	return NULL;
}
