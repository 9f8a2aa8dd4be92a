// Command consent stands in for a person at a browser, for scripts/demo.sh and the
// session of the README:
//
//	consent AUTHORIZE_URL
//
// It opens the page at AUTHORIZE_URL, presses "Grant access", goes where the browser is
// sent, and presses "Connect to" there. Of each page that it comes to it prints the status
// and the text, and it fails unless the last one has status 200 and asks no more. It goes to
// addresses of this machine only.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	// patience bounds all that is done.
	patience = time.Minute
	// longestPage bounds what is read of a page.
	longestPage = 1 << 20
	// grants and confirms begin what the buttons say that are to be pressed, at the vendor and
	// where the browser comes back.
	grants, confirms = "Grant access", "Connect to "
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "consent:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: consent AUTHORIZE_URL")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	b := newBrowser()
	page, err := b.open(ctx, args[0])
	if err != nil {
		return err
	}
	if form := page.form(grants); form != nil {
		if page, err = b.press(ctx, page, form); err != nil {
			return err
		}
	}
	if form := page.form(confirms); form != nil {
		if err := page.show(out); err != nil {
			return err
		}
		if page, err = b.press(ctx, page, form); err != nil {
			return err
		}
	}
	if err := page.show(out); err != nil {
		return err
	}
	if page.status != http.StatusOK {
		return errors.New("not the page of a success")
	}
	return nil
}

// browser is as much of one as it takes.
type browser struct{ client *http.Client }

func newBrowser() browser {
	return browser{&http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, // and no proxy
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > 5 {
				return errors.New("sent from page to page")
			}
			return local(r.URL)
		},
	}}
}

// open goes to an address.
func (b browser) open(ctx context.Context, address string) (*page, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address is no URL")
	}
	return b.visit(ctx, http.MethodGet, u, "")
}

// press sends a form of a page.
func (b browser) press(ctx context.Context, p *page, f *form) (*page, error) {
	u, err := p.address.Parse(f.action)
	if err != nil {
		return nil, errors.New("the form leads nowhere")
	}
	return b.visit(ctx, http.MethodPost, u, f.fields.Encode())
}

func (b browser) visit(ctx context.Context, method string, u *url.URL, form string) (*page, error) {
	if err := local(u); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(form)) //nolint:gosec // local, above
	if err != nil {
		return nil, errors.New("the address cannot be visited")
	}
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.client.Do(r) //nolint:gosec // local, above, and CheckRedirect
	if err != nil {
		return nil, fmt.Errorf("nothing came back: %w", cause(err))
	}
	defer func() { _ = res.Body.Close() }()
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != "text/html" {
		return nil, fmt.Errorf("HTTP %d, and not a page", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, longestPage))
	if err != nil {
		return nil, errors.New("the page broke off")
	}
	return &page{address: res.Request.URL, status: res.StatusCode, source: string(body)}, nil
}

// cause is an error without the address, whose query holds state and code.
func cause(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// local refuses what leads to another machine.
func local(u *url.URL) error {
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "http" || u.Hostname() != "localhost" && !ip.IsLoopback() {
		return errors.New("only addresses of this machine are visited, such as http://127.0.0.1")
	}
	return nil
}
