/*
 * Naming the hypervisor. The kernel shows "hypervisor" among the CPU's flags; the name stands in
 * CPUID leaf 0x40000000 (Linux, arch/x86/kernel/cpu/hypervisor.c), or in sysfs under Xen.
 */
#include "topology/hypervisor.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static void read_signature(char signature[13])
{
	unsigned leaf, words[3];

	__cpuid(0x40000000, leaf, words[0], words[1], words[2]);
	(void)leaf;
	memcpy(signature, words, 12);
	signature[12] = '\0';
}
#else
static void read_signature(char signature[13])
{
	*signature = '\0';
}
#endif

static bool flags_say_guest(const char *root)
{
	char flags[FACTS_TEXT_SIZE + 2] = " ";
	size_t length;

	if (!facts_find(root, "/proc/cpuinfo", "flags", ':', flags + 1))
		return false;
	length = strlen(flags);
	flags[length] = ' ';
	flags[length + 1] = '\0';
	return strstr(flags, " hypervisor ") != NULL;
}

bool hypervisor_name(const char *root, char text[FACTS_TEXT_SIZE])
{
	static const struct {
		const char *signature;
		const char *name;
	} known[] = {
		{"KVMKVMKVM", "KVM"},	      {"Microsoft Hv", "Microsoft Hyper-V"},
		{"VMwareVMware", "VMware"},   {"XenVMMXenVMM", "Xen"},
		{"TCGTCGTCGTCG", "QEMU TCG"}, {"bhyve bhyve ", "bhyve"},
		{"ACRNACRNACRN", "ACRN"},     {"VBoxVBoxVBox", "VirtualBox"},
	};
	char signature[13];

	if (facts_read(root, "/sys/hypervisor/type", text))
		return true;
	if (!flags_say_guest(root))
		return false;
	read_signature(signature);
	snprintf(text, FACTS_TEXT_SIZE, "%s", *signature ? signature : "unnamed");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(signature, known[i].signature) == 0)
			snprintf(text, FACTS_TEXT_SIZE, "%s", known[i].name);
	return true;
}
