#!/usr/bin/env bash
# Trains the model that attend ships, models/attend.safetensors: words first, then rewards three times, whose mean it is.
#
#   scripts/train_shipped_model.sh DATA ENCODER WORK
#
# DATA has the folders flickr8k and coco (captions.tsv and images/ in each). ENCODER is what
# scripts/convert_efficientnet.py makes of lite2 with --half. WORK takes the features (28 GB) and the runs; given
# again, the command goes on where it was stopped; with ATTEND_SCORES set, it writes them into the finished model. Some
# three hours on two cores with bfloat16 instructions.
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 1; }
data="$(realpath "$1")" encoder="$(realpath "$2")" work="$(realpath -m "$3")"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

train() {  # train RUN OPTIONS...
  "$root/run" train --data "$data/flickr8k" --data "$data/coco" --encoder "$encoder" --input-side 320 \
    --cache "$work/features" --run "$work/$1" --batch 32 --clip 1.0 --dropout 0.25 --feature-dropout 0.2 \
    --weight-decay 0.05 --patience 0 --precision bfloat16 "${@:2}"
}

rewards() {  # rewards RUN START NOISE OPTIONS...
  train "$1" --crops 4 --self-critical --samples-from beam --start "$work/$2" --channel-dropout "$3" --patch-dropout "$3" \
    --last-lr 3e-6 --warmup 20 "${@:4}"
}

train words --crops 2 --epochs 12 --lr 5e-4
rewards rewards-1 words/final.safetensors 0.2 --epochs 5 --lr 2e-5
rewards rewards-2 words/final.safetensors 0.3 --epochs 5 --lr 4e-5 --seed 2
# Of the third, the parameters after two of its four epochs.
rewards rewards-3 rewards-1/final.safetensors 0.25 --epochs 4 --lr 3e-5 --seed 3 --average 5
train mean --crops 4 --epochs 0 --start "$work/rewards-1/final.safetensors" --start "$work/rewards-2/final.safetensors" \
  --start "$work/rewards-3/epochs/2.safetensors" --out "$work/attend.safetensors" \
  --note "licence=non-commercial research and education, as the training photographs' terms are; encoder weights Apache-2.0" \
  --note "training data=Flickr8k train split (6,000 photographs, 30,000 captions; Hodosh, Young and Hockenmaier 2013) and 5,088 COCO photographs (23,648 captions; Chen et al. 2015)" \
  --note "training=cross-entropy, then the mean of three self-critical runs: scripts/train_shipped_model.sh" \
  ${ATTEND_SCORES:+--note "scores=$ATTEND_SCORES"}
echo "$work/attend.safetensors"
