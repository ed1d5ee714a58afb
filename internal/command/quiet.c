// TensorFlow logs while it is loaded, which is before main could set its level. These two functions of libc are replaced for the whole
// process, its libraries too, as the dynamic linker prefers the program's own: what nobody asked for is left out.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// getenv asks TensorFlow to log what ends the process and nothing less, unless the user has said otherwise. What else fails comes back
// as a status, and is shown as an error.
char *getenv(const char *name) {
	static char *(*next)(const char *);
	if (next == NULL) next = (char *(*)(const char *))dlsym(RTLD_NEXT, "getenv");
	char *value = next(name);
	return value == NULL && strcmp(name, "TF_CPP_MIN_LOG_LEVEL") == 0 ? "3" : value;
}

// unwanted reports whether a text is a message of Abseil's, as "I0000 00:00:1795672474.275407 15670 file.cc:401] message", that is below
// the level. Some parts of TensorFlow log with Abseil, which knows no variable, and hide the function that would set its level.
static int unwanted(const char *text, size_t length) {
	static const char before[] = "WARNING: All log messages before absl::InitializeLog()", severities[] = "IWEF";
	const char *severity = severities + 1;
	if (length < sizeof before || memcmp(text, before, sizeof before - 1) != 0) {
		if (length < 6 || (severity = memchr(severities, text[0], 4)) == NULL || text[5] != ' ') return 0;
		if (strspn(text + 1, "0123456789") != 4) return 0;
	}
	return severity - severities < atoi(getenv("TF_CPP_MIN_LOG_LEVEL"));
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
	static size_t (*next)(const void *, size_t, size_t, FILE *);
	if (next == NULL) next = (size_t (*)(const void *, size_t, size_t, FILE *))dlsym(RTLD_NEXT, "fwrite");
	return file == stderr && unwanted(data, size * count) ? count : next(data, size, count, file);
}
