package campaigns

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FieldError names a field that is wrong, as JSON and YAML call it
// ("segments[1].filter"), and why.
type FieldError struct {
	Field   string
	Problem string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

var (
	idForm        = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	codeForm      = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	beginningForm = regexp.MustCompile(`^\+[1-9][0-9]{3,13}\*$`)
	e164Form      = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)
)

// ValidID says whether s may name a campaign, list or user: 1 to 64 of a-z,
// 0-9 and hyphen.
func ValidID(s string) bool { return idForm.MatchString(s) }

// problems gathers what is wrong with a campaign.
type problems []error

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, &FieldError{field, fmt.Sprintf(format, args...)})
}

// Validate says whether c may run. The error joins one *FieldError for each
// field that is wrong.
func (c Campaign) Validate() error {
	var p problems
	c.validateIdentity(&p)
	c.validateSegments(&p)
	c.validatePacing(&p)
	c.validateTimes(&p)
	c.validateDispositions(&p)
	c.validateInbound(&p)
	c.validateScript(&p)
	c.validateForm(&p)
	c.CRM.validate(&p)
	return errors.Join(p...)
}

// ValidateSegments says what is wrong with the segments of c alone, as Validate does.
func (c Campaign) ValidateSegments() error {
	var p problems
	c.validateSegments(&p)
	return errors.Join(p...)
}

func (c Campaign) validateIdentity(p *problems) {
	if !ValidID(string(c.ID)) {
		p.add("id", "%q is not 1 to 64 of a-z, 0-9 and hyphen", c.ID)
	}
	if !slices.Contains([]CampaignState{"", Stopped, Running, Paused, OnHold}, c.State) {
		p.add("state", "%q is not a state", c.State)
	}
	for i, l := range c.Lists {
		if !ValidID(string(l)) {
			p.add(at("lists", i), "%q is not a list id", l)
		}
	}
	if c.Trunks == "" {
		p.add("trunks", "a trunk group is needed")
	}
	for i, number := range c.CallerIDs {
		if !e164Form.MatchString(number) {
			p.add(at("caller_ids", i), "%q is not an E.164 number", number)
		}
	}
	for i, number := range c.TransferNumbers {
		if !e164Form.MatchString(number) && !beginningForm.MatchString(number) {
			p.add(at("transfer_numbers", i), "%q is no E.164 number, nor four digits or more of one with a * behind", number)
		}
	}
	if !slices.Contains([]string{"", "before", "with", "off"}, c.Detection) {
		p.add("detection", "%q is none of before, with, off", c.Detection)
	}
	if !(c.DetectionCheck >= 0 && c.DetectionCheck <= 0.2) {
		p.add("detection_check", "%v is not between 0 and 0.2", c.DetectionCheck)
	}
	if !slices.Contains([]RecordingPolicy{"", RecordNever, RecordAnnounce, RecordAlways}, c.Recording) {
		p.add("recording", "%q is none of never, announce, always", c.Recording)
	}
}

func (c Campaign) validateSegments(p *problems) {
	seen := map[string]bool{}
	for i, s := range c.Segments {
		if s.Name == "" || seen[s.Name] {
			p.add(at("segments", i)+".name", "%q is empty or used twice", s.Name)
		}
		seen[s.Name] = true
		if s.Weight < 0 {
			p.add(at("segments", i)+".weight", "%d is below 0", s.Weight)
		}
		_, err := Campaign{Segments: []Segment{s}}.Matcher()
		if se, ok := errors.AsType[*SegmentError](err); ok {
			p.add(at("segments", i)+"."+se.Part, "line %d, column %d: %s", se.Line, se.Column, se.Message)
		}
	}
	if c.NthNew < 0 || c.NthNew > maxNthNew {
		p.add("nth_new", "%d is outside 0 to %d", c.NthNew, maxNthNew)
	}
	_, err := Campaign{Priority: c.Priority}.Matcher()
	if se, ok := errors.AsType[*SegmentError](err); ok {
		p.add("priority", "line %d, column %d: %s", se.Line, se.Column, se.Message)
	}
}

func (c Campaign) validatePacing(p *problems) {
	pace := c.Pacing
	if !slices.Contains([]PacingMode{Preview, Progressive, Ratio, Predictive}, pace.Mode) {
		p.add("pacing.mode", "%q is none of preview, progressive, ratio, predictive", pace.Mode)
	}
	if pace.Mode == Ratio && !(pace.Ratio >= 1 && pace.Ratio <= 20) {
		p.add("pacing.ratio", "%v is outside 1 to 20", pace.Ratio)
	}
	if !(pace.MinRatio >= 0) || !(pace.MaxRatio >= 0) || (pace.MaxRatio > 0 && pace.MinRatio > pace.MaxRatio) {
		p.add("pacing.max_ratio", "%v does not fit min_ratio %v", pace.MaxRatio, pace.MinRatio)
	}
	if !(pace.AbandonmentLimit >= 0 && pace.AbandonmentLimit <= 0.03) {
		p.add("pacing.abandonment_limit", "%v is outside 0 to 0.03", pace.AbandonmentLimit)
	}
	if !(pace.TargetUtilisation >= 0 && pace.TargetUtilisation <= 1) {
		p.add("pacing.target_utilisation", "%v is outside 0 to 1", pace.TargetUtilisation)
	}
	if !(pace.MaxOccupancy >= 0 && pace.MaxOccupancy <= 1) {
		p.add("pacing.max_occupancy", "%v is outside 0 to 1", pace.MaxOccupancy)
	}
	if !(pace.MinBreath >= 0 && pace.MinBreath <= maxBreath) {
		p.add("pacing.min_breath", "%v is outside 0 to %v seconds", pace.MinBreath, maxBreath)
	}
	if name := pace.AnswerScoreField; name != strings.TrimSpace(name) || len(name) > maxFieldName {
		p.add("pacing.answer_score_field", "%q is not the name of a custom field: no spaces around it, at most %d bytes", name, maxFieldName)
	}
	if slices.Contains([]string{"cp", "pi", "level", "progress"}, pace.AnswerScoreField) {
		p.add("pacing.answer_score_field", "%q is a grade; a custom field with a share in (0, 1] is needed", pace.AnswerScoreField)
	}
	overdials := pace.Mode == Ratio || pace.Mode == Predictive
	if overdials && pace.AbandonmentLimit == 0 {
		p.add("pacing.abandonment_limit", "mode %s needs a limit above 0", pace.Mode)
	}
	if overdials && c.SafeHarbor == "" {
		p.add("safe_harbor", "mode %s needs a message for people whom no operator can take", pace.Mode)
	}
}

