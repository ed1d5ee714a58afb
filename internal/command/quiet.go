package command

// quiet.c keeps TensorFlow's own lines off the terminal.

// #cgo LDFLAGS: -ldl
import "C"
