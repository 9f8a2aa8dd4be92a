// Command browser takes steps in a headless Chromium and says which one failed:
//
//	browser [-chromium PATH] [-proxy URL] [-insecure] [-size 390x844] [-timeout 60s] STEP...
//
// usage lists the steps. They share one browser with a fresh profile, which is
// ended and removed whatever happens. The exit status is 0 when every step has
// succeeded, 1 when one has failed and 2 when the command makes no sense.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const usage = `usage: browser [FLAG...] STEP...

steps, taken in order:
  open URL         open an address and wait until it is loaded
  click SELECTOR   click what a CSS selector finds first, once it is visible, and
                   wait until the page that this leads to is loaded
  press SELECTOR   click without waiting: for what stays on the page
  fill TEXT        replace the text of the field that was pressed last
  await TEXT       wait until the visible text of the page contains TEXT
  status CODE      expect that HTTP status of the page
  text             print the visible text of the page
  html             print the HTML of the page
  url              print the address of the page without its query and fragment
  shot FILE        save a PNG of the whole page
  offline          expect that the page has requested nothing since it was opened
  console          expect that no page has logged anything to the console so far
  size WxH         give the window's content another size, such as 360x640
  took             print how many milliseconds the page took, from the request until
                   it was loaded
  axe FILE         expect that axe-core, whose script that file is, finds nothing that
                   keeps people from using the page

flags:
`

// options are what the flags say.
type options struct {
	chromium string
	proxy    string
	insecure bool
	width    int
	height   int
	timeout  time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit status. No process and no file of the browser is left
// when it returns, not even when ctx is cancelled.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, steps, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "browser: %v\n", err)
		return 2
	}
	if err := take(ctx, opts, steps, stdout); err != nil {
		_, _ = fmt.Fprintf(stderr, "browser: %v\n", err)
		return 1
	}
	return 0
}

// parse prints to stdout only what -help asks for.
func parse(args []string, stdout io.Writer) (options, []step, error) {
	var opts options
	var size string
	flags := flag.NewFlagSet("browser", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&opts.chromium, "chromium", os.Getenv("CHROMIUM_BIN"), "the `PATH` of the browser; otherwise $CHROMIUM_BIN, or one on PATH")
	flags.StringVar(&opts.proxy, "proxy", "", "the `URL` of a proxy for everything but loopback")
	flags.BoolVar(&opts.insecure, "insecure", false, "accept every certificate")
	flags.StringVar(&size, "size", "1280x800", "the `WIDTHxHEIGHT` of the window's content")
	flags.DurationVar(&opts.timeout, "timeout", time.Minute, "how long all steps may take together")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stdout)
		_, _ = fmt.Fprint(stdout, usage)
		flags.PrintDefaults()
	}
	if err != nil {
		return opts, nil, err
	}
	if opts.width, opts.height, err = parseSize(size); err != nil {
		return opts, nil, fmt.Errorf("-%w", err)
	}
	steps, err := parseSteps(flags.Args())
	return opts, steps, err
}

// parseSize reads a width and a height.
func parseSize(size string) (width, height int, err error) {
	if _, err := fmt.Sscanf(size+"\n", "%dx%d\n", &width, &height); err != nil || width < 1 || height < 1 {
		return 0, 0, fmt.Errorf("size %s is not of the form 390x844", size)
	}
	return width, height, nil
}

// take takes the steps in a new browser, within the time limit, which also
// covers the start of the browser.
func take(ctx context.Context, opts options, steps []step, stdout io.Writer) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, opts.timeout, fmt.Errorf("the time limit of %s is over", opts.timeout))
	defer cancel()
	b, err := startBrowser(ctx, opts)
	if err != nil {
		return fmt.Errorf("start the browser: %w", because(ctx, err))
	}
	defer func() { //nolint:contextcheck // the browser is to be ended when ctx is over, too
		if stopErr := b.stop(); err == nil {
			err = stopErr
		}
	}()
	p, leave := b.page(ctx, stdout)
	defer leave()
	for i, s := range steps {
		if err := s.act(p, s.arg); err != nil {
			seen := b.seen() //nolint:contextcheck // the page is to be described when ctx is over, too
			return fmt.Errorf("step %d, %s: %w; %s", i+1, s, because(ctx, err), seen)
		}
	}
	return nil
}

// because adds to an error why ctx has ended, if it has: the time limit or a signal.
func because(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, context.Cause(ctx))
}
