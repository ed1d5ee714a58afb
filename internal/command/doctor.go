package command

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"upi/pipeline"
	"upi/pipeline/config"
	tensorflow "upi/savedmodels/runtime"
	"upi/stages/planner"
)

func doctorCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:               "doctor",
		Short:             "Show versions, devices and memory, and whether the device that a configuration asks for is there",
		Args:              exactly(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return doctor(c, path) },
	}
	c.Flags().StringVar(&path, "config", "", "configuration whose device is to be looked for")
	return described(c, `
Show versions, devices, cores, memory and units of bfloat16, and whether the device that a configuration asks for is there.`, `
upi doctor
upi doctor --config configs/quickstart.yaml`, exitCodes{
		pipeline.ExitUsage: "the configuration or the command line is wrong, or the device that the configuration asks for is not there",
	})
}

func doctor(c *cobra.Command, path string) error {
	out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	v := versions()
	for _, name := range slices.Sorted(maps.Keys(v)) {
		fmt.Fprintf(out, "%s\t%s\n", name, v[name])
	}
	fmt.Fprintf(out, "cores\t%d\n", runtime.NumCPU())
	for _, name := range []string{"MemTotal", "MemAvailable"} {
		fmt.Fprintf(out, "%s\t%s\n", name, memory(name))
	}
	devices, err := tensorflow.Devices()
	if err != nil {
		return err
	}
	for _, d := range devices {
		fmt.Fprintf(out, "device\t%s (%s)\n", d.Name, d.Type)
	}
	fmt.Fprintf(out, "bfloat16\t%s\n", bfloat16())
	if err := out.Flush(); err != nil || path == "" {
		return err
	}
	cfg, err := config.Load(path, nil, planner.Kinds())
	if err != nil {
		return err
	}
	found, err := tensorflow.Select(cfg.Device)
	if err != nil {
		return pipeline.Named(fmt.Errorf("%s: %w", path, err))
	}
	if err := planner.CheckPrecision(cfg, found[0]); err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "device %q of %s is there: %v\n", cfg.Device, path, found)
	return nil
}

// bfloat16 says whether gradients can be computed in bfloat16 on the processor, and by what.
func bfloat16() string {
	units, err := tensorflow.Bfloat16Units(tensorflow.Device{})
	if err != nil {
		return "not there: " + err.Error()
	}
	return units
}

// memory reads a line of /proc/meminfo.
func memory(name string) string {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
