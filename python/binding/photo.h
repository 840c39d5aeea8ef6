// Arrays of pixels as photos.
#ifndef ATTEND_PYTHON_BINDING_PHOTO_H_
#define ATTEND_PYTHON_BINDING_PHOTO_H_

#include <nanobind/nanobind.h>

#include "vision/photo.h"

namespace attend::python {

/// A copy of an array [height, width, 3] of uint8, any strides. TypeError for another type, ValueError for
/// another shape and for more pixels than load_photo() takes.
Photo photo_of(const nanobind::object& image);

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_PHOTO_H_
