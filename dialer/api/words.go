package api

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// Words that mean one of a few things are named in the description of the API with
// everything they may be, so that a client made from it knows them all.
type (
	outcomeWord       string
	operatorWord      string
	campaignStateWord string
	entryStateWord    string
	pacingModeWord    string
	recordingWord     string
	stageWord         string
	temperatureWord   string
	numberKindWord    string
	roleWord          string
	eventTypeWord     string
	deliveryStateWord string
	nanoseconds       int64
)

// describeWords has the registry describe our types so.
func describeWords(r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.Outcome](), reflect.TypeFor[outcomeWord]())
	r.RegisterTypeAlias(reflect.TypeFor[operator.State](), reflect.TypeFor[operatorWord]())
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.CampaignState](), reflect.TypeFor[campaignStateWord]())
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.EntryState](), reflect.TypeFor[entryStateWord]())
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.PacingMode](), reflect.TypeFor[pacingModeWord]())
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.RecordingPolicy](), reflect.TypeFor[recordingWord]())
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.Stage](), reflect.TypeFor[stageWord]())
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.Temperature](), reflect.TypeFor[temperatureWord]())
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.NumberKind](), reflect.TypeFor[numberKindWord]())
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.Role](), reflect.TypeFor[roleWord]())
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.EventType](), reflect.TypeFor[eventTypeWord]())
	r.RegisterTypeAlias(reflect.TypeFor[campaigns.DeliveryState](), reflect.TypeFor[deliveryStateWord]())
	r.RegisterTypeAlias(reflect.TypeFor[time.Duration](), reflect.TypeFor[nanoseconds]())
}

// oneOf is a reference to the words of a name, which it describes the first time.
func oneOf[T ~string](r huma.Registry, name string, words ...T) *huma.Schema {
	if r.Map()[name] == nil {
		s := &huma.Schema{Type: huma.TypeString}
		for _, w := range words {
			s.Enum = append(s.Enum, string(w))
		}
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: schemas + name}
}

func (outcomeWord) Schema(r huma.Registry) *huma.Schema {
	var all []campaigns.Outcome
	for _, rule := range campaigns.DefaultRetry { // it has a rule for each
		all = append(all, rule.Outcome)
	}
	return oneOf(r, "Outcome", all...)
}

func (operatorWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "OperatorStatus", operator.States...)
}

func (campaignStateWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "CampaignState", campaigns.Stopped, campaigns.Running, campaigns.Paused, campaigns.OnHold)
}

func (entryStateWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "EntryState", campaigns.EntryWaiting, campaigns.EntryClaimed, campaigns.EntryCalling, campaigns.EntryDone, campaigns.EntryNone)
}

func (pacingModeWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "PacingMode", campaigns.Preview, campaigns.Progressive, campaigns.Ratio, campaigns.Predictive)
}

// An empty policy is as the region says.
func (recordingWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "RecordingPolicy", "", campaigns.RecordNever, campaigns.RecordAnnounce, campaigns.RecordAlways)
}

// A grade that nobody gave is empty; so is one in the effect of a disposition that does
// not change it.
func (stageWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "Stage", "", campaigns.StageClean, campaigns.StageAcquire, campaigns.StageRetain)
}

func (temperatureWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "Temperature", "", campaigns.Hot, campaigns.Warm, campaigns.Cold)
}

func (numberKindWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "NumberKind", campaigns.Mobile, campaigns.Home, campaigns.Work, campaigns.Other)
}

func (roleWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "Role", campaigns.RoleOperator, campaigns.RoleLead, campaigns.RoleManager, campaigns.RoleQA, campaigns.RoleCompliance, campaigns.RoleAdmin)
}

func (eventTypeWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "EventType", append(slices.Clone(campaigns.EventTypes), campaigns.WebhookTest)...)
}

func (deliveryStateWord) Schema(r huma.Registry) *huma.Schema {
	return oneOf(r, "DeliveryState", campaigns.DeliveryWaiting, campaigns.Delivered, campaigns.DeliveryGivenUp)
}

func (nanoseconds) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Description: "nanoseconds"}
}

const schemas = "#/components/schemas/"

// withDefaults describes a known type as it is taken where what is left out has its
// default: nothing of it is required, all the way down. Its name is that of the type
// with Input.
func withDefaults(r huma.Registry, name string) *huma.Schema {
	known := r.Map()[name]
	if known.Type != huma.TypeObject {
		return &huma.Schema{Ref: schemas + name}
	}
	ref := &huma.Schema{Ref: schemas + name + "Input"}
	if r.Map()[name+"Input"] != nil {
		return ref
	}
	in := *known
	in.Required, in.Properties = nil, map[string]*huma.Schema{}
	r.Map()[name+"Input"] = &in
	for key, p := range known.Properties {
		in.Properties[key] = refersToInput(r, p)
	}
	in.PrecomputeMessages() // they are what a body is held against
	return ref
}

// refersToInput is a property that refers to what is taken, not to what is answered.
func refersToInput(r huma.Registry, p *huma.Schema) *huma.Schema {
	in := *p
	switch {
	case p.Ref != "":
		in.Ref = withDefaults(r, strings.TrimPrefix(p.Ref, schemas)).Ref
	case p.Items != nil:
		in.Items = refersToInput(r, p.Items)
	}
	return &in
}