// Limits that keep a slip of the pen from stopping a floor.
const (
	maxBreath    = 600.0 // seconds
	maxFieldName = 100   // bytes
	maxNthNew    = 1000
)

func (c Campaign) validateTimes(p *problems) {
	for i, h := range c.Windows {
		if err := h.validate(); err != nil {
			p.add(at("windows", i), "%v", err)
		}
	}
	seen := map[Outcome]bool{}
	for i, r := range c.Retry {
		if !r.Outcome.Known() || seen[r.Outcome] {
			p.add(at("retry", i)+".outcome", "%q is not an outcome or used twice", r.Outcome)
		}
		seen[r.Outcome] = true
		if r.After < 0 || r.Max < 0 {
			p.add(at("retry", i), "after and max are never below 0")
		}
	}
	for i, limit := range c.Caps {
		if limit.N < 1 || limit.Period <= 0 {
			p.add(at("caps", i), "n and period are above 0")
		}
	}
	if c.Callbacks.Grace < 0 {
		p.add("callbacks.grace", "%v is below 0", c.Callbacks.Grace)
	}
	if c.Wrap.Timeout < 0 {
		p.add("wrap.timeout", "%v is below 0", c.Wrap.Timeout)
	}
}

func (h Hours) validate() error {
	for _, d := range h.Days {
		if d < time.Sunday || d > time.Saturday {
			return fmt.Errorf("day %d is not 0 (Sunday) to 6", d)
		}
	}
	from, err := minuteOfDay(h.From)
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	to, err := minuteOfDay(h.To)
	if err != nil {
		return fmt.Errorf("to: %w", err)
	}
	if from >= to {
		return fmt.Errorf("from %s is not before to %s", h.From, h.To)
	}
	return nil
}

// minuteOfDay reads "09:30" as 570; "24:00" is the end of the day.
func minuteOfDay(clock string) (int, error) {
	hour, minute, ok := strings.Cut(clock, ":")
	h, errHour := strconv.Atoi(hour)
	m, errMinute := strconv.Atoi(minute)
	total := h*60 + m
	if !ok || len(clock) != 5 || errHour != nil || errMinute != nil || h < 0 || m < 0 || m > 59 || total > 24*60 {
		return 0, fmt.Errorf("%q is not a time like 09:30", clock)
	}
	return total, nil
}

func (c Campaign) validateDispositions(p *problems) {
	codes, digits := map[string]bool{}, map[string]bool{}
	for i, d := range c.Dispositions {
		field := at("dispositions", i)
		if !codeForm.MatchString(d.Code) || codes[d.Code] {
			p.add(field+".code", "%q is not a short name or used twice", d.Code)
		}
		codes[d.Code] = true
		if d.Digit != "" {
			if len(d.Digit) != 1 || !strings.Contains("0123456789", d.Digit) || digits[d.Digit] {
				p.add(field+".digit", "%q is not one digit or used twice", d.Digit)
			}
			digits[d.Digit] = true
		}
		c.validateEffect(p, field+".effect", d.Effect)
	}
	if _, known := c.Disposition(c.Wrap.Default); c.Wrap.Default != "" && !known {
		p.add("wrap.default", "%q is not a disposition", c.Wrap.Default)
	}
}

func (c Campaign) validateEffect(p *problems, field string, e Effect) {
	if !slices.Contains([]Stage{"", StageClean, StageAcquire, StageRetain}, e.Stage) {
		p.add(field+".stage", "%q is not a stage", e.Stage)
	}
	if !slices.Contains([]Temperature{"", Hot, Warm, Cold}, e.Temperature) {
		p.add(field+".temperature", "%q is none of hot, warm, cold", e.Temperature)
	}
	if e.Progress < 0 || e.Progress > 100 {
		p.add(field+".progress", "%d is outside 0 to 100", e.Progress)
	}
	grades := []struct {
		name  string
		value *int
	}{{"cp", e.CP}, {"pi", e.PI}, {"level", e.Level}}
	for _, g := range grades {
		if g.value != nil && (*g.value < 0 || *g.value > 5) {
			p.add(field+"."+g.name, "%d is outside 0 to 5", *g.value)
		}
	}
	if e.RetryAfter < 0 {
		p.add(field+".retry_after", "%v is below 0", e.RetryAfter)
	}
	if e.MoveTo != "" && (!ValidID(string(e.MoveTo)) || e.MoveTo == c.ID) {
		p.add(field+".move_to", "%q is not another campaign", e.MoveTo)
	}
}

func at(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
