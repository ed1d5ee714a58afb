package main

/*
#include <signal.h>
#include <string.h>
#include <unistd.h>

// TensorFlow's constructors take a quarter of a second, before Go is there to take signals. Until main asks for them, SIGINT and
// SIGTERM end the process by this handler, to which Go's own passes on what nobody asked for.
static void stop_early(int signal) {
	static const char interrupted[] = "upi: stopped: signal interrupt\n", terminated[] = "upi: stopped: signal terminated\n";
	if (signal == SIGINT) {
		(void)!write(2, interrupted, sizeof interrupted - 1);
	} else {
		(void)!write(2, terminated, sizeof terminated - 1);
	}
	_exit(130);
}

// It runs ahead of the constructors of all libraries. Signals that came while the program was started anew have waited until now.
static void take_signals_early(void) {
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_handler = stop_early;
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigset_t both;
	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &both, NULL);
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = take_signals_early;
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// replace starts the program at path in this process. SIGINT and SIGTERM wait until it takes them. It returns only with an error.
func replace(path string) error {
	runtime.LockOSThread() // a program inherits the mask of the thread that starts it
	var both unix.Sigset_t
	both.Val[0] = 1<<(unix.SIGINT-1) | 1<<(unix.SIGTERM-1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &both, nil); err != nil {
		return fmt.Errorf("hold signals: %w", err)
	}
	return syscall.Exec(path, os.Args, os.Environ())
}
