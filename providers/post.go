package providers

import (
	"context"
	"time"
)

// Poster posts messages to addresses that an operator configured, by the same client and
// the same rules as checks: the mount's allowed hosts, no redirects, the proxy and the
// certificates that are named. It is safe for concurrent use.
type Poster interface {
	// Check judges what can be judged of a posting before it is sent, by its address and
	// the way there. It sends nothing. Its error is an *Error with Fields set.
	Check(p Posting) error
	// Post sends a message, once: what fails is not sent again. An answer of any status is
	// no error. Its error is a *PostError, and quotes nothing of the address but its host.
	Post(ctx context.Context, p Posting) (Posted, error)
}

// Posting is a message and where it goes.
type Posting struct {
	// URL is a secret, because whoever knows the address of a webhook can post there.
	URL    Secret
	Header map[string]string
	Body   []byte
	// CACert, ServerName and ProxyURL are as the settings ca_cert, tls_server_name and
	// proxy_url of integrations.
	CACert, ServerName, ProxyURL string
	AllowedHosts                 AllowedHosts
}

// Posted is how the receiver answered.
type Posted struct {
	Status int
	// RetryAfter is how long the receiver asks to wait; 0 where it does not say.
	RetryAfter time.Duration
}

// PostError is a message without an answer.
type PostError struct {
	// Outcome is Unreachable or AddressNotAllowed.
	Outcome Outcome
	// Detail is a sentence that may name the host, without its first capital letter.
	Detail string
	// Unsent is set where the receiver cannot have got the message.
	Unsent bool
}

// Error returns the sentence.
func (e *PostError) Error() string { return e.Detail }
