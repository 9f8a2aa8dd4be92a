package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// browser is a running Chromium with one tab. Its processes are a group of their
// own, and all that it writes is in one folder.
type browser struct {
	ctx     context.Context // where chromedp keeps the tab
	cancel  func()
	dir     string
	command *exec.Cmd
	log     *log
}

// startBrowser starts a browser that outlives ctx: ctx only bounds the start, so
// that stop can end the browser in an orderly way. Whoever gets a browser must
// call stop.
func startBrowser(ctx context.Context, opts options) (*browser, error) {
	dir, err := os.MkdirTemp(tempDir(), "browser-")
	if err != nil {
		return nil, err
	}
	b := &browser{dir: dir}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.WithoutCancel(ctx), b.flags(opts)...)
	tab, cancelTab := chromedp.NewContext(allocator, chromedp.WithErrorf(ignore), chromedp.WithLogf(ignore))
	b.ctx = tab
	b.cancel = func() { cancelTab(); cancelAllocator() }
	giveUp := context.AfterFunc(ctx, cancelTab)
	defer giveUp()
	if err := b.prepare(opts); err != nil {
		return nil, errors.Join(err, b.stop()) //nolint:contextcheck // as above
	}
	return b, nil
}

// tempDir is short, as the path of a socket in it must fit into 107 bytes, of which
// Chromium and MkdirTemp take 64. The folders of tests can be too long.
func tempDir() string {
	if dir := os.TempDir(); len(dir) <= 40 {
		return dir
	}
	return "/tmp"
}

// prepare starts the process, since that is what the first use of the tab does.
func (b *browser) prepare(opts options) error {
	err := chromedp.Do(b.ctx, chromedp.EmulateViewport(int64(opts.width), int64(opts.height)))
	if err != nil {
		return err
	}
	// The main frame of a tab has the tab's identifier.
	b.log = newLog(cdp.FrameID(chromedp.FromContext(b.ctx).Target.TargetID))
	return chromedp.Listen(b.ctx, b.log.add)
}

// ignore drops what chromedp has to say about events that it does not know.
func ignore(string, ...any) {}

// flags are the command line of the browser. They keep it from talking to anyone
// but the pages' servers, and from reading the user's settings. chromedp adds
// --no-sandbox for root, under whom the sandbox does not start, and for no one else.
func (b *browser) flags(opts options) []chromedp.ExecAllocatorOption {
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.UserDataDir(filepath.Join(b.dir, "profile")),
		chromedp.Env("HOME="+b.dir, "TMPDIR="+b.dir, "XDG_CONFIG_HOME="+b.dir, "XDG_CACHE_HOME="+b.dir),
		chromedp.ModifyCmdFunc(b.lead),
		chromedp.WindowSize(opts.width, opts.height),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("disable-field-trial-config", true),
		chromedp.Flag("no-pings", true),
		// Replaces chromedp's list. HttpsUpgrades would ask for https where a page says http.
		chromedp.Flag("disable-features", "Translate,AutofillServerCommunication,CertificateTransparencyComponentUpdater,"+
			"HttpsUpgrades,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints"),
	)
	if opts.chromium != "" {
		flags = append(flags, chromedp.ExecPath(opts.chromium))
	}
	if opts.insecure {
		flags = append(flags, chromedp.IgnoreCertErrors)
	}
	if opts.proxy == "" {
		// Otherwise the browser takes one from the environment.
		return append(flags, chromedp.Flag("no-proxy-server", true))
	}
	// Chromium never uses a proxy for loopback unless it is told to.
	return append(flags, chromedp.ProxyServer(opts.proxy))
}

// lead puts the browser at the head of a process group. Should this program be
// killed, the browser ends too, since the pipe to it closes.
func (b *browser) lead(cmd *exec.Cmd) {
	b.command = cmd
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = b.kill
}

func (b *browser) kill() error {
	return syscall.Kill(-b.command.Process.Pid, syscall.SIGKILL)
}

// stop ends the browser and removes what it has written. It asks first, as a
// browser that ends by itself leaves no children behind.
func (b *browser) stop() error {
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Second)
	defer cancel()
	_ = chromedp.Cancel(ctx) // the kill below does not depend on it
	b.cancel()
	if b.command != nil && b.command.Process != nil {
		_ = b.kill() // mostly there is nobody left
	}
	return b.remove()
}

// remove tries again, as a process that is just dying may still write.
func (b *browser) remove() error {
	var err error
	for range 50 {
		err = os.RemoveAll(b.dir) //nolint:gosec // MkdirTemp has made it
		time.Sleep(10 * time.Millisecond)
		if _, gone := os.Stat(b.dir); errors.Is(gone, fs.ErrNotExist) { //nolint:gosec // as above
			return nil
		}
	}
	return fmt.Errorf("the browser's files are left in %s: %w", b.dir, err)
}
