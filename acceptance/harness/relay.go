package harness

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Relay takes TCP connections and leads them to an address, in the weather that a test makes.
// It is what stands in for a bad network where the kernel has none to offer: what is late, and
// what TCP makes of a lost packet, which is a pause of the whole stream.
type Relay struct {
	listener net.Listener
	to       string

	mu      sync.Mutex
	weather Weather
	stalled chan struct{} // closed when bytes go on; nil while they do
	open    map[net.Conn]bool
}

// Weather is what happens to each piece of a stream. The zero value is none.
type Weather struct {
	// Late is by how much at least, and Jitter by how much more at most, it is held up.
	Late, Jitter time.Duration
	// Lost is of how many, of a hundred, the first copy is lost. The second one comes Again later,
	// and what was sent after it waits for it.
	Lost  int
	Again time.Duration
}

// StartRelay leads what listener takes to an address, until the test ends.
func StartRelay(t testing.TB, listener net.Listener, to string) *Relay {
	t.Helper()
	r := &Relay{listener: listener, to: to, open: map[net.Conn]bool{}}
	go r.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		r.Stall(false)
		r.Reset()
	})
	return r
}

// startRelay does so at a free address.
func startRelay(t testing.TB, to string) *Relay {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return StartRelay(t, listener, to)
}

// Make sets the weather, of connections that are open, too.
func (r *Relay) Make(w Weather) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.weather = w
}

// Stall holds everything back, or lets it go on.
func (r *Relay) Stall(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case on && r.stalled == nil:
		r.stalled = make(chan struct{})
	case !on && r.stalled != nil:
		close(r.stalled)
		r.stalled = nil
	}
}

// Reset breaks all connections that are open, as a middlebox does that forgot them.
func (r *Relay) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.open {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

func (r *Relay) accept() {
	for {
		from, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.lead(from)
	}
}

func (r *Relay) lead(from net.Conn) {
	to, err := net.Dial("tcp", r.to) //nolint:noctx // loopback or the test's own network: it ends at once
	if err != nil {
		_ = from.Close()
		return
	}
	r.mu.Lock()
	r.open[from], r.open[to] = true, true
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { r.pass(to, from) })
	both.Go(func() { r.pass(from, to) })
	both.Wait()
	_, _ = from.Close(), to.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, from)
	delete(r.open, to)
}

// piece is what was read at once, and when it may go on.
type piece struct {
	bytes []byte
	due   time.Time
}

// pass reads pieces and writes each when it is due, in order.
func (r *Relay) pass(to, from net.Conn) {
	const room = 64 // pieces under way
	pieces := make(chan piece, room)
	go func() {
		defer close(pieces)
		for {
			const size = 32 << 10
			bytes := make([]byte, size)
			n, err := from.Read(bytes)
			if n > 0 {
				pieces <- piece{bytes[:n], time.Now().Add(r.late())}
			}
			if err != nil {
				return
			}
		}
	}()
	failed := false
	for p := range pieces { // to the end, so that the reader ends
		if failed {
			continue
		}
		time.Sleep(time.Until(p.due))
		r.wait()
		if _, err := to.Write(p.bytes); err != nil {
			failed = true
			_ = from.Close()
		}
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

// late is by how much the next piece is held up.
func (r *Relay) late() time.Duration {
	r.mu.Lock()
	w := r.weather
	r.mu.Unlock()
	late := w.Late
	if w.Jitter > 0 {
		late += rand.N(w.Jitter)
	}
	const percent = 100
	if rand.N(percent) < w.Lost {
		late += w.Again
	}
	return late
}

// wait waits while the relay stalls.
func (r *Relay) wait() {
	r.mu.Lock()
	stalled := r.stalled
	r.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}
