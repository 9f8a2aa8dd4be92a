package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"strings"
)

// JSON decodes the answer, which must say that it is JSON and be one complete
// JSON value. Its error is an *Error of kind NotJSON and says nothing of the
// content.
func (r *Response) JSON(into any) error {
	if !r.SaysJSON() {
		return newError(NotJSON, r.Host, "%q answered HTTP %d with something that is not JSON", r.Host, r.Status)
	}
	if !r.decode(into) {
		return newError(NotJSON, r.Host, "%q answered HTTP %d with JSON that is incomplete or of another form than documented", r.Host, r.Status)
	}
	return nil
}

// Peek decodes the answer if it can, whatever it says it is, and reports whether
// it could. It is for reading the reason out of a refusal: upstreams label those
// carelessly, and nothing is proved by them.
func (r *Response) Peek(into any) bool { return r.decode(into) }

// SaysJSON reports whether the content type is a JSON one.
func (r *Response) SaysJSON() bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return false
	}
	return media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

func (r *Response) decode(into any) bool {
	d := json.NewDecoder(bytes.NewReader(r.Body))
	if err := d.Decode(into); err != nil {
		return false
	}
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}
