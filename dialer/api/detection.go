package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/calibration"
)

// DetectionReport says how good the answer detector is on the calls of a campaign.
type DetectionReport func(c campaigns.CampaignID) calibration.Report

type detectionIn struct {
	ID campaigns.CampaignID `path:"id" maxLength:"64"`
}

func (s *Server) routeDetection(api huma.API) {
	register(s, api, campaigns.RightCampaigns, huma.Operation{
		OperationID: "detection", Method: http.MethodGet, Path: "/api/v1/campaigns/{id}/detection", Tags: []string{"campaigns"},
		Summary: "How good the answer detector is on the calls of the last 30 days at this node: reliability, confusion, people lost, drift, prices",
	}, func(ctx context.Context, by caller, in *detectionIn) (*body[calibration.Report], error) {
		if s.detection == nil {
			return nil, huma.Error501NotImplemented("this product does not measure its detector")
		}
		if _, err := s.campaign(ctx, by, in.ID); err != nil {
			return nil, err
		}
		return answer(s.detection(in.ID), nil)
	})
}
