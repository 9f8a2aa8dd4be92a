package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// TokenField is the field of a form that holds the token against forgery.
const TokenField = "_token"

// maxBody bounds what a form may send: a hundred tokens of 16 KiB, and some more.
const maxBody = 4 << 20

// formPatience is how long a form may take to arrive.
const formPatience = time.Minute

// Session is that of the one browser that opened the start link. It is safe for concurrent
// use.
type Session struct {
	hosts  []string // as a browser names them
	cookie string   // its name has the port: cookies of one host are those of all its ports
	// folder is where the pages are. A cookie is sent to whatever listens on the machine, at
	// any port; this one only to who knows the folder, and nobody else does.
	folder string
	key    [sha256.Size]byte // of the cookie, hashed
	secret string            // what the cookie holds
	token  string
	again  func()

	mu   sync.Mutex
	code string // of the start link; "" once it was used
}

// New returns the session for a listener. again is called when somebody opens a start link
// that was used.
func New(listens net.Addr, again func()) *Session {
	_, port, _ := net.SplitHostPort(listens.String())
	s := &Session{
		hosts:  []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("localhost", port)},
		cookie: "sei-console-" + port, folder: "/" + random() + "/", secret: random(), token: random(), code: random(), again: again,
	}
	s.key = sha256.Sum256([]byte(s.secret))
	return s
}

// random returns 256 bits.
func random() string {
	bits := make([]byte, 32)
	_, _ = rand.Read(bits) // never fails
	return base64.RawURLEncoding.EncodeToString(bits)
}

// startPath is where the start link leads, before its code.
const startPath = "/start/"

// StartURL is the start link. Whoever opens it first has the session.
func (s *Session) StartURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "http://" + s.hosts[0] + startPath + s.code
}

// Folder is the path under which the pages are, with a slash at its end.
func (s *Session) Folder() string { return s.folder }

// Token is what every form has to send as TokenField.
func (s *Session) Token() string { return s.token }

// use takes the code, the first time.
func (s *Session) use(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code == "" || !same(code, s.code) {
		return false
	}
	s.code = ""
	return true
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// signedIn reports whether the request has the cookie.
func (s *Session) signedIn(r *http.Request) bool {
	for _, cookie := range r.CookiesNamed(s.cookie) {
		sum := sha256.Sum256([]byte(cookie.Value))
		if subtle.ConstantTimeCompare(sum[:], s.key[:]) == 1 {
			return true
		}
	}
	return false
}

// knows reports whether a request names this machine and this program's port as the host: a
// name that leads here by a trick of DNS is another.
func (s *Session) knows(host string) bool {
	for _, known := range s.hosts {
		if strings.EqualFold(host, known) {
			return true
		}
	}
	return false
}
