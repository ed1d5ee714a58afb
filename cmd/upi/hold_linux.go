package main

/*
#include <signal.h>

// SIGINT and SIGTERM wait until signal.Notify asks for them. This runs ahead of the constructors of all libraries: TensorFlow's
// take a quarter of a second, in which a signal would end the process by itself. The mask outlives exec.
static void hold_signals(void) {
	sigset_t held;
	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, NULL);
}

__attribute__((section(".preinit_array"), used)) static void (*const hold_first)(void) = hold_signals;
*/
import "C"
