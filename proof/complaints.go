package proof

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// complaints tells of troubles, of each once in a while: what is tried again every second fails every second.
type complaints struct {
	log *slog.Logger

	mu    sync.Mutex // protects until
	until map[string]time.Time
}

// complainAgain is how long a complaint is not repeated.
const complainAgain = 5 * time.Second

// maxComplaints bounds what is remembered.
const maxComplaints = 256

func (c *complaints) warn(msg string, err error, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, what := time.Now(), msg+" "+err.Error()
	if now.Before(c.until[what]) {
		return
	}
	if len(c.until) >= maxComplaints {
		clear(c.until)
	}
	c.until[what] = now.Add(complainAgain)
	c.log.Warn(msg, append(args, "err", err)...)
}

// join joins errors. What is on its way here is left out beside real trouble.
func join(errs ...error) error {
	var trouble, waits []error
	for _, err := range errs {
		if errors.Is(err, ErrNotYet) {
			waits = append(waits, err)
		} else {
			trouble = append(trouble, err)
		}
	}
	if err := errors.Join(trouble...); err != nil {
		return err
	}
	return errors.Join(waits...)
}
