// One picture that shows a caption with its maps: the photo, then a tile for every word.
#ifndef ATTEND_CAPTIONER_CONTACT_SHEET_H_
#define ATTEND_CAPTIONER_CONTACT_SHEET_H_

#include <string>

#include "attend/captioner.h"
#include "attend/status.h"
#include "vision/photo.h"

namespace attend {

struct ContactSheetOptions {
  int tile_side = 320;  // pixels of a tile's longer side, from 16 to 2048
};

/// The photo, then for each word the photo with its map and the word below, in the photo's own proportions,
/// all maps on one colour scale, and dark where the model does not see (Caption::area). A word whose map is
/// diffuse is told so and drawn dark: there is no place to point at. Without any font on the machine the
/// words are left out. Errors: kInvalidArgument for a caption without attention, a photo without pixels or a
/// tile side out of range.
Result<Photo> contact_sheet(const Photo& photo, const Caption& caption,
                            const ContactSheetOptions& options = {});

/// The same, written as PNG or JPEG by the name. Errors: also those of write_image().
Status write_contact_sheet(const std::string& path, const Photo& photo, const Caption& caption,
                           const ContactSheetOptions& options = {});

}  // namespace attend

#endif  // ATTEND_CAPTIONER_CONTACT_SHEET_H_
