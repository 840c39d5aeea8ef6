#!/usr/bin/env bash
# Trains the translation model that attend ships, models/attend-en-de.safetensors.
#
#   scripts/train_translation_model.sh DATA WORK
#
# DATA is Multi30k: train.en, train.de, val.en and val.de, a sentence a line. WORK takes the run; given again, the command goes
# on where it was stopped. With ATTEND_SCORES set, it writes them into the finished model. Some eight minutes on sixteen
# cores with AVX-512, three quarters of an hour on two with AVX2.
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 1; }
data="$(realpath "$1")" work="$(realpath -m "$2")"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

"$root/run" train-translate --data "$data" --source en --target de --run "$work/en-de" --out "$work/attend-en-de.safetensors" \
  --pieces 6000 --epochs 29 --warmup 1000 --clip 1 --patience 0 --average 7 \
  --note "licence=non-commercial research and education, as the training sentences' terms are" \
  --note "training data=Multi30k, English to German, train split: 29,000 pairs of sentences (Elliott, Frank, Sima'an and Specia 2016)" \
  --note "training=scripts/train_translation_model.sh" \
  ${ATTEND_SCORES:+--note "scores=$ATTEND_SCORES"}
echo "$work/attend-en-de.safetensors"
