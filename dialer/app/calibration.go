package app

import (
	"cmp"
	"fmt"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/calibration"
	"github.com/outpace-dialer/outpace/dialer/metrics"
)

// calibrated is what the calls of this node tell of the answer detector.
type calibrated struct {
	*calibration.Collector
	book    *calibration.Book
	journal *calibration.Journal
}

// keepSamples is how long samples of the detector are kept, where attempts are not deleted
// sooner: long enough to learn from.
const keepSamples = 90 * 24 * time.Hour

func samplesDir(cfg config.Config) string { return filepath.Join(cfg.DataDir, "detection") }

func openCalibration(cfg config.Config, log *zap.Logger) (*calibrated, error) {
	keep := keepSamples
	if cfg.Retention.Attempts > 0 {
		keep = min(keep, cfg.Retention.Attempts)
	}
	book, err := readBook(cfg, time.Now())
	if err != nil {
		return nil, err
	}
	c := &calibrated{book: book, journal: calibration.NewJournal(samplesDir(cfg), keep)}
	c.Collector = calibration.NewCollector(func(s calibration.Sample) {
		c.journal.Take(s)
		if what := book.Add(s); what != "" {
			log.Warn("answer detection is not what it was", zap.String("campaign", s.Campaign), zap.String("trunk", s.Trunk), zap.String("changed", what))
		}
	})
	return c, nil
}

// readBook counts what the journal has of the last days.
func readBook(cfg config.Config, now time.Time) (*calibration.Book, error) {
	book := calibration.NewBook(cmp.Or(cfg.Engine.DetectorLoss, dialer.DefaultDetectorLoss))
	err := calibration.Read(samplesDir(cfg), now.Add(-calibration.Reach), func(s calibration.Sample) { book.Add(s) })
	return book, err
}

// loss is dialer.Deps.DetectorLoss.
func (c *calibrated) loss(id campaigns.CampaignID) float64 {
	return c.book.Loss(string(id), time.Now()).Share
}

func (c *calibrated) report(id campaigns.CampaignID) calibration.Report {
	return c.book.Report(string(id), time.Now())
}

// samples are the series of the detector.
func (c *calibrated) samples(now time.Time) []metrics.Sample {
	all := []metrics.Sample{counter("detect_samples_dropped_total", "Calls that were not written down for calibration.", c.journal.Lost())}
	for _, id := range c.book.Campaigns() {
		r := c.book.Report(id, now)
		of := []string{"campaign", id}
		all = append(all,
			gauge("detect_people_lost_ratio", "Share of live people whom the detector loses, as pacing reckons with it.", r.Loss.Share, of...),
			gauge("detect_people_lost_low_ratio", "Lower end of the 95 % interval of that share, by the checked calls alone.", r.Loss.Low, of...),
			gauge("detect_people_lost_high_ratio", "Upper end of the 95 % interval of that share, by the checked calls alone.", r.Loss.High, of...),
			gauge("detect_people_checked", "People among the checked calls of the last 30 days.", float64(r.Loss.People), of...),
			gauge("detect_people_suspected", "Calls held to be machines that hung up before a beep, in the last 30 days.", float64(r.Loss.Suspected), of...),
			gauge("detect_odds_offset", "Log odds of a person that the detector is too low by.", r.Prices.Offset, of...),
		)
		for _, t := range r.Trunks {
			all = append(all, gauge("detect_drift_alarm", "1 for a week after verdicts began to come otherwise than before.", truth(!t.Alarm.IsZero()), "campaign", id, "trunk", t.Trunk))
		}
	}
	return all
}

// DetectionReport is how good the detector was on the calls of a campaign at this node,
// from what a product that runs or ran has written down.
func DetectionReport(cfg config.Config, id campaigns.CampaignID, now time.Time) (calibration.Report, error) {
	book, err := readBook(cfg, now)
	if err != nil {
		return calibration.Report{}, err
	}
	r := book.Report(string(id), now)
	if r.Calls == 0 {
		return r, fmt.Errorf("no answered call of campaign %q with detection in the last %d days at this node", id, r.Days)
	}
	return r, nil
}
