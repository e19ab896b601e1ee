// One object of a bucket, as it was when the run began.
#pragma once
#include <string>

#include "s3/reader.h"

namespace trainhost::remote {

struct Object {
  std::string uri, bucket, key;
  s3::ObjectFacts facts;
};

}  // namespace trainhost::remote
