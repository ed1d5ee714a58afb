// Command upi finds universal perturbations for interpretation, and measures what they do.
package main

import (
	"os"

	"upi/internal/command"
)

func main() { os.Exit(command.Main(os.Args[1:])) }
