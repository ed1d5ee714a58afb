// TensorFlow reads TF_CPP_MIN_LOG_LEVEL while its library is loaded, before main and before libc and Go copy the environment. What
// stands in an executable's .preinit_array runs before that. There is no room for one more variable then, but the shell's "_", the path
// of the command, is of no use to anybody; where it is not there, restart.go starts the program anew.
#if defined(__linux__)
#include <stddef.h>
#include <string.h>

static void preload(int argc, char **argv, char **environment) {
	static char variable[] = "TF_CPP_MIN_LOG_LEVEL=2";
	char **spare = NULL;
	for (char **entry = environment; *entry != NULL; entry++) {
		if (strncmp(*entry, variable, sizeof variable - 2) == 0) {
			return;
		}
		if (strncmp(*entry, "_=", 2) == 0) {
			spare = entry;
		}
	}
	if (spare != NULL) {
		*spare = variable;
	}
}

__attribute__((section(".preinit_array"), used)) static void (*const entry)(int, char **, char **) = preload;
#endif
