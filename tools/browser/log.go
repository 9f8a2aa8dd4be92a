package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// log is what the browser has told about its tab. Its methods may be called at
// any time, as the events come from another goroutine.
type log struct {
	mu sync.Mutex
	// frame and document are the main frame and what is in it. The protocol
	// identifies a document by its loader, and the request for the document by
	// the same text.
	frame    cdp.FrameID
	document cdp.LoaderID
	statuses map[cdp.LoaderID]int64
	sent     []request
	messages []message
}

// newLog returns a log for the tab with that main frame.
func newLog(frame cdp.FrameID) *log {
	return &log{frame: frame, statuses: map[cdp.LoaderID]int64{}}
}

type request struct {
	frame    cdp.FrameID
	document cdp.LoaderID
	id       network.RequestID
	address  string
}

type message struct {
	request network.RequestID
	text    string
}

func (l *log) add(event any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e := event.(type) {
	case *cdppage.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			l.navigated(e.Frame)
		}
	case *network.EventRequestWillBeSent:
		if !isIcon(e) {
			l.sent = append(l.sent, request{e.FrameID, e.LoaderID, e.RequestID, e.Request.URL})
		}
	case *network.EventWebSocketCreated:
		l.sent = append(l.sent, request{id: e.RequestID, address: e.URL})
	case *network.EventResponseReceived:
		if e.FrameID == l.frame && isDocument(e.RequestID, e.LoaderID) {
			l.statuses[e.LoaderID] = e.Response.Status
		}
	case *cdplog.EventEntryAdded:
		if !isNoise(e.Entry) {
			l.messages = append(l.messages, message{e.Entry.NetworkRequestID, strings.TrimSpace(e.Entry.Text + " " + e.Entry.URL)})
		}
	case *runtime.EventConsoleAPICalled:
		l.messages = append(l.messages, message{text: spoken(e)})
	case *runtime.EventExceptionThrown:
		l.messages = append(l.messages, message{text: thrown(e.ExceptionDetails)})
	}
}

// navigated forgets what earlier documents requested. The new one may already
// have requested something.
func (l *log) navigated(frame *cdp.Frame) {
	l.frame, l.document = frame.ID, frame.LoaderID
	l.sent = slices.DeleteFunc(l.sent, func(r request) bool {
		return r.document != frame.LoaderID
	})
}

// favicon is what the browser asks for on its own when a page names no icon, so
// neither the request nor its failure is the page's doing. An icon that the page
// names counts.
const favicon = "/favicon.ico"

func isIcon(e *network.EventRequestWillBeSent) bool {
	return e.Type == network.ResourceTypeOther && strings.HasSuffix(e.Request.URL, favicon)
}

// isNoise reports whether a message is about the favicon, or advice, which the
// developer tools do not show either.
func isNoise(entry *cdplog.Entry) bool {
	icon := entry.Source == cdplog.EntrySourceNetwork && strings.HasSuffix(entry.URL, favicon)
	return icon || entry.Level == cdplog.EntryLevelVerbose
}

func isDocument(id network.RequestID, document cdp.LoaderID) bool {
	return string(id) == string(document)
}

// status returns the HTTP status of the document, or 0 if it has none.
func (l *log) status() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.statuses[l.document]
}

// requests returns the addresses that the document has asked for beside its own,
// in frames too. What needs no network (data, blob) does not count.
func (l *log) requests() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var addresses []string
	for _, r := range l.sent {
		// The main frame also asks for the document, and for the next one, and
		// may still send what an earlier document left behind.
		other := r.frame == l.frame && (isDocument(r.id, r.document) || r.document != l.document)
		local := strings.HasPrefix(r.address, "data:") || strings.HasPrefix(r.address, "blob:")
		if !other && !local {
			addresses = append(addresses, bare(r.address))
		}
	}
	return addresses
}

// console returns what was logged since the browser started.
func (l *log) console() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var texts []string
	for _, m := range l.messages {
		// A document with status 400 and more is logged too, but judging it is
		// what the step status is for.
		if l.statuses[cdp.LoaderID(m.request)] == 0 {
			texts = append(texts, redact(m.text))
		}
	}
	return texts
}

// spoken returns the arguments of a call such as console.error.
func spoken(call *runtime.EventConsoleAPICalled) string {
	texts := []string{"console." + call.Type.String() + ":"}
	for _, arg := range call.Args {
		texts = append(texts, shown(arg))
	}
	return strings.Join(texts, " ")
}

func thrown(details *runtime.ExceptionDetails) string {
	if details.Exception == nil {
		return details.Text
	}
	return details.Text + " " + shown(details.Exception)
}

func shown(object *runtime.RemoteObject) string {
	if object.Description != "" {
		return object.Description
	}
	return object.Value.String()
}

// bare returns an address without what may hold a secret: user, query, fragment.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that does not parse"
	}
	if u.Opaque != "" && u.Scheme != "about" {
		return u.Scheme + ":"
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}

// redact makes the addresses in a text bare.
func redact(text string) string {
	return regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s'"<>]+`).ReplaceAllStringFunc(text, bare)
}
