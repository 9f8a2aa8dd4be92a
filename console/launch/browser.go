package launch

import (
	"context"
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Browser opens the person's browser at an address. What it returns removes the file that
// leads there; call it once the browser has been there, or at the end.
func Browser(ctx context.Context, address string) (remove func(), err error) {
	dir, err := os.MkdirTemp("", "sei-console-") // for its user alone
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	file := filepath.Join(dir, "open.html")
	if err := os.WriteFile(file, []byte(leads(address)), 0o600); err != nil {
		remove()
		return nil, err
	}
	command, err := opener(ctx, file)
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		remove()
		return nil, fmt.Errorf("no browser can be opened: %w", err)
	}
	go func() { _ = command.Wait() }() // it may be the browser itself, and stay
	return remove, nil
}

// opener is the command that opens a file with the program that is meant for it.
func opener(ctx context.Context, file string) (*exec.Cmd, error) {
	names := map[string][]string{
		"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"},
	}
	words := names[runtime.GOOS]
	if words == nil {
		words = []string{"xdg-open"}
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return nil, errors.New("there is no display")
		}
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), words[0], append(words[1:len(words):len(words)], file)...) //nolint:gosec // a fixed program, and a file of our own
	command.Env = withoutVault(os.Environ())
	return command, nil
}

// withoutVault is an environment without what is meant for Vault's clients: a browser that is
// started here stays long after the console, and has no business with the token.
func withoutVault(environment []string) []string {
	return slices.DeleteFunc(environment, func(one string) bool { return strings.HasPrefix(strings.ToUpper(one), "VAULT_") })
}

func leads(address string) string {
	to := html.EscapeString(address)
	return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">` +
		`<meta http-equiv="refresh" content="0;url=` + to + `"><title>sei-console</title></head><body><p><a href="` + to + `">Open the console</a></p></body></html>`
}
