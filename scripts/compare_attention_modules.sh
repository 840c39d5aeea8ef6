#!/usr/bin/env bash
# Trains a small captioner with each kind of attention from words to patches, all else alike, and puts the table into
# docs/attention_modules.md; the pictures there are WORK/maps.
#
#   scripts/compare_attention_modules.sh DATA WORK
#
# DATA is Flickr8k: captions.tsv and images/. WORK takes the photos' features (1.8 GB, computed once) and the runs; given
# again, the command goes on where it was stopped. The photo encoder is that of the shipped model. KINDS="dot tanh" chooses;
# ATTEND=PROGRAM is run instead of what ./run builds; THREADS is 2 unless set. Models are chosen by their captions of the val
# photographs; the test photographs are looked at once, at the end.
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 1; }
data="$(realpath "$1")" work="$(realpath -m "$2")"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
kinds="${KINDS:-multihead additive general tanh dot}" threads="${THREADS:-2}"
attend() { if [ -n "${ATTEND:-}" ]; then "$ATTEND" "$@"; else "$root/run" "$@"; fi; }

for kind in $kinds; do
  [ "$kind" = multihead ] && choice=() || choice=(--attention "$kind")  # the default
  attend train --data "$data" --encoder "$root/models/attend.safetensors" --input-side 224 --cache "$work/features" \
    --run "$work/$kind" --out "$work/$kind.safetensors" --width 128 --heads 4 --hidden 256 --encoder-layers 1 --layers 2 \
    --min-count 5 --epochs 5 --batch 32 --lr 1e-3 --last-lr 2e-5 --warmup 150 --clip 1.0 --dropout 0.1 --embedding-dropout 0.1 \
    --patience 0 --threads "$threads" "${choice[@]}"
done
for kind in $kinds; do
  [ -f "$work/$kind.json" ] ||
    { attend eval --data "$data" --model "$work/$kind.safetensors" --threads "$threads" --json >"$work/$kind.json.new" &&
      mv "$work/$kind.json.new" "$work/$kind.json"; }
  attend caption "$root/examples/photos/moose.jpg" --model "$work/$kind.safetensors" --maps "$work/maps/$kind"
done
python3 "$root/scripts/tabulate_attention_modules.py" "$work" $kinds
