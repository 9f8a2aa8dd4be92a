package ask

import (
	"context"
	"fmt"
	"time"
)

// ConfirmPause is how long to wait before a rejection is asked about again.
const ConfirmPause = time.Second

// Pause waits before a question is asked again, or ends with the context.
func Pause(ctx context.Context) error {
	timer := time.NewTimer(ConfirmPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a check was given up: %w", ctx.Err())
	}
}
