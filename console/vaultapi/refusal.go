package vaultapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// Refusal is an answer that is an error.
type Refusal struct {
	Status int
	// Code is the engine's, "" for a refusal of Vault itself.
	Code string
	// Sentence is for people. The engine promises that it quotes no credential.
	Sentence string
	// Fields are those that are to blame, URL is a page to act on, and RetryAfter the
	// seconds to wait, as far as the engine told them.
	Fields     []string
	URL        string
	RetryAfter int
}

// Error is the sentence.
func (r *Refusal) Error() string { return r.Sentence }

// Denied reports whether the token's policies do not allow the request.
func (r *Refusal) Denied() bool { return r.Status == http.StatusForbidden }

// Ended reports whether Vault does not know the token any more.
func (r *Refusal) Ended() bool {
	return r.Denied() && (strings.Contains(r.Sentence, "invalid token") || strings.Contains(r.Sentence, "bad token"))
}

// Empty reports whether Vault says that there is nothing at a path that exists.
func (r *Refusal) Empty() bool { return r.Status == http.StatusNotFound && r.Sentence == "" }

// Absent reports whether the mount has no such path: it is none of the engine, or of an older
// version of it.
func (r *Refusal) Absent() bool {
	return r.Status == http.StatusNotFound && (strings.Contains(r.Sentence, "unsupported path") || strings.Contains(r.Sentence, "no handler for route"))
}

// coded is how a sentence of the engine begins.
func coded() *regexp.Regexp { return regexp.MustCompile(`^([a-z]+(?:_[a-z]+)*): `) }

func refusal(status int, a answer) *Refusal {
	var data struct {
		Code       string   `json:"code"`
		Fields     []string `json:"fields"`
		URL        string   `json:"url"`
		RetryAfter float64  `json:"retry_after"`
	}
	_ = json.Unmarshal(a.Data, &data) // a refusal of Vault itself has none
	sentence := strings.TrimSpace(strings.Join(a.Errors, "; "))
	r := &Refusal{Status: status, Code: data.Code, Fields: data.Fields, URL: data.URL, RetryAfter: int(data.RetryAfter)}
	if begin := coded().FindStringSubmatch(sentence); begin != nil && status != http.StatusForbidden {
		r.Code, sentence = begin[1], sentence[len(begin[0]):]
	}
	r.Sentence = sentence
	if sentence == "" && status != http.StatusNotFound {
		r.Sentence = http.StatusText(status)
	}
	return r
}
