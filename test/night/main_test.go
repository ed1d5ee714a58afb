package night

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"upi/test/internal/command"
)

// insideVariable is set in the process that has file systems of its own.
const insideVariable = "UPI_NIGHT_INSIDE"

// upi is the built command.
var upi string

func TestMain(m *testing.M) {
	if _, inside := os.LookupEnv(insideVariable); !inside {
		if code, err := enclosed(); err == nil {
			os.Exit(code)
		} else {
			fmt.Fprintf(os.Stderr, "nothing can be mounted here, so no disk gets full and none read-only: %v\n", err)
		}
	}
	os.Exit(command.Main(m, &upi))
}

// enclosed runs the tests in a process of which nobody else sees the mounts, which end with it. The error says why there is none.
func enclosed() (int, error) {
	// The kernel ends the process with the thread that has started it.
	runtime.LockOSThread()
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVariable+"=mounts")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return max(cmd.ProcessState.ExitCode(), -1) & 0xff, nil
}

// A disk is a directory on a file system of its own, in memory, where that can be had.
type disk struct{ dir string }

// roomy is more than a run needs.
const roomy = 12 << 30

// mount puts a file system on the directory, to the end of the test.
func (d disk) mount(t *testing.T) error {
	if os.Getenv(insideVariable) == "" {
		return unix.EPERM
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", d.dir, "tmpfs", 0, fmt.Sprintf("size=%d", roomy)); err != nil {
		return err
	}
	t.Cleanup(func() { must(t, unix.Unmount(d.dir, unix.MNT_DETACH)) })
	return nil
}

// fill leaves so many bytes free.
func (d disk) fill(free int64) error {
	for {
		var s unix.Statfs_t
		if err := unix.Statfs(d.dir, &s); err != nil {
			return err
		}
		used := int64(s.Blocks-s.Bfree) * s.Bsize
		err := unix.Mount("tmpfs", d.dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", max(used+free, s.Bsize)))
		if !errors.Is(err, unix.EINVAL) { // else more was written in between
			return err
		}
	}
}

// lock makes the disk read-only.
func (d disk) lock() error {
	return unix.Mount("", d.dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
}

// heal makes it writable and large again.
func (d disk) heal() error {
	return errors.Join(unix.Mount("", d.dir, "", unix.MS_REMOUNT|unix.MS_BIND, ""),
		unix.Mount("tmpfs", d.dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", roomy)))
}
