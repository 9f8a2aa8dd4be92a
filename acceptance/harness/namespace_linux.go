package harness

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
)

// setnsNumber is that of the system call by architecture, which package syscall does not have
// (Linux: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
func setnsNumber() (uintptr, bool) {
	number, known := map[string]uintptr{"amd64": 308, "arm64": 268}[runtime.GOARCH]
	return number, known
}

// listenWithin listens within the namespace of a file. It leaves the thread there, locked to
// the goroutine, which must end.
func listenWithin(ctx context.Context, namespace, address string) (net.Listener, error) {
	number, known := setnsNumber()
	if !known {
		return nil, fmt.Errorf("setns is not known on %s", runtime.GOARCH)
	}
	file, err := os.Open(namespace)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	runtime.LockOSThread()
	if _, _, failed := syscall.Syscall(number, file.Fd(), syscall.CLONE_NEWNET, 0); failed != 0 {
		return nil, fmt.Errorf("setns: %w", failed)
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}
