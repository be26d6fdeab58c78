package port

import "context"

// Caller is who asks a Handler.
type Caller struct {
	Server string // its server id, as it says
	Proven bool   // its certificate is that of the server's node: the port has TLS
}

type callerKey struct{}

// WithCaller is the context of a Handler.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is who asks; false outside of a Handler.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
