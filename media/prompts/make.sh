#!/bin/sh
# Makes the prompts again: µ-law WAV, 8 kHz, mono. Needs espeak-ng and sox.
# The voice is espeak-ng's own formant synthesis, so the messages carry no
# recording of anyone.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# say NAME TEXT: band-limited to the telephone's 300-3400 Hz, peak at -4 dBFS.
say() {
	espeak-ng -v en-us+f3 -s 155 -g 2 -w "$work/$1.wav" "$2"
	sox -D "$work/$1.wav" -r 8000 -c 1 -e mu-law -b 8 "$1.wav" \
		highpass 250 lowpass 3400 norm -4 pad 0.05 0.1
}

say safe-harbor "This is a call for telemarketing purposes from Outpace demonstration. \
We are sorry that no one could take your call. \
To be removed from our list press 9, or call us back at the number on your display."
say goodbye   "Thank you. Goodbye."
say recorded  "This call is recorded."
say ready     "You are ready."
say paused    "You are paused."
say wrap      "Enter the disposition."
say wrong-pin "That PIN is wrong. Please try again."

# 200 ms of 1000 Hz, with 5 ms slopes so that it does not click.
sox -D -n -r 8000 -c 1 -e mu-law -b 8 beep.wav synth 0.2 sine 1000 fade t 0.005 0.2 0.005 vol -10dB
