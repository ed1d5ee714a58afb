//go:build !amd64

package runtime

// On other processors denormals stay as they are: results are the same but for numbers below 1e-38, and slower where there are many.

func floatControl() uint32 { return 0 }

func setFloatControl(control uint32) uint32 { return control }

func flushed(control uint32) uint32 { return control }
