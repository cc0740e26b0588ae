//go:build !linux

package rtp

const haveEpoll = false

func newEpoll(int) (Engine, error) { return portable{}, nil }
