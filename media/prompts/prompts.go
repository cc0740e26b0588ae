// Package prompts holds the spoken messages that come with the product, as
// µ-law WAV (8 kHz mono). make.sh beside it makes them with espeak-ng and sox
// and holds their texts. It does not play them: package wav does.
//
// Files are named after the prompts of package media, with ".wav".
package prompts

import "embed"

// FS has one file per prompt name of package media: "goodbye.wav" and so on.
//
//go:embed *.wav
var FS embed.FS
