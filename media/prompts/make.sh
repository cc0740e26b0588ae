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
say wait      "Thank you for calling. Please wait for an operator."
say call-back "We are sorry. Nobody is free now. We will call you back. Goodbye."
say sorry     "We are sorry. Nobody is free now. Please try later. Goodbye."
say wrong-pin "That PIN is wrong. Please try again."

# 200 ms of 1000 Hz, with 5 ms slopes so that it does not click.
sox -D -n -r 8000 -c 1 -e mu-law -b 8 beep.wav synth 0.2 sine 1000 fade t 0.005 0.2 0.005 vol -10dB

# 12 s that are looped: four broken chords on a plucked string, soft, each let
# die away so that the last ends where the first begins.
chord() {
	sox -D -n -r 8000 -c 1 "$work/$1.wav" \
		synth 3 pluck "$2" pluck "$3" pluck "$4" pluck "$5" delay 0 0.4 0.8 1.2 remix - trim 0 3 fade t 0.005 3 0.6
}
chord c1 C3 E3 G3 C4
chord c2 A2 C3 E3 A3
chord c3 F2 A2 C3 F3
chord c4 G2 B2 D3 G3
sox -D "$work/c1.wav" "$work/c2.wav" "$work/c3.wav" "$work/c4.wav" -r 8000 -c 1 -e mu-law -b 8 hold-music.wav \
	highpass 100 lowpass 3400 norm -12

# Ringback of the precise tone plan: 440 and 480 Hz, 2 s in 6 s. It is looped.
sox -D -n -r 8000 -c 1 -e mu-law -b 8 ringback.wav synth 2 sine 440 sine 480 remix - fade t 0.005 2 0.005 norm -16 pad 0 4
