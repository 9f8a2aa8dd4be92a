package backend

import (
	"context"
	"fmt"
	"time"
)

// confirmPause is how long to wait before a rejection is asked about again.
const confirmPause = time.Second

// pause waits before a question is asked again, or ends with the context.
func pause(ctx context.Context) error {
	timer := time.NewTimer(confirmPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a check was given up: %w", ctx.Err())
	}
}
