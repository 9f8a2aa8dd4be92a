package providertest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// stream writes the fault's stream on the bare connection until it ends or the client
// has gone.
func (f Fault) stream(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = conn.Close() }()
	gone := departure(conn)
	for piece := range f.Stream {
		if _, err := conn.Write(piece); err != nil || !passes(f.Pace, gone) {
			return
		}
	}
}

// departure returns a channel that is closed when the client has closed its side.
func departure(conn net.Conn) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, conn)
	}()
	return gone
}

func passes(d time.Duration, gone <-chan struct{}) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-gone:
		return false
	}
}

// The beginnings of streams.
const (
	okLine    = "HTTP/1.1 200 OK\r\n"
	jsonLine  = "Content-Type: application/json\r\n"
	gzipLine  = "Content-Encoding: gzip\r\n"
	chunked   = okLine + jsonLine + "Transfer-Encoding: chunked\r\n\r\n"
	unbounded = okLine + jsonLine + "\r\n" // the body ends with the connection
	unpacked  = 1 << 20                    // of one part of the bomb
	bombParts = 1024                       // 1 GiB in about 1 MiB
	pace      = 20 * time.Millisecond

	// What HTTP/2 begins and ends with.
	settingsFrame = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	goAwayFrame   = "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
)

// streamFaults are answers that no HTTP server would give.
func streamFaults() map[string]Fault {
	return map[string]Fault{
		// Too slow.
		"drip_headers": {Stream: endless(okLine+"X-Slow: ", "x"), Pace: pace},
		"drip_body":    {Stream: endless(unbounded+`{"login":"`, "x"), Pace: pace},
		"drip_chunks":  {Stream: endless(chunked, "1\r\n \r\n"), Pace: pace},
		// Too much.
		"endless_body":          {Stream: endless(unbounded+`{"login":"`, block("x"))},
		"endless_space":         {Stream: endless(unbounded, block(" "))},
		"endless_chunks":        {Stream: endless(chunked, "1000\r\n"+block(" ")+"\r\n")},
		"gzip_bomb":             {Stream: bomb},
		"gzip_of_nothing":       {Stream: bombOfNothing},
		"header_bomb":           {Stream: endless(okLine, "X-Bomb: "+strings.Repeat("x", 100)+"\r\n")},
		"endless_header":        {Stream: endless(okLine+"X-Bomb: ", block("x"))},
		"endless_status":        {Stream: endless("HTTP/1.1 200 ", block("x"))},
		"endless_informational": {Stream: endless("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")},
		"endless_extension":     {Stream: endless(chunked+"1;", block("x"))},
		"endless_tiny_chunks":   {Stream: endless(chunked, "1;"+strings.Repeat("x", 100)+"\r\n \r\n")},
		"endless_trailers":      {Stream: endless(chunked+"2\r\n{}\r\n0\r\n", "X-Bomb: x\r\n")},
		"endless_http2":         {Stream: endless(settingsFrame, settingsFrame)},
		"deep_json":             {Stream: long(unbounded, `{"a":`, 200_000)},
		"many_values":           {Stream: long(unbounded+"[{}", ",{}", 349_000, "]")},
		// Not HTTP, or not as it should be.
		"after_the_end":       {Stream: once(okLine + jsonLine + "Content-Length: 2\r\n\r\n{}words after the end")},
		"garbage":             {Stream: once("220 ready\r\n")},
		"http2":               {Stream: once(settingsFrame + goAwayFrame)},
		"steering_words":      {Stream: once(okLine + "net/http: invalid header field value\r\n\r\n{}")},
		"steering_status":     {Stream: once("tls: protocol version response headers exceeded invalid header field\r\n\r\n")},
		"switching_protocols": {Stream: endless("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", " "), Pace: pace},
		"two_lengths":         {Stream: once(okLine + jsonLine + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ")},
		"negative_length":     {Stream: once(okLine + jsonLine + "Content-Length: -1\r\n\r\n{}")},
		"huge_length":         {Stream: once(okLine + jsonLine + "Content-Length: 9223372036854775807\r\n\r\n{}")},
		"status_000":          {Stream: once("HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n")},
		"status_999":          {Stream: once("HTTP/1.1 999 More\r\nContent-Length: 0\r\n\r\n")},
	}
}

// block is 4 KiB of text.
func block(text string) string { return strings.Repeat(text, 4096) }

// once is a stream of one piece.
func once(text string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { yield([]byte(text)) }
}

// endless is a stream that repeats piece for ever after a beginning.
func endless(beginning, piece string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !yield([]byte(beginning)) {
			return
		}
		for again := []byte(piece); yield(again); {
		}
	}
}

// long is a stream that repeats piece many times between a beginning and an end.
func long(beginning, piece string, times int, end ...string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		yield([]byte(beginning + strings.Repeat(piece, times) + strings.Join(end, "")))
	}
}

// bombOfNothing is packed without end and unpacks to nothing.
func bombOfNothing(yield func([]byte) bool) {
	endless(okLine+jsonLine+gzipLine+"\r\n", strings.Repeat(string(packed(nil)), 100))(yield)
}

// bomb is JSON of 1 GiB in about 1 MiB.
func bomb(yield func([]byte) bool) {
	part := bombPart()
	head := fmt.Sprintf("%s%s%sContent-Length: %d\r\n\r\n", okLine, jsonLine, gzipLine, bombParts*len(part))
	if !yield([]byte(head)) {
		return
	}
	for range bombParts {
		if !yield(part) {
			return
		}
	}
}

// bombPart is packed white space; a gzip stream may have many such members.
var bombPart = sync.OnceValue(func() []byte { return packed(bytes.Repeat([]byte(" "), unpacked)) }) //nolint:gochecknoglobals // costly, and always the same

func packed(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_ = Must(z.Write(text))
	if err := z.Close(); err != nil {
		panic("providertest: " + err.Error())
	}
	return b.Bytes()
}
