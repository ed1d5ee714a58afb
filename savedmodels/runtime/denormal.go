package runtime

import goruntime "runtime"

// flushing makes a call to TensorFlow with denormal numbers flushed to zero, as TensorFlow's own threads compute: ours runs in its
// caller's thread, whose denormals would take a hundred times as long as other numbers. Afterwards the thread is as it was, whatever
// the call did; Go code never sees the setting.
func flushing(call func()) {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	defer setFloatControl(setFloatControl(flushed(floatControl())))
	call()
}
