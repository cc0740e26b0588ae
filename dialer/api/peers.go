package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// An operator is on duty at one node. What others want of them may be asked at any: a
// call for them is passed on to that node, by who was found to have the right to it.
//
//	POST /operators/ID/call ─► on duty here? ─► engine
//	                            └► POST URL of their node + /nodes/operators/ID/call ─► its engine

// Peers are the other nodes that share the store; app hands them in.
type Peers interface {
	// Recording sends a request for a recording on to the node that made it, with
	// these headers. An error says why that node does not answer.
	Recording(ctx context.Context, node, method string, a campaigns.AttemptID, header http.Header) (*http.Response, error)
	// Trusts says whether a request for a recording comes from another node.
	Trusts(r *http.Request, a campaigns.AttemptID) bool
	// Call sends on what is wanted of a call for an operator who is on duty at a node. An
	// error says why that node does not answer; it may have heard it all the same.
	Call(ctx context.Context, node string, user campaigns.UserID, wanted []byte) (*http.Response, error)
	// TrustsCall says whether such a request comes from another node, for the first time.
	TrustsCall(r *http.Request, user campaigns.UserID, wanted []byte) bool
}

// PeerError is why another node does not do what is asked of it.
type PeerError struct {
	What    string // is there: the recording, the operator
	Node    string
	Problem string
}

func (e *PeerError) Error() string {
	return fmt.Sprintf("%s is on node %q, which %s", e.What, e.Node, e.Problem)
}

// PeerCalls is the path of calls for other nodes.
func PeerCalls(user campaigns.UserID) string {
	return "/api/v1/nodes/operators/" + string(user) + "/call"
}

// peerChoice is what another node asks for.
type peerChoice struct {
	dialer.Choice
	Order *order // in place of a call
	Once  string // no two requests are the same
}

// peerCalled is what came of it, where it is no problem.
type peerCalled struct {
	Attempt campaigns.AttemptID
	Refused *dialer.NotCalled // a rule forbids it
}

// maxPeer bounds what nodes say to one another of a call, in bytes.
const maxPeer = 64 << 10

// onDuty finds an operator, here or at another node, which is named then. Those who are
// on duty nowhere are offline here.
func (s *Server) onDuty(ctx context.Context, user campaigns.UserID) (v dialer.OperatorView, node string, err error) {
	v, err = s.engine.Operator(ctx, user)
	if err != nil || v.State != operator.Offline || s.others == nil || s.peers == nil {
		return v, "", err
	}
	for _, other := range s.others(ctx) {
		for _, o := range other.Operators { // who is off duty is not shown
			if o.User == user {
				return o, other.Node, nil
			}
		}
	}
	return v, "", nil
}

// callAt has a call placed at the node where the operator is on duty; empty: here.
func (s *Server) callAt(ctx context.Context, node string, user campaigns.UserID, choice dialer.Choice) (campaigns.AttemptID, error) {
	if node == "" {
		return s.engine.CallLead(ctx, user, choice)
	}
	return s.askPeer(ctx, node, user, peerChoice{Choice: choice, Once: rand.Text()})
}

// askPeer has another node do something for an operator who is on duty there.
func (s *Server) askPeer(ctx context.Context, node string, user campaigns.UserID, choice peerChoice) (campaigns.AttemptID, error) {
	wanted, err := json.Marshal(choice)
	if err != nil {
		return "", err
	}
	res, err := s.peers.Call(ctx, node, user, wanted)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	said := json.NewDecoder(io.LimitReader(res.Body, maxPeer))
	if res.StatusCode == http.StatusOK {
		var called peerCalled
		if err := said.Decode(&called); err != nil {
			return "", &PeerError{"the operator", node, "answers what is no answer: " + err.Error()}
		}
		if called.Refused != nil {
			return "", called.Refused
		}
		return called.Attempt, nil
	}
	p := &Problem{}
	if err := said.Decode(p); err != nil || p.Code == "" || res.StatusCode == http.StatusUnauthorized {
		return "", &PeerError{"the operator", node, fmt.Sprintf("answers %q", res.Status)}
	}
	p.Detail = fmt.Sprintf("at node %q: %s", node, p.Detail)
	return "", p
}

// callForPeer places a call, or obeys an order, for another node, which has asked who may
// have that, and audits it.
func (s *Server) callForPeer(w http.ResponseWriter, r *http.Request) {
	user := campaigns.UserID(r.PathValue("id"))
	wanted, err := io.ReadAll(io.LimitReader(r.Body, maxPeer))
	if err != nil || s.peers == nil || !s.peers.TrustsCall(r, user, wanted) {
		s.refuse(w, http.StatusUnauthorized, "for nodes of this store only")
		return
	}
	var choice peerChoice
	if err := json.Unmarshal(wanted, &choice); err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	var said peerCalled
	if choice.Order != nil {
		err = s.obey(r.Context(), user, *choice.Order)
	} else {
		said.Attempt, err = s.engine.CallLead(r.Context(), user, choice.Choice)
	}
	if refused, is := errors.AsType[*dialer.NotCalled](err); is {
		said.Refused, err = refused, nil
	}
	if err != nil {
		s.refuseError(w, "nodes-call", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(said) // else the node has gone
}
