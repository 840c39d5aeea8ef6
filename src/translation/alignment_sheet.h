// A picture of where each word of a translation came from.
#ifndef ATTEND_TRANSLATION_ALIGNMENT_SHEET_H_
#define ATTEND_TRANSLATION_ALIGNMENT_SHEET_H_

#include <string>

#include "attend/status.h"
#include "translation/translator.h"
#include "vision/photo.h"

namespace attend {

/// A grid: a row for each word of the translation with the word before it, a column for each word of the
/// source, and one for its end, with the word above, read upwards. A cell is the lighter the more of the
/// attention it had, all on one scale whose lightest is the largest weight. Without any font on the machine
/// the words are left out. Errors: kInvalidArgument for a translation without words or attention.
Result<Photo> alignment_sheet(const Translation& translation);

/// The same, written as PNG or JPEG by the name. Errors: also those of write_image().
Status write_alignment_sheet(const std::string& path, const Translation& translation);

}  // namespace attend

#endif  // ATTEND_TRANSLATION_ALIGNMENT_SHEET_H_
