//go:build !linux

package rtp

const haveEpoll = false

func newEpoll(int, func() bool) (Engine, error) { return portable{}, nil }
