package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	visibleText = `document.body ? document.body.innerText : ""`
	wholeHTML   = `document.documentElement ? document.documentElement.outerHTML : ""`
	selectField = `(() => { const e = document.activeElement; e?.select?.(); return !!e?.select })()`
)

// settle is how long a page is given to do what it should not: a script's request
// or a message may come after the page is loaded.
const settle = 500 * time.Millisecond

// page is the tab of a browser for as long as the steps may take.
type page struct {
	ctx    context.Context // where chromedp keeps the tab
	log    *log
	stdout io.Writer
}

// page returns the tab, whose steps end with ctx, and what frees it.
func (b *browser) page(ctx context.Context, stdout io.Writer) (*page, func()) {
	tab, cancel := context.WithCancel(b.ctx)
	unlink := context.AfterFunc(ctx, cancel)
	return &page{ctx: tab, log: b.log, stdout: stdout}, func() { unlink(); cancel() }
}

func (p *page) open(address string) error {
	return chromedp.Do(p.ctx, chromedp.Navigate(address))
}

// click tells the two ways of waiting in vain apart.
func (p *page) click(selector string) error {
	found := chromedp.CSS(selector)
	if err := chromedp.Do(p.ctx, chromedp.WaitVisible(found)); err != nil {
		return p.inVain("nothing visible matches", err)
	}
	if _, err := chromedp.RunResponse(p.ctx, chromedp.Click(found)); err != nil {
		return p.inVain("the click led to no page", err)
	}
	return nil
}

func (p *page) press(selector string) error {
	if err := chromedp.Do(p.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		return p.inVain("nothing visible matches", err)
	}
	return nil
}

// fill types, as a script of the page may not notice a value that is set.
func (p *page) fill(text string) error {
	selected, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](selectField))
	if err != nil {
		return err
	}
	if !selected {
		return errors.New("no text field has been pressed")
	}
	return chromedp.Do(p.ctx, chromedp.KeyEvent(text))
}

// inVain leaves out that the context has ended, as because says why.
func (p *page) inVain(what string, err error) error {
	if p.ctx.Err() != nil {
		return errors.New(what)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (p *page) await(text string) error {
	for {
		// An error is no reason to stop: the page may be giving way to the next one.
		seen, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](visibleText))
		if err == nil && strings.Contains(seen, text) {
			return nil
		}
		if err := chromedp.Do(p.ctx, chromedp.Sleep(50*time.Millisecond)); err != nil {
			return p.inVain("the text did not appear", err)
		}
	}
}

func (p *page) status(want string) error {
	if got := p.log.status(); strconv.FormatInt(got, 10) != want {
		return errors.New("the page has another status")
	}
	return nil
}

func (p *page) printText(string) error { return p.print(visibleText) }

func (p *page) printHTML(string) error { return p.print(wholeHTML) }

func (p *page) print(expression string) error {
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, value)
	return err
}

func (p *page) printURL(string) error {
	address, err := chromedp.Run(p.ctx, chromedp.Location())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, bare(address))
	return err
}

func (p *page) shot(file string) error {
	// A quality of 100 is what makes it a PNG.
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return err
	}
	return os.WriteFile(file, picture, 0o600)
}

func (p *page) offline(string) error {
	if err := chromedp.Do(p.ctx, chromedp.Sleep(settle)); err != nil {
		return err
	}
	if requests := p.log.requests(); len(requests) > 0 {
		return fmt.Errorf("the page requested %s", strings.Join(requests, ", "))
	}
	return nil
}

func (p *page) console(string) error {
	if err := chromedp.Do(p.ctx, chromedp.Sleep(settle)); err != nil {
		return err
	}
	if messages := p.log.console(); len(messages) > 0 {
		return fmt.Errorf("the console has %q", messages)
	}
	return nil
}

// seen describes the page for an error, also after the time for steps is over.
func (b *browser) seen() string {
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
	defer cancel()
	title, err := chromedp.Run(ctx, chromedp.Title())
	if err != nil {
		return "the page does not answer"
	}
	address, _ := chromedp.Run(ctx, chromedp.Location())
	status := "no status"
	if code := b.log.status(); code != 0 {
		status = fmt.Sprintf("status %d", code)
	}
	return fmt.Sprintf("the page is %q, %s, at %s", title, status, bare(address))
}

func (p *page) size(size string) error {
	width, height, err := parseSize(size)
	if err != nil {
		return err
	}
	return chromedp.Do(p.ctx, chromedp.EmulateViewport(int64(width), int64(height)))
}

// loadTime is 0 for as long as the page is not loaded.
const loadTime = `Math.ceil(performance.getEntriesByType("navigation")[0]?.loadEventEnd ?? 0)`

func (p *page) took(string) error {
	for {
		took, err := chromedp.Run(p.ctx, chromedp.Evaluate[int](loadTime))
		if err != nil {
			return p.inVain("the page was not loaded", err)
		}
		if took > 0 {
			_, err = fmt.Fprintln(p.stdout, took)
			return err
		}
		if err := chromedp.Do(p.ctx, chromedp.Sleep(10*time.Millisecond)); err != nil {
			return p.inVain("the page was not loaded", err)
		}
	}
}

// runAxe says of each violation its rule, and where it is.
const runAxe = `axe.run(document).then(found => found.violations.map(v =>
	v.id + " (" + v.help + "): " + v.nodes.map(n => n.target.join(" ")).join(", ")))`

// axe evaluates the script as the developer tools would, which a policy of the page does not
// keep from running.
func (p *page) axe(file string) error {
	script, err := os.ReadFile(file) //nolint:gosec // the script that was asked for
	if err != nil {
		return err
	}
	if _, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](string(script)+"; true")); err != nil {
		return err
	}
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](runAxe, chromedp.EvalAwaitPromise))
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("axe finds:\n%s", strings.Join(found, "\n"))
	}
	return nil
}
