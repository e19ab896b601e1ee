// The fields that an author says a model is built for, out of a TOML file.
#pragma once
#include <string>

#include "conformance/conformance.h"

namespace trainhost {

/// A list of [[field]] tables with the words of trainhost_field: name, dtype, shape, and role, max_shape, num_classes, pad_value where they differ from
/// what is usual. Throws Error(kConfig) that names the file, the field and the key.
conformance::FieldSet load_fields(const std::string& file);

}  // namespace trainhost
