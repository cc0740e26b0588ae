//go:build !linux

package sip

import "net"

// Elsewhere a socket that talks to many hears of no ICMP error: a target that is not
// there is left after failover_after.
func tellErrors(*net.UDPConn) error { return nil }

func undelivered(*net.UDPConn, func([]byte)) {}

func transient(error) bool { return false }
