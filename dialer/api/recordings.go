package api

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A recording lies on the disk of the node that made it. Any node plays it: what is
// not here it asks that node for.
//
//	GET /recordings/ID ─► here? ─► file
//	                       └► GET URL of its node + /nodes/recordings/ID ─► file

// Recordings open recordings by their path inside the recording folder.
type Recordings interface {
	Open(path string) (http.File, error) // fs.ErrNotExist: it is not here
}

// PeerRecordings begins the path of recordings for other nodes.
const PeerRecordings = "/api/v1/nodes/recordings/"

// Headers of range and conditional requests, and of the answers to them.
var (
	askedOfPeers = []string{"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}
	toldByPeers  = []string{"Accept-Ranges", "Content-Length", "Content-Range", "Content-Type", "Last-Modified"}
)

// recording streams one recording; every play is audited.
func (s *Server) recording(w http.ResponseWriter, r *http.Request) {
	by, status := s.whoIs(r.Context(), r.Header.Get("Authorization"), campaigns.RightRecordings)
	if status == http.StatusForbidden { // who may hear none does not learn which there are
		s.refuseFor(w, fs.ErrNotExist)
		return
	}
	if status != http.StatusOK {
		s.refuse(w, status, denial(status))
		return
	}
	by.from = host(r.RemoteAddr)
	id := campaigns.AttemptID(r.PathValue("attempt"))
	a, err := s.recorded(r.Context(), id)
	if err == nil && !by.sees(a) {
		err = fs.ErrNotExist
	}
	if err == nil {
		err = s.ofTeam(r.Context(), by, a.Operator)
	}
	if err != nil {
		s.refuseFor(w, err)
		return
	}
	play, err := s.findRecording(r, a)
	if err != nil {
		s.refuseFor(w, err)
		return
	}
	defer play.Close()
	if err := s.audit(r.Context(), by, "recording.play", string(id), nil, nil); err != nil {
		s.refuseError(w, "recordings-play", err)
		return
	}
	play.serve(w, r)
}

// recordingForPeer streams a recording to another node, which has asked who may hear
// it and has audited that.
func (s *Server) recordingForPeer(w http.ResponseWriter, r *http.Request) {
	id := campaigns.AttemptID(r.PathValue("attempt"))
	if s.peers == nil || !s.peers.Trusts(r, id) {
		s.refuse(w, http.StatusUnauthorized, "for nodes of this store only")
		return
	}
	a, err := s.recorded(r.Context(), id)
	if err != nil {
		s.refuseFor(w, err)
		return
	}
	file, err := s.recordings.Open(a.Recording)
	if err != nil {
		s.refuseFor(w, err)
		return
	}
	defer file.Close()
	playable{file: file, attempt: a}.serve(w, r)
}

// recorded is an attempt that has a recording, fs.ErrNotExist where there is none.
func (s *Server) recorded(ctx context.Context, id campaigns.AttemptID) (campaigns.Attempt, error) {
	attempts, err := s.records.Attempts(ctx, campaigns.AttemptQuery{ID: id, Limit: 1})
	if err == nil && (len(attempts) == 0 || attempts[0].Recording == "") {
		err = fs.ErrNotExist
	}
	if err != nil {
		return campaigns.Attempt{}, err
	}
	return attempts[0], nil
}

// findRecording opens a recording here or, where it is not, at the node that made it.
func (s *Server) findRecording(r *http.Request, a campaigns.Attempt) (playable, error) {
	file, err := s.recordings.Open(a.Recording)
	if err == nil || s.peers == nil || !errors.Is(err, fs.ErrNotExist) {
		return playable{file: file, attempt: a}, err
	}
	header := http.Header{}
	for _, name := range askedOfPeers {
		if v := r.Header.Values(name); len(v) > 0 {
			header[name] = v
		}
	}
	answer, err := s.peers.Recording(r.Context(), a.Node, r.Method, a.ID, header)
	if err != nil {
		return playable{}, err
	}
	return playable{answer: answer, attempt: a}, nil
}

// playable is a recording that is open: as a file, or as the answer of another node.
type playable struct {
	file    http.File
	answer  *http.Response
	attempt campaigns.Attempt
}

func (p playable) Close() error {
	if p.answer != nil {
		return p.answer.Body.Close()
	}
	return p.file.Close()
}

func (p playable) serve(w http.ResponseWriter, r *http.Request) {
	if p.answer == nil {
		w.Header().Set("Content-Type", "audio/wav")
		http.ServeContent(w, r, "", p.attempt.EndedAt, p.file)
		return
	}
	for _, name := range toldByPeers {
		if v := p.answer.Header.Values(name); len(v) > 0 {
			w.Header()[name] = v
		}
	}
	w.WriteHeader(p.answer.StatusCode)
	if _, err := io.Copy(w, p.answer.Body); err != nil {
		panic(http.ErrAbortHandler) // the reader must not take a part for the whole
	}
}

// refuseFor says why there is nothing to play.
func (s *Server) refuseFor(w http.ResponseWriter, err error) {
	peer, away := errors.AsType[*PeerError](err)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, campaigns.ErrNotFound):
		s.refuse(w, http.StatusNotFound, "no such recording")
	case away:
		s.refuse(w, http.StatusServiceUnavailable, peer.Error())
	default:
		s.log.Error("recording not played", zap.Error(err))
		s.refuse(w, http.StatusServiceUnavailable, "the recording cannot be read now")
	}
}
