package main

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"syscall"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/config"
)

// followHangups takes SIGHUP until the answer is called: it would end the process with all
// of its calls, and a terminal that closes sends it as well as whoever expects the
// configuration to be read again. That takes a restart; the log says whether one is due,
// and whether it would come to anything.
func followHangups(path string, inForce config.Config, log *zap.Logger) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-hangups:
				tellOfChanges(path, inForce, log)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangups)
		cancel()
		<-done
	}
}

// tellOfChanges compares the configuration file with what is in force.
func tellOfChanges(path string, inForce config.Config, log *zap.Logger) {
	now, err := config.Load(path, os.Environ())
	if err == nil {
		err = config.CheckSecrets(path, now)
	}
	switch {
	case err != nil:
		log.Error("SIGHUP: the configuration file would not be taken at a restart; the one in force stays", zap.String("file", path), zap.Error(err))
	case reflect.DeepEqual(now, inForce):
		log.Info("SIGHUP: the configuration file is as it was at the start", zap.String("file", path))
	default:
		log.Warn("SIGHUP: the configuration file has changed; that takes effect at the next start", zap.String("file", path))
	}
}
