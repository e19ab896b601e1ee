// Which part of an image becomes a sample, and in what size.
#pragma once
#include "keyed_random.h"
#include "options.h"
#include "resize.h"
#include "row_reader.h"

namespace trainhost::images {

struct Geometry {
  AxisPlan vertical, horizontal;
  bool is_flipped = false;
};

/// Draws what the options leave to chance. The same options, size and key give the same answer on every machine.
Geometry plan_geometry(const ImageOptions& options, const ImageSize& size, uint64_t random_key);

}  // namespace trainhost::images
