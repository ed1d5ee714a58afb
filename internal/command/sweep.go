package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"upi/pipeline"
	"upi/pipeline/config"
	"upi/pipeline/progress"
	"upi/stages/planner"
)

// A variant is one run of a sweep.
type variant struct {
	sets []string // KEY=VALUE
	name string
}

// variants lists the combinations of what --sweep says, the last key fastest.
func variants(sweeps []string) ([]variant, error) {
	all := []variant{{}}
	for _, expression := range sweeps {
		key, text, ok := strings.Cut(expression, "=")
		key = strings.TrimSpace(key)
		values := splitValues(text)
		if !ok || key == "" || len(values) == 0 {
			return nil, &usageError{fmt.Errorf("--sweep %s: want KEY=VALUE,VALUE,... such as attacks.upi_pca.eps=[255],[510]", expression)}
		}
		if key == "name" || key == "output" {
			return nil, &usageError{fmt.Errorf("--sweep %s: the runs of a sweep have names of their own", expression)}
		}
		var next []variant
		for _, v := range all {
			for _, value := range values {
				part := key + "=" + fileNameOf(value)
				name := part
				if v.name != "" {
					name = v.name + "+" + part
				}
				next = append(next, variant{append(v.sets[:len(v.sets):len(v.sets)], key+"="+value), name})
			}
		}
		all = next
	}
	seen := map[string][]string{}
	for _, v := range all {
		if first, twice := seen[v.name]; twice {
			return nil, &usageError{fmt.Errorf("--sweep: %s and %s would both be %s", strings.Join(first, " "), strings.Join(v.sets, " "), v.name)}
		}
		seen[v.name] = v.sets
	}
	return all, nil
}

// splitValues splits at the commas outside brackets, braces and quotes; none of the values is empty.
func splitValues(text string) []string {
	var values []string
	depth, quote, from := 0, rune(0), 0
	add := func(value string) {
		if value = strings.TrimSpace(value); value != "" {
			values = append(values, value)
		}
	}
	for i, r := range text {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '[' || r == '{':
			depth++
		case r == ']' || r == '}':
			depth--
		case r == ',' && depth == 0:
			add(text[from:i])
			from = i + 1
		}
	}
	add(text[from:])
	return values
}

// fileNameOf makes of a value what can stand in the name of a directory: [510, 1020] is 510_1020, 8/255 is 8-255.
func fileNameOf(value string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._+-", r):
			return r
		case r == ',':
			return '_'
		case strings.ContainsRune("[]{}\"' ", r):
			return -1
		}
		return '-'
	}, value)
}

// An ended run of a sweep, with its exit code.
type ended struct {
	variant
	code int
}

func runOrSweep(c *cobra.Command, path string, flags runFlags) error {
	if len(flags.sweeps) == 0 {
		return run(c, path, flags)
	}
	all, err := variants(flags.sweeps)
	if err != nil {
		return err
	}
	dir, err := checkSweep(path, flags, all)
	if err != nil {
		return err
	}
	var done []ended
	for i, v := range all {
		if logFormat(c) == progress.JSON {
			progress.NewLogger(os.Stderr, progress.JSON).Info("sweep", "number", i+1, "runs", len(all), "directory", filepath.Join(dir, v.name))
		} else {
			fmt.Fprintf(os.Stderr, "sweep %d of %d: %s\n", i+1, len(all), filepath.Join(dir, v.name))
		}
		code, err := child(c, path, dir, v, flags)
		if err != nil {
			return err
		}
		done = append(done, ended{v, code})
		if code != pipeline.ExitDone && (c.Context().Err() != nil || code == pipeline.ExitInterrupted || !flags.keepGoing) {
			break
		}
	}
	return concludeSweep(c, dir, done, len(all))
}

// checkSweep reads the configuration of every run before the first is begun, and returns the directory of the sweep.
func checkSweep(path string, flags runFlags, all []variant) (dir string, err error) {
	for _, v := range all {
		cfg, err := config.Load(path, append(flags.sets[:len(flags.sets):len(flags.sets)], v.sets...), planner.Kinds())
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cfg.Output, cfg.Name)
		if _, err := config.Load(path, append(flags.sets[:len(flags.sets):len(flags.sets)], v.place(dir)...), planner.Kinds()); err != nil {
			return "", err
		}
	}
	if _, err := pipeline.ReadManifest(dir); !errors.Is(err, os.ErrNotExist) {
		return "", &usageError{fmt.Errorf("--sweep: %s holds a run; give the sweep a name of its own: --set name=NAME", dir)}
	}
	return dir, nil
}

// place lists the settings of a variant, with those that put it into the sweep's directory.
func (v variant) place(dir string) []string {
	return append(v.sets[:len(v.sets):len(v.sets)], "output="+quoted(dir), "name="+quoted(v.name))
}

// quoted writes a text as YAML that is nothing else.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// child makes one run of a sweep, in a process of its own: TensorFlow gives memory back only when a process ends.
func child(c *cobra.Command, path, dir string, v variant, flags runFlags) (code int, err error) {
	ctx := c.Context()
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find the program's own file: %w", err)
	}
	args := []string{"run", path, "--executor", flags.executor, "--workers", fmt.Sprint(flags.workers), "--log", string(logFormat(c))}
	for name, on := range map[string]bool{"--no-cache": flags.noCache, "--keep-going": flags.keepGoing, "--replace": flags.replace} {
		if on {
			args = append(args, name)
		}
	}
	for _, set := range append(flags.sets[:len(flags.sets):len(flags.sets)], v.place(dir)...) {
		args = append(args, "--set", set)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// In a group of its own it gets a signal from a terminal once, from here.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Minute
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case cmd.ProcessState == nil:
		return 0, fmt.Errorf("start a run of the sweep: %w", err)
	case errors.As(err, &exit), ctx.Err() != nil, err == nil:
		return cmd.ProcessState.ExitCode(), nil
	}
	return 0, fmt.Errorf("run %s of the sweep: %w", v.name, err)
}

// A sweepError says that runs of a sweep did not end well; its exit code is that of the first of them.
type sweepError struct {
	code int
	text string
}

func (e *sweepError) Error() string { return e.text }

// concludeSweep lists what became of the runs, and returns the first that did not end well.
func concludeSweep(c *cobra.Command, dir string, done []ended, total int) error {
	out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "run\texit code")
	var first *ended
	for i, e := range done {
		fmt.Fprintf(out, "%s\t%d\n", filepath.Join(dir, e.name), e.code)
		if e.code != pipeline.ExitDone && first == nil {
			first = &done[i]
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if first == nil {
		return nil
	}
	code := first.code
	if code < 0 || c.Context().Err() != nil {
		code = pipeline.ExitFailed
		if c.Context().Err() != nil {
			code = pipeline.ExitInterrupted
		}
	}
	return &sweepError{code, fmt.Sprintf("sweep %s: %s ended with exit code %d; %d of %d runs were begun", dir, first.name, first.code, len(done), total)}
}
