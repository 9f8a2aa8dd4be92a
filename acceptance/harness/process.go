package harness

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"vault-plugin-secrets-sei/internal/layer"
)

// envGuard makes this test binary a guard: it runs the program in its arguments
// and ends with it, and ends it when standard input closes. So a server and its
// plugins never outlive the tests, not even tests that ran into their time limit.
const envGuard = "SEI_ACCEPTANCE_GUARD"

// Process is a running program, its guard and their children, in a process group
// of their own.
type Process struct {
	cmd   *exec.Cmd
	alive io.Closer
	done  chan struct{}
}

// StartProcess starts a program that writes to log.
func StartProcess(log *os.File, env []string, name string, args ...string) (*Process, error) {
	return startProcessIn("", log, env, name, args...)
}

// startProcessIn does so in a folder; "" is that of the test.
func startProcessIn(dir string, log *os.File, env []string, name string, args ...string) (*Process, error) {
	layer.NeverCached()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, append([]string{name}, args...)...) //nolint:noctx // it is ended by stop, kill or the guard
	cmd.Dir, cmd.Env = dir, append(env, envGuard+"=1")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{cmd: cmd, alive: alive, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Ended reports whether the program is no longer running.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ExitCode is that of a program that has ended.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Stop asks the program to end, and kills the whole group if it does not.
func (p *Process) Stop(patience time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
	}
	p.Kill()
}

// Reload asks the program to read its configuration again.
func (p *Process) Reload() error { return p.cmd.Process.Signal(syscall.SIGHUP) }

// Kill ends the whole group at once.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
	_ = p.alive.Close()
}

// owns reports whether pid is a live process of the group.
func (p *Process) owns(pid int) bool {
	group, err := syscall.Getpgid(pid)
	return err == nil && group == p.cmd.Process.Pid
}

// guard is what the test binary does when envGuard is set.
func guard(args []string) int {
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx // it is ended by signals
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = syscall.Kill(-os.Getpid(), syscall.SIGKILL)
	}()
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		for which := range told {
			if which == os.Interrupt {
				which = syscall.SIGTERM
			}
			_ = cmd.Process.Signal(which)
		}
	}()
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}
