package endpoint

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"glasskv/trace/record"
)

// Serve answers on l until stop is called. Stop breaks off those who wait for a
// request, lets the others have their answer, closes the listener and returns
// when nothing of the server is left, or with ctx's error.
func Serve(l net.Listener, rc *record.Recorder, options ...Option) (stop func(ctx context.Context) error) {
	waiting, leave := context.WithCancel(context.Background())
	srv := &http.Server{
		Handler:           Handler(rc, options...),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      maxWait + 30*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return waiting },
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	return func(ctx context.Context) error {
		leave()
		err := srv.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, srv.Close())
		}
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		ended <- http.ErrServerClosed // for a second stop
		return err
	}
}
